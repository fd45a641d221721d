"""Which fixations an attention map is drawn from: without those carried over, only the long ones, the closest merged."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import pdist, squareform

SHORTEST_MS = 350.0
MOST = 7

Fixations = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Points (n, 2) px and durations (n,) ms."""


def carried_over(durations_ms: Sequence[NDArray[Any]]) -> NDArray[np.bool_]:
    """Whether each viewing (m,) begins with a fixation carried over from the one before: its first duration equals, to the
    digit, the last duration before. The viewings of one participant, in the order they were seen."""
    firsts = np.array([one[0] if len(one) else np.nan for one in durations_ms], np.float64)
    lasts = np.array([one[-1] if len(one) else np.nan for one in durations_ms], np.float64)
    found: NDArray[np.bool_] = np.concatenate([[False], firsts[1:] == lasts[:-1]])[: len(firsts)]
    return found


def long_ones(points_px: ArrayLike, durations_ms: ArrayLike, shortest_ms: float = SHORTEST_MS) -> Fixations:
    """The fixations that took at least `shortest_ms`."""
    points, durations = _as_arrays(points_px, durations_ms)
    keep = durations >= shortest_ms
    return points[keep], durations[keep]


def merged(points_px: ArrayLike, durations_ms: ArrayLike, most: int = MOST) -> Fixations:
    """The two closest fixations become one, at their midpoint and of their mean duration, until at most `most` are left.

    The merged one takes the place of the earlier. Of pairs equally close the first is merged.
    """
    points, durations = _as_arrays(points_px, durations_ms)
    if most < 1:
        raise ValueError(f"at least one fixation must be left (found most={most})")
    while len(points) > most:
        apart = squareform(pdist(points))
        apart[np.tril_indices(len(points))] = np.inf
        first, second = divmod(int(apart.argmin()), len(points))
        points[first] = (points[first] + points[second]) / 2
        durations[first] = (durations[first] + durations[second]) / 2
        points, durations = np.delete(points, second, axis=0), np.delete(durations, second)
    return points, durations


def _as_arrays(points_px: ArrayLike, durations_ms: ArrayLike) -> Fixations:
    return np.array(points_px, np.float64).reshape(-1, 2), np.array(durations_ms, np.float64).reshape(-1)
