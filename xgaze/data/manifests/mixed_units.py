"""People whose labels are in another unit than those of the others, by their size alone."""

import numpy as np
from numpy.typing import NDArray

FACTOR = 8.0
"""Centimetres among millimetres are ten times too small, degrees among radians 57 times too large; people who looked at
the same scene reach equally far, but for less than this."""
FEWEST_SAMPLES, FEWEST_PEOPLE = 4, 3
REACH = 90.0
"""The percentile of a person's distances from the origin that is compared: one slip of the hand does not move it."""


def people_of_other_units(points: NDArray[np.float64], people: list[str]) -> list[str]:
    """A sentence for each person whose points (n, d) reach eight times as far as most people's, or an eighth of it."""
    size = np.linalg.norm(points, axis=1)
    reach: dict[str, float] = {}
    names, of = np.unique(people, return_inverse=True)
    for k, name in enumerate(names):
        own = size[(of == k) & np.isfinite(size)]
        if len(own) >= FEWEST_SAMPLES:
            reach[str(name)] = float(np.percentile(own, REACH))
    if len(reach) < FEWEST_PEOPLE or not (usual := float(np.median(list(reach.values())))):
        return []
    return [
        f"participant {name}: labels reach {own:.3g} from the origin, those of most people {usual:.3g}; are they in another unit?"
        for name, own in reach.items()
        if not 1 / FACTOR < own / usual < FACTOR
    ]
