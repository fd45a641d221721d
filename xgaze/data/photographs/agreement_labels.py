"""Do viewers agree on where to look? Each viewer's fixations against the map of the others', and who agrees most."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from xgaze.data.photographs.attention import BlankMap, Spread, gaussian_sum

AGREE, DIFFER, BETWEEN = 1, 0, -1


def viewer_map(
    points_px: ArrayLike, durations_ms: ArrayLike, size: tuple[int, int], sigma_px: float, longest: int
) -> NDArray[np.float64]:
    """Duration-weighted sum of Gaussians over a picture of `size` (width, height) px, on a grid whose longer side has `longest`
    px: (rows, columns)."""
    scale = longest / max(size)
    columns, rows = (max(1, round(length * scale)) for length in size)
    points = np.asarray(points_px, np.float64).reshape(-1, 2) * (columns / size[0], rows / size[1])
    return gaussian_sum(points, durations_ms, (columns, rows), Spread(sigma_px * scale, None))


def leave_one_out_correlation(maps: NDArray[Any]) -> NDArray[np.float64]:
    """Pearson correlation of each viewer's map with the sum of the others': (viewers, H, W) -> (viewers,).

    Raises BlankMap where a viewer's map, or that of the others, is the same everywhere.
    """
    flat = maps.reshape(len(maps), -1).astype(np.float64)
    others = flat.sum(axis=0) - flat
    own, rest = (one - one.mean(axis=1, keepdims=True) for one in (flat, others))
    spread = np.linalg.norm(own, axis=1) * np.linalg.norm(rest, axis=1)
    if not (spread > 0).all():
        raise BlankMap(f"viewer {int(np.argmin(spread > 0)) + 1} has a blank map, or is alone.")
    agreement: NDArray[np.float64] = (own * rest).sum(axis=1) / spread
    return agreement


def leave_one_out_auc(maps: NDArray[Any], shares: Sequence[ArrayLike]) -> NDArray[np.float64]:
    """How well the others' map tells a viewer's fixations from all px, (viewers,): area under the ROC curve, ties one half.

    maps (viewers, H, W); shares: each viewer's fixations (n, 2), x and y as shares of the picture.
    """
    total = maps.sum(axis=0)
    rows, columns = total.shape
    scores = []
    for own, points in zip(maps, shares, strict=True):
        places = np.floor(np.asarray(points, np.float64).reshape(-1, 2) * (columns, rows)).astype(np.int64)
        x, y = places.clip(0, (columns - 1, rows - 1)).T
        rest = total - own
        everywhere, looked_at = rest.ravel(), rest[y, x]
        ranks = rankdata(np.concatenate([looked_at, everywhere]))[: len(looked_at)].sum()
        above = ranks - len(looked_at) * (len(looked_at) + 1) / 2
        scores.append(above / (len(looked_at) * len(everywhere)))
    return np.array(scores)


def top_and_bottom(agreement: ArrayLike, share: float) -> NDArray[np.int64]:
    """AGREE for the top `share` of the pictures, DIFFER for the bottom, BETWEEN for the rest: (n,) -> (n,). Of equals the first
    counts as lower."""
    values = np.asarray(agreement, np.float64)
    order, count = np.argsort(values, kind="stable"), int(len(values) * share + 1e-9)
    labels = np.full(len(values), BETWEEN, np.int64)
    labels[order[:count]] = DIFFER
    labels[order[len(values) - count :]] = AGREE
    return labels
