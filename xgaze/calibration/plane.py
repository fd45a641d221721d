"""What maps move: gaze points and values as they are, and directions as two angles, pitch and yaw in degrees.

Vectors have no pitch and yaw until somebody says which way is forward. Here it is the axis along which most people look, so that
nobody's yaw is near half a turn, where it would jump.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xgaze.data.contract import Spec
from xgaze.errors import InputError
from xgaze.evaluation.angle import angular_error
from xgaze.geometry.gaze_field import FORWARD, forward_axis, pitch_and_yaw
from xgaze.units import DEGREES, RADIANS, STEP, VECTOR, measured_in

KINDS = ("gaze", "angle", "value")
HUNDREDTH = 100.0


@dataclass(frozen=True)
class Plane:
    """kind, stored: of the outputs and their unit, as a specification has them. forward: of vectors, the axis that is. step: what
    errors are large or small against, in `unit`."""

    kind: str = "gaze"
    stored: str = "px"
    forward: str = "+z"
    step: float = STEP["px"]

    @classmethod
    def of(cls, spec: Spec, targets: ArrayLike) -> "Plane":
        """Of what a model with `spec` puts out; targets: all that are known, (n, outputs). Raises InputError for classes."""
        if spec.kind not in KINDS:
            raise InputError(
                "calibration moves gaze points, directions and values; classes have no place to move from."
            )
        known = np.asarray(targets, np.float64)
        if spec.kind == "value":
            return cls(spec.kind, spec.unit, step=float(np.nanstd(known)) or 1.0)
        forward = forward_axis(known) if spec.unit == VECTOR else "+z"
        return cls(spec.kind, spec.unit, forward, STEP[measured_in(spec.kind, spec.unit)])

    @property
    def unit(self) -> str:
        """Of errors, and of what is moved."""
        return measured_in(self.kind, self.stored)

    @property
    def numbers(self) -> int:
        """That a map moves."""
        return 1 if self.kind == "value" else 2

    def placed(self, outputs: ArrayLike) -> NDArray[np.float64]:
        """Targets or outputs (n, outputs) as places (n, numbers) in `unit`."""
        own = np.asarray(outputs, np.float64)
        if self.kind != "angle":
            return own
        return pitch_and_yaw(own, self.stored, self.forward)

    def outputs(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Places (n, numbers) as a model puts them out; vectors of length 1."""
        if self.kind != "angle" or self.stored == DEGREES:
            return places
        if self.stored == RADIANS:
            return np.radians(places)
        pitch, yaw = np.radians(places).T
        axis, sign = FORWARD[self.forward]
        parts = [np.cos(pitch) * np.sin(yaw), np.sin(pitch)]
        parts.insert(axis, sign * np.cos(pitch) * np.cos(yaw))
        return np.stack(parts, axis=1)

    def residuals(self, truth: NDArray[np.float64], said: NDArray[np.float64]) -> NDArray[np.float64]:
        """What is missing to the truth, both places (..., numbers); of yaw the short way round."""
        missing = truth - said
        return (missing + 180) % 360 - 180 if self.kind == "angle" else missing

    def errors(self, truth: NDArray[np.float64], said: NDArray[np.float64]) -> NDArray[np.float64]:
        """Between places (..., numbers) -> (...), in `unit`; of directions the angle between them."""
        if self.kind == "angle":
            return angular_error(said.reshape(-1, 2), truth.reshape(-1, 2), DEGREES).reshape(truth.shape[:-1])
        found: NDArray[np.float64] = np.linalg.norm(truth - said, axis=-1)
        return found

    def in_steps(self, targets: ArrayLike) -> NDArray[np.float64]:
        """Places of targets in hundredths of a step, in which points are told apart: px stay as they are."""
        found: NDArray[np.float64] = self.placed(targets) / (self.step / HUNDREDTH)
        return found


IN_PX = Plane()
"""Of gaze points in px."""
