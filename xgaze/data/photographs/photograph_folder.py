"""Photographs in a folder, for prediction; their attention maps beside them where the model reads maps."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from PIL import Image

from xgaze.data.contract import Spec
from xgaze.data.photographs.heatmap_files import map_name
from xgaze.data.photographs.photograph_recording import Files, PhotographRecording, photograph_spec
from xgaze.data.photographs.photograph_sections import PhotographSection
from xgaze.data.pictures.decoding import Decoded
from xgaze.data.pictures.picture_files import pictures_below
from xgaze.data.pictures.walk import told_left_out
from xgaze.errors import InputError
from xgaze.recorded_targets import LABEL_COLUMN

UNLABELLED = -1
MAPS = "maps"


@dataclass(frozen=True)
class NoMaps:
    """Photographs that nobody was seen to look at."""

    def has(self, row: int) -> bool:  # noqa: ARG002
        return False

    def name(self, row: int) -> str:
        return f"map {row + 1}"

    def read(self, row: int) -> Image.Image:
        raise InputError(f"{self.name(row)}: there is none.")

    def decode(self, row: int) -> Decoded:
        return Decoded(self.read(row))


def open_photographs_for_prediction(path: Path, data: PhotographSection, spec: Spec) -> PhotographRecording:
    """All pictures below a folder, without class, all in split "test".

    Where the model reads maps, maps/NAME.png (or .jpg) holds that of NAME.jpg, as `xgaze heatmaps --out FOLDER/maps` writes
    them. Raises InputError for a folder without pictures, or with pictures without a map, all counted.
    """
    pictures, reads_maps = pictures_below(path), data.attention == "input"
    if reads_maps:
        pictures = replace(pictures, files=tuple(one for one in pictures.files if one.parts[0] != MAPS))
    if not path.is_dir() or not len(pictures):
        told = " ".join(["", *told_left_out(pictures.left_out)]).rstrip()
        raise InputError(f"{path}: expected a folder of pictures, or a definition (YAML).{told}")
    names = [pictures.name(row) for row in range(len(pictures))]
    maps = maps_beside(path, names) if reads_maps else NoMaps()
    table = pd.DataFrame({"id": names, "group": names, "session": "0", "split": "test", LABEL_COLUMN: UNLABELLED})
    kind, notes = photograph_spec(data, spec.classes, "pictures"), tuple(told_left_out(pictures.left_out))
    return PhotographRecording(kind, table, pictures, maps, data, notes=notes)


def maps_beside(folder: Path, pictures: list[str]) -> Files:
    """The map of every picture, in their order. Raises InputError counting the pictures without one."""
    found = pictures_below(folder / MAPS)
    _require_one_each(folder, pictures)
    _require_one_each(folder / MAPS, [str(file) for file in found.files])
    by_name = {map_name(str(file)): folder / MAPS / file for file in found.files}
    missing = [name for name in pictures if map_name(name) not in by_name]
    if missing:
        raise InputError(
            f"{folder}: this model reads attention maps too, and {len(missing)} of {len(pictures)} pictures have none, e.g. "
            f"{missing[0]}: put it at {MAPS}/{map_name(missing[0])}.png (`xgaze heatmaps` draws them), or give a definition "
            "(YAML)."
        )
    return Files(tuple(by_name[map_name(name)] for name in pictures))


def _require_one_each(folder: Path, names: list[str]) -> None:
    """A photograph and its map belong together by name, so no two may share one."""
    counts = Counter(map_name(name) for name in names)
    shared = [[one for one in names if map_name(one) == name] for name, count in counts.items() if count > 1]
    if shared:
        raise InputError(
            f"{folder}: {len(shared)} names belong to several pictures, e.g. {' and '.join(shared[0])}: keep one of each."
        )
