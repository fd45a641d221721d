"""Scanpaths laid end to end in the frame that a representation is drawn in, and checked before anything is drawn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from xgaze.errors import InputError, nearest

Fit = Literal["fixed", "zoomed"]
Series = Sequence[NDArray[Any]]
FEWEST_FIXATIONS = 3
SMALLEST_BOX_PX = 1.0  # of a zoomed frame: fixations on one straight line still lie in a box


@dataclass(frozen=True)
class Framed:
    """n scanpaths of N fixations in all, end to end.

    unit (N, 2) x and y, 0 to 1 across the frame, origin top left; extent_px (n, 2) width and height of each frame;
    counts (n,) fixations of each scanpath; owner (N,) the scanpath and order (N,) the place in it of each fixation.
    """

    unit: NDArray[np.float64]
    extent_px: NDArray[np.float64]
    counts: NDArray[np.intp]
    owner: NDArray[np.intp]
    order: NDArray[np.intp]


def framed(points_px: Series, size: tuple[int, int], fit: Fit) -> Framed:
    """Scanpaths (n_i, 2) in px, in the frame of the whole stimulus ("fixed", size: its width and height in px) or of
    their own bounding box ("zoomed"). InputError: fewer than three fixations, not (n_i, 2), not finite."""
    if fit not in get_args(Fit):
        raise InputError(f"no fit '{fit}'; {nearest(str(fit), get_args(Fit))}")
    if min(size) <= 0:
        raise InputError(f"the stimulus is {size[0]} x {size[1]} px: width and height must be above zero.")
    counts = _counted(points_px)
    try:
        points = np.concatenate(points_px, dtype=np.float64)
    except ValueError as error:
        raise InputError("fixations of a scanpath must be rows of two numbers, x and y in px.") from error
    if points.ndim != 2 or points.shape[1] != 2:
        raise InputError(f"fixations of a scanpath must be rows of x and y in px, but are of shape {points.shape[1:]}.")
    owner = np.repeat(np.arange(len(counts)), counts)
    _refuse(
        owner[~np.isfinite(points).all(axis=1)], len(counts), "a place that is not a number", "drop these fixations"
    )
    starts = np.cumsum(counts) - counts
    low, extent = _boxes(points, starts, size, fit)
    unit = (points - low[owner]) / extent[owner]
    if fit == "zoomed":
        np.clip(unit, 0, 1, out=unit)  # no rounding may push a fixation out of its own box
    return Framed(unit, extent, counts, owner, np.arange(len(points)) - starts[owner])


def flat_durations(durations_ms: Series, frames: Framed) -> NDArray[np.float64]:
    """Durations (N,) in ms end to end, as the fixations. InputError: other counts, not above zero, not finite."""
    counts = np.array([len(one) for one in durations_ms], np.intp)
    if not np.array_equal(counts, frames.counts):
        raise InputError(
            f"{len(counts)} scanpaths of durations for {len(frames.counts)} scanpaths, or of other lengths."
        )
    flat = np.concatenate(durations_ms, dtype=np.float64)
    wrong = frames.owner[~(np.isfinite(flat) & (flat > 0))]
    _refuse(wrong, len(counts), "a fixation whose duration in ms is not above zero", "drop or correct it")
    return flat


def same_length(counts: NDArray[np.intp], most: int) -> Iterator[NDArray[np.intp]]:
    """Indices of scanpaths with equally many fixations, at most `most` together: dense arrays without padding."""
    by_length = np.argsort(counts, kind="stable")
    for group in np.split(by_length, np.flatnonzero(np.diff(counts[by_length])) + 1):
        for start in range(0, len(group), most):
            yield group[start : start + most]


def of_scanpaths(flat: NDArray[Any], frames: Framed, rows: NDArray[np.intp]) -> NDArray[Any]:
    """The values (g, k, ...) of g scanpaths of k fixations each, out of values (N, ...) laid end to end."""
    first = (np.cumsum(frames.counts) - frames.counts)[rows]
    picked: NDArray[Any] = flat[first[:, None] + np.arange(frames.counts[rows[0]])]
    return picked


def _counted(points_px: Series) -> NDArray[np.intp]:
    counts = np.array([len(points) for points in points_px], np.intp)
    if not len(counts):
        raise InputError("there is no scanpath to represent.")
    short = np.flatnonzero(counts < FEWEST_FIXATIONS)
    _refuse(
        short, len(counts), f"fewer than {FEWEST_FIXATIONS} fixations", "leave them out, nothing can be drawn of them"
    )
    return counts


def _refuse(scanpaths: NDArray[np.intp], of: int, fault: str, remedy: str) -> None:
    wrong = np.unique(scanpaths)
    if len(wrong):
        raise InputError(
            f"{len(wrong)} of {of} scanpaths have {fault} (the first is number {wrong[0]}, counted from 0): {remedy}."
        )


def _boxes(
    points: NDArray[np.float64], starts: NDArray[np.intp], size: tuple[int, int], fit: Fit
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Top left corner and extent (n, 2) of each scanpath's frame, in px."""
    if fit == "fixed":
        return np.zeros((len(starts), 2)), np.tile(np.asarray(size, np.float64), (len(starts), 1))
    low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
    extent = np.maximum(high - low, SMALLEST_BOX_PX)
    return (low + high - extent) / 2, extent
