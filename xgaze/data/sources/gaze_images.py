"""Pictures of gaze (heatmaps, scanpaths) with participant and class: a folder of pictures, or an array with a CSV."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from xgaze.data.contract import InputSpec, Sample, Spec
from xgaze.data.sources.folders import natural_key
from xgaze.data.sources.pictures import SUFFIXES, fit_picture, read_picture
from xgaze.data.sources.tables import is_missing, read_table, require_columns
from xgaze.data.splits import assign_splits
from xgaze.errors import InputError
from xgaze.recipe import GazeImagesData

UNKNOWN = "unknown"
UNLABELLED = -1
Read = Callable[[int], Image.Image]


@dataclass(frozen=True)
class GazeImages:
    """`read`(row) gives the picture as it was stored."""

    spec: Spec
    table: pd.DataFrame
    read: Read

    def __getitem__(self, row: int) -> Sample:
        line = self.table.iloc[row]
        (one,) = self.spec.inputs
        channels, height, width = one.shape
        pixels = fit_picture(self.read(row), height, width, channels)
        groups = {"participant": line["participant"], "session": line["session"]}
        return Sample(line["id"], groups, {one.name: pixels}, np.asarray(line["label"], np.int64))


def open_gaze_images(data: GazeImagesData) -> GazeImages:
    """Open `data.path`, number the classes, and split by participant within class. Raises InputError."""
    table, read = _stored_array(data) if _array_file(data.path) else _picture_folder(data.path)
    classes = _numbered(table)
    if len(classes) < 2:
        raise InputError(f"{data.path}: only one class found ({', '.join(classes)}); a classifier needs two or more.")
    labels, split = table["label"].tolist(), data.split
    table["split"] = assign_splits(table["participant"].tolist(), labels, split.validation, split.test, data.seed)
    return GazeImages(picture_spec(data, tuple(classes)), table, read)


def open_unlabelled_images(path: Path, spec: Spec) -> GazeImages:
    """All pictures below a folder, or in an .npz, without class; for prediction only."""
    file = _array_file(path)
    if file:
        images = _load_array(file)
        table = _table([str(k) for k in range(len(images))], [UNKNOWN] * len(images))
        return GazeImages(spec, table.assign(split="test", label=UNLABELLED), _from_array(images))
    files = sorted((p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES), key=lambda p: natural_key(str(p)))
    if not files:
        raise InputError(f"{path}: no picture ({', '.join(SUFFIXES)}) and no .npz found.")
    table = _table([p.relative_to(path).as_posix() for p in files], [UNKNOWN] * len(files))
    return GazeImages(spec, table.assign(split="test", label=UNLABELLED), lambda row: read_picture(files[row]))


def picture_spec(data: GazeImagesData, classes: tuple[str, ...]) -> Spec:
    """One input in [0, 1]."""
    picture = InputSpec("image", (data.channels, data.height, data.width))
    return Spec((picture,), "class", unit="AUC" if len(classes) == 2 else "accuracy", classes=classes)


def _picture_folder(path: Path) -> tuple[pd.DataFrame, Read]:
    """class/participant/picture; the class is the name of the folder."""
    if not path.is_dir():
        raise InputError(f"{path}: no such folder; give yours with --set data.path=FOLDER.")
    files = [p for p in path.glob("*/*/*") if p.suffix.lower() in SUFFIXES]
    files.sort(key=lambda p: natural_key(p.relative_to(path).as_posix()))
    if not files:
        raise InputError(
            f"{path}: neither pictures in class/participant/ nor one .npz with one .csv. Found: {_listing(path)}."
        )
    parts = [p.relative_to(path).parts for p in files]
    table = _table(["/".join(part) for part in parts], [part[1] for part in parts])
    classes = sorted({part[0] for part in parts})
    table["label"] = [classes.index(part[0]) for part in parts]
    table["label_name"] = [part[0] for part in parts]
    return table, lambda row: read_picture(files[row])


def _stored_array(data: GazeImagesData) -> tuple[pd.DataFrame, Read]:
    """An `images` array with a CSV whose rows are in the same order."""
    file = _array_file(data.path)
    assert file is not None
    images, csv = _load_array(file), _table_file(file)
    rows = read_table(csv, str(csv))
    require_columns(rows, [data.participant, data.label], str(csv))
    if len(rows) != len(images):
        raise InputError(f"{csv}: {len(rows)} rows, but {file.name} holds {len(images)} images; they must match in order.")
    for column in (data.participant, data.label):
        empty = np.flatnonzero(is_missing(rows[column]))
        if len(empty):
            raise InputError(f"{csv} row {empty[0] + 1}: {column} is empty; {len(empty)} of {len(rows)} rows. Fill them in.")
    table = _table([str(k) for k in range(len(rows))], rows[data.participant].tolist())
    names = rows[data.class_name] if data.class_name and data.class_name in rows else rows[data.label]
    codes = sorted(rows[data.label].unique(), key=natural_key)
    table["label"] = [codes.index(code) for code in rows[data.label]]
    table["label_name"] = names.tolist()
    _refuse_ambiguous(table, csv)
    return table, _from_array(images)


def _refuse_ambiguous(table: pd.DataFrame, csv: Path) -> None:
    pairs = table[["label", "label_name"]].drop_duplicates()
    if len(pairs) != table["label"].nunique() or len(pairs) != table["label_name"].nunique():
        raise InputError(f"{csv}: labels and class names do not match one to one: {pairs.to_numpy().tolist()}.")


def _numbered(table: pd.DataFrame) -> list[str]:
    """Class names in the order of their numbers; the column of names is taken out."""
    names: dict[int, str] = dict(zip(table["label"], table.pop("label_name"), strict=True))
    return [str(names[k]) for k in sorted(names)]


def _array_file(path: Path) -> Path | None:
    if path.suffix == ".npz":
        return path
    arrays = sorted(path.glob("*.npz")) if path.is_dir() else []
    return arrays[0] if len(arrays) == 1 else None


def _table_file(array: Path) -> Path:
    same = array.with_suffix(".csv")
    tables = [same] if same.is_file() else sorted(array.parent.glob("*.csv"))
    if len(tables) != 1:
        raise InputError(f"{array}: expected one CSV beside it, named {same.name}; found {len(tables)}.")
    return tables[0]


def _load_array(file: Path) -> NDArray[np.uint8]:
    """uint8 (n, H, W) or (n, H, W, 3); pickled arrays are refused."""
    try:
        with np.load(file, allow_pickle=False) as stored:
            images: NDArray[Any] = stored["images"]
    except FileNotFoundError:
        raise InputError(f"{file}: no such file.") from None
    except KeyError:
        raise InputError(f"{file}: holds no array named 'images'.") from None
    except Exception as error:  # a damaged zip raises many kinds
        raise InputError(f"{file}: not readable as .npz without pickles ({error}).") from None
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[-1] != 3):
        raise InputError(f"{file}: images are {images.dtype} {images.shape}; expected uint8 (n, H, W) or (n, H, W, 3).")
    return images


def _from_array(images: NDArray[np.uint8]) -> Read:
    return lambda row: Image.fromarray(images[row])


def _table(names: list[str], participants: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"id": names, "participant": participants, "session": "0"})


def _listing(path: Path) -> str:
    names = sorted(p.name for p in path.iterdir())[:5]
    return ", ".join(names) or "nothing"
