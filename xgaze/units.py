"""Units that figures are told in, as the field writes them: after the number, with as many digits as say something."""

from collections.abc import Mapping
from types import MappingProxyType

DIGITS: Mapping[str, int] = MappingProxyType({"px": 1, "ms": 1, "cm": 2, "mm": 2, "degrees": 2})
"""Decimals of a figure in each; all else, as an AUC, is told with three, and named before its number."""
LENGTHS = ("px", "cm", "mm")
"""What gaze points on a plane are measured in."""
RADIANS, DEGREES, VECTOR = DIRECTIONS = ("rad", "degrees", "vector")
"""What directions of gaze are stored in."""
NOTHING: Mapping[str, float] = MappingProxyType(
    {"px": 0.5, "cm": 0.02, "mm": 0.2, "degrees": 0.03, "rad": 5e-4, "vector": 5e-4}
)
"""A change of a gaze point, or of a direction, that no eye tracker resolves."""
STEP: Mapping[str, float] = MappingProxyType(
    {"px": 100.0, "cm": 2.0, "mm": 20.0, "degrees": 6.0, "rad": 0.1, "vector": 0.1}
)
"""What losses of gaze count in, about a tenth of a scene or a screen, so that learning rates carry over from one to the other."""


def fits(kind: str, unit: str) -> bool:
    """Whether targets of this kind can be in this unit; values and scores of classes may be in any."""
    return unit in {"gaze": LENGTHS, "angle": DIRECTIONS}.get(kind, (unit,))


def measured_in(kind: str, unit: str) -> str:
    """The unit of errors: degrees, of directions."""
    return DEGREES if kind == "angle" else unit


def told_in(kind: str, unit: str) -> str:
    """What stands for a target where only its resolution matters: the unit of gaze, else its kind."""
    return unit if kind in ("gaze", "angle") else kind


def digits_of(unit: str) -> int:
    """Decimals of a figure in this unit."""
    return DIGITS.get(unit, 3)
