"""Summary features of scanpaths: the plain description that any model of scanpaths must beat."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.fixations.scanpaths import Scanpath

Values = NDArray[np.float64]

SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)
EARLY = 5
SECTORS = 8
"""Directions of saccades, and turns between them, are counted in so many sectors."""


def summary_features(scanpaths: Sequence[Scanpath]) -> pd.DataFrame:
    """One row per scanpath (of two or more fixations), numbers only: how many fixations, how long, where, how far apart, in
    which directions. Durations in ms, places and lengths in px, directions as shares.
    """
    counts = np.array([len(one.duration_ms) for one in scanpaths])
    tables = []
    for count in np.unique(counts):
        rows = np.flatnonzero(counts == count)
        points = np.stack([scanpaths[int(row)].xy_px for row in rows])
        durations = np.stack([scanpaths[int(row)].duration_ms for row in rows])
        tables.append(pd.DataFrame(_features_of(points, durations), index=rows, dtype=np.float32))
    return pd.concat(tables).sort_index()


def _features_of(points: Values, durations: Values) -> dict[str, Values]:
    """Of scanpaths with equally many fixations: points (g, k, 2), durations (g, k)."""
    moves = np.diff(points, axis=1)
    lengths, angles = np.hypot(moves[..., 0], moves[..., 1]), np.arctan2(moves[..., 1], moves[..., 0])
    count = durations.shape[1]
    features = {"fixations": np.full(len(durations), float(count)), "total duration": durations.sum(axis=1)}
    for name, values in {"duration": durations, "length": lengths, "x": points[..., 0], "y": points[..., 1]}.items():
        features |= _spread(name, values) | _early(name, values)
    features |= _sectors("direction", angles) | _sectors("turn", np.diff(angles, axis=1))
    features["speed"] = lengths.mean(axis=1) / durations.mean(axis=1)
    features["duration trend"] = _correlation(durations, np.arange(count, dtype=float))
    features["length trend"] = _correlation(lengths, np.arange(count - 1, dtype=float))
    features["duration after length"] = _correlation(lengths, durations[:, 1:])
    return features


def _spread(name: str, values: Values) -> dict[str, Values]:
    ends = {"mean": values.mean(axis=1), "std": values.std(axis=1)}
    ends |= {"smallest": values.min(axis=1), "largest": values.max(axis=1)}
    ends |= dict(zip((f"quantile {share:g}" for share in SHARES), np.quantile(values, SHARES, axis=1), strict=True))
    return {f"{name} {what}": one for what, one in ends.items()}


def _early(name: str, values: Values) -> dict[str, Values]:
    """The first few; those that a scanpath does not have are its mean."""
    mean = values.mean(axis=1)
    return {f"{name} of number {k + 1}": values[:, k] if k < values.shape[1] else mean for k in range(EARLY)}


def _sectors(name: str, angles: Values) -> dict[str, Values]:
    """Share of angles (g, k) in each sector; the first is centred on zero (rightwards, or straight on)."""
    width = 2 * np.pi / SECTORS
    sector = np.floor(np.mod(angles + width / 2, 2 * np.pi) / width).astype(np.intp) % SECTORS
    of = max(angles.shape[1], 1)
    return {f"{name} {k}": (sector == k).sum(axis=1) / of for k in range(SECTORS)}


def _correlation(a: Values, b: Values) -> Values:
    """Pearson's r along the last axis; 0 where one of them does not vary."""
    a, b = (one - one.mean(axis=-1, keepdims=True) for one in (a, b))
    both = np.sqrt((a * a).sum(axis=-1) * (b * b).sum(axis=-1))
    out: Values = (a * b).sum(axis=-1) / np.where(both > 0, both, 1)
    return out
