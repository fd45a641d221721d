"""Scanpath drawings: fixations as discs, saccades as lines, visited areas, one channel each."""

import numpy as np
from numpy.typing import NDArray

from xgaze.data.representations.frame import Fit, Framed, Series, flat_durations, framed

TOGETHER = 32  # scanpaths drawn at once: their pictures stay in the cache
LARGEST_RADIUS = 0.04  # of the picture's shorter side
LONGEST_MS = 1000.0
AREAS_PER_SIDE = 10


def scanpath_drawings(
    points_px: Series,
    durations_ms: Series,
    *,
    size: tuple[int, int],
    shape: tuple[int, int],
    fit: Fit = "fixed",
    longest_ms: float = LONGEST_MS,
) -> NDArray[np.float32]:
    """Drawings (n, 3, H, W) of n scanpaths, in [0, 1].

    Channel 0: a disc at each fixation, its area proportional to the duration (at longest_ms or more a radius of 4 % of the
    shorter side). Channel 1: a line for each saccade, one pixel wide, brighter the later it is, the last one at 1. Channel 2: the
    areas of a 10 x 10 grid, each as bright as the eye dwelt in it, the longest at 1. Discs and lines are anti-aliased, the
    brighter on top; what lies outside the frame is not drawn. InputError as `framed` and `flat_durations`.
    """
    frames = framed(points_px, size, fit)
    durations = flat_durations(durations_ms, frames)
    pixels = (frames.unit * (shape[1], shape[0]) - 0.5).astype(np.float32)  # x, y; whole numbers are centres of pixels
    radii = max(LARGEST_RADIUS * min(shape), 1) * np.sqrt(np.minimum(durations / longest_ms, 1)).astype(np.float32)
    drawings = np.zeros((len(frames.counts), 3, *shape), np.float32)
    for first in range(0, len(drawings), TOGETHER):
        start, stop = np.searchsorted(frames.owner, (first, first + TOGETHER))
        part, owner = drawings[first : first + TOGETHER], frames.owner[start:stop] - first
        _draw_discs(part, owner, pixels[start:stop], radii[start:stop])
        inner = slice(start, stop - 1)
        follows = np.flatnonzero(frames.owner[start + 1 : stop] == frames.owner[inner])
        late = ((frames.order + 1) / (frames.counts[frames.owner] - 1))[inner][follows]
        ends = pixels[start:stop][follows], pixels[start:stop][follows + 1]
        _draw_lines(part, owner[follows], *ends, late.astype(np.float32))
        part[:, 2] = _areas(frames, durations, slice(start, stop), first, shape)[: len(part)]
    return drawings


def _draw_discs(
    drawings: NDArray[np.float32], owner: NDArray[np.intp], centres: NDArray[np.float32], radii: NDArray[np.float32]
) -> None:
    """Into channel 0: coverage falls from 1 to 0 over the pixel at the rim."""
    reach = int(np.ceil(radii.max() + 1))
    offset = np.arange(-reach, reach + 1, dtype=np.float32)
    x, y = (np.rint(centres[:, axis, None]) + offset for axis in (0, 1))
    dx, dy = x - centres[:, :1], y - centres[:, 1:]
    coverage = np.sqrt((dy * dy)[:, :, None] + (dx * dx)[:, None, :])
    np.subtract((radii + np.float32(0.5))[:, None, None], coverage, out=coverage)
    np.clip(coverage, 0, 1, out=coverage)
    _lighten(drawings, 0, owner[:, None, None], y[:, :, None], x[:, None, :], coverage)


def _draw_lines(
    drawings: NDArray[np.float32],
    owner: NDArray[np.intp],
    start: NDArray[np.float32],
    end: NDArray[np.float32],
    value: NDArray[np.float32],
) -> None:
    """Into channel 1: one step per pixel along the longer axis, shared between the two pixels beside the line (Wu 1991)."""
    flat = np.abs(end - start).argmax(axis=1)  # the longer axis: 0 runs across, 1 down
    each, limit = np.arange(len(flat)), np.array(drawings.shape[:1:-1])[flat]
    along, across = (start[each, axis] for axis in (flat, 1 - flat))
    run, rise = (end[each, axis] - start[each, axis] for axis in (flat, 1 - flat))
    low = np.clip(np.rint(np.minimum(along, along + run)), 0, limit)
    high = np.clip(np.rint(np.maximum(along, along + run)), -1, limit - 1)
    steps = np.maximum(high - low + 1, 0).astype(np.intp)
    line = np.repeat(each, steps)
    place = low[line] + np.arange(len(line)) - (np.cumsum(steps) - steps)[line]
    done = np.clip((place - along[line]) / np.where(run == 0, 1, run)[line], 0, 1)
    beside = across[line] + done * rise[line]
    lower = np.floor(beside)
    for pixel, share in ((lower, 1 - (beside - lower)), (lower + 1, beside - lower)):
        is_flat = flat[line] == 0
        y, x = np.where(is_flat, pixel, place), np.where(is_flat, place, pixel)
        _lighten(drawings, 1, owner[line], y, x, (share * value[line]).astype(np.float32))


def _lighten(
    drawings: NDArray[np.float32],
    channel: int,
    owner: NDArray[np.intp],
    y: NDArray[np.floating],
    x: NDArray[np.floating],
    value: NDArray[np.float32],
) -> None:
    """Raise pixels of a channel to `value` where they are darker; places outside the picture are passed over."""
    _, channels, height, width = drawings.shape
    value = value * ((y >= 0) & (y < height)) * ((x >= 0) & (x < width))
    y, x = np.clip(y, 0, height - 1).astype(np.intp), np.clip(x, 0, width - 1).astype(np.intp)
    index = (owner * channels + channel) * height * width + y * width + x
    np.maximum.at(drawings.reshape(-1), index.ravel(), value.ravel())


def _areas(
    frames: Framed, durations: NDArray[np.float64], part: slice, first: int, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Dwell times (TOGETHER, H, W) of the areas, relative to the longest; fixations outside the frame have none."""
    unit = frames.unit[part]
    cell = np.minimum((unit * AREAS_PER_SIDE).astype(np.intp), AREAS_PER_SIDE - 1)
    area = ((frames.owner[part] - first) * AREAS_PER_SIDE + cell[:, 1]) * AREAS_PER_SIDE + cell[:, 0]
    inside = ((unit >= 0) & (unit <= 1)).all(axis=1)
    areas = TOGETHER * AREAS_PER_SIDE**2
    dwell = np.bincount(area[inside], durations[part][inside], areas).reshape(TOGETHER, -1)
    relative = (dwell / np.maximum(dwell.max(axis=1, keepdims=True), np.finfo(float).tiny)).astype(np.float32)
    grid = relative.reshape(TOGETHER, AREAS_PER_SIDE, AREAS_PER_SIDE)
    down, across = ((2 * np.arange(side) + 1) * AREAS_PER_SIDE // (2 * side) for side in shape)
    picture: NDArray[np.float32] = grid.take(down, axis=1).take(across, axis=2)
    return picture
