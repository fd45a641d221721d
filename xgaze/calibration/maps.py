"""Maps that make what a model says right for one person, drawn towards leaving them as they are.

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
from xgaze.calibration.plane import IN_PX, KINDS, Plane
from xgaze.data.contract import Recording, Spec
from xgaze.errors import InputError
from xgaze.geometry.gaze_field import FORWARD
from xgaze.units import fits

REMEDY = "`xgaze calibrate --person`"
HOWS = ("affine", "poly2", "ridge", "svr")
ON_OUTPUTS = ("affine", "poly2")
"""Maps that read the prediction alone."""


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
        several = range(x.shape[-1])
        parts += [x[..., [j]] * x[..., [k]] - (j == k) for j in several for k in several if j <= k]
    return np.concatenate(parts, axis=-1)


def fit_weights(
    own_terms: NDArray[np.float64], residuals: NDArray[np.float64], strength: tuple[float, ...]
) -> NDArray[np.float64]:
    """W (..., terms, 2) of least |residuals - terms W|^2 + strength |W|^2. own_terms: (..., k, terms); residuals: truth minus
    prediction, (..., k, 2). strength: of the offset and of all other terms; 0 is least squares, infinity leaves them out."""
    penalty = np.full(own_terms.shape[-1], strength[1])
    penalty[0] = strength[0]
    kept = np.isfinite(penalty)
    weights = np.zeros((*own_terms.shape[:-2], own_terms.shape[-1], residuals.shape[-1]))
    if kept.any():
        used = own_terms[..., kept]
        across = np.swapaxes(used, -1, -2)
        # pinv: without a penalty, k points leave some of the terms open, which then are the smallest.
        inverse = np.linalg.pinv(across @ used + np.diag(penalty[kept]), hermitian=True)
        weights[..., kept, :] = inverse @ (across @ residuals)
    return weights


@dataclass(frozen=True, eq=False)
class PersonalMap:
    """One person's, as stored: (terms, numbers of the plane), and what turns a model's outputs into terms."""

    how: str
    participant: str
    points: int
    scale: Scale
    weights: NDArray[np.float64]
    model: str
    """Hash of the weights that it was fitted on: for any other model it is wrong."""
    plane: Plane = IN_PX

    def __call__(self, predictions: NDArray[Any]) -> NDArray[np.float64]:
        """Calibrated outputs of a model's (n, outputs), in its unit."""
        read = self.plane.placed(predictions)
        return self.plane.outputs(read + terms(self.how, read, self.scale) @ self.weights)

    def to_json(self) -> dict[str, Any]:
        parts = self.scale.mean, self.scale.spread, self.weights
        return {
            "how": self.how,
            "participant": self.participant,
            "points": self.points,
            "of": {"kind": self.plane.kind, "unit": self.plane.stored, "forward": self.plane.forward},
            **dict(zip(_keys(self.plane), (one.tolist() for one in parts), strict=True)),
            "model": self.model,
        }

    @classmethod
    def from_json(cls, stored: Any, file: str) -> "PersonalMap":
        """Raises InputError for what is no such map."""
        try:
            how, plane = str(stored["how"]), _plane(stored.get("of", {"kind": "gaze", "unit": "px", "forward": "+z"}))
            mean, spread, weights = (np.asarray(stored[key], np.float64) for key in _keys(plane))
            person, points = str(stored["participant"]), int(stored["points"])
            whole = cls(how, person, points, Scale(mean, spread), weights, stored["model"], plane)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
            whole = None
        if whole is None or how not in ON_OUTPUTS or not _sound(whole):
            raise InputError(f"{file}: no calibration that xgaze wrote; make it again with {REMEDY}.")
        return whole


def _keys(plane: Plane) -> tuple[str, ...]:
    """What the numbers of a map are called in its file: they bear its unit."""
    return tuple(f"{name}_{plane.unit}".rstrip("_") for name in ("mean", "spread", "weights"))


def _plane(stored: Any) -> Plane:
    """Raises KeyError, TypeError or ValueError for what is none."""
    kind, unit, forward = stored["kind"], stored["unit"], stored["forward"]
    if kind not in KINDS or not isinstance(unit, str) or not fits(kind, unit) or forward not in FORWARD:
        raise ValueError("no such target")
    return Plane(kind, unit, forward)


def _sound(one: PersonalMap) -> bool:
    many = one.plane.numbers
    width = terms(one.how, np.zeros(many), Scale(np.zeros(many), np.ones(many))).shape[-1]
    shapes = one.scale.mean.shape == one.scale.spread.shape == (many,) and one.weights.shape == (width, many)
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


def require_same_target(one: PersonalMap, spec: Spec, file: Path) -> None:
    """Raises InputError for a map of something else than a model puts out."""
    if (one.plane.kind, one.plane.stored) != (spec.kind, spec.unit):
        told, own = (f"{kind} ({unit})" for kind, unit in ((one.plane.kind, one.plane.stored), (spec.kind, spec.unit)))
        raise InputError(f"{file}: moves {told}, but the model puts out {own}; make it again with {REMEDY}.")


def require_one_person(recording: Recording, path: Path) -> str:
    """Their name. Raises InputError for a recording of several people."""
    names = sorted(set(recording.table["group"].astype(str)))
    if len(names) != 1:
        raise InputError(f"{path}: holds {len(names)} participants; a calibration is of one.")
    return names[0]
