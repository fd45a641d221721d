"""A scanpath's x and y series as fields: which moments resemble which (Gramian), which tend to follow which (Markov).

Wang and Oates 2015. A series of k fixations is spread over a picture's side by piecewise aggregation: each fixation is held for
an equal share of the side, and pixel p is the mean over the p-th of `side` equal stretches. With side = k this is the series
itself, with fewer fixations each fills several pixels, with more each pixel is the mean of several.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from xgaze.data.representations.frame import Fit, Framed, Series, framed, of_scanpaths, same_length

TOGETHER = 32
BINS = 10


def gramian_angular_fields(
    points_px: Series, *, size: tuple[int, int], shape: tuple[int, int], fit: Fit = "fixed", difference: bool = False
) -> NDArray[np.float32]:
    """Fields (n, 2, H, W) of x and of y, in [-1, 1]: cos(phi_i + phi_j), or with `difference` sin(phi_i - phi_j).

    phi = arccos(v), v the spread series, -1 to 1 across the frame (places outside it count as its edge).
    i runs down, j across. InputError as `framed`.
    """
    frames = framed(points_px, size, fit)
    angles = np.clip(2 * frames.unit - 1, -1, 1)
    return _fields(frames, angles, shape, partial(_gramian, difference=difference))


def markov_transition_fields(
    points_px: Series, *, size: tuple[int, int], shape: tuple[int, int], fit: Fit = "fixed", bins: int = BINS
) -> NDArray[np.float32]:
    """Fields (n, 2, H, W) of x and of y, in [0, 1]: the probability of going from the state at i to the state at j.

    States are the scanpath's own quantile bins and transitions those between its fixations, so that "fixed" and "zoomed" agree;
    the field between fixations is spread by piecewise aggregation. InputError as `framed`.
    """
    frames = framed(points_px, size, fit)
    return _fields(frames, frames.unit, shape, partial(_markov, bins=bins))


def quantile_states(series: NDArray[np.float64], bins: int = BINS) -> NDArray[np.intp]:
    """States 0 to bins - 1 along the last axis: how many of the inner quantiles (linear) are at most the value.

    From ranks, in whole numbers: no rounding of a quantile can move a value that equals it.
    """
    rank = rankdata(series, method="max", axis=-1).astype(np.intp) - 1
    states: NDArray[np.intp] = np.minimum(bins * rank // (series.shape[-1] - 1), bins - 1)
    return states


def transition_probabilities(states: NDArray[np.intp], bins: int = BINS) -> NDArray[np.float32]:
    """Matrices (..., bins, bins) of states (..., k): row a holds how often b followed a. Rows sum to 1, or to 0 where
    nothing followed."""
    held = _one_hot(states, bins)
    counts = held[..., :-1, :].swapaxes(-1, -2) @ held[..., 1:, :]
    probabilities: NDArray[np.float32] = counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    return probabilities


def spread(fixations: int, side: int) -> NDArray[np.float32]:
    """Matrix (side, fixations) of piecewise aggregation: the share of pixel p that fixation i fills; rows sum to 1."""
    edge, share = np.arange(side + 1)[:, None] / side, np.arange(fixations + 1) / fixations
    overlap = np.minimum(edge[1:], share[1:]) - np.maximum(edge[:-1], share[:-1])
    shares: NDArray[np.float32] = (np.maximum(overlap, 0) * side).astype(np.float32)
    return shares


def _fields(
    frames: Framed,
    values: NDArray[np.float64],
    shape: tuple[int, int],
    field: Callable[[NDArray[np.float64], NDArray[np.float32], NDArray[np.float32]], NDArray[Any]],
) -> NDArray[np.float32]:
    fields = np.empty((len(frames.counts), 2, *shape), np.float32)
    for rows in same_length(frames.counts, TOGETHER):
        down, across = (spread(int(frames.counts[rows[0]]), side) for side in shape)
        series = np.ascontiguousarray(of_scanpaths(values, frames, rows).swapaxes(1, 2))
        fields[rows] = field(series, down, across)
    return fields


def _gramian(
    series: NDArray[np.float64], down: NDArray[np.float32], across: NDArray[np.float32], difference: bool
) -> NDArray[np.float32]:
    """cos(a + b) = cos a cos b - sin a sin b: of two terms, hence a matrix product of rank two; (g, 2, k) to (g, 2, H, W)."""
    cos_i, cos_j = series @ down.T, series @ across.T
    sin_i, sin_j = (np.sqrt(np.maximum(1 - cos * cos, 0)) for cos in (cos_i, cos_j))
    left = np.stack([sin_i, cos_i] if difference else [cos_i, sin_i], axis=-1).astype(np.float32)
    right = np.stack([cos_j, -sin_j], axis=-2).astype(np.float32)
    return left @ right


def _markov(
    series: NDArray[np.float64], down: NDArray[np.float32], across: NDArray[np.float32], bins: int
) -> NDArray[np.float32]:
    states = quantile_states(series, bins)
    held = _one_hot(states, bins)
    field: NDArray[np.float32] = (
        (down @ held) @ transition_probabilities(states, bins) @ (across @ held).swapaxes(-1, -2)
    )
    return field


def _one_hot(states: NDArray[np.intp], bins: int) -> NDArray[np.float32]:
    held: NDArray[np.float32] = (states[..., None] == np.arange(bins)).astype(np.float32)
    return held
