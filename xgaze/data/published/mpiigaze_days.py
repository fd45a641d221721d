"""MPIIGaze's files of one day (MATLAB v5): a struct `data` of left and right eyes, and the names of the frames they are from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.data.published.gaze_directions import gaze_angles, head_angles, mirrored_angles
from xgaze.errors import InputError

SIDE = (36, 60)
EYES = ("left", "right")
REMEDY = "Unpack the data set again."


@dataclass(frozen=True)
class Eyes:
    """n eyes of one day and side, right ones mirrored so that they look like left ones, their angles likewise.

    pictures (n, 36, 60) uint8; gaze and head (n, 2) float64, pitch and yaw in rad; frames (n,), "0001.jpg" and the like.
    """

    pictures: NDArray[np.uint8]
    gaze: NDArray[np.float64]
    head: NDArray[np.float64]
    frames: Sequence[str]

    def taken(self, places: Sequence[int]) -> "Eyes":
        own = list(places)
        return Eyes(self.pictures[own], self.gaze[own], self.head[own], [self.frames[k] for k in own])


def read_day(file: Path) -> dict[str, Eyes]:
    """Both eyes of a day by "left" and "right". Raises InputError for what is no such file."""
    stored = _struct(file)
    frames = [str(one) for one in np.atleast_1d(stored["filenames"])]
    return {side: _eyes(file, side, stored["data"], frames) for side in EYES}


def _struct(file: Path) -> dict[str, Any]:
    from scipy.io import loadmat  # reads numbers and text; nothing in a .mat runs

    try:
        found = loadmat(str(file), squeeze_me=True, struct_as_record=False, verify_compressed_data_integrity=True)
    except Exception as error:  # what a damaged file raises is of a dozen types
        raise InputError(f"{file}: not readable as MATLAB v5 ({str(error)[:80]}). {REMEDY}") from None
    if missing := [name for name in ("data", "filenames") if name not in found]:
        raise InputError(f"{file}: holds no `{missing[0]}`. Is this a file of Data/Normalized? {REMEDY}")
    return dict(found)


def _eyes(file: Path, side: str, data: Any, frames: list[str]) -> Eyes:
    eye = getattr(data, side, None)
    parts = {name: getattr(eye, name, None) for name in ("image", "gaze", "pose")}
    for name, one in parts.items():
        if not isinstance(one, np.ndarray) or one.dtype.kind not in "buif":
            raise InputError(f"{file}: holds no data.{side}.{name}. {REMEDY}")
    many = len(frames)
    # A day of one frame has lost its first axis.
    shapes = {"image": (many, *SIDE), "gaze": (many, 3), "pose": (many, 3)}
    for name, shape in shapes.items():
        if parts[name].size != np.prod(shape) or parts[name].shape not in (shape, shape[1:]):  # type: ignore[union-attr]
            told = "x".join(map(str, parts[name].shape))  # type: ignore[union-attr]
            raise InputError(
                f"{file}: data.{side}.{name} is {told} for {many} frames, not {'x'.join(map(str, shape))}."
            )
    image, gaze, pose = (np.asarray(parts[name]).reshape(shapes[name]) for name in shapes)
    angles, head = gaze_angles(gaze.astype(np.float64)), head_angles(pose.astype(np.float64))
    pictures = image.astype(np.uint8)
    if side == "right":
        return Eyes(np.ascontiguousarray(pictures[:, :, ::-1]), mirrored_angles(angles), mirrored_angles(head), frames)
    return Eyes(pictures, angles, head, frames)
