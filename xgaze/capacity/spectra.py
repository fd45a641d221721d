"""Summaries of a spectrum: how many directions carry the variance. "99 %" always means of variance (squared singular values)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

PART = 0.99
"""Of the variance: what directions are counted for."""


def variance_shares(eigenvalues: ArrayLike) -> NDArray[np.float64]:
    """Eigenvalues of a covariance -> shares of the total, descending, summing to 1. Raises ValueError if all are zero."""
    values = np.sort(np.clip(np.asarray(eigenvalues, np.float64), 0, None))[::-1]
    if not values.sum() > 0:
        raise ValueError("a spectrum without variance: the layer's output is constant")
    shares: NDArray[np.float64] = values / values.sum()
    return shares


def components_for(shares: ArrayLike, part: float = PART) -> int:
    """Smallest number of leading components that hold at least `part` of the variance."""
    cumulative = np.cumsum(np.asarray(shares, np.float64))
    return min(int(np.searchsorted(cumulative, part - 1e-12)) + 1, len(cumulative))


def effective_rank(shares: ArrayLike) -> float:
    """Exponential of the spectrum's entropy (Roy and Vetterli 2007): n for n equal shares."""
    p = np.asarray(shares, np.float64)
    p = p[p > 0]
    return float(np.exp(-(p * np.log(p)).sum()))


def participation_ratio(shares: ArrayLike) -> float:
    """1 / sum of squared shares: n for n equal shares."""
    p = np.asarray(shares, np.float64)
    return float(p.sum() ** 2 / (p**2).sum())
