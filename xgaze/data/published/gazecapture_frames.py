"""GazeCapture: faces, eyes and face grids of phones and tablets; gaze in cm from the camera, x to the right, y up.

Crops and grids are those of its own Python code (prepareDataset.py, ITrackerData.py): coordinates truncated, black beyond the
frame, the 1-based grid taken as 0-based. With them the published network reads what it was trained on.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.contract import Recording, Spec
from xgaze.data.fault_kinds import Fault, among, raise_faults
from xgaze.data.published.listed_recording import (
    Listed,
    asked_of,
    listed_recording,
    one_of_every,
    picture_spec,
    vector_spec,
    whole_px,
)
from xgaze.data.published.published_sections import GazeCaptureData
from xgaze.errors import InputError
from xgaze.progress import Advance
from xgaze.recorded_targets import gaze_columns

SPLITS: Mapping[str, str] = {"train": "train", "val": "validation", "test": "test"}
CELLS = 25
FACE, EYES = "appleFace", {"left": "appleLeftEye", "right": "appleRightEye"}
BOXES = (FACE, *EYES.values(), "faceGrid")
COLUMNS: Mapping[str, list[str]] = {
    **{name: ["X", "Y", "W", "H", "IsValid"] for name in BOXES},
    "dotInfo": ["DotNum", "XCam", "YCam"],
    "screen": ["Orientation"],
}
"""Of a recording's files, a number each for every frame."""
REMEDY = "Unpack the recording again."


def spec_of_gazecapture(data: GazeCaptureData) -> Spec:
    """In the order that the definition asks for; without one, in that of the published network."""
    pictures = [picture_spec(name, 3, data.side, data.side, data.numbers) for name in ("face", "left", "right")]
    return Spec(asked_of([*pictures, vector_spec("grid", CELLS**2)], data.inputs), "gaze", "cm")


def open_gazecapture(data: GazeCaptureData, progress: Advance | None = None) -> Recording:
    """Frames whose face, eyes and grid are all valid. Raises InputError with all recordings that lack files or fields, and all
    pictures that are not there."""
    faults: list[Fault] = []
    if data.samples == "prepared":
        listed = _prepared(data)
    else:
        folders = sorted(one for one in data.path.glob("[0-9][0-9][0-9][0-9][0-9]") if one.is_dir())
        if not folders:
            raise InputError(
                f"{data.path}: holds no recording (00002 and so on). Give the folder they are unpacked in."
            )
        parts = []
        for done, folder in enumerate(folders, start=1):
            parts.append(_recording(folder, data, faults))
            if progress:
                progress(done, len(folders))
        found = [one for one in parts if one is not None]
        if faults and not found:
            raise_faults(data.path, faults)
        listed = _joined(data, found)
    return listed_recording(data.path, spec_of_gazecapture(data), listed, data.colour, faults)


def crop_boxes(face: NDArray[np.float64], eye: NDArray[np.float64] | None = None) -> NDArray[np.int64]:
    """x, y, width, height (n, 4) of faces in the frame, and of eyes in the face -> left, top, right, bottom in the frame. Each
    box is truncated before anything is added to it."""
    box = whole_px(face) + np.array([-1, -1, 1, 1])
    if eye is not None:
        corner = np.concatenate([box[:, :2], np.zeros_like(box[:, :2])], axis=1)
        box = corner + whole_px(eye) + np.array([0, -1, 0, 0])
    return np.concatenate([box[:, :2], box[:, :2] + box[:, 2:]], axis=1)


def face_grids(boxes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """x, y, width, height (n, 4) in cells, uint8 -> (n, 625), row by row: 1 where the face is. Numbers as the file has them: -1
    is stored as 255, beyond the grid."""
    x, y, width, height = boxes.astype(np.int64).T[:, :, None]
    cells = np.arange(CELLS)
    columns, rows = (cells >= x) & (cells < x + width), (cells >= y) & (cells < y + height)
    cells_of: NDArray[np.bool_] = rows[:, :, None] & columns[:, None, :]
    return cells_of.reshape(len(boxes), CELLS**2).astype(np.float32)


def grid_of(box: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Of one face (4,): (625,)."""
    own: NDArray[np.float32] = face_grids(box[None])[0]
    return own


def _recording(folder: Path, data: GazeCaptureData, faults: list[Fault]) -> dict[str, Any] | None:
    """One recording's valid frames; None for a device that is not asked for, and for what is damaged, whose faults are added."""
    info: dict[str, Any] | None = None
    frames: list[Any] | None = None
    own: list[Fault] = []
    with among(own):
        info = _info(folder)
    if info is not None and not _is_asked_for(info, data):
        return None
    with among(own):
        frames = _read(folder, "frames.json", list)
    columns = {}
    for name, keys in COLUMNS.items():
        with among(own):
            columns[name] = _columns(folder, f"{name}.json", keys, None if frames is None else len(frames))
    with among(own):
        if info is not None and frames is not None and not own:
            return _valid_frames(folder, info, frames, columns, data.every)
    faults += own
    return None


def _info(folder: Path) -> dict[str, Any]:
    info: dict[str, Any] = _read(folder, "info.json", dict, ["Dataset", "DeviceName"])
    if not isinstance(info["Dataset"], str) or info["Dataset"] not in SPLITS:
        raise InputError(f"{folder / 'info.json'}: Dataset is '{info['Dataset']}', not train, val or test.")
    return info


def _is_asked_for(info: dict[str, Any], data: GazeCaptureData) -> bool:
    is_phone = "iphone" in str(info["DeviceName"]).lower()
    return data.devices == "all" or is_phone == (data.devices == "phones")


def _valid_frames(
    folder: Path, info: dict[str, Any], frames: list[Any], columns: dict[str, NDArray[np.float64]], every: int
) -> dict[str, Any]:
    """columns: (frames, numbers) by file. Raises InputError where a frame has no point of gaze."""
    boxes, dots = {name: columns[name] for name in BOXES}, columns["dotInfo"]
    valid = np.all([one[:, 4] == 1 for one in boxes.values()], axis=0)
    rows = np.flatnonzero(valid)[::every]
    if bad := np.flatnonzero(~np.isfinite(dots[rows, 1:]).all(axis=1)).tolist():
        more = f" ({len(bad)} such frames)" if len(bad) > 1 else ""
        raise InputError(
            f"{folder / 'dotInfo.json'}: frame {frames[rows[bad[0]]]} is valid and has no XCam, YCam{more}."
        )
    face = boxes[FACE][rows, :4]
    crops = {name: crop_boxes(face, boxes[file][rows, :4]) for name, file in EYES.items()}
    return {
        "names": [str(frames[row]) for row in rows],
        "folder": folder,
        "split": SPLITS[info["Dataset"]],
        "gaze": dots[rows, 1:],
        "boxes": {"face": crop_boxes(face), **crops},
        "grid": whole_px(boxes["faceGrid"][rows, :4]).astype(np.uint8),
        "device": str(info["DeviceName"]),
        "orientation": _words(columns["screen"][rows, 0]),
        "dot": _words(dots[rows, 0]),
        "left_out": len(frames) - int(valid.sum()),
    }


def _joined(data: GazeCaptureData, parts: list[dict[str, Any]]) -> Listed:
    if not parts:
        raise InputError(f"{data.path}: no recording of {data.devices}.")
    lengths = [len(one["names"]) for one in parts]
    people, splits, devices = (
        np.repeat([str(of(one)) for one in parts], lengths)
        for of in (lambda one: one["folder"].name, lambda one: one["split"], lambda one: one["device"])
    )
    frames = [one["folder"] / "frames" / name for one in parts for name in one["names"]]
    ids = [f"{file.parents[1].name}/{file.stem}" for file in frames]
    dots = np.concatenate([one["dot"] for one in parts])
    table = pd.DataFrame({"id": ids, "group": people, "session": dots, "split": splits})
    gaze = np.concatenate([one["gaze"] for one in parts])
    left_out = sum(one["left_out"] for one in parts)
    return Listed(
        table.assign(**dict(zip(gaze_columns("cm"), gaze.T, strict=True))),
        dict.fromkeys(("face", "left", "right"), frames),
        {name: np.concatenate([one["boxes"][name] for one in parts]) for name in ("face", "left", "right")},
        {"grid": np.concatenate([one["grid"] for one in parts])},
        {"grid": grid_of},
        {"device": devices, "orientation": np.concatenate([one["orientation"] for one in parts])},
        (f"{left_out:,} frames without a face, both eyes and a grid are left out",) if left_out else (),
    )


def _prepared(data: GazeCaptureData) -> Listed:
    """What prepareDataset.py wrote: crops as pictures, and all else in one file."""
    stored = _metadata(data.path / "metadata.mat")
    number, frame = (np.atleast_1d(stored[name]).astype(np.int64) for name in ("labelRecNum", "frameIndex"))
    flags = np.stack([np.atleast_1d(stored[name]).astype(bool) for name in ("labelTrain", "labelVal", "labelTest")])
    rows = one_of_every(number, np.flatnonzero(flags.any(axis=0)), data.every)
    people = np.array([f"{one:05d}" for one in number[rows]])
    names = [f"{one:05d}" for one in frame[rows]]
    splits = np.array(list(SPLITS.values()))[flags[:, rows].argmax(axis=0)]
    ids = [f"{person}/{name}" for person, name in zip(people, names, strict=True)]
    gaze = np.stack([np.atleast_1d(stored[name]).astype(np.float64)[rows] for name in ("labelDotXCam", "labelDotYCam")])
    table = pd.DataFrame({"id": ids, "group": people, "session": "0", "split": splits})
    files = {
        name: [data.path / person / folder / f"{one}.jpg" for person, one in zip(people, names, strict=True)]
        for name, folder in {"face": FACE, **EYES}.items()
    }
    table = table.assign(**dict(zip(gaze_columns("cm"), gaze, strict=True)))
    grid = np.atleast_2d(stored["labelFaceGrid"])[rows].astype(np.uint8)
    left_out = int((~flags.any(axis=0)).sum())
    told = (f"{left_out:,} frames of no split are left out",) if left_out else ()
    return Listed(table, files, vectors={"grid": grid}, made={"grid": grid_of}, notes=told)


def _metadata(file: Path) -> dict[str, Any]:
    from scipy.io import loadmat  # reads numbers and text; nothing in a .mat runs

    try:
        found = loadmat(str(file), squeeze_me=True, struct_as_record=False, verify_compressed_data_integrity=True)
    except FileNotFoundError:
        raise InputError(
            f"{file}: no such file. Run prepareDataset.py of GazeCapture, or set `samples: raw`."
        ) from None
    except Exception as error:  # what a damaged file raises is of a dozen types
        raise InputError(f"{file}: not readable as MATLAB v5 ({str(error)[:80]}). {REMEDY}") from None
    needed = ["labelRecNum", "frameIndex", "labelDotXCam", "labelDotYCam", "labelFaceGrid"]
    needed += ["labelTrain", "labelVal", "labelTest"]
    if missing := [name for name in needed if name not in found]:
        raise InputError(f"{file}: holds no {', '.join(missing)}. {REMEDY}")
    whole = {name: np.asarray(found[name]) for name in needed}
    shaped = {
        name: np.atleast_2d(one) if name == "labelFaceGrid" else np.atleast_1d(one) for name, one in whole.items()
    }
    many, faults = len(shaped["frameIndex"]), list[Fault]()
    for name, one in shaped.items():
        shape = (many, 4) if name == "labelFaceGrid" else (many,)
        if one.shape != shape or one.dtype.kind not in "buif" or not np.isfinite(one.astype(np.float64)).all():
            told = "x".join(map(str, one.shape))
            wanted = "x".join(map(str, shape))
            faults.append(
                Fault("damaged file", f"{file.name}: {name} is {told} {one.dtype}, not {wanted} finite numbers.")
            )
    raise_faults(file, faults)
    return shaped


def _words(numbers: NDArray[np.float64]) -> NDArray[np.str_]:
    """Whole numbers as words, "" where there is none."""
    return np.array(["" if not np.isfinite(one) else f"{one:.0f}" for one in numbers], dtype=str)


def _columns(folder: Path, name: str, columns: list[str], frames: int | None) -> NDArray[np.float64]:
    """(frames, columns). Raises InputError for lists of another length, where it is known, or that hold something else than
    numbers."""
    stored = _read(folder, name, dict, columns)
    try:
        found = np.array([[np.nan if one is None else float(one) for one in stored[key]] for key in columns])
    except (TypeError, ValueError, OverflowError):
        told = "are not all lists of numbers, equally many"
        raise InputError(f"{folder / name}: {', '.join(columns)} {told}. {REMEDY}") from None
    if frames is not None and found.shape != (len(columns), frames):
        raise InputError(f"{folder / name}: {found.shape[-1]} entries for {frames} frames of frames.json. {REMEDY}")
    return found.T


def _read(folder: Path, name: str, kind: type[Any], keys: list[str] | None = None) -> Any:
    file = folder / name
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{file}: no such file. {REMEDY}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{file}: not readable as JSON ({str(error)[:60]}). {REMEDY}") from None
    if not isinstance(stored, kind) or (missing := [key for key in keys or [] if key not in stored]):
        told = "a list" if kind is list else f"with {', '.join(keys or [])}"
        lacking = "" if not isinstance(stored, kind) else f" ({', '.join(missing)} missing)"
        raise InputError(f"{file}: not {told}{lacking}. {REMEDY}")
    return stored
