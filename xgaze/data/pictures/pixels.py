"""Pixels of pictures: grey and RGB, resizing, many files at once. Knows no folder layout."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xgaze.data.pictures.decoding import Decoded, PictureError, decode
from xgaze.progress import Advance

Grey = NDArray[np.uint8]
Item = TypeVar("Item")
Result = TypeVar("Result")

COLOUR = 8
"""Grey values by which the channels of a pixel in colour differ more than those of a grey one, which JPEG may stain."""


def read_grey(path: Path, height: int, width: int) -> Grey:
    """Decode a grey picture, uint8 (height, width). Raises PictureError, also for another size."""
    return grey_of(decode(path), path, height, width)


def grey_of(decoded: Decoded, path: Path, height: int, width: int) -> Grey:
    """A decoded picture's grey values, uint8 (height, width). Raises PictureError for another size."""
    picture = decoded.picture
    if picture.size != (width, height):
        found = f"{picture.width}x{picture.height} px"
        raise PictureError(path, "wrong image size", f"is {found}, expected {width}x{height} px (width x height)")
    return np.asarray(picture.convert("L"))


def is_coloured(picture: Image.Image) -> bool:
    """Whether a picture shows any colour: many grey ones are stored as RGB."""
    if picture.mode != "RGB":
        return False
    red, green, blue = (np.asarray(one, np.int16) for one in picture.split())
    return bool((np.abs(red - green) > COLOUR).any() or (np.abs(blue - green) > COLOUR).any())


def resize_grey(pixels: Grey, height: int, width: int) -> Grey:
    """Bilinear, uint8 (H, W) -> (height, width); unchanged when the size is right."""
    if pixels.shape == (height, width):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR))


def cut_picture(picture: Image.Image, box: tuple[int, int, int, int], name: str) -> Image.Image:
    """The part inside `box` (left, top, right, bottom, px). Raises PictureError, calling the picture `name`, for a box that
    leaves it: Pillow would fill up with black."""
    if box[2] > picture.width or box[3] > picture.height:
        found, wanted = f"{picture.width}x{picture.height} px", f"({', '.join(map(str, box))})"
        raise PictureError(name, "wrong image size", f"is {found}, but crop {wanted} reaches beyond it")
    return picture.crop(box)


def fit_picture(picture: Image.Image, height: int, width: int, channels: int) -> NDArray[np.uint8]:
    """Picture -> uint8 (channels, height, width): bilinear, aspect not kept, grey repeated or RGB made grey."""
    pixels = picture.convert("L" if channels == 1 else "RGB")
    if pixels.size != (width, height):
        pixels = pixels.resize((width, height), Image.Resampling.BILINEAR)
    array = np.asarray(pixels)
    return array[None] if channels == 1 else np.ascontiguousarray(array.transpose(2, 0, 1))


def in_threads(work: Callable[[Item], Result], items: Sequence[Item], advance: Advance | None) -> Iterator[Result]:
    """Results in the order of items; decoding releases Python's lock, so threads share the work."""
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        for done, result in enumerate(pool.map(work, items), start=1):
            if advance:
                advance(done, len(items))
            yield result
