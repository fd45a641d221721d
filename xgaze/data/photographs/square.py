"""A photograph and its attention map on one frame: both resized alike, and one square cut from both."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xgaze.data.photographs.attention import BlankMap, grey

Pixels = NDArray[np.uint8]
Size = tuple[int, int]
"""Width and height, px."""


def size_of(width: int, height: int, shorter: int) -> Size:
    """Size of a picture whose shorter side is made `shorter` px, its aspect kept."""
    scale = shorter / min(width, height)
    return max(shorter, round(width * scale)), max(shorter, round(height * scale))


def resized(picture: Image.Image, size: Size) -> Pixels:
    """Picture, "RGB" or "L", bilinear: uint8 (3 or 1, height, width)."""
    pixels = np.asarray(picture if picture.size == size else picture.resize(size, Image.Resampling.BILINEAR))
    return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def stretched(values: NDArray[Any], name: str) -> NDArray[np.float64]:
    """A map stretched to 0..1. Raises BlankMap, naming it, where it is the same everywhere: never NaN."""
    low, high = float(values.min()), float(values.max())
    if not high > low:
        raise BlankMap(f"{name}: a blank attention map, {low:g} everywhere; draw it anew, or leave its picture out.")
    spread: NDArray[np.float64] = (values.astype(np.float64) - low) / (high - low)
    return spread


def stretched_grey(picture: Image.Image, name: str) -> NDArray[np.float64]:
    """The grey values of a map's picture, stretched to 0..1. Raises BlankMap."""
    return stretched(np.asarray(picture.convert("L")), name)


def map_on(picture: Image.Image, size: Size, threshold: float | None, name: str) -> Pixels:
    """An attention map at a photograph's size, stretched to 0..255, or 0 and 255 at a threshold of 0..1: uint8 (1, height,
    width). Raises BlankMap."""
    values = stretched_grey(picture, name)
    if threshold is not None:
        mask = Image.fromarray(grey(values > threshold))
        return np.asarray(mask.resize(size, Image.Resampling.NEAREST))[None]
    small = Image.fromarray(values.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
    return grey(stretched(np.asarray(small), name))[None]


def cut(pixels: Pixels, left: int, top: int, side: int) -> Pixels:
    """A square of a picture (channels, height, width)."""
    return np.ascontiguousarray(pixels[:, top : top + side, left : left + side])


def middle(pixels: Pixels, side: int) -> tuple[int, int]:
    """Left and top of the square in the middle."""
    return (pixels.shape[2] - side) // 2, (pixels.shape[1] - side) // 2
