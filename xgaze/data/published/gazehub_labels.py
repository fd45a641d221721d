"""Label files of the common form: a line of headings, then a sample a line; vectors by commas, pictures relative to `Image/`.

They hold (yaw, pitch), both in rad; here pitch comes first, as everywhere in this package. Pictures are as they were written: of
MPIIFaceGaze, lines of the right eye are mirrored already and their left and right pictures changed places.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.contract import Recording, Spec
from xgaze.data.fault_kinds import Fault, raise_faults
from xgaze.data.published.listed_recording import Listed, asked_of, listed_recording, picture_spec, vector_spec
from xgaze.data.published.published_sections import GazeHubData
from xgaze.errors import InputError
from xgaze.progress import Advance
from xgaze.recorded_targets import gaze_columns

EYE = (36, 60)
TURNED_HEADS = (
    "do not trust heads of mirrored lines (WhichEye is right): the converter did not turn their matrices whole"
)
GAZE360_SPLITS = {"train": "train", "val": "validation", "test": "test"}


@dataclass(frozen=True)
class Layout:
    """Columns by number, from 0. labels, pictures: folders of both below the set's. one_of: of files of the same samples the
    first that is there is read. person: whose line it is: "file" (one per person), "folder" (the first of the face's path) or
    "origin" (recording and person of the path in `origin`). own_split: the files are train, val and test."""

    face: int
    gaze: int
    head: int | None = None
    left: int | None = None
    right: int | None = None
    person: str = "folder"
    origin: int = 0
    eye: int | None = None
    own_split: bool = False
    labels: str = "Label"
    pictures: str = "Image"
    one_of: tuple[str, ...] = ()


LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        "mpiifacegaze": Layout(0, 7, 8, 1, 2, "file", eye=4),
        "gaze360": Layout(0, 5, None, 1, 2, "origin", origin=3, own_split=True),
        "eyediap": Layout(0, 6, 7, 1, 2),
        "eth-xgaze": Layout(0, 1, 2, pictures="Image/train", one_of=("trainYP", "train")),
        "rt-gene": Layout(0, 6, 7, labels="RT-label/Label-glasses/train", pictures=""),
    }
)
HEADINGS = {
    "Face Left Right Origin WhichEye": "mpiifacegaze",
    "Face Left Right Origin 3DGaze": "gaze360",
    "Face Left Right metapath": "eyediap",
}


def spec_of_gazehub(data: GazeHubData) -> Spec:
    eyes = [picture_spec(name, 1, *EYE) for name in ("left", "right")]
    known = [picture_spec("face", 3, data.side, data.side, data.numbers), *eyes, vector_spec("head", 2)]
    return Spec(asked_of(known, data.inputs), "angle", "rad")


def open_gazehub(data: GazeHubData, progress: Advance | None = None) -> Recording:
    """Raises InputError with all lines that are none and all pictures that are not there, and for inputs that the data set does
    not have."""
    layout, files = _layout_and_files(data)
    parts, faults = [], list[Fault]()
    for done, file in enumerate(files, start=1):
        parts.append(_read(file, layout, faults))
        if progress:
            progress(done, len(files))
    lines = [line for part in parts for line in part]
    of_file = np.repeat([file.stem for file in files], [len(part) for part in parts])
    if not lines:
        raise_faults(data.path, faults)
        raise InputError(f"{data.path / 'Label'}: its files hold no line below their headings.")
    people = [_person(layout, line, str(stem)) for line, stem in zip(lines, of_file, strict=True)]
    gaze = np.stack([_vector(line, layout.gaze) for line in lines])[:, ::-1]
    table = pd.DataFrame({"id": _ids(lines, layout, of_file), "group": people, "session": "0"})
    if layout.own_split:
        table["split"] = _own_splits(data, of_file)
    table = table.assign(**dict(zip(gaze_columns("rad"), gaze.T, strict=True)))
    known = _conditions(layout, lines)
    turned = "head" in data.inputs and (known.get("eye", np.array([])) == "right").any()
    listed = Listed(
        table,
        _pictures(data, layout, lines),
        vectors=_heads(data, layout, lines),
        conditions=known,
        notes=(TURNED_HEADS,) if turned else (),
    )
    divided = None if layout.own_split else data
    return listed_recording(data.path, spec_of_gazehub(data), listed, data.colour, faults, divided)


def _layout_and_files(data: GazeHubData) -> tuple[Layout, list[Path]]:
    """Raises InputError where the headings do not say which, or there is no such file."""
    if data.layout != "auto":
        layout = LAYOUTS[data.layout]
        return _with_inputs(data, data.layout, layout), _label_files(data, layout)
    files = _label_files(data, Layout(0, 0))
    name = _told_by_headings(files[0])
    return _with_inputs(data, name, LAYOUTS[name]), files


def _label_files(data: GazeHubData, layout: Layout) -> list[Path]:
    folder = data.path / layout.labels
    every = sorted(folder.rglob("*.label"))
    by_name = {one.stem: one for one in every}
    if len(by_name) < len(every):
        twice = next(one for one in every if by_name[one.stem] != one)
        raise InputError(f"{twice}: there are several label files of this name; give the folder of one of them.")
    found = [one for one in every if one.stem != "unused"]
    if first := [by_name[name] for name in layout.one_of if name in by_name][:1]:
        found = first
    if data.labels is not None:
        if missing := [name for name in data.labels if name not in by_name]:
            raise InputError(f"{folder}: holds no {missing[0]}.label; there are: {', '.join(sorted(by_name))}.")
        found = [by_name[name] for name in data.labels]
    if not found:
        raise InputError(f"{folder}: holds no label file. Give the folder that holds `Label` and `Image`.")
    return found


def _told_by_headings(file: Path) -> str:
    heading = " ".join(_lines(file)[0].split())
    told = [one for start, one in HEADINGS.items() if heading.startswith(start)]
    if not told:
        raise InputError(f"{file}: headings '{heading[:60]}' tell no data set; set `layout` to {', '.join(LAYOUTS)}.")
    return told[0]


def _with_inputs(data: GazeHubData, name: str, layout: Layout) -> Layout:
    """Raises InputError where the inputs are not among what it holds."""
    if missing := [one for one in data.inputs if getattr(layout, one) is None]:
        raise InputError(f"{data.path}: label files of {name} hold no '{missing[0]}'; leave it out of `inputs`.")
    return layout


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8", errors="replace").splitlines() or [""]


def _read(file: Path, layout: Layout, faults: list[Fault]) -> list[list[str]]:
    """Cells of every line below the headings; those that lack some or hold no angles are added to the faults."""
    needed = 1 + max(
        one for one in (layout.face, layout.gaze, layout.head, layout.left, layout.right) if one is not None
    )
    found = []
    for number, line in enumerate(_lines(file)[1:], start=2):
        cells = line.split()
        if not cells:
            continue
        if told := _amiss(cells, needed, layout):
            faults.append(Fault("damaged file", f"{file.name}: line {number}{told}"))
        else:
            found.append(cells)
    return found


def _amiss(cells: Sequence[str], needed: int, layout: Layout) -> str:
    """What is wrong with a line; "" where nothing is."""
    if len(cells) < needed:
        return f" has {len(cells)} fields, not {needed} or more."
    if not _path(cells[layout.face]).name.strip("."):
        return f": '{cells[layout.face][:30]}' names no picture."
    for column in (one for one in (layout.gaze, layout.head) if one is not None):
        if not np.isfinite(_vector(cells, column)).all():
            return f": '{cells[column][:30]}' is not a yaw and a pitch."
    return ""


def _vector(cells: Sequence[str], column: int) -> NDArray[np.float64]:
    """Two numbers by a comma; NaN where they are none."""
    try:
        first, second = map(float, cells[column].split(","))
    except ValueError:
        return np.full(2, np.nan)
    return np.array([first, second])


def _path(written: str) -> PurePosixPath:
    return PurePosixPath(written.replace("\\", "/"))  # label files that were made on Windows


def _person(layout: Layout, cells: Sequence[str], stem: str) -> str:
    if layout.person == "file":
        return stem
    if layout.person == "folder":
        return _path(cells[layout.face]).parts[0]
    parts = _path(cells[layout.origin]).parts  # rec_000/head/000003/000131.jpg
    return f"{parts[0]}/{parts[-2]}" if len(parts) > 2 else parts[0]


def _ids(lines: Sequence[Sequence[str]], layout: Layout, of_file: NDArray[np.str_]) -> list[str]:
    return [
        f"{stem}/{_path(cells[layout.face]).with_suffix('').as_posix()}"
        for cells, stem in zip(lines, of_file, strict=True)
    ]


def _own_splits(data: GazeHubData, of_file: NDArray[np.str_]) -> NDArray[np.str_]:
    if unknown := sorted(set(of_file) - set(GAZE360_SPLITS)):
        raise InputError(f"{data.path / 'Label'}: {unknown[0]}.label is none of {', '.join(GAZE360_SPLITS)}.")
    return np.array([GAZE360_SPLITS[str(one)] for one in of_file])


def _pictures(data: GazeHubData, layout: Layout, lines: Sequence[Sequence[str]]) -> dict[str, list[Path]]:
    folder, columns = (
        data.path / layout.pictures,
        {name: getattr(layout, name) for name in data.inputs if name != "head"},
    )
    return {name: [folder / _path(cells[column]) for cells in lines] for name, column in columns.items()}


def _heads(data: GazeHubData, layout: Layout, lines: Sequence[Sequence[str]]) -> dict[str, NDArray[np.float32]]:
    """Pitch and yaw of heads, where they are read."""
    if "head" not in data.inputs or layout.head is None:
        return {}
    return {"head": np.stack([_vector(cells, layout.head) for cells in lines])[:, ::-1].astype(np.float32)}


def _conditions(layout: Layout, lines: Sequence[Sequence[str]]) -> dict[str, NDArray[Any]]:
    return {} if layout.eye is None else {"eye": np.array([cells[layout.eye] for cells in lines])}
