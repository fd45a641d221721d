"""Named representations of the same scanpaths, stacked as the channels of one picture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.data.representations.density import density_maps
from xgaze.data.representations.drawing import scanpath_drawings
from xgaze.data.representations.eight_bit import eight_bit
from xgaze.data.representations.fields import gramian_angular_fields, markov_transition_fields
from xgaze.data.representations.frame import Fit, Series, flat_durations, framed
from xgaze.errors import InputError, nearest

TOGETHER = 256  # scanpaths whose pictures are held in floating point at once


@dataclass(frozen=True)
class Representation:
    """draw(points_px, durations_ms, sigma_px, size=, shape=, fit=) gives (n, channels, H, W); signed: in [-1, 1], else [0, 1]."""

    channels: tuple[str, ...]
    draw: Callable[..., NDArray[np.float32]]
    signed: bool = False


def representations() -> dict[str, Representation]:
    """Every picture of a scanpath by its name in a recipe."""
    return {
        "density": Representation(("density",), lambda xy, ms, s, **how: density_maps(xy, ms, sigma_px=s, **how)),
        "drawing": Representation(
            ("fixations", "saccades", "areas"), lambda xy, ms, _, **how: scanpath_drawings(xy, ms, **how)
        ),
        "gaf": Representation(("gaf x", "gaf y"), lambda xy, _, __, **how: gramian_angular_fields(xy, **how), True),
        "mtf": Representation(("mtf x", "mtf y"), lambda xy, _, __, **how: markov_transition_fields(xy, **how)),
    }


def channel_names(names: Sequence[str]) -> tuple[str, ...]:
    """The channels of a stack in their order. InputError for no name, an unknown name (with the nearest one) or one twice."""
    known = representations()
    for name in names:
        if name not in known:
            raise InputError(f"no representation '{name}'; {nearest(name, known)}")
    if not names or len(set(names)) < len(names):
        raise InputError(f"representations: name each once, and at least one; known: {', '.join(known)}.")
    return tuple(channel for name in names for channel in known[name].channels)


def stacked_eight_bit(
    names: Sequence[str],
    points_px: Series,
    durations_ms: Series,
    *,
    size: tuple[int, int],
    shape: tuple[int, int],
    fit: Fit = "fixed",
    sigma_px: float | None = None,
) -> NDArray[np.uint8]:
    """Pictures (n, channels, H, W), channels as `channel_names`; density is weighted by duration. 0 to 255 cover [0, 1], of a
    Gramian field [-1, 1]. A few scanpaths at a time are held as floats."""
    channels = channel_names(names)
    flat_durations(durations_ms, framed(points_px, size, fit))  # all faults counted before anything is drawn
    known, how = representations(), {"size": size, "shape": shape, "fit": fit}
    pictures = np.empty((len(points_px), len(channels), *shape), np.uint8)
    for start in range(0, len(points_px), TOGETHER):
        part: Any = slice(start, start + TOGETHER)
        drawn = [
            eight_bit(known[name].draw(points_px[part], durations_ms[part], sigma_px, **how), known[name].signed)
            for name in names
        ]
        np.concatenate(drawn, axis=1, out=pictures[part])
    return pictures
