"""MPIIFaceGaze: normalised faces (MATLAB v7.3, blue first), or the frames with six landmarks, from which faces are cut.

The crop of raw frames is ours: a square around the landmarks' middle, CROP times as wide as the outer corners of the eyes are
apart. Gaze is the direction from the face's centre to the target in the camera's frame, as the data set gives both.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.contract import Recording, Spec
from xgaze.data.fault_kinds import Fault, among, raise_faults
from xgaze.data.published.gaze_directions import gaze_angles, head_angles
from xgaze.data.published.hdf5_recording import (
    Hdf5Recording,
    Stored,
    h5py_module,
    numbers_of,
    opened,
    pictures_in,
    require_equal,
)
from xgaze.data.published.listed_recording import (
    Listed,
    asked_of,
    listed_recording,
    picture_spec,
    vector_spec,
    whole_px,
)
from xgaze.data.published.people_tables import people_table, turned
from xgaze.data.published.published_sections import MpiiFaceGazeData
from xgaze.errors import InputError
from xgaze.progress import Advance
from xgaze.recorded_targets import gaze_columns

CROP = 2.4
COLUMNS = 28
PICTURES, LABELS = "Data/data", "Data/label"


def spec_of_mpiifacegaze(data: MpiiFaceGazeData) -> Spec:
    known = (picture_spec("face", 3, data.side, data.side, data.numbers), vector_spec("head", 2))
    return Spec(asked_of(known, data.inputs), "angle", "rad")


def open_mpiifacegaze(data: MpiiFaceGazeData, progress: Advance | None = None) -> Recording:
    """Raises InputError with all files and lines that are none, and all pictures that are not there."""
    return _normalised(data, progress) if data.samples == "normalised" else _raw(data, progress)


def _normalised(data: MpiiFaceGazeData, progress: Advance | None) -> Hdf5Recording:
    files = sorted(data.path.glob("p[0-9][0-9].mat"))
    if not files:
        raise InputError(f"{data.path}: holds no p00.mat and so on. Give the folder MPIIFaceGaze_normalizad.")
    h5py_module()
    labels, faults = [], list[Fault]()
    for done, file in enumerate(files, start=1):
        with among(faults):
            labels.append(_labels(file))
        if progress:
            progress(done, len(files))
    raise_faults(data.path, faults)
    lengths = [len(one) for one in labels]
    label, people = np.concatenate(labels), np.repeat([file.stem for file in files], lengths)
    places = np.concatenate([np.arange(many) for many in lengths])
    ids = [f"{person}/{row}" for person, row in zip(people, places, strict=True)]
    of = np.repeat(np.arange(len(files)), lengths)
    pictures = Stored(files, [PICTURES] * len(files), of, places, order=(1, 2, 0), stored="bgr")
    table = people_table(ids, people, label[:, :2], data)
    vectors = {"head": label[:, 2:].astype(np.float32)}
    return Hdf5Recording(spec_of_mpiifacegaze(data), table, pictures, vectors, turned(label[:, 2:]), data.colour)


def _labels(file: Path) -> NDArray[np.float64]:
    """Of a person's normalised faces, (n, 4)."""
    with opened(file) as stored:
        own = numbers_of(file, stored, LABELS, 4)
        require_equal(file, {PICTURES: pictures_in(file, stored, PICTURES, channels=1), LABELS: len(own)})
    if bad := np.flatnonzero(~np.isfinite(own).all(axis=1)).tolist():
        raise InputError(f"{file}: row {bad[0]} of '{LABELS}' is no direction ({len(bad)} such rows).")
    return own


def _raw(data: MpiiFaceGazeData, progress: Advance | None) -> Recording:
    lists = sorted(data.path.glob("p[0-9][0-9]/p[0-9][0-9].txt"))
    if not lists:
        raise InputError(f"{data.path}: holds no p00/p00.txt and so on. Give the folder MPIIFaceGaze.")
    parts, faults = [], list[Fault]()
    for done, file in enumerate(lists, start=1):
        parts.append(_read_list(file, faults))
        if progress:
            progress(done, len(lists))
    names = [name for own, _ in parts for name in own]
    numbers = np.concatenate([one for _, one in parts])
    people = np.repeat([file.parent.name for file in lists], [len(own) for own, _ in parts])
    days = np.array([name.partition("/")[0] for name in names])
    gaze = gaze_angles(numbers[:, 23:26] - numbers[:, 20:23])
    head = head_angles(numbers[:, 14:17])
    for row in np.flatnonzero(~(np.isfinite(gaze) & np.isfinite(head)).all(axis=1)).tolist():
        faults.append(Fault("missing label", f"{people[row]}/{names[row]}: its target is its face's centre."))
    ids = [f"{person}/{name}" for person, name in zip(people, names, strict=True)]
    files = [data.path / str(person) / name for person, name in zip(people, names, strict=True)]
    note = f"faces are cut {CROP:g} eye widths wide around their landmarks, and not normalised"
    table = pd.DataFrame({"id": ids, "group": people, "session": days})
    listed = Listed(
        table.assign(**dict(zip(gaze_columns("rad"), gaze.T, strict=True))),
        {"face": files},
        {"face": face_boxes(numbers[:, 2:14].reshape(-1, 6, 2))},
        {"head": head.astype(np.float32)},
        conditions=turned(head),
        notes=(note,),
    )
    return listed_recording(data.path, spec_of_mpiifacegaze(data), listed, data.colour, faults, data)


def face_boxes(landmarks: NDArray[np.float64]) -> NDArray[np.int64]:
    """Six landmarks each (n, 6, 2), the outer corners of the eyes first and fourth -> squares (n, 4) around their middle."""
    middle = landmarks.mean(axis=1)
    half = CROP / 2 * np.linalg.norm(landmarks[:, 3] - landmarks[:, 0], axis=1, keepdims=True)
    return whole_px(np.concatenate([np.floor(middle - half), np.ceil(middle + half)], axis=1))


def _read_list(file: Path, faults: list[Fault]) -> tuple[list[str], NDArray[np.float64]]:
    """Names of frames, and the numbers (n, 26) of columns 2 to 27; lines that are none are added to the faults."""
    names, rows = [], []
    for number, line in enumerate(file.read_text(encoding="ascii", errors="replace").splitlines(), start=1):
        cells = line.split()
        if not cells:
            continue
        try:
            values = [float(one) for one in cells[1:27]]
        except ValueError:
            values = []
        if len(cells) != COLUMNS or len(values) != 26 or not np.isfinite(values).all():
            told = (
                f"{file.parent.name}/{file.name}: line {number} is not a frame, 26 numbers and an eye: '{line[:40]}'."
            )
            faults.append(Fault("damaged file", told))
            continue
        names.append(cells[0])
        rows.append(values)
    return names, np.array(rows, np.float64).reshape(-1, 26)
