"""Crops of a photograph at several scales, all centred on one point: what multi-resolution nets see of a place.

The photograph is resized to scale x scale px (400, 250, 150; the aspect is not kept, so that a 50x50 grid over it steps 8, 5
and 3 px), and 42x42 px are cut around the point, the border replicated where they reach beyond. Liu et al. 2015.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from xgaze.errors import InputError

SCALES = (400, 250, 150)
CROP_PX = 42
GRID = (50, 50)


def input_name(scale: int) -> str:
    """Name of a model's input that holds the crops at this scale."""
    return f"crop_{scale}"


def scale_of(name: str) -> int:
    """The scale of an input by its name, as "crop_400". Raises InputError for any other name."""
    prefix, _, scale = name.partition("_")
    if prefix != "crop" or not scale.isdecimal() or int(scale) < 1:
        raise InputError(f"input '{name}' names no scale; crops at a scale are named like '{input_name(SCALES[0])}'.")
    return int(scale)


def scaled_and_padded(photograph: NDArray[np.uint8], scale: int, crop: int = CROP_PX) -> NDArray[np.uint8]:
    """A photograph (3, height, width) resized to scale x scale px and padded by half a crop on every side, border replicated."""
    picture = Image.fromarray(np.ascontiguousarray(np.moveaxis(photograph, 0, -1)))
    small = np.moveaxis(np.asarray(picture.resize((scale, scale), Image.Resampling.BILINEAR)), -1, 0)
    half = crop // 2
    padded: NDArray[np.uint8] = np.pad(small, ((0, 0), (half, crop - half), (half, crop - half)), mode="edge")
    return padded


def grid_points(grid: tuple[int, int] = GRID) -> NDArray[np.float64]:
    """Centres of the cells of a grid (rows, columns) over a picture, row by row: (rows x columns, 2), x and y as shares."""
    rows, columns = grid
    y, x = np.meshgrid((np.arange(rows) + 0.5) / rows, (np.arange(columns) + 0.5) / columns, indexing="ij")
    return np.stack([x.ravel(), y.ravel()], axis=1)


def starts_of(points: ArrayLike, scale: int) -> NDArray[np.int64]:
    """Where crops around points (n, 2), x and y as shares of the picture, start in the padded picture of a scale: column, row.

    The point lies in the px at (crop // 2, crop // 2) of its crop. Points outside the picture are taken to its border.
    """
    # A share such as 4 / 400 may be stored a hair too small and would fall into the px before.
    places = np.floor(np.asarray(points, np.float64).reshape(-1, 2) * scale + 1e-6).astype(np.int64)
    starts: NDArray[np.int64] = places.clip(0, scale - 1)
    return starts


def crops_at(padded: NDArray[Any], starts: ArrayLike, crop: int = CROP_PX) -> NDArray[Any]:
    """Crops (n, channels, crop, crop) of a padded picture that start at (n, 2) column and row; a copy."""
    columns, rows = np.asarray(starts, np.int64).reshape(-1, 2).T
    windows = np.lib.stride_tricks.sliding_window_view(padded, (crop, crop), axis=(1, 2))
    found: NDArray[Any] = np.moveaxis(windows[:, rows, columns], 1, 0)
    return np.ascontiguousarray(found)


def crops_of(
    photograph: NDArray[np.uint8], points: ArrayLike, scales: Sequence[int] = SCALES
) -> dict[str, NDArray[np.uint8]]:
    """Input name -> crops (n, 3, 42, 42) of a photograph (3, height, width) around points (n, 2), shares of the picture."""
    return {
        input_name(scale): crops_at(scaled_and_padded(photograph, scale), starts_of(points, scale)) for scale in scales
    }
