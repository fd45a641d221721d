"""Maps that make a model's gaze points right for one person, drawn towards leaving them as they are.

A map adds W' t to a prediction, where t are terms of what it reads: the prediction itself (affine, poly2) or a few directions of
the head (ridge; a support vector regression of these stands in `gain`). W is the ridge solution over the person's calibration
frames; its two strengths, of the offset and of everything else, are chosen on other people. So one point is enough for an offset,
and no number of them is too few.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.artifacts import WEIGHTS_FILE, file_hash, read_json
from xgaze.data.contract import Recording
from xgaze.errors import InputError

REMEDY = "`xgaze calibrate --person`"
HOWS = ("affine", "poly2", "ridge", "svr")
ON_OUTPUTS = {"affine": 3, "poly2": 6}
"""Maps that read the prediction alone, with their number of terms."""


@dataclass(frozen=True, eq=False)
class Scale:
    """Mean and standard deviation (d,) of what a map reads, over people who are not calibrated."""

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]

    @classmethod
    def of(cls, read: NDArray[np.float64]) -> "Scale":
        """read: (n, d); what never changes is not scaled."""
        spread = read.std(axis=0)
        return cls(read.mean(axis=0), np.where(spread > 0, spread, 1.0))


def terms(how: str, read: NDArray[np.float64], scale: Scale) -> NDArray[np.float64]:
    """(..., d) -> (..., terms): one, the standardised numbers, and for poly2 their squares and product."""
    x = (read - scale.mean) / scale.spread
    parts = [np.ones((*x.shape[:-1], 1)), x]
    if how == "poly2":
        first, second = x[..., :1], x[..., 1:]
        parts += [first**2 - 1, first * second, second**2 - 1]
    return np.concatenate(parts, axis=-1)


def fit_weights(
    own_terms: NDArray[np.float64], residuals_px: NDArray[np.float64], strength: tuple[float, ...]
) -> NDArray[np.float64]:
    """W (..., terms, 2) of least |residuals - terms W|^2 + strength |W|^2. own_terms: (..., k, terms); residuals_px: truth minus
    prediction, (..., k, 2). strength: of the offset and of all other terms; 0 is least squares, infinity leaves them out."""
    penalty = np.full(own_terms.shape[-1], strength[1])
    penalty[0] = strength[0]
    kept = np.isfinite(penalty)
    weights = np.zeros((*own_terms.shape[:-2], own_terms.shape[-1], residuals_px.shape[-1]))
    if kept.any():
        used = own_terms[..., kept]
        across = np.swapaxes(used, -1, -2)
        # pinv: without a penalty, k points leave some of the terms open, which then are the smallest.
        inverse = np.linalg.pinv(across @ used + np.diag(penalty[kept]), hermitian=True)
        weights[..., kept, :] = inverse @ (across @ residuals_px)
    return weights


@dataclass(frozen=True, eq=False)
class PersonalMap:
    """One person's, as stored: (terms, 2) numbers, and what turns a model's outputs into terms."""

    how: str
    participant: str
    points: int
    scale: Scale
    weights: NDArray[np.float64]
    model: str
    """Hash of the weights that it was fitted on: for any other model it is wrong."""

    def __call__(self, predictions_px: NDArray[Any]) -> NDArray[np.float64]:
        """Calibrated gaze points of predictions (n, 2)."""
        read = np.asarray(predictions_px, np.float64)
        moved: NDArray[np.float64] = read + terms(self.how, read, self.scale) @ self.weights
        return moved

    def to_json(self) -> dict[str, Any]:
        return {
            "how": self.how,
            "participant": self.participant,
            "points": self.points,
            "mean_px": self.scale.mean.tolist(),
            "spread_px": self.scale.spread.tolist(),
            "weights_px": self.weights.tolist(),
            "model": self.model,
        }

    @classmethod
    def from_json(cls, stored: Any, file: str) -> "PersonalMap":
        """Raises InputError for what is no such map."""
        try:
            how, numbers = str(stored["how"]), [stored[key] for key in ("mean_px", "spread_px", "weights_px")]
            mean, spread, weights = (np.asarray(one, np.float64) for one in numbers)
            whole = cls(
                how, str(stored["participant"]), int(stored["points"]), Scale(mean, spread), weights, stored["model"]
            )
        except (KeyError, TypeError, ValueError, OverflowError):
            whole = None
        if whole is None or how not in ON_OUTPUTS or not _sound(whole):
            raise InputError(f"{file}: no calibration that xgaze wrote; make it again with {REMEDY}.")
        return whole


def _sound(one: PersonalMap) -> bool:
    shapes = one.scale.mean.shape == one.scale.spread.shape == (2,) and one.weights.shape == (ON_OUTPUTS[one.how], 2)
    finite = all(np.isfinite(x).all() for x in (one.scale.mean, one.scale.spread, one.weights))
    return shapes and finite and isinstance(one.model, str) and bool((one.scale.spread > 0).all())


def read_personal_map(file: Path, model: Path) -> PersonalMap:
    """A map out of its file, for the model in the folder `model`. Raises InputError for another model's."""
    if not file.is_file():
        raise InputError(f"{file}: no such file of a person's calibration; make one with {REMEDY}.")
    found = PersonalMap.from_json(read_json(file), str(file))
    if not (model / WEIGHTS_FILE).is_file() or found.model != file_hash(model / WEIGHTS_FILE):
        raise InputError(f"{file}: was fitted to another model than {model}; make it again with {REMEDY}.")
    return found


def require_one_person(recording: Recording, path: Path) -> str:
    """Their name. Raises InputError for a recording of several people."""
    names = sorted(set(recording.table["group"].astype(str)))
    if len(names) != 1:
        raise InputError(f"{path}: holds {len(names)} participants; a calibration is of one.")
    return names[0]
