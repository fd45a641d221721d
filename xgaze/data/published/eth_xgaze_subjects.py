"""ETH-XGaze: a file per person of face patches (blue first), pitch and yaw of gaze and head in rad. Labels of `test` are not
public, so that people of `train` are divided."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.data.contract import Spec
from xgaze.data.fault_kinds import Fault, among, raise_faults
from xgaze.data.published.hdf5_recording import (
    Hdf5Recording,
    Stored,
    h5py_module,
    numbers_of,
    opened,
    pictures_in,
    require_equal,
)
from xgaze.data.published.listed_recording import asked_of, picture_spec, vector_spec
from xgaze.data.published.people_tables import people_table, turned
from xgaze.data.published.published_sections import EthXGazeData
from xgaze.errors import InputError
from xgaze.progress import Advance

PICTURES, GAZE, HEAD = "face_patch", "face_gaze", "face_head_pose"
SPLIT_FILE = "train_test_split.json"


def spec_of_eth_xgaze(data: EthXGazeData) -> Spec:
    known = (picture_spec("face", 3, data.side, data.side, data.numbers), vector_spec("head", 2))
    return Spec(asked_of(known, data.inputs), "angle", "rad")


def open_eth_xgaze(data: EthXGazeData, progress: Advance | None = None) -> Hdf5Recording:
    """Raises InputError with all that is missing of the people that are listed, and all files that are none."""
    h5py_module()
    faults: list[Fault] = []
    files = _files(data.path, faults)
    found = []
    for done, file in enumerate(files, start=1):
        with among(faults):
            found.append(_person(file, data.every))
        if progress:
            progress(done, len(files))
    raise_faults(data.path, faults)
    lengths = [len(one["places"]) for one in found]
    people = np.repeat([file.stem for file in files], lengths)
    joined = {name: np.concatenate([one[name] for one in found]) for name in found[0]}
    ids = [f"{person}/{place}" for person, place in zip(people, joined["places"], strict=True)]
    of = np.repeat(np.arange(len(files)), lengths)
    return Hdf5Recording(
        spec_of_eth_xgaze(data),
        people_table(ids, people, joined["gaze"], data),
        Stored(files, [PICTURES] * len(files), of, joined["places"], stored="bgr"),
        {"head": joined["head"].astype(np.float32)},
        {"camera": joined["camera"], **turned(joined["head"])},
        data.colour,
    )


def _files(folder: Path, faults: list[Fault]) -> list[Path]:
    """Of the people whose labels are public; those that are not there are added to the faults. Raises InputError where nobody is
    listed."""
    listing = folder / SPLIT_FILE
    try:
        stored = json.loads(listing.read_text(encoding="utf-8"))
        names = [str(one) for one in stored["train"]]
    except FileNotFoundError:
        names = sorted(one.name for one in (folder / "train").glob("subject*.h5"))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"{listing}: not the list of the data set: no `train` in it. Unpack it again.") from None
    files = [folder / "train" / name for name in names]
    there = [file for file in files if file.is_file()]
    faults += [
        Fault("damaged file", f"train/{file.name}: no such file, though {SPLIT_FILE} names it.")
        for file in files
        if file not in there
    ]
    if not files:
        raise InputError(f"{folder / 'train'}: holds no subject0000.h5 and so on. Give the folder that holds `train`.")
    return there


def _person(file: Path, every: int) -> dict[str, NDArray[Any]]:
    with opened(file) as stored:
        many = pictures_in(file, stored, PICTURES)
        parts = {name: numbers_of(file, stored, name, 2) for name in (GAZE, HEAD)}
        require_equal(file, {PICTURES: many, **{name: len(one) for name, one in parts.items()}})
        camera = numbers_of(file, stored, "cam_index", 1)[:, 0] if "cam_index" in stored else np.full(many, np.nan)
        require_equal(file, {PICTURES: many, "cam_index": len(camera)})
    for name, one in parts.items():
        if bad := np.flatnonzero(~np.isfinite(one).all(axis=1)).tolist():
            raise InputError(f"{file}: row {bad[0]} of '{name}' is no direction ({len(bad)} such rows).")
    places = np.arange(0, many, every)
    cameras = np.array(["" if np.isnan(one) else f"{one:.0f}" for one in camera[places]], dtype=str)
    return {"places": places, "gaze": parts[GAZE][places], "head": parts[HEAD][places], "camera": cameras}
