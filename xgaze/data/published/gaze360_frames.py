"""Gaze360: heads in panoramas, gaze in any direction. Its frame has x to the left and y up; with yaw = atan2(x, -z) and
pitch = asin(y) the angles are those of the other data sets."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.contract import Recording, Spec
from xgaze.data.pictures.decoding import size_in_file
from xgaze.data.published.listed_recording import (
    Listed,
    listed_recording,
    one_of_every,
    picture_spec,
    whole_px,
)
from xgaze.data.published.published_sections import Gaze360Data
from xgaze.errors import InputError
from xgaze.progress import Advance
from xgaze.recorded_targets import gaze_columns

WHO = "a person is one of one recording: somebody who was recorded twice counts twice, and intervals are somewhat too narrow"
SPLITS = {"train": "train", "val": "validation", "test": "test"}
FIELDS = ("recordings", "splits", "recording", "frame", "person_identity", "split", "gaze_dir")
BOXES = ("person_head_bbox", "person_face_bbox")


def spec_of_gaze360(data: Gaze360Data) -> Spec:
    return Spec((picture_spec(data.picture, 3, data.side, data.side, data.numbers),), "angle", "rad")


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
    with np.errstate(invalid="ignore", divide="ignore"):
        inside = (corners - head[:, None, :2]) / head[:, None, 2:] * size[:, None]
    return whole_px(np.rint(inside)).reshape(-1, 4)


def _face_boxes(
    stored: dict[str, NDArray[Any]], use: NDArray[np.int64], files: list[Path], progress: Advance | None
) -> NDArray[np.int64]:
    """Opens every picture for its size, which the lists do not tell."""
    sizes = np.ones((len(files), 2))
    for done, file in enumerate(files, start=1):
        if file.is_file():  # who is missing is told with all others
            sizes[done - 1] = size_in_file(file)
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
        ways["without a face"] = (stored["person_face_bbox"] == -1).all(axis=1)
    left = np.ones(len(splits), bool)
    told = []
    for why, out in ways.items():
        if many := int((left & out).sum()):
            told.append(f"{many:,} frames {why} are left out")
        left &= ~out
    owners = stored["recording"] * (1 + stored["person_identity"].max(initial=0)) + stored["person_identity"]
    return one_of_every(owners, np.flatnonzero(left), data.every), (*told, WHO)


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
    words = {name: [str(one) for cell in np.ravel(found[name]) for one in np.ravel(cell)] for name in FIELDS[:2]}
    numbers = {name: np.ravel(found[name]) for name in FIELDS[2:6]}
    many, most = len(numbers["frame"]), {"recording": len(words["recordings"]), "split": len(words["splits"])}
    for name, own in numbers.items():
        whole = own.dtype.kind in "buif" and np.array_equal(own, np.floor(own)) and len(own) == many
        if not whole or own.min(initial=0) < 0 or own.max(initial=0) >= most.get(name, 10**9):
            raise InputError(f"{file}: {name} is not {many} whole numbers from 0, each of something. Unpack it again.")
    wide = {name: np.asarray(found[name]) for name in ("gaze_dir", *BOXES)}
    for name, own in wide.items():
        if own.shape != (many, 3 if name == "gaze_dir" else 4) or own.dtype.kind not in "buif":
            told = "x".join(map(str, own.shape))
            raise InputError(f"{file}: {name} is {told} {own.dtype} for {many} frames. Unpack it again.")
    flat = {name: own.astype(np.int64) for name, own in numbers.items()}
    return {**flat, **{k: np.array(v) for k, v in words.items()}, **{k: v.astype(np.float64) for k, v in wide.items()}}


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        unit: NDArray[np.float64] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
