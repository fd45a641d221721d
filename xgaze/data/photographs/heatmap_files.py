"""Writing attention maps: one picture per map, or all in one npz, and a table of what each was drawn from."""

import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray
from PIL import Image

from xgaze.data.pictures.decoding import without_suffix
from xgaze.errors import InputError

Format = Literal["png", "jpg", "npz"]
Write = Callable[[str, NDArray[np.uint8]], str]
"""Takes the name of a map and the map; returns where it lies in the folder."""
ARRAYS = "heatmaps.npz"
QUALITY = 95
LONGEST_BYTES = 240
"""Of a name, where file systems take 255: number and ending come on top."""


def map_name(stimulus: str) -> str:
    """A stimulus' name as that of a file, without a picture's suffix. Raises InputError if it would leave the folder."""
    path = PurePosixPath(stimulus)
    if path.is_absolute() or ".." in path.parts or not path.name or "\\" in stimulus or "\0" in stimulus:
        raise InputError(f"stimulus {stimulus!r}: cannot be the name of a file; rename it in the table.")
    if any(len(os.fsencode(part)) > LONGEST_BYTES for part in path.parts):
        raise InputError(
            f"stimulus {stimulus[:40]!r}...: too long for the name of a file, which has at most {LONGEST_BYTES} bytes here; "
            "rename it in the table."
        )
    return str(path.with_name(without_suffix(path.name)))


@contextmanager
def map_writer(folder: Path, kind: Format) -> Iterator[Write]:
    """Yields a function that writes one map into the folder, at once, so that no more than one is in memory."""
    folder.mkdir(parents=True, exist_ok=True)
    if kind == "npz":
        with zipfile.ZipFile(folder / ARRAYS, "w", zipfile.ZIP_DEFLATED) as archive:
            yield lambda name, values: _into(archive, name, values)
    else:
        yield lambda name, values: _as_picture(folder, f"{name}.{kind}", values)


def _into(archive: zipfile.ZipFile, name: str, values: NDArray[np.uint8]) -> str:
    with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
        npy.write_array(entry, values, allow_pickle=False)
    return f"{ARRAYS}:{name}"


def _as_picture(folder: Path, name: str, values: NDArray[np.uint8]) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path, quality=QUALITY)  # which PNG, being exact, does not heed
    return name
