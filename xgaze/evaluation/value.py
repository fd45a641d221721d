"""Errors of one predicted number per sample, in its unit."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def absolute_error(prediction: ArrayLike, truth: ArrayLike) -> NDArray[np.float64]:
    """|prediction - truth|, both (n, 1), in the value's unit -> (n,). Raises ValueError for other shapes: (n, 1) against (n,)
    would silently become n x n differences."""
    a, b = np.asarray(prediction, np.float64), np.asarray(truth, np.float64)
    if a.shape != b.shape or a.ndim != 2 or a.shape[1] != 1:
        raise ValueError(f"values must both be (n, 1), found {a.shape} and {b.shape}")
    error: NDArray[np.float64] = np.abs(a - b)[:, 0]
    return error
