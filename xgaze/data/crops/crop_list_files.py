"""The lists of crops and photographs that Mr-CNN's authors store with torch, read without running code."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from xgaze.artifacts import read_stored
from xgaze.data.contract import dimensions
from xgaze.data.crops.crop_recording import CropRecording, Crops, CutCrops, crop_spec, crop_table
from xgaze.data.crops.crop_sections import CropListsData
from xgaze.data.crops.crops import CROP_PX, SCALES, input_name
from xgaze.data.crops.places import drawn_places
from xgaze.data.fault_kinds import Fault, raise_faults
from xgaze.data.pictures.decoding import read_picture
from xgaze.data.pictures.picture_files import picture_named
from xgaze.errors import InputError

FILES = {"train": "train_data.pth.tar", "validation": "val_data.pth.tar", "test": "test_data.pth.tar"}


@dataclass(frozen=True)
class PhotographsInMemory:
    """Photographs uint8 (3, height, width)."""

    stored: tuple[NDArray[np.uint8], ...]

    def __len__(self) -> int:
        return len(self.stored)

    def pixels(self, row: int) -> NDArray[np.uint8]:
        return self.stored[row]


@dataclass(frozen=True, eq=False)
class StoredThenCut:
    """First the crops stored, uint8 (n, scale, 3, 42, 42), then those cut from photographs."""

    stored: NDArray[np.uint8]
    cut: CutCrops

    def of(self, row: int) -> Crops:
        if row >= len(self.stored):
            return self.cut.of(row - len(self.stored))
        return {input_name(scale): self.stored[row, k] for k, scale in enumerate(SCALES)}


def open_crop_lists(data: CropListsData) -> CropRecording:
    """Raises InputError for lists that hold anything but what they should, and for photographs without a map."""
    train = read_list(data.path / FILES["train"])
    shown = {split: read_list(data.path / FILES[split]) for split in ("validation", "test")}
    photographs = [(split, one) for split, items in shown.items() for one in items]
    raise_faults(data.path, _missing_maps(data, [str(one["file"]) for _, one in photographs]))
    names, splits = [str(one["file"]) for one in train], ["train"] * len(train)
    points = [np.full((1, 2), np.nan)] * len(train)
    labels = [np.array([_label(one, data.path / FILES["train"])]) for one in train]
    own: list[tuple[NDArray[np.float64], NDArray[np.int64]]] = []
    for split, one in photographs:
        drawn = drawn_places(_map(data, str(one["file"])), data.places, data.seed, str(one["file"]))
        names, splits, own = [*names, str(one["file"])], [*splits, split], [*own, drawn]
    points, labels = [*points, *(one for one, _ in own)], [*labels, *(one for _, one in own)]
    pixels = PhotographsInMemory(tuple(eight_bit(one["X"], f"{one['file']}: X") for _, one in photographs))
    pictures = np.repeat(np.arange(len(own)), [len(one) for _, one in own])
    cut = CutCrops(pixels, pictures, np.concatenate([one for one, _ in own]))
    table = crop_table(names, splits, points, labels)
    table["id"] = table["group"] + "/" + table.groupby("group").cumcount().astype(str)
    return CropRecording(crop_spec(), table, StoredThenCut(_stored(train), cut), pixels)


def read_list(path: Path) -> list[dict[str, Any]]:
    """The dicts of a list, of tensors, numbers and words alone. Raises InputError."""
    if not path.is_file():
        raise InputError(f"{path}: no such list.")
    remedy = "xgaze runs no code of such files; save lists of dicts of tensors, numbers and words."
    stored = read_stored(path, "tensors", remedy)
    if not isinstance(stored, list) or not stored:
        raise InputError(f"{path}: expected a list of dicts, one for each crop or photograph; found none.")
    for k, one in enumerate(stored):
        if not isinstance(one, dict) or not isinstance(one.get("X"), torch.Tensor) or "file" not in one:
            raise InputError(f"{path}: entry {k} lacks 'X' (a tensor) or 'file' (the photograph's name).")
    return stored


def eight_bit(values: torch.Tensor, name: str) -> NDArray[np.uint8]:
    """Pixels as uint8: floats in 0..1 are stretched to 0..255, others must lie in 0..255. Raises InputError."""
    if values.dtype == torch.uint8:
        return values.numpy()
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 255):
        raise InputError(
            f"{name}: values from {low:g} to {high:g}; expected pixels, 0 to 255 or 0 to 1, not normalised."
        )
    return (values * (255 if high <= 1 else 1)).round().to(torch.uint8).numpy()


def _stored(train: list[dict[str, Any]]) -> NDArray[np.uint8]:
    wanted = (len(SCALES), 3, CROP_PX, CROP_PX)
    wrong = next((one for one in train if tuple(one["X"].shape) != wanted), None)
    if wrong is not None:
        found = dimensions(tuple(wrong["X"].shape))
        raise InputError(f"{FILES['train']}: crops of {wrong['file']} are {found}; expected {dimensions(wanted)}.")
    return eight_bit(torch.stack([one["X"] for one in train]), FILES["train"])


def _label(one: dict[str, Any], path: Path) -> int:
    label = float(one.get("y", -1))
    if label not in (0, 1):
        raise InputError(f"{path}: a crop of {one['file']} has y = {label:g}; training needs 0 (not looked at) or 1.")
    return int(label)


def _map_file(data: CropListsData, name: str) -> Path:
    return picture_named(data.path / data.maps, f"{Path(name).stem}_fixMap", ".jpg")


def _missing_maps(data: CropListsData, names: list[str]) -> list[Fault]:
    files = [_map_file(data, name) for name in names]
    return [Fault("missing view", f"{file}: no such map of looking.") for file in files if not file.is_file()]


def _map(data: CropListsData, name: str) -> NDArray[np.uint8]:
    return np.asarray(read_picture(_map_file(data, name)).convert("L"))
