"""Where gaze pictures lie: files in folders, or one uint8 array in an .npz. Knows neither participants nor classes."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xgaze.data.sources.folders import natural_key
from xgaze.data.sources.pictures import SUFFIXES, cut_picture, read_picture
from xgaze.errors import InputError, nearest

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


@dataclass(frozen=True)
class PictureFiles:
    """Picture files below `root`, decoded when read."""

    root: Path
    files: tuple[PurePosixPath, ...]

    def __len__(self) -> int:
        return len(self.files)

    def name(self, row: int) -> str:
        return str(self.files[row])

    def read(self, row: int) -> Image.Image:
        return read_picture(self.root / self.files[row])


@dataclass(frozen=True, eq=False)
class PictureArray:
    """Pictures of one array, uint8 (N, H, W) or (N, H, W, 3)."""

    path: Path
    images: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.images)

    def name(self, row: int) -> str:
        return f"{self.path.name} image {row + 1}"

    def read(self, row: int) -> Image.Image:
        return Image.fromarray(self.images[row])


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
        return cut_picture(self.whole.read(row), self.box, self.name(row))


def pictures_below(root: Path) -> PictureFiles:
    """All .png and .jpg files below a folder at any depth, hidden ones left out, in natural order."""
    found = [path.relative_to(root) for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()]
    shown = [PurePosixPath(path.as_posix()) for path in found if not any(part.startswith(".") for part in path.parts)]
    return PictureFiles(root, tuple(sorted(shown, key=lambda path: [natural_key(part) for part in path.parts])))


def array_at(path: Path) -> Path | None:
    """The .npz that `path` is or holds; None for a folder without one. Raises InputError for several."""
    if path.suffix.lower() == ".npz":
        return path
    arrays = sorted(path.glob("*.npz"))
    if len(arrays) > 1:
        names = ", ".join(array.name for array in arrays)
        raise InputError(f"{path}: {len(arrays)} .npz files ({names}); state in `path` which one is meant.")
    return arrays[0] if arrays else None


def table_beside(array: Path) -> Path | None:
    """The CSV that belongs to an .npz: the one of the same name, or the only one in the folder."""
    if (same := array.with_suffix(".csv")).is_file():
        return same
    tables = sorted(array.parent.glob("*.csv"))
    return tables[0] if len(tables) == 1 else None


def read_array(path: Path) -> PictureArray:
    """Load `images` of an .npz, never a pickle. Raises InputError saying what is wrong."""
    try:
        with path.open("rb") as file:
            stored = np.load(file, allow_pickle=False)
            if not isinstance(stored, np.lib.npyio.NpzFile):
                raise InputError(
                    f"{path.name}: a single array, not an .npz; save it with numpy.savez(..., images=...)."
                )
            if ARRAY not in stored:
                raise InputError(f"{path.name}: no array '{ARRAY}'; {nearest(ARRAY, stored.files)}")
            images = stored[ARRAY]
    except FileNotFoundError:
        raise InputError(f"{path}: no such file.") from None
    except InputError:
        raise
    except Exception as error:  # a damaged zip raises any of a dozen types
        raise InputError(f"{path.name}: {_reason(error)}") from None
    return PictureArray(path, _checked(images, path.name))


def _reason(error: Exception) -> str:
    if "pickle" in str(error):
        return f"holds pickled objects, which xgaze never opens, since they can run code. Save '{ARRAY}' as uint8."
    return f"not readable as .npz ({type(error).__name__}: {error}). Export it again."


def _checked(images: NDArray[np.generic], name: str) -> NDArray[np.uint8]:
    shape = "x".join(map(str, images.shape))
    if images.dtype != np.uint8:
        raise InputError(f"{name}: '{ARRAY}' is {images.dtype}, expected uint8 (grey values 0 to 255).")
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] != 3) or 0 in images.shape:
        raise InputError(f"{name}: '{ARRAY}' has shape {shape}, expected N x height x width, or the same x 3.")
    return images.astype(np.uint8, copy=False)
