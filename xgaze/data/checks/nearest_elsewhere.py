"""For each of many points the nearest one of somebody else, where it is near: in little more time than their number."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

DIRECTIONS = 16
"""Of most variance: distances along them are at most the whole ones, so that nothing near is lost."""
CANDIDATES = 3
"""Along the leading directions; which of them is nearest shows in all."""
PAIRS, OF_EACH = 256, 48
"""Of owners, and of points of each."""
BLOCK = DRAWN = 4096
Rows = Callable[[NDArray[np.int64]], NDArray[np.float32]]


def closest_approach(rows: Rows, owners: NDArray[Any]) -> float:
    """Median, over pairs of owners (n,), of the distance of the two points that are closest; rows: the points of these numbers.
    Of many owners some pairs are drawn, and of many points some are taken, evenly. 0 where there is one owner."""
    names, codes = np.unique(owners, return_inverse=True)
    if len(names) < 2:
        return 0.0
    drawn = np.random.default_rng(0).integers(0, len(names), (2, PAIRS))
    own = {int(code): _evenly(np.flatnonzero(codes == code), OF_EACH) for code in np.unique(drawn)}
    points = {code: rows(where) for code, where in own.items()}
    found = [_closest(points[int(a)], points[int(b)]) for a, b in drawn.T if a != b]
    return float(np.median(found))


def _closest(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
    return float(np.sqrt(max(0.0, squares.min())))


def _evenly(rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(np.int64))]


def nearest_elsewhere(
    rows: Rows, shadows: NDArray[np.float32], which: NDArray[np.int64], owners: NDArray[Any], radius: float
) -> NDArray[np.int64]:
    """For each point of these numbers (n,) the number of the nearest of them of another owner (n,), -1 where none lies within
    `radius`. shadows: what `along_leading` gives of all points.

    Owners are numbered, and two of them differ in a binary digit of their numbers at least: for each digit, points are looked up
    in a k-d tree of those that have the other one.
    """
    best, nearest = np.full(len(which), -1, np.int64), np.full(len(which), np.inf)
    codes = np.unique(owners, return_inverse=True)[1]
    if not codes.any():
        return best
    points = shadows[which]
    for digit in range(int(codes.max()).bit_length()):
        has = (codes >> digit) & 1 == 1
        for own, others in ((np.flatnonzero(has), np.flatnonzero(~has)), (np.flatnonzero(~has), np.flatnonzero(has))):
            for here, there in _candidates(points, own, others, radius):
                distances = np.linalg.norm(rows(which[here]) - rows(which[there]), axis=1)
                closer = (distances <= radius) & (distances < nearest[here])
                best[here[closer]], nearest[here[closer]] = which[there[closer]], distances[closer]
    return best


def _candidates(
    points: NDArray[np.float32], own: NDArray[np.int64], others: NDArray[np.int64], radius: float
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Places of points and of their nearest others, of the next ones and so on; no point occurs twice in a block."""
    from scipy.spatial import cKDTree

    # Rounding must not lose what is exactly as far as allowed.
    tree, most = cKDTree(points[others]), radius * (1 + 1e-4) + 1e-6
    found = np.asarray(tree.query(points[own], CANDIDATES, distance_upper_bound=most)[1])
    for rank in range(CANDIDATES):
        near = np.flatnonzero(found[:, rank] < len(others))
        for start in range(0, len(near), BLOCK):
            part = near[start : start + BLOCK]
            yield own[part], others[found[part, rank]]


def along_leading(rows: Rows, count: int) -> NDArray[np.float32]:
    """So many points along their directions of most variance, (n, 16) or fewer."""
    from scipy.linalg import eigh

    drawn = rows(_evenly(np.arange(count), DRAWN))
    middle, width = drawn.mean(axis=0), drawn.shape[1]
    last = [max(0, width - DIRECTIONS), width - 1]
    directions = eigh((drawn - middle).T @ (drawn - middle), subset_by_index=last)[1]
    blocks = [np.arange(k, min(k + BLOCK, count)) for k in range(0, count, BLOCK)]
    return np.concatenate([(rows(block) - middle) @ directions for block in blocks]).astype(np.float32)
