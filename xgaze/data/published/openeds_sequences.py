"""OpenEDS 2020 and folders like it: sequences of pictures of one eye, and a vector of gaze a picture."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.contract import Recording, Spec
from xgaze.data.fault_kinds import Fault, among, raise_faults
from xgaze.data.pictures.decoding import is_picture
from xgaze.data.published.listed_recording import Listed, listed_recording, picture_spec
from xgaze.data.published.published_sections import OpenEdsData
from xgaze.errors import InputError
from xgaze.progress import Advance
from xgaze.recorded_targets import gaze_columns

OWN = {"train": "train", "validation": "validation", "test": "test"}
WHO = "a sequence stands for its person, whom the data set does not name: intervals are too narrow where people have several"


def spec_of_openeds(data: OpenEdsData) -> Spec:
    return Spec((picture_spec("eye", 1, data.height, data.width),), "angle", "vector", groups="sequences")


def open_openeds(data: OpenEdsData, progress: Advance | None = None) -> Recording:
    """Raises InputError with all sequences that lack a vector for a picture."""
    places = {own: data.path / own for own in OWN if (data.path / own / "sequences").is_dir()}
    places = places or {"": data.path}
    parts = [(own, folder, one) for own, folder in places.items() for one in _sequences(folder)]
    if not parts:
        raise InputError(f"{data.path}: holds no `sequences` with a folder of pictures each, and `labels` beside it.")
    files, vectors, names, splits, faults = [], [], [], [], list[Fault]()
    for done, (own, folder, name) in enumerate(parts, start=1):
        pictures: list[Path] = []
        gaze = np.zeros((0, 3))
        with among(faults):
            pictures, gaze = _sequence(folder, name, data.every)
        files += pictures
        vectors.append(gaze)
        names += [f"{own}/{name}".strip("/")] * len(pictures)
        splits += [own] * len(pictures)
        if progress:
            progress(done, len(parts))
    ids = [f"{name}/{file.stem}" for name, file in zip(names, files, strict=True)]
    table = pd.DataFrame({"id": ids, "group": names, "session": "0"})
    if "" not in places:
        table["split"] = splits
    table = table.assign(**dict(zip(gaze_columns("vector"), np.concatenate(vectors).T, strict=True)))
    listed = Listed(table, {"eye": files}, notes=(WHO,))
    return listed_recording(
        data.path, spec_of_openeds(data), listed, faults=faults, divided=data if "" in places else None
    )


def _sequences(folder: Path) -> list[str]:
    return sorted(one.name for one in (folder / "sequences").glob("*") if one.is_dir())


def _sequence(folder: Path, name: str, every: int) -> tuple[list[Path], NDArray[np.float64]]:
    """Pictures in the order of their names, and a unit vector each. Lines beyond the pictures tell what comes after them."""
    pictures = sorted(one for one in (folder / "sequences" / name).iterdir() if is_picture(one.name))
    told = _labels(folder / "labels" / f"{name}.txt")
    rows = [_number(one) for one in pictures]
    if missing := [one.name for one, row in zip(pictures, rows, strict=True) if row not in told]:
        raise InputError(
            f"{folder / 'labels' / name}.txt: has no line for {missing[0]} ({len(missing)} such pictures)."
        )
    return pictures[::every], np.array([told[row] for row in rows[::every]]).reshape(-1, 3)


def _number(picture: Path) -> int:
    """Raises InputError for a name that is no number."""
    try:
        return int(picture.stem)
    except ValueError:
        raise InputError(f"{picture}: its name is no number, so that no line of the labels is its own.") from None


def _labels(file: Path) -> dict[int, list[float]]:
    """Vector by number of picture. Raises InputError with all lines that are none."""
    try:
        lines = file.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        raise InputError(f"{file}: no such file, though there is a sequence of this name.") from None
    found: dict[int, list[float]] = {}
    faults: list[Fault] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            index, *vector = (float(one) for one in line.split(","))
        except ValueError:
            index, vector = np.nan, []
        if len(vector) != 3 or not np.isfinite([index, *vector]).all() or not np.any(vector):
            told = f" is '{line[:40]}', not an index and a vector x,y,z."
        elif index != int(index) or int(index) in found:
            told = f": index {index:g} is no whole number, or stood there before."
        else:
            found[int(index)] = vector
            continue
        faults.append(Fault("damaged file", f"{file}: line {number}{told}"))
    raise_faults(file, faults)
    return found
