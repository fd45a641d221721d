"""How pictures may have been changed since a model was trained: turns, mirrors, inversion, channels, scales, histograms."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[Any]
"""(n, channels, height, width), as they are stored."""
SMALL, LARGE = 1.5, 20.0
"""Ends of numbers from 0 to 1, and of such as are no shares of anything."""
OTHER_MEAN, OTHER_DEVIATION = 2.0, 3.0
"""In deviations of the training, and times it: pictures that differ as much are of another scale, not of another light."""

EVEN = 0.04
"""Of the range of numbers: what equalised histograms leave of a difference from even ones."""


@dataclass(frozen=True)
class Numbers:
    """Of the pictures that a model was trained on: least and largest number, mean and standard deviation."""

    low: float
    high: float
    mean: float
    deviation: float


@dataclass(frozen=True)
class Change:
    """done: what was done to pictures; remedy: what to do with them. undo(pictures, numbers): as they were before, where such
    numbers are usual. fits(pictures, numbers): whether it may have been done. certain: where it may, it was."""

    done: str
    remedy: str
    undo: Callable[[Pictures, Numbers], Pictures]
    fits: Callable[[Pictures, Numbers], bool] = lambda _, __: True
    certain: bool = False


def numbers_of(pictures: Pictures) -> Numbers:
    """Of pictures of one input."""
    return Numbers(*(float(one) for one in (pictures.min(), pictures.max(), pictures.mean(), pictures.std())))


def together(blocks: Sequence[tuple[int, Numbers]]) -> Numbers:
    """Of so many pictures each."""
    weights = np.array([count for count, _ in blocks], np.float64) / sum(count for count, _ in blocks)
    means, deviations = (np.array([getattr(one, of) for _, one in blocks]) for of in ("mean", "deviation"))
    mean = float(weights @ means)
    deviation = float(np.sqrt(weights @ (deviations**2 + (means - mean) ** 2)))
    return Numbers(min(one.low for _, one in blocks), max(one.high for _, one in blocks), mean, deviation)


def _turned(quarters: int, mirrored: bool = False) -> Callable[[Pictures, Numbers], Pictures]:
    """Turned anticlockwise, then mirrored left to right."""

    def undo(pictures: Pictures, _: Numbers) -> Pictures:
        whole = np.rot90(pictures, quarters, axes=(2, 3))
        return _in_size(np.ascontiguousarray(whole[..., ::-1] if mirrored else whole), pictures.shape[2:])

    return undo


def _in_size(pictures: Pictures, size: tuple[int, ...]) -> Pictures:
    """Stretched where a quarter turn made them of another size."""
    if pictures.shape[2:] == size:
        return pictures
    import torch

    stretched = torch.nn.functional.interpolate(torch.from_numpy(pictures).float(), size, mode="bilinear")
    return stretched.numpy()


def _inverted(pictures: Pictures, numbers: Numbers) -> Pictures:
    return np.float32(numbers.low + numbers.high) - pictures.astype(np.float32)


def _equalised(pictures: Pictures, numbers: Numbers) -> Pictures:
    """Every channel's numbers by their ranks, evenly from the least to the largest."""
    flat = pictures.reshape(*pictures.shape[:2], -1)
    equal = np.empty(flat.shape, np.float32)
    for place in np.ndindex(*flat.shape[:2]):
        _, where, counts = np.unique(flat[place], return_inverse=True, return_counts=True)
        reached = np.cumsum(counts) - counts[0]
        equal[place] = (reached / max(1, reached[-1]))[where]
    return (numbers.low + (numbers.high - numbers.low) * equal).reshape(pictures.shape)


def _normalised(pictures: Pictures, numbers: Numbers) -> Pictures:
    own = numbers_of(pictures)
    scaled = (pictures.astype(np.float32) - own.mean) / max(own.deviation, 1e-12)
    return scaled * np.float32(numbers.deviation) + np.float32(numbers.mean)


def _is_of_another_scale(pictures: Pictures, numbers: Numbers) -> bool:
    own, usual = numbers_of(pictures), max(numbers.deviation, 1e-12)
    apart = abs(own.mean - numbers.mean) > OTHER_MEAN * usual
    return apart or not 1 / OTHER_DEVIATION < own.deviation / usual < OTHER_DEVIATION


def _are_equalised(_: Pictures, numbers: Numbers) -> bool:
    """Whether the training's numbers are about evenly spread between their ends: a range by the root of 12 is their deviation."""
    reach = numbers.high - numbers.low
    middle = abs(numbers.mean - numbers.low - reach / 2) < EVEN * reach
    return middle and abs(numbers.deviation - reach / 12**0.5) < EVEN * reach


NORMALISE = "not normalised"
CHANGES: Mapping[str, Change] = MappingProxyType(
    {
        "mirrored": Change("mirrored left to right", "Mirror them back", _turned(0, True)),
        "upside down": Change("upside down (mirrored top to bottom)", "Mirror them back", _turned(2, True)),
        "turned": Change("turned by 180 degrees", "Turn them back", _turned(2)),
        "clockwise": Change("turned by 90 degrees clockwise", "Turn them back", _turned(1)),
        "anticlockwise": Change("turned by 90 degrees anticlockwise", "Turn them back", _turned(3)),
        "transposed": Change("stored with rows for columns", "Swap their axes", _turned(3, True)),
        "transversed": Change(
            "stored with rows for columns, both reversed", "Swap and reverse their axes", _turned(1, True)
        ),
        "inverted": Change("inverted (black for white)", "Invert them", _inverted),
        "channels": Change(
            "stored with blue for red (BGR, RGB)",
            "Read their channels in the other order (of a manifest: `colour`)",
            lambda pictures, _: np.ascontiguousarray(pictures[:, ::-1]),
            lambda pictures, _: pictures.shape[1] == 3,
        ),
        "unscaled": Change(
            "from 0 to 1, not to 255",
            "Multiply them by 255",
            lambda pictures, _: pictures.astype(np.float32) * 255,
            lambda pictures, numbers: bool(0 <= pictures.min() <= pictures.max() <= SMALL and numbers.high > LARGE),
            certain=True,
        ),
        "scaled": Change(
            "from 0 to 255, not to 1",
            "Divide them by 255",
            lambda pictures, _: pictures.astype(np.float32) / 255,
            lambda pictures, numbers: bool(pictures.max() > LARGE and 0 <= numbers.low <= numbers.high <= SMALL),
            certain=True,
        ),
        "not equalised": Change("not equalised, unlike those", "Equalise their histograms", _equalised, _are_equalised),
        NORMALISE: Change("not normalised like those", "Normalise them like those", _normalised, _is_of_another_scale),
    }
)
"""By name."""
