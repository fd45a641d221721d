"""A perceptual hash: what stays of a sample's pictures when size, sharpness, brightness and contrast are taken away."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 16
"""Squares a side: 256 grey values of a picture."""
BLANK = 2.0
"""Grey values: pictures whose squares vary less show nothing, and look like all that show nothing."""
MOST_PICTURES = 400_000
"""Of which hashes are kept at once (100 MB); of more, one sample in so many is hashed."""


def hash_of(pictures: Iterable[NDArray[Any]]) -> bytes:
    """256 grey values a picture, each (height, width) or (channels, height, width). Nothing where there is none. Of numbers that
    are no grey values, from the least to the largest."""
    return b"".join(_squares(one).tobytes() for one in pictures)


def _squares(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    if pixels.dtype != np.uint8:
        least, reach = float(pixels.min()), float(np.ptp(pixels))
        pixels = ((pixels - least) * (255 / reach if reach else 0.0)).round().astype(np.uint8)
    grey = pixels if pixels.ndim == 2 else pixels.mean(axis=0).round().astype(np.uint8)
    return np.asarray(Image.fromarray(np.ascontiguousarray(grey)).resize((SIDE, SIDE), Image.Resampling.BOX))


def shows(hashed: bytes) -> bool:
    """Whether what `hash_of` gave is of pictures that show something."""
    return bool(comparable(np.frombuffer(hashed, np.uint8)[None]).any())


def every(samples: int, pictures: int) -> int:
    """One sample in so many is hashed; pictures: of a sample."""
    return max(1, -(-samples * pictures // MOST_PICTURES))


def comparable(hashes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Hashes (n, pictures x 256) -> points (n, pictures x 256): 0 apart for the same pictures, about 1.4 for such as share
    nothing, whatever their brightness and contrast. A blank picture is all zero."""
    pictures = hashes.reshape(len(hashes), -1, SIDE * SIDE).astype(np.float32)
    pictures -= pictures.mean(axis=2, keepdims=True)
    length = np.linalg.norm(pictures, axis=2, keepdims=True)
    told = length > BLANK * SIDE
    pictures = np.where(told, pictures / np.where(told, length, 1), 0) / np.sqrt(pictures.shape[1], dtype=np.float32)
    return np.asarray(pictures.reshape(len(hashes), -1), np.float32)
