"""Linear probes: how well does a ridge regression read something from an embedding, on people it was not fitted on?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from xgaze.errors import InputError

FOLDS = 4
ALPHAS = np.logspace(-1, 3, 5)
FEWEST = 10


@dataclass(frozen=True)
class ProbeTarget:
    """What is to be read: values (n, points, axes) in `unit`, such as 4 pupil centres of x and y; known (n, points) says which
    points there is a truth for (a glint behind the lid has none)."""

    what: str
    unit: str
    values: NDArray[np.float64]
    known: NDArray[np.bool_]

    def at(self, rows: NDArray[np.int64]) -> "ProbeTarget":
        return ProbeTarget(self.what, self.unit, self.values[rows], self.known[rows])


@dataclass(frozen=True)
class ProbeScore:
    """r2: of the variance among the scored samples, averaged over points and axes; 0 is what their mean gives. errors (n,): mean
    Euclidean distance over a sample's known points, in the target's unit; NaN where no point is known."""

    r2: float
    errors: NDArray[np.float64]


def whole_target(what: str, unit: str, values: NDArray[Any]) -> ProbeTarget:
    """A target of one point (n, axes) that is known for all samples."""
    points = np.asarray(values, np.float64)[:, None, :]
    return ProbeTarget(what, unit, points, np.ones(points.shape[:2], bool))


def probe(
    codes: NDArray[Any],
    target: ProbeTarget,
    participants: NDArray[np.str_] | Sequence[str],
    test_codes: NDArray[Any],
    test_target: ProbeTarget,
) -> ProbeScore | None:
    """Fit on `codes` (n, width) of training participants, score on `test_codes` (m, width) of others. The penalty is chosen
    among training participants, held out whole. None where too few samples know the truth. Raises InputError for fewer than
    two training participants."""
    people = np.asarray(participants, str)
    if len(np.unique(people)) < 2:
        raise InputError("a probe needs at least two training participants: one to fit, one to choose its penalty.")
    r2, errors = [], np.full(test_target.known.shape, np.nan)
    for k in range(target.known.shape[1]):
        fit, held = target.known[:, k], test_target.known[:, k]
        if min(fit.sum(), held.sum()) < FEWEST or len(np.unique(people[fit])) < 2:
            continue
        model = fit_ridge(codes[fit], target.values[fit, k], people[fit])
        truth = test_target.values[held, k]
        predicted = model.predict(test_codes[held]).reshape(truth.shape)
        r2.append(float(r2_score(truth, predicted)))
        errors[held, k] = np.linalg.norm(predicted - truth, axis=1)
    return ProbeScore(float(np.mean(r2)), _mean_of_known(errors)) if r2 else None


def fit_ridge(codes: NDArray[Any], values: NDArray[Any], participants: NDArray[np.str_]) -> Any:
    """Ridge regression of `values` (n, axes) on standardised codes, its penalty by cross-validation over participants."""
    folds = GroupKFold(min(FOLDS, len(np.unique(participants))))
    pipeline = make_pipeline(StandardScaler(), Ridge())
    search = GridSearchCV(pipeline, {"ridge__alpha": ALPHAS}, cv=folds)
    return search.fit(np.asarray(codes, np.float64), values, groups=participants).best_estimator_


def _mean_of_known(errors: NDArray[np.float64]) -> NDArray[np.float64]:
    count = (~np.isnan(errors)).sum(axis=1)
    total = np.nansum(errors, axis=1)
    out: NDArray[np.float64] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return out
