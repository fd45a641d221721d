"""How alike two maps of looking are: CC, SIM and KL divergence of a predicted map and the blurred fixations.

Maps are (height, width) of one size, any scale. Definitions as in pysaliency 0.2.22 and the MIT/Tübingen benchmark.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

EPSILON = 2.2204e-16
"""Keeps logarithms finite where a density is zero: the benchmark's value."""


def correlation(saliency: ArrayLike, truth: ArrayLike) -> float:
    """CC: Pearson correlation of two maps over pixels; 0 if either is constant (pysaliency: NaN if both are)."""
    first, second = _pair(saliency, truth)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    first, second = first - first.mean(), second - second.mean()
    return float((first * second).sum() / np.sqrt((first**2).sum() * (second**2).sum()))


def similarity(saliency: ArrayLike, truth: ArrayLike) -> float:
    """SIM: sum over pixels of the smaller of two densities; 1 for equal maps, 0 for maps that nowhere overlap."""
    first, second = _pair(saliency, truth)
    return float(np.minimum(as_density(first), as_density(second)).sum())


def kl_divergence(saliency: ArrayLike, truth: ArrayLike, epsilon: float = EPSILON) -> float:
    """KL: sum of q ln(epsilon + q / (p + epsilon)) in nats, p the predicted and q the true density; 0 for equal maps."""
    first, second = _pair(saliency, truth)
    told, true = as_density(first), as_density(second)
    return float((true * np.log(epsilon + true / (told + epsilon))).sum())


def as_density(values: ArrayLike) -> NDArray[np.float64]:
    """A map that sums to one: lifted to zero if it holds negative values, then divided by its sum; a zero map is uniform."""
    lifted = np.asarray(values, np.float64)
    lifted = lifted - min(float(lifted.min()), 0.0)
    total = lifted.sum()
    return lifted / total if total > 0 else np.full(lifted.shape, 1 / lifted.size)


def _pair(saliency: ArrayLike, truth: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    first, second = np.asarray(saliency, np.float64), np.asarray(truth, np.float64)
    if first.shape != second.shape or not first.size:
        raise ValueError(f"two maps of one size are compared; found {first.shape} and {second.shape}")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError("a map holds values that are not finite")
    return first, second
