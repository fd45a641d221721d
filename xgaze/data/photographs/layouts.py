"""Which photographs there are, with class, group, map and split: one reader per layout. Decodes no picture."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from xgaze.data.contract import SPLITS
from xgaze.data.fault_kinds import Fault
from xgaze.data.path_templates import natural_key
from xgaze.data.photographs.photograph_sections import AttentionPicturesData
from xgaze.data.pictures.decoding import is_picture
from xgaze.data.pictures.picture_files import picture_named
from xgaze.data.tables.encoding import numbered_lines, open_text
from xgaze.data.tables.missing import is_missing
from xgaze.data.tables.reader import read_table, require_columns
from xgaze.data.tables.spellings import spelt
from xgaze.errors import InputError

CLASSES_OF_CHESTS = ["Normal", "CHF", "pneumonia"]
UNDIVIDED = ""
"""The split of rows that no file assigns to one."""


@dataclass(frozen=True, eq=False)
class PhotographRows:
    """rows: id, picture and map (paths), class_name, group, split ("train", "validation", "test", or "" where none is told).

    classes: in label order. groups: what the groups are, in the plural.
    """

    rows: pd.DataFrame
    classes: tuple[str, ...]
    groups: str
    faults: tuple[Fault, ...] = ()


def read_rows(data: AttentionPicturesData) -> PhotographRows:
    """Rows of a layout, without asking whether the files are there. Raises InputError for tables that cannot be read."""
    return READERS[data.layout](data)


def missing_files(rows: pd.DataFrame, data: AttentionPicturesData) -> list[Fault]:
    """A fault for each photograph, and each map that the settings need, that is no file."""
    # Training looks at its own maps only; a model that reads maps needs all.
    needed = {"none": rows.iloc[:0], "training": rows[rows["split"] == "train"], "input": rows}
    maps = needed[data.attention]["map"]
    faults = [Fault("missing view", f"{path}: no such photograph.") for path in rows["picture"] if not path.is_file()]
    return faults + [Fault("missing view", f"{path}: no such attention map.") for path in maps if not path.is_file()]


def cub_rows(data: AttentionPicturesData) -> PhotographRows:
    """images.txt (id, file), image_class_labels.txt (id, class from 1), train_test_split.txt (id, 1 for training)."""
    root = data.path
    files = _pairs(root / "images.txt", data)
    labels, training = _pairs(root / "image_class_labels.txt", data), _pairs(root / "train_test_split.txt", data)
    faults = [
        Fault("label table", f"{name}: {len(set(files) ^ set(own)):,} ids are not the ids of images.txt.")
        for name, own in (("image_class_labels.txt", labels), ("train_test_split.txt", training))
        if set(files) != set(own)
    ]
    faults += [
        Fault("label table", f"image_class_labels.txt: id {key} has class '{value}'; classes are counted from 1.")
        for key, value in labels.items()
        if not value.isdecimal() or value == "0"
    ]
    if faults:
        return PhotographRows(_frame([]), (), "pictures", tuple(faults))
    # The folder of a class is its name, as 001.Black_footed_Albatross.
    names = {int(labels[key]): Path(file).parts[0] for key, file in files.items()}
    rows = [
        (
            key,
            root / "images" / file,
            picture_named(root / data.maps_folder, key, ".jpg"),
            names[int(labels[key])],
            key,
            "train" if training[key] == "1" else "test",
        )
        for key, file in files.items()
    ]
    return PhotographRows(_frame(rows), tuple(names[number] for number in sorted(names)), "pictures")


def chest_rows(data: AttentionPicturesData) -> PhotographRows:
    """CXR-Eye: master_sheet.csv, of whose columns Normal, CHF and pneumonia exactly one is 1 in each row."""
    name = "master_sheet.csv"
    needed = ["patient_id", "path", "dicom_id", *CLASSES_OF_CHESTS]
    sheet = read_table(data.path / name, data.columns, name=name, needed=needed)
    require_columns(sheet, needed, name)
    sheet, faults = spelt(sheet, ["patient_id"], data.columns, name)
    told = sheet[CLASSES_OF_CHESTS].apply(pd.to_numeric, errors="coerce") == 1
    faults += [
        Fault("label table", f"{name} row {row + 2}: {count} of {', '.join(CLASSES_OF_CHESTS)} are 1, expected one.")
        for row, count in enumerate(told.sum(axis=1))
        if count != 1
    ]
    faults += [
        Fault("missing label", f"{name} row {row + 2}: patient_id is empty.")
        for row, empty in enumerate(is_missing(sheet["patient_id"]))
        if empty
    ]
    classes = told.idxmax(axis=1)
    rows = [
        (
            dicom,
            _exported(data.path / file),
            data.path / data.maps_folder / dicom / "heatmap.png",
            classes[row],
            patient,
            UNDIVIDED,
        )
        for row, (dicom, file, patient) in enumerate(
            zip(sheet["dicom_id"], sheet["path"], sheet["patient_id"], strict=True)
        )
    ]
    return PhotographRows(_frame(rows), tuple(CLASSES_OF_CHESTS), "patients", tuple(faults))


def table_rows(data: AttentionPicturesData) -> PhotographRows:
    """A CSV with all the columns that are named, map only where it is used: none is guessed or left out silently."""
    name, columns, folder = data.path.name, data.columns, data.path.parent
    used = [] if data.attention == "none" else [columns.map]
    named = [one for one in (columns.group, columns.split) if one is not None]
    needed = [columns.picture, columns.label, *used, *named]
    table = read_table(data.path, columns, name=name, needed=needed)
    require_columns(table, needed, name)
    table, doubts = spelt(table, [columns.label, *([columns.group] if columns.group else [])], columns, name)
    pictures, labels = table[columns.picture], table[columns.label]
    groups = table[columns.group] if columns.group else pictures
    splits = table[columns.split] if columns.split else pd.Series(UNDIVIDED, table.index)
    maps = table[columns.map] if used else pictures
    faults = [
        *doubts,
        *_empty_cells(table[[columns.picture, columns.label, *([columns.group] if columns.group else [])]], name),
        *_unknown_splits(splits, columns.split, name),
        *_repeated(pictures, name),
    ]
    rows = [
        (
            pictures[row],
            picture_named(folder, pictures[row]),
            picture_named(folder, maps[row]),
            labels[row],
            groups[row],
            splits[row],
        )
        for row in table.index
    ]
    classes = tuple(sorted(set(labels), key=natural_key))
    kind = f"groups of '{columns.group}'" if columns.group else "pictures"
    return PhotographRows(_frame(rows), classes, kind, tuple(faults))


def _empty_cells(needed: pd.DataFrame, name: str) -> list[Fault]:
    return [
        Fault("missing label", f"{name} row {row + 2}: {column} is empty.")
        for column, cells in needed.items()
        for row in cells.index[is_missing(cells)]
    ]


def _unknown_splits(splits: "pd.Series[str]", column: str | None, name: str) -> list[Fault]:
    return [
        Fault("label table", f"{name} row {row + 2}: {column} is '{splits[row]}', expected {', '.join(SPLITS)}.")
        for row in splits.index[~splits.isin([*SPLITS, UNDIVIDED])]
    ]


def _repeated(pictures: "pd.Series[str]", name: str) -> list[Fault]:
    return [
        Fault("label table", f"{name}: '{picture}' is in {count} rows.")
        for picture, count in pictures.value_counts().items()
        if count > 1
    ]


READERS: Mapping[str, Callable[[AttentionPicturesData], PhotographRows]] = MappingProxyType(
    {"cub": cub_rows, "cxr-eye": chest_rows, "table": table_rows}
)


def _frame(rows: list[tuple[str, Path, Path, str, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["id", "picture", "map", "class_name", "group", "split"])


def _pairs(path: Path, data: AttentionPicturesData) -> dict[str, str]:
    """Lines of an id, a space and a value. Raises InputError naming the line."""
    pairs: dict[str, str] = {}
    with open_text(path, data.columns.encoding) as text:
        for number, line in numbered_lines(text, path.name):
            key, _, value = line.strip().partition(" ")
            if not value or key in pairs:
                raise InputError(f"{path.name} line {number}: expected a new id, a space and a value, found '{line}'.")
            pairs[key] = value
    return pairs


def _exported(path: Path) -> Path:
    """The picture made of a DICOM file: of the same name with a picture's suffix."""
    return path if is_picture(path.name) else picture_named(path.parent, path.stem, ".png")
