"""What calibration gains: error against the number of points, on frames at other points, with intervals over people."""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.svm import SVR

from xgaze.calibration.maps import ON_OUTPUTS, Scale, fit_weights, terms
from xgaze.calibration.plane import IN_PX, Plane
from xgaze.calibration.points import Draws
from xgaze.evaluation.intervals.participants import ERRORS, Interval, difference_percent, mean_interval

STRENGTHS = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, np.inf)
COSTS = (0.01, 0.1, 1.0)
"""Of a support vector regression: how far a map may bend towards one frame, in steps (of 100 px)."""
UNTOUCHED = 1e-3
"""What such a map leaves as it is, in steps."""
DIRECTIONS = 6


@dataclass(frozen=True, eq=False)
class Seen:
    """What a model says of people: predictions (n, numbers) as places of `plane`, numbers of its head (n, width), and the
    drawings of their points; with the truth, targets (n, numbers)."""

    predictions: NDArray[np.float64]
    head: NDArray[np.float64]
    targets: NDArray[np.float64]
    draws: Draws
    plane: Plane = IN_PX

    @property
    def residuals(self) -> NDArray[np.float64]:
        return self.plane.residuals(self.targets, self.predictions)

    def errors(self, moved: NDArray[np.float64] | float = 0.0) -> NDArray[np.float64]:
        """Of every line's tested frames (lines, width), moved by (lines, width, numbers)."""
        return self.plane.errors(self.targets[self.draws.tested], self.predictions[self.draws.tested] + moved)

    def read(self, how: str, directions: PCA | None) -> NDArray[np.float64]:
        """What a map reads: (n, d). directions: of the head, for maps that read it."""
        if how in ON_OUTPUTS:
            return self.predictions
        assert directions is not None
        read: NDArray[np.float64] = directions.transform(self.head)
        return read


@dataclass(frozen=True, eq=False)
class Calibrated:
    """Errors in `unit` of the tested frames before and after (m,), each with its person; strength: what was chosen on others."""

    how: str
    points: int
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    people: NDArray[np.str_]
    strength: tuple[float, ...]
    unit: str = "px"

    def figures(self) -> dict[str, Any]:
        """Errors and gain with intervals over people; gain_percent: how much smaller the error is."""
        gain = difference_percent(self.after, self.before, self.people)
        turned = Interval(-gain.mean, *(None if end is None else -end for end in (gain.high, gain.low)))
        helped = self._by_person(self.after) < self._by_person(self.before)
        return {
            "how": self.how,
            "points": self.points,
            "unit": self.unit,
            "before": mean_interval(self.before, self.people, within=ERRORS),
            "after": mean_interval(self.after, self.people, within=ERRORS),
            "gain_percent": turned,
            "people": len(helped),
            "people_helped": int(helped.sum()),
        }

    def _by_person(self, errors: NDArray[np.float64]) -> NDArray[np.float64]:
        _, person = np.unique(self.people, return_inverse=True)
        means: NDArray[np.float64] = np.bincount(person, errors) / np.bincount(person)
        return means


def head_directions(head: NDArray[np.float64]) -> PCA:
    """The few leading directions of what the head's last layer reads (n, width), over people who are not calibrated."""
    return PCA(min(DIRECTIONS, *head.shape), svd_solver="full").fit(head)


def chosen_strength(how: str, points: int, others: Seen, directions: PCA | None, scale: Scale) -> tuple[float, ...]:
    """How strongly maps are drawn to no change, so that the mean error of these people is least with so many points."""
    grid: list[tuple[float, ...]] = list(product(*([COSTS] if how == "svr" else [STRENGTHS] * 2)))
    scores = [_mean_error(_after(how, points, others, directions, scale, one), others) for one in grid]
    return grid[int(np.argmin(scores))]


def calibrate_people(how: str, points: int, tested: Seen, others: Seen, directions: PCA) -> Calibrated:
    """Each person of `tested` by `points` of their points; how strongly is chosen on `others`, drawn alike."""
    scale = Scale.of(others.read(how, directions))
    chosen = chosen_strength(how, points, others, directions, scale)
    after = _after(how, points, tested, directions, scale, chosen)
    kept = tested.draws.tested >= 0
    people = np.repeat(tested.draws.people[:, None], kept.shape[1], axis=1)
    return Calibrated(how, points, tested.errors()[kept], after[kept], people[kept], chosen, tested.plane.unit)


def _mean_error(errors: NDArray[np.float64], of: Seen) -> float:
    """Lines count the same, as people do."""
    kept = of.draws.tested >= 0
    return float((np.where(kept, errors, 0.0).sum(axis=1) / kept.sum(axis=1)).mean())


def _after(
    how: str, points: int, of: Seen, directions: PCA | None, scale: Scale, strength: tuple[float, ...]
) -> NDArray[np.float64]:
    """Errors of every line's tested frames once calibrated: (lines, width)."""
    return of.errors(corrections(how, points, of, directions, scale, strength))


def corrections(
    how: str, points: int, of: Seen, directions: PCA | None, scale: Scale, strength: tuple[float, ...]
) -> NDArray[np.float64]:
    """What every line's map, fitted on its first `points` frames, adds to what is said of its tested ones: (lines, width,
    numbers)."""
    calibrating, tested = of.draws.calibrating[:, :points], of.draws.tested
    if how == "svr":
        return _support_vectors(of, directions, scale, calibrating, strength[0])
    every = terms(how, of.read(how, directions), scale)
    moved: NDArray[np.float64] = every[tested] @ fit_weights(every[calibrating], of.residuals[calibrating], strength)
    return moved


def _support_vectors(
    of: Seen, directions: PCA | None, scale: Scale, calibrating: NDArray[np.int64], cost: float
) -> NDArray[np.float64]:
    """Corrections (lines, width, numbers) by one regression per line and coordinate (GazeCapture, Krafka 2016)."""
    read, step, residuals = (of.read("svr", directions) - scale.mean) / scale.spread, of.plane.step, of.residuals
    moved = np.zeros((*of.draws.tested.shape, of.plane.numbers))
    for line, (own, tested) in enumerate(zip(calibrating, of.draws.tested, strict=True)):
        for axis in range(of.plane.numbers):
            how = SVR(C=cost * step, epsilon=UNTOUCHED * step, gamma=1 / read.shape[1])
            fitted = how.fit(read[own], residuals[own, axis])
            moved[line, :, axis] = fitted.predict(read[tested])
    return moved
