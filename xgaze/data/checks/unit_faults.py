"""Labels that can hardly be in the unit that the definition says: told by how far they reach."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from xgaze.data.contract import Spec
from xgaze.data.fault_kinds import Fault
from xgaze.units import DEGREES, RADIANS, VECTOR

FEWEST = 20
REACH = 99.0
"""The percentile of labels, by their larger coordinate: a slip of the hand does not move it."""
SHARES = 1.5
"""Of a scene: coordinates from -1 to 1, or from 0 to 1, and somewhat beyond its edge."""
CORNER = 0.1
"""Of a scene in px: one that nobody looks at beyond this share of both its sides has labels in something longer than px."""
LENGTHS: Mapping[str, tuple[float, str, float, str]] = MappingProxyType(
    {"cm": (1.0, "m, or shares of the screen", 200.0, "mm or px"), "mm": (40.0, "cm", 2000.0, "px")}
)
"""What gaze on a screen reaches at least and at most, from the middle of a telephone to the far corner of a large wall, and what
labels are in that do not."""


def unit_faults(points: NDArray[np.float64], spec: Spec) -> list[Fault]:
    """points: labels (n, 2 or 3) of gaze or directions, NaN where unknown. Told of at least 20; what may be in either unit, as mm
    that could be px, is not told."""
    known = points[np.isfinite(points).all(axis=1)]
    if len(known) < FEWEST or spec.unit == VECTOR:
        return []
    far = np.percentile(np.abs(known), REACH, axis=0)
    found = _of_directions(float(far.max()), spec.unit) if spec.kind == "angle" else _of_points(far, spec)
    if not found:
        return []
    told, likely = found
    return [
        Fault("wrong unit", f"the labels of {len(known):,} samples {told}; they look like {likely}, not {spec.unit}.")
    ]


def _of_directions(reach: float, unit: str) -> tuple[str, str] | None:
    """Straight up is a quarter of a turn away, and what eyes do within 1.6 degrees no tracker is made for."""
    if unit == RADIANS and reach > np.pi:
        return f"reach {reach:.3g}, and half a turn is {np.pi:.3g} rad", DEGREES
    if unit == DEGREES and 0 < reach < np.pi / 2:
        return f"stay within {reach:.3g} degrees of straight ahead", RADIANS
    return None


def _of_points(far: NDArray[np.float64], spec: Spec) -> tuple[str, str] | None:
    reach = float(far.max())
    if spec.unit in LENGTHS:
        least, shorter, most, longer = LENGTHS[spec.unit]
        told = f"reach {reach:.3g} {spec.unit} from the origin"
        return (told, shorter) if 0 < reach < least else (told, longer) if reach > most else None
    if spec.scene is None or not reach or (far >= CORNER * np.array(spec.scene)).any():
        return None
    told = f"reach ({far[0]:.3g}, {far[1]:.3g}) of a scene of {spec.scene[0]}x{spec.scene[1]} px"
    return told, "shares of the scene" if reach <= SHARES else "cm or degrees"
