"""Human attention maps: a sum of Gaussians at the fixations of a picture, each as high as the fixation was long.

A two-dimensional Gaussian is the product of two one-dimensional ones, so the sum over all fixations is one matrix product.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xgaze.errors import InputError

SIGMA_PX = 75.0
WINDOW_PX = 500


class BlankMap(InputError):
    """Nothing would be seen on a map of attention."""


@dataclass(frozen=True)
class Spread:
    """How far a fixation spreads: standard deviation in px, and the side of the square window outside which it is zero, in px
    (None: no window). An even window reaches one px farther to the left and top."""

    sigma_px: float = SIGMA_PX
    window_px: int | None = WINDOW_PX

    def __post_init__(self) -> None:
        if not self.sigma_px > 0 or not math.isfinite(self.sigma_px):
            raise InputError(f"the width of the Gaussians must be above 0 px (found {self.sigma_px}).")
        if self.window_px is not None and self.window_px < 1:
            raise InputError(f"the window of the Gaussians must be at least 1 px (found {self.window_px}).")


def gaussian_sum(
    points_px: ArrayLike, weights: ArrayLike, size: tuple[int, int], spread: Spread
) -> NDArray[np.float64]:
    """Sum of Gaussians of peak `weights` (n,) at the px that the points (n, 2), x and y, lie in: (height, width) for `size`
    (width, height). Points outside add what of them reaches inside."""
    places = np.floor(np.asarray(points_px, np.float64).reshape(-1, 2))
    across, down = (_bells(places[:, axis], size[axis], spread) for axis in (0, 1))
    total: NDArray[np.float64] = (down * np.asarray(weights, np.float64)[:, None]).T @ across
    return total


def attention_map(
    points_px: ArrayLike,
    durations_ms: ArrayLike,
    size: tuple[int, int],
    spread: Spread | None = None,
    name: str = "picture",
) -> NDArray[np.float64]:
    """Duration-weighted sum of Gaussians, stretched to 0..1: (height, width) for `size` (width, height).

    All fixations count, the last included. Raises BlankMap naming the picture if the map is blank: no fixation, none that
    reaches into the picture, or the same everywhere.
    """
    total = gaussian_sum(points_px, durations_ms, size, spread or Spread())
    low, high = float(total.min()), float(total.max())
    if not high > low or not math.isfinite(high - low):
        raise BlankMap(
            f"{name}: a blank attention map: none of {np.size(durations_ms)} fixations leaves a trace on its "
            f"{size[0]}x{size[1]} px. Check their coordinates and durations, or leave this picture out."
        )
    return (total - low) / (high - low)


def grey(values: NDArray[Any]) -> NDArray[np.uint8]:
    """A map in 0..1 as 8-bit grey."""
    shades: NDArray[np.uint8] = np.round(255 * np.asarray(values)).astype(np.uint8)
    return shades


def px_per_degree(distance_cm: float, screen_width_cm: float, screen_width_px: int) -> float:
    """Pixels that one degree of visual angle covers in the middle of a flat screen."""
    if min(distance_cm, screen_width_cm, screen_width_px) <= 0:
        raise InputError("viewing distance and screen width must be above 0.")
    return 2 * distance_cm * math.tan(math.radians(0.5)) * screen_width_px / screen_width_cm


def _bells(centres_px: NDArray[np.float64], length: int, spread: Spread) -> NDArray[np.float64]:
    """One Gaussian of peak 1 per row: (n, length), zero outside its window."""
    away = np.arange(length) - centres_px[:, None]
    bells = np.exp(-0.5 * (away / spread.sigma_px) ** 2)
    if spread.window_px is not None:
        before = spread.window_px // 2
        bells[(away < -before) | (away >= spread.window_px - before)] = 0.0
    return bells
