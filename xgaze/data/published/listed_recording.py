"""Samples that lists name, as a `Recording`: pictures at paths, whole or inside boxes, and vectors. Decoded one by one."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from xgaze.data.contract import InputSpec, Recording, Sample, Spec, targets_of
from xgaze.data.fault_kinds import Fault, raise_faults
from xgaze.data.pictures.decoding import decode
from xgaze.data.pictures.pixels import fit_picture
from xgaze.data.published.published_sections import Normalised, PublishedData
from xgaze.data.splits import assign_splits
from xgaze.errors import InputError

MOST_PX = 20_000
"""Of a side of a picture."""
Box = NDArray[np.int64]
"""left, top, right, bottom in px, whole numbers; right and bottom lie outside."""


@dataclass(frozen=True)
class Listed:
    """n samples. table: as a recording's. files: input -> the path of each one's picture. boxes: input -> (n, 4), the part of
    the picture that is meant; what lies beyond its edges is black. vectors: input -> float32 (n, numbers), or what `made` makes
    them of, a row at a time. conditions: see `Recording.conditions`, (n,) each. notes: what was left out or assumed.
    in_time: see `Recording.in_time`."""

    table: pd.DataFrame
    files: Mapping[str, Sequence[Path]]
    boxes: Mapping[str, Box] = field(default_factory=dict)
    vectors: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    made: Mapping[str, Callable[[NDArray[Any]], NDArray[np.float32]]] = field(default_factory=dict)
    conditions: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    in_time: bool = True


@dataclass(frozen=True, eq=False)
class ListedRecording(Recording):
    """Row i is sample i of the lists. colour: the order in which the channels of pictures in colour come."""

    spec: Spec
    table: pd.DataFrame
    listed: Listed
    colour: str = "rgb"

    @property
    def notes(self) -> tuple[str, ...]:
        return self.listed.notes

    @property
    def in_time(self) -> bool:
        return self.listed.in_time

    def __getitem__(self, row: int) -> Sample:
        """Raises InputError naming the picture that cannot be used."""
        opened: dict[Path, Image.Image] = {}  # several inputs may be parts of one picture
        inputs = {one.name: self._input(one, row, opened) for one in self.spec.inputs}
        line = self.table.iloc[row]
        groups = {"group": str(line["group"]), "session": str(line["session"])}
        return Sample(str(line["id"]), groups, inputs, targets_of(self, np.array([row]))[0])

    def _input(self, one: InputSpec, row: int, opened: dict[Path, Image.Image]) -> NDArray[Any]:
        if one.name in self.listed.vectors:
            own: NDArray[Any] = self.listed.vectors[one.name][row]
            make = self.listed.made.get(one.name)
            return own if make is None else make(own)
        file = self.listed.files[one.name][row]
        if file not in opened:
            opened[file] = decode(file).picture
        picture = opened[file]
        if one.name in self.listed.boxes:
            left, top, right, bottom = map(int, self.listed.boxes[one.name][row])
            picture = picture.crop((left, top, right, bottom))
        channels, height, width = one.picture
        return in_colour(fit_picture(picture, height, width, channels), self.colour)

    def conditions(self, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        return {name: values[rows] for name, values in self.listed.conditions.items()}


def listed_recording(
    folder: Path,
    spec: Spec,
    listed: Listed,
    colour: str = "rgb",
    faults: Sequence[Fault] = (),
    divided: PublishedData | None = None,
) -> ListedRecording:
    """faults: what was found so far. divided: whose shares divide the groups of a table that has no splits. Raises InputError
    with these, all pictures that are not there, and where nothing is listed."""
    raise_faults(folder, [*faults, *_faults_of_pictures(folder, listed, {one.name for one in spec.inputs})])
    if not len(listed.table):
        raise InputError(f"{folder}: its lists name no sample.")
    return ListedRecording(spec, listed.table if divided is None else _divided(listed, spec, divided), listed, colour)


def _divided(listed: Listed, spec: Spec, data: PublishedData) -> pd.DataFrame:
    """The table with a split of each sample, beside its session."""
    groups = list(listed.table["group"])
    called = f"{spec.groups.removesuffix('s')}(s)"
    splits = assign_splits(groups, None, data.split.validation, data.split.test, data.seed, called)
    table = listed.table.copy()
    table.insert(1 + list(table.columns).index("session"), "split", splits)
    return table


def _faults_of_pictures(folder: Path, listed: Listed, read: Collection[str]) -> list[Fault]:
    """Pictures that are not there, each once, and boxes that are none, of the inputs that are read."""
    there: dict[Path, bool] = {}
    lacking: dict[tuple[str, Path], list[str]] = {}
    for name, files in [(name, own) for name, own in listed.files.items() if name in read]:
        for sample, file in zip(listed.table["id"], files, strict=True):
            if file not in there:
                there[file] = file.is_file()
            if not there[file]:
                lacking.setdefault((sample, file), []).append(name)
    faults = _box_faults(listed, read)
    for (sample, file), names in lacking.items():
        shown = file.relative_to(folder) if file.is_relative_to(folder) else file
        faults.append(Fault("missing view", f"{sample}: {', '.join(names)}: no such file ({shown})."))
    return faults


def _box_faults(listed: Listed, read: Collection[str]) -> list[Fault]:
    """Parts that are empty, or larger than any picture, of the inputs that are read."""
    faults = []
    for name, boxes in [(name, own) for name, own in listed.boxes.items() if name in read]:
        sides = boxes[:, 2:] - boxes[:, :2]
        bad = (sides < 1).any(axis=1) | (sides > MOST_PX).any(axis=1) | (np.abs(boxes) > MOST_PX).any(axis=1)
        for row in np.flatnonzero(bad).tolist():
            told = ", ".join(map(str, boxes[row].tolist()))
            sample = listed.table["id"].iat[row]
            faults.append(Fault("missing view", f"{sample}: {name}: its box ({told}) is no part of a picture."))
    return faults


def whole_px(places: NDArray[np.float64]) -> NDArray[np.int64]:
    """Truncated to whole px; what is no number, or beyond any picture, becomes a box that is refused by its sample's name."""
    finite = np.nan_to_num(places, nan=4.0 * MOST_PX, posinf=4.0 * MOST_PX, neginf=-4.0 * MOST_PX)
    return np.clip(finite, -4.0 * MOST_PX, 4.0 * MOST_PX).astype(np.int64)


def in_colour(pixels: NDArray[np.uint8], colour: str) -> NDArray[np.uint8]:
    """RGB pixels (channels, height, width) in the order that is asked for; grey ones as they are."""
    return np.ascontiguousarray(pixels[::-1]) if colour == "bgr" else pixels


def one_of_every(owners: NDArray[Any], rows: NDArray[np.int64], every: int) -> NDArray[np.int64]:
    """The first of every so many of these rows, of each owner (n,) alone, in their order."""
    kept, seen = [], dict[Any, int]()
    for row, owner in zip(rows.tolist(), owners[rows].tolist(), strict=True):
        seen[owner] = seen.get(owner, -1) + 1
        if seen[owner] % every == 0:
            kept.append(row)
    return np.array(kept, np.int64)


def asked_of(known: Sequence[InputSpec], names: Sequence[str]) -> tuple[InputSpec, ...]:
    """Of a data set's inputs those that a definition asks for, in its order."""
    by_name = {one.name: one for one in known}
    return tuple(by_name[name] for name in names)


def picture_spec(name: str, channels: int, height: int, width: int, numbers: Normalised = (0.0, 255.0)) -> InputSpec:
    """Fed between 0 and 1, unless mean and std are others."""
    return InputSpec(name, (channels, height, width), *numbers)


def vector_spec(name: str, numbers: int) -> InputSpec:
    """Fed as it is."""
    return InputSpec(name, (numbers,), 0.0, 1.0, "float32")
