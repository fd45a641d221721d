"""Gaze360: heads in panoramas, gaze in any direction. Its frame has x to the left and y up; with yaw = atan2(x, -z) and
pitch = asin(y) the angles are those of the other data sets."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.contract import Recording, Spec, gaze_columns
from xgaze.data.published.listed_recording import Listed, listed_recording, picture_spec
from xgaze.data.published.published_sections import Gaze360Data
from xgaze.errors import InputError
from xgaze.progress import Advance

SPLITS = {"train": "train", "val": "validation", "test": "test"}
FIELDS = ("recordings", "splits", "recording", "frame", "person_identity", "split", "gaze_dir")
BOXES = ("person_head_bbox", "person_face_bbox")


def spec_of_gaze360(data: Gaze360Data) -> Spec:
    return Spec((picture_spec(data.picture, 3, data.side, data.side),), "angle", "rad")


def open_gaze360(data: Gaze360Data, progress: Advance | None = None) -> Recording:
    """A person is one of one recording: names are unique only within it. Raises InputError for fields that are missing."""
    stored = _metadata(data.path / "metadata.mat")
    names = [str(one) for one in np.ravel(stored["recordings"])]
    splits = np.array([SPLITS.get(str(one), "") for one in np.ravel(stored["splits"])])[stored["split"]]
    angles = gaze360_angles(stored["gaze_dir"])
    off_axis = np.degrees(np.arccos(np.clip(-_unit(stored["gaze_dir"])[:, 2], -1, 1)))
    use, told = _used(data, stored, splits, off_axis)
    of = [(names[stored["recording"][k]], stored["person_identity"][k], stored["frame"][k]) for k in use]
    ids = [f"{recording}/{person:06d}/{frame:06d}" for recording, person, frame in of]
    files = [data.path / "imgs" / name / "head" / f"{who:06d}" / f"{frame:06d}.jpg" for name, who, frame in of]
    people = [f"{recording}/{person:06d}" for recording, person, _ in of]
    sessions = [recording for recording, *_ in of]
    table = pd.DataFrame({"id": ids, "group": people, "session": sessions, "split": splits[use]})
    table = table.assign(**dict(zip(gaze_columns("rad"), angles[use].T, strict=True)))
    boxes = {"face": _face_boxes(stored, use, files, progress)} if data.picture == "face" else {}
    listed = Listed(
        table, {data.picture: files}, boxes, conditions={"off the axis, degrees": off_axis[use]}, notes=told
    )
    return listed_recording(data.path, spec_of_gaze360(data), listed, data.colour)


def gaze360_angles(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaze (n, 3) in the eye's frame -> pitch and yaw (n, 2), rad."""
    x, y, z = _unit(vectors).T
    return np.stack([np.arcsin(np.clip(y, -1, 1)), np.arctan2(x, -z)], axis=1)


def face_in_head(face: NDArray[np.float64], head: NDArray[np.float64], size: NDArray[np.float64]) -> NDArray[np.int64]:
    """Boxes (n, 4) x, y, width, height, shares of the panorama, and the sizes (n, 2) in px of the heads' pictures -> left, top,
    right, bottom in these."""
    corners = np.stack([face[:, :2], face[:, :2] + face[:, 2:]], axis=1)
    inside = (corners - head[:, None, :2]) / head[:, None, 2:] * size[:, None]
    return np.rint(inside).astype(np.int64).reshape(-1, 4)


def _face_boxes(
    stored: dict[str, NDArray[Any]], use: NDArray[np.int64], files: list[Path], progress: Advance | None
) -> NDArray[np.int64]:
    """Opens every picture for its size, which the lists do not tell."""
    from xgaze.data.pictures.decoding import decode

    sizes = np.zeros((len(files), 2))
    for done, file in enumerate(files, start=1):
        if file.is_file():  # who is missing is told with all others
            sizes[done - 1] = decode(file).picture.size
        if progress:
            progress(done, len(files))
    return face_in_head(stored["person_face_bbox"][use], stored["person_head_bbox"][use], sizes)


def _used(
    data: Gaze360Data, stored: dict[str, NDArray[Any]], splits: NDArray[np.str_], off_axis: NDArray[np.float64]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The frames that are asked for, and how many of which are left out."""
    ways = {"of no split": splits == "", "without a direction": ~np.isfinite(off_axis)}
    if data.within < 180:
        ways[f"beyond {data.within:g} degrees"] = off_axis > data.within
    if data.picture == "face":
        ways["without a face"] = (stored["person_face_bbox"] < 0).any(axis=1)
    left = np.ones(len(splits), bool)
    told = []
    for why, out in ways.items():
        if many := int((left & out).sum()):
            told.append(f"{many:,} frames {why} are left out")
        left &= ~out
    return np.flatnonzero(left)[:: data.every], tuple(told)


def _metadata(file: Path) -> dict[str, NDArray[Any]]:
    from scipy.io import loadmat  # reads numbers and text; nothing in a .mat runs

    try:
        found = loadmat(str(file), verify_compressed_data_integrity=True)
    except FileNotFoundError:
        raise InputError(f"{file}: no such file. Give the folder that holds metadata.mat and imgs.") from None
    except Exception as error:  # what a damaged file raises is of a dozen types
        raise InputError(f"{file}: not readable as MATLAB v5 ({str(error)[:80]}). Unpack it again.") from None
    if missing := [name for name in (*FIELDS, *BOXES) if name not in found]:
        raise InputError(f"{file}: holds no {', '.join(missing)}. Unpack it again.")
    flat = {name: np.ravel(found[name]).astype(np.int64) for name in FIELDS[2:6]}
    words = {name: np.array([str(np.ravel(one)[0]) for one in np.ravel(found[name])]) for name in FIELDS[:2]}
    wide = {name: np.asarray(found[name], np.float64) for name in ("gaze_dir", *BOXES)}
    if len({len(one) for one in (flat | wide).values()}) > 1:
        told = ", ".join(f"{len(one)} of {name}" for name, one in (flat | wide).items())
        raise InputError(f"{file}: its fields differ in length: {told}. Unpack it again.")
    return {**flat, **words, **wide}


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        unit: NDArray[np.float64] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
