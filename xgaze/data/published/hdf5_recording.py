"""Pictures in HDF5 files, a row of a data set each, as a `Recording`. Every process opens the files itself, when it reads."""

import os
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from xgaze.data.contract import InputSpec, Recording, Sample, Spec, targets_of
from xgaze.data.pictures.pixels import fit_picture
from xgaze.data.published.listed_recording import in_colour
from xgaze.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY = "Unpack or copy it again."


@dataclass(frozen=True)
class Stored:
    """Where the pictures of n rows lie: files[of[i]], data set `names[of[i]]`, row `places[i]`. order: the axes of a stored
    picture that are height, width and channels; stored: its channels' order."""

    files: Sequence[Path]
    names: Sequence[str]
    of: NDArray[np.int64]
    places: NDArray[np.int64]
    order: tuple[int, int, int] = (0, 1, 2)
    stored: str = "rgb"


@dataclass(frozen=True, eq=False)
class Hdf5Recording(Recording):
    """One picture in colour, and vectors: input -> float32 (n, numbers); of both, those that `spec` names are read. colour: in
    which order the network reads the channels. handles: this process's open files."""

    spec: Spec
    table: pd.DataFrame
    pictures: Stored
    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    known: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    colour: str = "rgb"
    notes: tuple[str, ...] = ()
    handles: dict[tuple[int, Path], Any] = field(default_factory=dict, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "handles": {}}  # an open file is of one process

    def __getitem__(self, row: int) -> Sample:
        """Raises InputError naming the file and its row that cannot be read."""
        inputs = {one.name: self._input(one, row) for one in self.spec.inputs}
        line = self.table.iloc[row]
        groups = {"group": str(line["group"]), "session": str(line["session"])}
        return Sample(str(line["id"]), groups, inputs, targets_of(self, np.array([row]))[0])

    def _input(self, one: InputSpec, row: int) -> NDArray[Any]:
        if one.name in self.vectors:
            vector: NDArray[np.float32] = self.vectors[one.name][row]
            return vector
        return self._picture(one.picture, row)

    def _picture(self, shape: tuple[int, int, int], row: int) -> NDArray[np.uint8]:
        own = self.pictures
        channels, height, width = shape
        place, of = int(own.places[row]), int(own.of[row])
        try:
            stored = np.asarray(self._file(of)[own.names[of]][place])
        except (OSError, KeyError, ValueError, RuntimeError) as error:
            raise InputError(
                f"{own.files[of]}: row {place} of '{own.names[of]}' is not readable ({str(error)[:80]}). {REMEDY}"
            ) from None
        pixels = stored.transpose(own.order).astype(np.uint8)
        rgb = pixels[..., ::-1] if own.stored == "bgr" else pixels
        return in_colour(fit_picture(Image.fromarray(np.ascontiguousarray(rgb)), height, width, channels), self.colour)

    def _file(self, of: int) -> Any:
        key = (os.getpid(), self.pictures.files[of])  # several people may lie in one file
        if key not in self.handles:
            self.handles[key] = h5py_module().File(self.pictures.files[of], "r")
        return self.handles[key]

    def conditions(self, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        return {name: values[rows] for name, values in self.known.items()}


def h5py_module() -> Any:
    """Raises InputError that says what to install."""
    try:
        import h5py
    except ImportError:
        raise InputError(
            "reading HDF5 files (.h5, .mat of MATLAB v7.3) needs h5py: pip install 'xgaze[hdf5]'."
        ) from None
    return h5py


@contextmanager
def opened(file: Path) -> "Iterator[Any]":
    """An HDF5 file. Raises InputError for what is none, or lacks what is asked of it."""
    h5py = h5py_module()
    try:
        with h5py.File(file, "r") as stored:
            yield stored
    except InputError:
        raise
    except Exception as error:  # what a damaged file raises is of a dozen types
        raise InputError(f"{file}: not readable as HDF5 ({str(error)[:80]}). {REMEDY}") from None


def numbers_of(file: Path, stored: Any, name: str, columns: int) -> NDArray[np.float64]:
    """A data set (rows, at least `columns`), its first ones. Raises InputError where it is missing or has another shape."""
    found = _data_set(file, stored, name)
    if found.ndim != 2 or found.shape[1] < columns or found.dtype.kind not in "fiu":
        told = "x".join(map(str, found.shape))
        raise InputError(f"{file}: '{name}' is {told} {found.dtype}, not rows of {columns} numbers.")
    return np.asarray(found[:, :columns], np.float64)


def _data_set(file: Path, stored: Any, name: str) -> Any:
    found = stored.get(name)
    if not isinstance(found, h5py_module().Dataset):
        raise InputError(f"{file}: holds no '{name}'. {REMEDY}")
    return found


def pictures_in(file: Path, stored: Any, name: str, channels: int = 3) -> int:
    """How many pictures a data set holds; channels: which of its axes they are. Raises InputError where there is no such data
    set, or none of pictures in colour, in numbers from 0 to 255."""
    found = _data_set(file, stored, name)
    told = "x".join(map(str, found.shape))
    if found.ndim != 4 or found.shape[channels] != 3 or found.dtype.kind not in "uif":
        raise InputError(f"{file}: '{name}' is {told} {found.dtype}, not pictures in colour.")
    if found.dtype != np.uint8 and len(found):
        first = np.asarray(found[0], np.float64)
        if first.min() < 0 or first.max() > 255 or (0 < first.max() <= 1):
            ends = f"{first.min():.3g} to {first.max():.3g}"
            raise InputError(f"{file}: '{name}' holds numbers from {ends}, not from 0 to 255.")
    return int(found.shape[0])


def require_equal(file: Path, counts: Mapping[str, int]) -> None:
    """Raises InputError where the data sets of a file differ in their rows."""
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{many} of '{name}'" for name, many in counts.items())
        raise InputError(f"{file}: its data sets differ in rows: {told}. {REMEDY}")
