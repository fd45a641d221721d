"""Where gaze pictures lie: files in folders, or one uint8 array in an .npz. Knows neither participants nor classes."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xgaze.data.pictures.decoding import SUFFIXES, Decoded, decode
from xgaze.data.pictures.npz_arrays import mapped_array
from xgaze.data.pictures.pixels import cut_picture
from xgaze.data.pictures.walk import LeftOut, walk
from xgaze.errors import InputError
from xgaze.limits import require_picture_size

ARRAY = "images"


class Pictures(Protocol):
    """Pictures by number."""

    def __len__(self) -> int: ...

    def name(self, row: int) -> str:
        """What messages call a picture."""
        ...

    def read(self, row: int) -> Image.Image:
        """The picture, grey or RGB. Raises PictureError."""
        ...

    def decode(self, row: int) -> Decoded:
        """The same, with what was done to it."""
        ...


@dataclass(frozen=True)
class PictureFiles:
    """Picture files below `root`, decoded when read. left_out: what else lies there."""

    root: Path
    files: tuple[PurePosixPath, ...]
    left_out: tuple[LeftOut, ...] = ()

    def __len__(self) -> int:
        return len(self.files)

    def name(self, row: int) -> str:
        return str(self.files[row])

    def read(self, row: int) -> Image.Image:
        return self.decode(row).picture

    def decode(self, row: int) -> Decoded:
        return decode(self.root / self.files[row])


@dataclass(frozen=True, eq=False)
class PictureArray:
    """Pictures of one array, uint8 (N, H, W) or (N, H, W, 3), memory-mapped."""

    path: Path
    images: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.images)

    def name(self, row: int) -> str:
        return f"{self.path.name} image {row + 1}"

    def read(self, row: int) -> Image.Image:
        return Image.fromarray(np.array(self.images[row]))

    def decode(self, row: int) -> Decoded:
        return Decoded(self.read(row))


@dataclass(frozen=True, eq=False)
class Cropped:
    """Other pictures, of which only a box is used. box: left, top, right, bottom in px."""

    whole: Pictures
    box: tuple[int, int, int, int]

    def __len__(self) -> int:
        return len(self.whole)

    def name(self, row: int) -> str:
        return self.whole.name(row)

    def read(self, row: int) -> Image.Image:
        return self.decode(row).picture

    def decode(self, row: int) -> Decoded:
        whole = self.whole.decode(row)
        return Decoded(cut_picture(whole.picture, self.box, self.name(row)), whole.traits)


def pictures_below(root: Path) -> PictureFiles:
    """All picture files below a folder at any depth, hidden ones left out, in natural order."""
    found = walk(root)
    return PictureFiles(root, found.pictures, found.left_out)


def picture_named(folder: Path, name: str, usual: str = "") -> Path:
    """The picture of this name in a folder; where there is none, the one whose name has a picture's ending more; where there is
    none either, a path with the ending that is `usual`.

    Raises InputError where several have one.
    """
    exact = folder / name
    if exact.is_file():
        return exact
    endings = [
        own for suffix in SUFFIXES for own in (suffix, suffix.upper(), suffix.replace(suffix[1], suffix[1].upper(), 1))
    ]
    same = [one for one in (folder / f"{name}{ending}" for ending in endings) if one.is_file()]
    # Where names in upper and lower case are one file, it is found several times.
    files = {(one.stat().st_dev, one.stat().st_ino): one for one in same}
    if len(files) > 1:
        names = ", ".join(sorted(one.name for one in files.values()))
        raise InputError(f"{folder}: '{name}' may be {names}; keep one of them, or write the whole name.")
    return next(iter(files.values()), folder / f"{name}{usual}")


def array_at(path: Path) -> Path | None:
    """The .npz that `path` is or holds; None for a folder without one. Raises InputError for several."""
    if path.suffix.lower() == ".npz" and not path.is_dir():
        return path
    arrays = sorted(one for one in path.glob("*") if one.suffix.lower() == ".npz" and one.is_file())
    if len(arrays) > 1:
        names = ", ".join(array.name for array in arrays)
        raise InputError(f"{path}: {len(arrays)} .npz files ({names}); state in `path` which one is meant.")
    return arrays[0] if arrays else None


def table_beside(array: Path) -> Path | None:
    """The CSV that belongs to an .npz: the one of the same name, or the only one in the folder."""
    if (same := array.with_suffix(".csv")).is_file():
        return same
    tables = sorted(one for one in array.parent.glob("*") if one.suffix.lower() == ".csv" and one.is_file())
    return tables[0] if len(tables) == 1 else None


def read_array(path: Path) -> PictureArray:
    """Map `images` of an .npz, never a pickle. Raises InputError saying what is wrong."""
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: is no file.")
    return PictureArray(path, _checked(mapped_array(path, ARRAY), path.name))


def _checked(images: NDArray[np.generic], name: str) -> NDArray[np.uint8]:
    shape = "x".join(map(str, images.shape))
    if images.dtype != np.uint8:
        raise InputError(f"{name}: '{ARRAY}' is {images.dtype}, expected uint8 (grey values 0 to 255).")
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] != 3) or 0 in images.shape:
        raise InputError(f"{name}: '{ARRAY}' has shape {shape}, expected N x height x width, or the same x 3.")
    require_picture_size(images.shape[2], images.shape[1], f"{name}: '{ARRAY}'", "Scale the pictures down.")
    return images.astype(np.uint8, copy=False)
