"""What somebody looked into: a scene in px, the range of labels that lie in none, or yaw and pitch about straight ahead."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xgaze.units import DEGREES, VECTOR, measured_in

FORWARD = {"-x": (0, -1.0), "+x": (0, 1.0), "-y": (1, -1.0), "+y": (1, 1.0), "-z": (2, -1.0), "+z": (2, 1.0)}
"""Axis and sign by name."""


def forward_axis(vectors: NDArray[np.float64]) -> str:
    """The axis of `FORWARD` along which vectors (n, 3) point on average."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    mean = np.nanmean(vectors / np.where(length > 0, length, np.nan), axis=0)
    axis = int(np.argmax(np.abs(mean)))
    return f"{'-' if mean[axis] < 0 else '+'}{'xyz'[axis]}"


def pitch_and_yaw(directions: ArrayLike, unit: str, forward: str = "+z") -> NDArray[np.float64]:
    """Directions (n, 2 or 3) in `unit` as pitch and yaw in degrees (n, 2); of vectors, about the axis `forward`."""
    own = np.asarray(directions, np.float64)
    if unit != VECTOR:
        return own if unit == DEGREES else own * (180 / np.pi)
    axis, sign = FORWARD[forward]
    sideways, up = (own[:, k] for k in range(3) if k != axis)
    ahead = sign * own[:, axis]
    pitch, yaw = np.arctan2(up, np.hypot(sideways, ahead)), np.arctan2(sideways, ahead)
    angles: NDArray[np.float64] = np.degrees(np.stack([pitch, yaw], axis=1))
    return angles


@dataclass(frozen=True)
class GazeField:
    """kind, stored: of targets and their unit, as a specification has them. low, high: its corners, the smallest and the largest
    x and y (of directions yaw and pitch) in `unit`. scene: whether these are the edges of a scene, or else of what labels span.
    forward: of vectors, the axis that is straight ahead."""

    kind: str
    stored: str
    low: tuple[float, float]
    high: tuple[float, float]
    scene: bool = False
    forward: str = "+z"

    @classmethod
    def of(cls, kind: str, unit: str, scene: ArrayLike | None, targets: ArrayLike) -> "GazeField":
        """Of gaze points or directions `targets` (n, 2 or 3); scene: (width, height), where they lie in one."""
        own = np.asarray(targets, np.float64)
        forward = forward_axis(own) if unit == VECTOR else "+z"
        if kind == "gaze" and scene is not None:
            width, height = np.asarray(scene, float).tolist()
            return cls(kind, unit, (0.0, 0.0), (width, height), True)
        places = cls(kind, unit, (0.0, 0.0), (0.0, 0.0), forward=forward).places(own)
        ends = [(float(np.nanmin(one)), float(np.nanmax(one))) for one in places.T]
        return cls(kind, unit, (ends[0][0], ends[1][0]), (ends[0][1], ends[1][1]), forward=forward)

    @property
    def unit(self) -> str:
        return measured_in(self.kind, self.stored)

    @property
    def names(self) -> tuple[str, str]:
        """Of its coordinates, the one across first."""
        return ("yaw", "pitch") if self.kind == "angle" else ("x", "y")

    @property
    def centre(self) -> tuple[float, float]:
        """From where eccentricity counts: straight ahead, or the middle of the scene or of the labels."""
        if self.kind == "angle":
            return 0.0, 0.0
        return (self.low[0] + self.high[0]) / 2, (self.low[1] + self.high[1]) / 2

    @property
    def centre_in_words(self) -> str:
        if self.kind == "angle":
            return "straight ahead"
        return "the centre of the scene" if self.scene else "the middle of where people looked"

    def places(self, targets: ArrayLike) -> NDArray[np.float64]:
        """Targets (n, 2 or 3) as x and y, or as yaw and pitch, (n, 2) in `unit`."""
        own = np.asarray(targets, np.float64)
        return pitch_and_yaw(own, self.stored, self.forward)[:, ::-1] if self.kind == "angle" else own

    def eccentricity(self, targets: ArrayLike) -> NDArray[np.float64]:
        """How far targets (n, 2 or 3) are from the centre, (n,) in `unit`; of directions the angle to straight ahead."""
        places = self.places(targets)
        if self.kind != "angle":
            distance: NDArray[np.float64] = np.hypot(*(places - self.centre).T)
            return distance
        yaw, pitch = np.radians(places).T
        aside = np.hypot(np.cos(pitch) * np.sin(yaw), np.sin(pitch))
        angle: NDArray[np.float64] = np.degrees(np.arctan2(aside, np.cos(pitch) * np.cos(yaw)))
        return angle

    def cells_of_places(self, places: NDArray[np.float64], counts: tuple[int, int]) -> NDArray[np.int64]:
        """(n, 2): in which of so many columns and rows of equal cells places (n, 2) lie, counted from the smallest x and y;
        beyond the edge, the nearest."""
        low, many = np.asarray(self.low), np.asarray(counts)
        size = np.asarray(self.high) - low
        parts = (places - low) / np.where(size > 0, size, 1.0)
        found: NDArray[np.int64] = np.clip((parts * many).astype(np.int64), 0, many - 1)
        return found

    def cell_size(self, counts: tuple[int, int]) -> tuple[float, float]:
        """Width and height of a cell, in `unit`."""
        return (self.high[0] - self.low[0]) / counts[0], (self.high[1] - self.low[1]) / counts[1]
