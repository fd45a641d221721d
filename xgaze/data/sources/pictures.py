"""Pixels of picture files: decoding, grey and RGB, resizing, many files at once. Knows no folder layout."""

import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xgaze.errors import InputError
from xgaze.progress import Advance

Grey = NDArray[np.uint8]
Item = TypeVar("Item")
Result = TypeVar("Result")

SUFFIXES = (".png", ".jpg", ".jpeg")
# Modes with 8 bits a channel; 16-bit and float pictures would be clipped to white without a word.
_EIGHT_BIT = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr")
_DECODE_ERRORS = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)


class PictureError(InputError):
    """A picture that cannot be used. `kind` is a kind of fault, `reason` says what is wrong without naming the file."""

    def __init__(self, path: Path | str, kind: Literal["undecodable image", "wrong image size"], reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.kind = kind
        self.reason = reason


def read_picture(path: Path) -> Image.Image:
    """Decode a picture to mode "L" (grey) or "RGB". Raises PictureError."""
    try:
        with Image.open(path) as picture:
            if picture.mode not in _EIGHT_BIT:
                raise PictureError(path, "undecodable image", f"pixels are {picture.mode}, expected 8 bits a channel")
            return picture.convert("L" if picture.mode in ("1", "L", "LA") else "RGB")
    except FileNotFoundError:
        raise PictureError(path, "undecodable image", "no such file") from None
    except _DECODE_ERRORS as error:
        raise PictureError(path, "undecodable image", f"cannot be decoded ({_reason(error)})") from None


def _reason(error: Exception) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return "not a picture"
    return str(getattr(error, "strerror", None) or error)  # without the path that the message already has


def read_grey(path: Path, height: int, width: int) -> Grey:
    """Decode a grey picture, uint8 (height, width). Raises PictureError, also for another size."""
    picture = read_picture(path)
    if picture.size != (width, height):
        found = f"{picture.width}x{picture.height} px"
        raise PictureError(path, "wrong image size", f"is {found}, expected {width}x{height} px (width x height)")
    return np.asarray(picture.convert("L"))


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
