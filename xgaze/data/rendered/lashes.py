"""Lashes: thin tapering strands, drawn once per eye into a cover texture (0 free, 1 hidden)."""

from __future__ import annotations

from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xgaze.data.rendered.person import Participant

Array = NDArray[np.float64]

LASH_WIDTH_MM = 0.12  # at the root
UPPER_LENGTH_MM, LOWER_LENGTH_MM = (3.0, 6.5), (1.2, 2.8)
SPREAD_MM = 12.0  # roots lie within this of the eye's centre


def upper_lashes(
    participant: Participant,
    side: float,
    rng: np.random.Generator,
    half_mm: float,
    reach_mm: float,
    size: tuple[int, int],
) -> Tensor:
    """(h, w) cover over x in [-half_mm, half_mm] and the distance from the roots in [0, reach_mm]."""
    x, along = _strands(participant.lash_count, UPPER_LENGTH_MM, side, rng, size[0] / reach_mm)
    return _cover(x + half_mm, along, (2 * half_mm, reach_mm), size)


def lower_lashes(
    participant: Participant, side: float, rng: np.random.Generator, half_mm: tuple[float, float], size: tuple[int, int]
) -> Tensor:
    """(h, w) cover over the skin texture: half as many lashes, shorter, from just below the lower lid edge."""
    count = participant.lash_count // 2
    x, along = _strands(count, LOWER_LENGTH_MM, side, rng, size[0] / (2 * half_mm[0]))
    return 0.7 * _cover(x + half_mm[1], along + half_mm[0] + 0.7, (2 * half_mm[1], 2 * half_mm[0]), size)


def _strands(
    count: int, length_mm: tuple[float, float], side: float, rng: np.random.Generator, px_per_mm: float
) -> tuple[Array, Array]:
    """Points (count, k) of bent strands, x and distance from the roots in mm, evenly spaced along each strand."""
    root, length, lean, bend = rng.random((4, count))
    start = SPREAD_MM * (2 * (np.arange(count) + root) / count - 1)
    outward = side * start / SPREAD_MM  # temporal lashes are longer
    length = (length_mm[0] + (length_mm[1] - length_mm[0]) * length) * (0.85 + 0.15 * outward)
    lean = np.radians(40 * start / SPREAD_MM + 30 * (lean - 0.5))
    share = np.linspace(0, 1, ceil(2 * length_mm[1] * px_per_mm))[None, :]
    angle = lean[:, None] + (bend - 0.5)[:, None] * share
    x = start[:, None] + length[:, None] * share * np.sin(angle)
    return x, length[:, None] * share * np.cos(angle)


def _cover(x: Array, y: Array, extent_mm: tuple[float, float], size: tuple[int, int]) -> Tensor:
    """Splat strands (count, k), in mm from the texture's corner, on (h, w) texels: antialiased and area true."""
    scale_x, scale_y = size[1] / extent_mm[0], size[0] / extent_mm[1]
    along_x, along_y = np.gradient(x, axis=1), np.gradient(y, axis=1)
    step_mm = np.hypot(along_x, along_y)
    width_mm = LASH_WIDTH_MM * np.linspace(1.0, 0.25, x.shape[1])
    lines = ceil(LASH_WIDTH_MM * max(scale_x, scale_y))  # side by side, so that no texel within a strand stays free
    aside = width_mm / step_mm * ((np.arange(lines) + 0.5) / lines - 0.5)[:, None, None]
    column = ((x + aside * along_y) * scale_x - 0.5).ravel()
    row = ((y - aside * along_x) * scale_y - 0.5).ravel()
    weight = np.tile((width_mm / lines * step_mm * scale_x * scale_y).ravel(), lines)
    return torch.from_numpy(np.minimum(_splat(column, row, weight, size), 1.0).astype(np.float32))


def _splat(column: Array, row: Array, weight: Array, size: tuple[int, int]) -> Array:
    """(h, w) each point's weight shared among the four texels around it; what falls outside is lost."""
    height, width = size
    inside = (column >= 0) & (column < width - 1) & (row >= 0) & (row < height - 1)
    column, row, weight = column[inside], row[inside], weight[inside]
    left, top = column.astype(np.int64), row.astype(np.int64)
    right_share, down_share = column - left, row - top
    corner = top * width + left
    lower, upper = weight * down_share, weight * (1 - down_share)
    places = np.concatenate([corner, corner + 1, corner + width, corner + width + 1])
    left_share = 1 - right_share
    shares = np.concatenate([upper * left_share, upper * right_share, lower * left_share, lower * right_share])
    cover: Array = np.bincount(places, shares, minlength=height * width).astype(np.float64)
    return cover.reshape(height, width)
