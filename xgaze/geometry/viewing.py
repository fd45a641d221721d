"""From where a screen is looked at: what makes degrees of visual angle of distances on it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xgaze.errors import InputError

MM: dict[str, float] = {"cm": 10.0, "mm": 1.0}


@dataclass(frozen=True)
class Viewing:
    """The eyes are `distance_mm` straight before the point `ahead` of the plane that gaze points (x, y) lie in, whose unit is
    `unit_mm` long. One distance for everybody: as far as people sat nearer or farther, degrees are too small or too large; None:
    every sample has its own."""

    distance_mm: float | None
    unit_mm: float
    ahead: tuple[float, float]

    def __post_init__(self) -> None:
        distance = 1.0 if self.distance_mm is None else self.distance_mm
        if not np.isfinite((distance, self.unit_mm, *self.ahead)).all() or distance <= 0 or self.unit_mm <= 0:
            raise InputError(
                f"viewing: distances are in mm and larger than 0, found {self.distance_mm} and {self.unit_mm}."
            )


def viewed(
    unit: str,
    distance_mm: float | None,
    mm_per_px: float | None = None,
    ahead: tuple[float, float] | None = None,
    scene: tuple[int, int] | None = None,
) -> Viewing:
    """Of gaze points in `unit`, "px", "cm" or "mm". distance_mm: None where every sample has its own. ahead: in this unit; None:
    the middle of the scene, of points in px, else the origin. Raises InputError where px have no size, or another unit is given
    one."""
    if (unit == "px") != (mm_per_px is not None):
        raise InputError(
            "viewing: give `mm_per_px`, the side of a px, for gaze points in px."
            if unit == "px"
            else f"viewing: `mm_per_px` is of gaze points in px, these are in {unit}; leave it out."
        )
    if ahead is None and scene is not None:
        ahead = (scene[0] / 2, scene[1] / 2)
    return Viewing(distance_mm, mm_per_px or MM[unit], ahead or (0.0, 0.0))


def visual_angles(
    viewing: Viewing, prediction: ArrayLike, truth: ArrayLike, distance_mm: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Degrees between the directions of gaze points (n, 2), seen from the eyes -> (n,). distance_mm: each sample's (n,), where
    there is not one for all."""
    far = np.asarray(distance_mm if viewing.distance_mm is None else viewing.distance_mm, np.float64)
    a, b = (_directions(viewing, np.asarray(one, np.float64), far) for one in (prediction, truth))
    sine = np.linalg.norm(np.cross(a, b), axis=1)
    degrees: NDArray[np.float64] = np.degrees(np.arctan2(sine, (a * b).sum(axis=1)))
    return degrees


def _directions(viewing: Viewing, points: NDArray[np.float64], far: NDArray[np.float64]) -> NDArray[np.float64]:
    beside = (points - viewing.ahead) * viewing.unit_mm
    return np.column_stack([beside, np.broadcast_to(far, len(points))])
