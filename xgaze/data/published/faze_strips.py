"""GazeCapture and MPIIGaze as FAZE prepares them: a group per person of strips of both eyes (red first), and pitch and yaw of
gaze and of the head in rad."""

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
from xgaze.data.published.published_sections import FazeData
from xgaze.errors import InputError
from xgaze.progress import Advance

PICTURES, LABELS, STRIP = "pixels", "labels", (64, 256)


def spec_of_faze(data: FazeData) -> Spec:
    known = (picture_spec("eyes", 3, *STRIP, data.numbers), vector_spec("head", 2))
    return Spec(asked_of(known, data.inputs), "angle", "rad")


def open_faze(data: FazeData, progress: Advance | None = None) -> Hdf5Recording:
    """People of several files are others, whatever their names. Raises InputError with all damaged files and people."""
    files = [data.path]
    if data.path.is_dir():
        files = [one for one in sorted(data.path.glob("*.h5")) if not one.stem.endswith("_supplementary")]
    if not files or not files[0].is_file():
        raise InputError(f"{data.path}: no such file, or a folder without .h5 files.")
    h5py_module()
    people, owners, labels, places, faults = [], [], [], [], list[Fault]()
    for done, file in enumerate(files, start=1):
        for person, own in _people(file, faults).items():
            people.append(person if len(files) == 1 else f"{file.stem}/{person}")
            owners.append((file, person))
            places.append(taken := np.arange(0, len(own), data.every))
            labels.append(own[taken])
        if progress:
            progress(done, len(files))
    raise_faults(data.path, faults)
    lengths = [len(one) for one in labels]
    group, label, place = np.repeat(people, lengths), np.concatenate(labels), np.concatenate(places)
    ids = [f"{person}/{row}" for person, row in zip(group, place, strict=True)]
    table = people_table(ids, group, label[:, :2], data)
    pictures = Stored(
        [file for file, _ in owners],
        [f"{person}/{PICTURES}" for _, person in owners],
        np.repeat(np.arange(len(owners)), lengths),
        place,
    )
    vectors = {"head": label[:, 2:].astype(np.float32)}
    return Hdf5Recording(spec_of_faze(data), table, pictures, vectors, turned(label[:, 2:]), data.colour)


def _people(file: Path, faults: list[Fault]) -> dict[str, NDArray[np.float64]]:
    """Labels (n, 4) of every person of a file; what is damaged is added to the faults."""
    found: dict[str, NDArray[np.float64]] = {}
    with among(faults), opened(file) as stored:
        names = sorted(stored)
        if not names:
            raise InputError(f"{file}: holds no person.")
        for person in names:
            with among(faults):
                found[person] = _labels(file, stored, person)
    return found


def _labels(file: Path, stored: Any, person: str) -> NDArray[np.float64]:
    labels = numbers_of(file, stored, f"{person}/{LABELS}", 4)
    many = pictures_in(file, stored, f"{person}/{PICTURES}")
    require_equal(file, {f"{person}/{PICTURES}": many, f"{person}/{LABELS}": len(labels)})
    if bad := np.flatnonzero(~np.isfinite(labels).all(axis=1)).tolist():
        raise InputError(f"{file}: row {bad[0]} of '{person}/{LABELS}' is no direction ({len(bad)} such rows).")
    return labels
