"""Scanpaths as sequences: one row per fixation, padded with zeros to a common length."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgaze.data.representations.frame import Fit, Series, flat_durations, framed
from xgaze.errors import InputError

PLACES = ("x", "y", "duration_ms")
MOVEMENTS = ("log_duration", "right_px", "down_px", "log_length", "across_px", "along_px")
"""How each fixation was reached, in px of the stimulus and zero for the first: signed, its length as log(1 + px), and unsigned;
before them the natural logarithm of the duration, since durations are skewed."""


@dataclass(frozen=True)
class Sequences:
    """values (n, steps, features) float32: x / width, y / height (0 to 1 across the frame), duration in ms, and with saccades
    what `MOVEMENTS` names; zeros after the true length. length (n, 1) float32: fixations kept of each scanpath."""

    values: NDArray[np.float32]
    length: NDArray[np.float32]

    @property
    def real(self) -> NDArray[np.bool_]:
        """(n, steps): where a fixation stands, as opposed to padding. A fixation at x = 0 is one."""
        return np.arange(self.values.shape[1]) < self.length


def padded_sequences(
    points_px: Series,
    durations_ms: Series,
    *,
    size: tuple[int, int],
    steps: int,
    fit: Fit = "fixed",
    saccades: bool = False,
) -> Sequences:
    """The first `steps` fixations of each scanpath, padded with zeros: `PLACES`, with saccades `MOVEMENTS` too.

    InputError as `framed` and `flat_durations`."""
    if steps < 1:
        raise InputError(f"a sequence of {steps} fixations is empty: keep at least one.")
    frames = framed(points_px, size, fit)
    durations = flat_durations(durations_ms, frames)
    rows = np.column_stack([frames.unit, durations])
    if saccades:
        rows = np.column_stack([rows, np.log(durations), _movements(points_px, frames.order)])
    kept = frames.order < steps
    values = np.zeros((len(frames.counts), steps, rows.shape[1]), np.float32)
    values[frames.owner[kept], frames.order[kept]] = rows[kept]
    return Sequences(values, np.minimum(frames.counts, steps).astype(np.float32)[:, None])


def _movements(points_px: Series, order: NDArray[np.int64]) -> NDArray[np.float64]:
    """(fixations, 5): right, down, log(1 + length), |right|, |down| in px from the fixation before."""
    xy = np.concatenate([np.asarray(one, np.float64) for one in points_px])
    moved = np.diff(xy, axis=0, prepend=xy[:1])
    moved[order == 0] = 0
    return np.column_stack([moved, np.log1p(np.hypot(*moved.T)), np.abs(moved)])


def feature_statistics(sequences: Sequences) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation (features,) of the fixations, padding left out; a constant feature's deviation counts as 1.
    Give it training participants only."""
    fixations = sequences.values[sequences.real].astype(np.float64)
    deviation = fixations.std(axis=0)
    return fixations.mean(axis=0), np.where(deviation > 0, deviation, 1.0)
