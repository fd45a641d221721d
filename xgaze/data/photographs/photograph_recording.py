"""Photographs with maps of where people looked on them, as a `Recording`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from PIL import Image

from xgaze.data.contract import InputSpec, Recording, Sample, Spec, split_by
from xgaze.data.photographs.attention import BlankMap
from xgaze.data.photographs.photograph_sections import PhotographSection
from xgaze.data.photographs.square import Pixels, cut, map_on, middle, resized, size_of
from xgaze.data.pictures.decoding import Decoded, decode
from xgaze.data.pictures.picture_files import Pictures
from xgaze.errors import InputError
from xgaze.recorded_targets import LABEL_COLUMN

IMAGE, ATTENTION = "image", "attention"


class Maps(Protocol):
    """Attention maps by number of their photograph."""

    def has(self, row: int) -> bool: ...

    def name(self, row: int) -> str:
        """What messages call a map."""
        ...

    def read(self, row: int) -> Image.Image:
        """The map, grey, of any size. Raises InputError."""
        ...

    def decode(self, row: int) -> Decoded:
        """The same, with what was done to it."""
        ...


@dataclass(frozen=True)
class Files:
    """Picture files anywhere, as photographs or as maps."""

    files: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.files)

    def has(self, row: int) -> bool:
        return self.files[row].is_file()

    def name(self, row: int) -> str:
        return str(self.files[row])

    def read(self, row: int) -> Image.Image:
        return self.decode(row).picture

    def decode(self, row: int) -> Decoded:
        return decode(self.files[row])


@dataclass(frozen=True, eq=False)
class PhotographRecording(Recording):
    """Row i is photograph i, decoded when asked for. Its map is in `aux["attention"]`, uint8 (1, side, side), where there is one
    and the settings do not hide it, and among the inputs where they say so."""

    spec: Spec
    table: pd.DataFrame
    pictures: Pictures
    maps: Maps
    settings: PhotographSection
    threshold: float | None = None
    notes: tuple[str, ...] = ()

    def whole(self, row: int) -> Sample:
        """The photograph and its map before a square is cut, resized alike. Raises InputError naming the file."""
        picture = self.pictures.read(row).convert("RGB")
        size = size_of(*picture.size, self.settings.shorter_side)
        image, shown = resized(picture, size), self._map(row, size)
        inputs = {IMAGE: image, ATTENTION: shown} if self.settings.attention == "input" else {IMAGE: image}
        groups = {"group": str(self.table["group"].iat[row]), "session": "0"}
        target = np.asarray(self.table[LABEL_COLUMN].iat[row], np.int64)
        aux = {} if shown is None else {ATTENTION: shown}
        kept = {name: pixels for name, pixels in inputs.items() if pixels is not None}
        return Sample(str(self.table["id"].iat[row]), groups, kept, target, aux)

    def __getitem__(self, row: int) -> Sample:
        """The square in the middle."""
        sample = self.whole(row)
        return square_of(sample, *middle(sample.inputs[IMAGE], self.settings.side), self.settings.side)

    def _map(self, row: int, size: tuple[int, int]) -> Pixels | None:
        if self.settings.attention == "none" or not self.maps.has(row):
            if self.settings.attention == "input":
                raise InputError(f"{self.pictures.name(row)}: has no attention map, which the model reads.")
            return None
        try:
            return map_on(self.maps.read(row), size, self.threshold, self.maps.name(row))
        except BlankMap:
            if self.settings.attention == "input" or self.table["split"].iat[row] != "test":
                raise
            return None  # no model looks at it: a long training shall not end here

    def resplit(self, split_of: Mapping[str, str]) -> "PhotographRecording":
        """Other splits, by group ("" for those not named)."""
        return replace(self, table=split_by(self.table, split_of))


def square_of(sample: Sample, left: int, top: int, side: int) -> Sample:
    """One and the same square of a sample's photograph and map."""
    inputs = {name: cut(pixels, left, top, side) for name, pixels in sample.inputs.items()}
    aux = {name: cut(pixels, left, top, side) for name, pixels in sample.aux.items()}
    return Sample(sample.id, sample.groups, inputs, sample.target, aux)


def photograph_spec(settings: PhotographSection, classes: tuple[str, ...], groups: str) -> Spec:
    """What a model of these photographs reads and tells."""
    image = InputSpec(IMAGE, (3, settings.side, settings.side))
    attention = InputSpec(ATTENTION, (1, settings.side, settings.side))
    inputs = (image, attention) if settings.attention == "input" else (image,)
    return Spec(inputs, "class", unit="AUC" if len(classes) == 2 else "accuracy", classes=classes, groups=groups)
