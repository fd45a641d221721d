"""OpenEDS 2020 and folders like it: sequences of pictures of one eye, and a vector of gaze a picture."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.contract import Recording, Spec, gaze_columns
from xgaze.data.pictures.decoding import is_picture
from xgaze.data.published.listed_recording import Listed, listed_recording, picture_spec
from xgaze.data.published.published_sections import OpenEdsData
from xgaze.data.splits import assign_splits
from xgaze.errors import InputError
from xgaze.progress import Advance

OWN = {"train": "train", "validation": "validation", "test": "test"}
WHO = "a sequence stands for its person, whom the data set does not name: intervals are too narrow where people have several"


def spec_of_openeds(data: OpenEdsData) -> Spec:
    return Spec((picture_spec("eye", 1, data.height, data.width),), "angle", "vector", groups="sequences")


def open_openeds(data: OpenEdsData, progress: Advance | None = None) -> Recording:
    """Raises InputError for sequences without a vector for every picture."""
    places = {own: data.path / own for own in OWN if (data.path / own / "sequences").is_dir()}
    places = places or {"": data.path}
    parts = [(own, folder, one) for own, folder in places.items() for one in _sequences(folder)]
    if not parts:
        raise InputError(f"{data.path}: holds no `sequences` with a folder of pictures each, and `labels` beside it.")
    files, vectors, names, splits = [], [], [], []
    for done, (own, folder, name) in enumerate(parts, start=1):
        pictures, gaze = _sequence(folder, name, data.every)
        files += pictures
        vectors.append(gaze)
        names += [f"{own}/{name}".strip("/")] * len(pictures)
        splits += [own] * len(pictures)
        if progress:
            progress(done, len(parts))
    if "" in places:
        splits = list(assign_splits(names, None, data.split.validation, data.split.test, data.seed, "sequence(s)"))
    ids = [f"{name}/{file.stem}" for name, file in zip(names, files, strict=True)]
    table = pd.DataFrame({"id": ids, "group": names, "session": "0", "split": splits})
    table = table.assign(**dict(zip(gaze_columns("vector"), np.concatenate(vectors).T, strict=True)))
    return listed_recording(data.path, spec_of_openeds(data), Listed(table, {"eye": files}, notes=(WHO,)))


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
    """Vector by number of picture. Raises InputError naming the line that is none."""
    try:
        lines = file.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        raise InputError(f"{file}: no such file, though there is a sequence of this name.") from None
    found: dict[int, list[float]] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            index, *vector = (float(one) for one in line.split(","))
        except ValueError:
            index, vector = np.nan, []
        if len(vector) != 3 or not np.isfinite([index, *vector]).all() or not np.any(vector):
            raise InputError(f"{file}: line {number} is '{line[:40]}', not an index and a vector x,y,z.")
        if index != int(index) or int(index) in found:
            raise InputError(f"{file}: line {number}: index {index:g} is no whole number, or stood there before.")
        found[int(index)] = vector
    return found
