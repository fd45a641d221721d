"""The centre bias: where people look whatever the picture, fitted on training pictures alone.

A Gaussian kernel density of fixations at their relative places, on a grid, with a small uniform part so that no place is
impossible. The bandwidth is the one under which each training picture is likeliest given all others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import map_coordinates

CELLS = 64
UNIFORM_SHARE = 0.01
BANDWIDTHS = (0.02, 0.03, 0.04, 0.06, 0.08, 0.12, 0.16)
"""Candidates: standard deviation of the kernel as a share of the picture's width and height."""


@dataclass(frozen=True)
class CentreBias:
    """density (64, 64), rows from the top, sums to 1; bandwidth as a share of the picture."""

    density: NDArray[np.float64]
    bandwidth: float

    def map(self, shape: tuple[int, int]) -> NDArray[np.float64]:
        """The density on a picture of `shape` (height, width), sums to 1."""
        rows, columns = ((np.arange(n) + 0.5) * CELLS / n - 0.5 for n in shape)
        fine = map_coordinates(self.density, np.meshgrid(rows, columns, indexing="ij"), order=1, mode="nearest")
        found: NDArray[np.float64] = fine / fine.sum()
        return found


def fit_centre_bias(pictures: Sequence[ArrayLike], bandwidth: float | None = None) -> CentreBias:
    """pictures: for each training picture its fixations (n, 2) at relative places, x / width and y / height.

    bandwidth None: chosen among BANDWIDTHS by leave-one-picture-out likelihood, which needs two pictures with fixations.
    Raises ValueError when there is no fixation.
    """
    counts = _counts(pictures)
    chosen = bandwidth or best_bandwidth(counts)
    return CentreBias(_density(_blurred(counts.sum(axis=0), chosen)), chosen)


def best_bandwidth(counts: NDArray[np.float64]) -> float:
    """The candidate under which fixations (pictures, 64, 64) are likeliest when their own picture is left out."""
    if len(counts) < 2:
        raise ValueError("the bandwidth is chosen by leaving out one picture at a time: at least two are needed")
    return max(BANDWIDTHS, key=lambda one: left_out_likelihood(counts, one))


def left_out_likelihood(counts: NDArray[np.float64], bandwidth: float) -> float:
    """Mean over fixations of the log density (natural logarithm, per cell) that the other pictures give them."""
    blurred = _blurred(counts, bandwidth)
    others = _density(blurred.sum(axis=0) - blurred)
    return float((counts * np.log(others)).sum() / counts.sum())


def _counts(pictures: Sequence[ArrayLike]) -> NDArray[np.float64]:
    """Fixations per cell of each picture that has any; those outside their picture do not count."""
    found = []
    for one in pictures:
        places = np.asarray(one, np.float64).reshape(-1, 2)
        places = places[((places >= 0) & (places < 1)).all(axis=1)]
        x, y = (places * CELLS).astype(np.int64).T
        found.append(np.bincount(y * CELLS + x, minlength=CELLS**2).reshape(CELLS, CELLS))
    kept = [one for one in found if one.any()]
    if not kept:
        raise ValueError("no fixation lies on a picture: there is no centre bias to fit")
    return np.stack(kept).astype(np.float64)


def _blurred(counts: NDArray[np.float64], bandwidth: float) -> NDArray[np.float64]:
    """Gaussian blur of the last two axes, nothing beyond the edges."""
    centres = (np.arange(CELLS) + 0.5) / CELLS
    kernel = np.exp(-0.5 * ((centres[:, None] - centres) / bandwidth) ** 2)
    found: NDArray[np.float64] = kernel @ counts @ kernel
    return found


def _density(blurred: NDArray[np.float64]) -> NDArray[np.float64]:
    shares = blurred / blurred.sum(axis=(-2, -1), keepdims=True)
    mixed: NDArray[np.float64] = (1 - UNIFORM_SHARE) * shares + UNIFORM_SHARE / CELLS**2
    return mixed
