"""Angles between gaze directions, in degrees: the error of models that tell where somebody looks and not at which point."""

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from xgaze.units import RADIANS, VECTOR

TINY = 1e-24
"""Under the root: its gradient is finite where both directions are the same, and a vector of no length is 90 degrees off."""


def directions(points: Tensor, unit: str) -> Tensor:
    """(n, 2) pitch and yaw in `unit`, or (n, 3) vectors of any length -> (n, 3) vectors: x = cos(pitch) sin(yaw), y = sin(pitch),
    z = cos(pitch) cos(yaw). Data sets turn these axes in their own ways; the angle between two directions is the same in all."""
    if unit == VECTOR:
        return points
    pitch, yaw = (points if unit == RADIANS else torch.deg2rad(points)).unbind(dim=1)
    return torch.stack([pitch.cos() * yaw.sin(), pitch.sin(), pitch.cos() * yaw.cos()], dim=1)


def angles(prediction: Tensor, truth: Tensor, unit: str) -> Tensor:
    """Degrees between directions, (n, 2) or (n, 3) -> (n,): by sine and cosine, exact for small angles too, where the arc cosine
    loses its digits."""
    a, b = directions(prediction, unit), directions(truth, unit)
    sine = (torch.linalg.cross(a, b).square().sum(dim=1) + TINY).sqrt()
    return torch.rad2deg(torch.atan2(sine, (a * b).sum(dim=1)))


def angular_error(prediction: ArrayLike, truth: ArrayLike, unit: str) -> NDArray[np.float64]:
    """`angles` of arrays. Raises ValueError for shapes that differ: a broadcast would make a plausible number of a wrong one."""
    a, b = np.asarray(prediction, np.float64), np.asarray(truth, np.float64)
    if a.shape != b.shape or a.ndim != 2 or a.shape[1] != (3 if unit == VECTOR else 2):
        raise ValueError(
            f"gaze directions must both be (n, {3 if unit == VECTOR else 2}), found {a.shape} and {b.shape}"
        )
    found: NDArray[np.float64] = angles(torch.from_numpy(a), torch.from_numpy(b), unit).numpy()
    return found


def sideways_and_up(outputs: NDArray[Any], unit: str) -> NDArray[np.float64]:
    """Directions (..., 2 or 3) as points (..., 2) in degrees: how far they point along x and along y of `directions`, for charts
    and for how far a prediction moves."""
    flat = np.asarray(outputs, np.float64).reshape(-1, np.shape(outputs)[-1])
    vectors = directions(torch.from_numpy(flat), unit).numpy()
    length = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.sqrt(TINY))
    placed: NDArray[np.float64] = np.degrees(np.arcsin(np.clip(vectors[:, :2] / length, -1, 1)))
    return placed.reshape(*np.shape(outputs)[:-1], 2)
