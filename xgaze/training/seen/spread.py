"""Where points lie: a normal distribution of low rank, and how far others are from it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RANK = 16
LEAST = 1e-3
"""Of the variance of all directions: what is assumed of those in which hardly anything varies."""


@dataclass(frozen=True, eq=False)
class Spread:
    """middle (width,); directions (rank, width), orthonormal, and their variances (rank,); rest: the variance along others."""

    middle: NDArray[np.float32]
    directions: NDArray[np.float32]
    variances: NDArray[np.float32]
    rest: float

    def distances(self, points: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n, width) -> (n,): mean squared deviation along all directions, each in units of its own; about 1 for points of the
        distribution itself."""
        apart = points.astype(np.float64) - self.middle
        along = apart @ self.directions.T.astype(np.float64)
        outside = np.maximum(0.0, (apart**2).sum(axis=1) - (along**2).sum(axis=1))
        squares = (along**2 / self.variances).sum(axis=1) + outside / self.rest
        return np.asarray(squares / points.shape[1], np.float64)


def spread_of(points: NDArray[np.float32]) -> Spread:
    """Of points (n, width), of which there may be fewer than their width."""
    middle = points.mean(axis=0, dtype=np.float64)
    apart = points - middle
    squares, turns = np.linalg.eigh(apart @ apart.T)
    variances = np.maximum(0.0, squares[::-1]) / len(points)
    floor = max(LEAST * float(variances.sum()) / points.shape[1], 1e-12)
    rank = min(RANK, len(points) // 4, points.shape[1] // 2, int((variances > floor).sum()))
    directions = (turns[:, ::-1][:, :rank] / np.sqrt(variances[:rank] * len(points))).T @ apart
    rest = float(variances[rank:].sum()) / max(1, points.shape[1] - rank)
    return Spread(
        middle.astype(np.float32), directions.astype(np.float32), variances[:rank].astype(np.float32), max(rest, floor)
    )
