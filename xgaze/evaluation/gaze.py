"""Errors of gaze points, in their unit."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def distance_of_points(prediction: ArrayLike, truth: ArrayLike) -> NDArray[np.float64]:
    """Euclidean distance of gaze points (n, 2) -> (n,), in their unit. Raises ValueError for other shapes: a silent broadcast
    would turn a wrong shape into a plausible number."""
    a, b = np.asarray(prediction, np.float64), np.asarray(truth, np.float64)
    if a.shape != b.shape or a.ndim != 2 or a.shape[1] != 2:
        raise ValueError(f"gaze points must both be (n, 2), found {a.shape} and {b.shape}")
    distance: NDArray[np.float64] = np.hypot(*(a - b).T)
    return distance
