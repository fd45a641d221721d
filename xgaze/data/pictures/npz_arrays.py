"""Arrays of an .npz without their weight in memory: mapped where they lie, or unpacked once into the cache and mapped there."""

import hashlib
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from xgaze.artifacts import atomic_path
from xgaze.data.rendered import default_cache_dir
from xgaze.errors import InputError, nearest

BLOCK_BYTES = 1 << 20
_LOCAL_HEADER_BYTES = 30


@dataclass(frozen=True)
class _Stored:
    """Where an array's numbers lie: bytes before them in the member, dtype, shape and order."""

    skip: int
    dtype: "np.dtype[Any]"
    shape: tuple[int, ...]
    order: str


def mapped_array(path: Path, name: str) -> NDArray[Any]:
    """Array `name` of an .npz, memory-mapped and read-only, never a pickle.

    Every byte is read once, so that damage shows. Raises InputError saying what is wrong.
    """
    try:
        with path.open("rb") as file:
            _require_zip(file, path)
            with zipfile.ZipFile(file) as archive:
                return _mapped(archive, path, name)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file.") from None
    except InputError:
        raise
    except Exception as error:  # a damaged zip raises any of a dozen types
        raise InputError(f"{path.name}: {_reason(error, name)}") from None


def _mapped(archive: zipfile.ZipFile, path: Path, name: str) -> NDArray[Any]:
    member = f"{name}.npy"
    if member not in archive.namelist():
        known = [one.removesuffix(".npy") for one in archive.namelist()]
        raise InputError(f"{path.name}: no array '{name}'; {nearest(name, known)}")
    info = archive.getinfo(member)
    with archive.open(info) as entry:
        stored = _header(entry)
    if stored.skip + int(np.prod(stored.shape, dtype=object)) * stored.dtype.itemsize != info.file_size:
        raise ValueError("it holds more or less than its header says")
    if info.compress_type == zipfile.ZIP_STORED:
        _read_through(archive, info)
        return _map(path, _start_of(path, info) + stored.skip, stored)
    return _map(_unpacked(archive, info, path), stored.skip, stored)


def _header(entry: IO[bytes]) -> _Stored:
    version = npy.read_magic(entry)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(entry)
    if dtype.hasobject:
        raise ValueError("pickled objects")
    return _Stored(entry.tell(), dtype, shape, "F" if fortran else "C")


def _map(path: Path, start: int, stored: _Stored) -> NDArray[Any]:
    if 0 in stored.shape:  # nothing can be mapped of nothing
        return np.empty(stored.shape, stored.dtype)
    order: Any = stored.order
    return np.memmap(path, stored.dtype, "r", start, stored.shape, order)


def _start_of(path: Path, info: zipfile.ZipInfo) -> int:
    """Where a member's bytes begin: its local header may be longer than the one in the archive's list."""
    with path.open("rb") as file:
        file.seek(info.header_offset)
        header = file.read(_LOCAL_HEADER_BYTES)
    lengths = (int.from_bytes(header[k : k + 2], "little") for k in (26, 28))
    return info.header_offset + _LOCAL_HEADER_BYTES + sum(lengths)


def _read_through(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
    """The archive's checksum is compared at the end."""
    with archive.open(info) as entry:
        while entry.read(BLOCK_BYTES):
            pass


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> Path:
    """A compressed member in the cache, unpacked there unless it is already."""
    status = path.stat()
    known = f"{path.resolve()} {status.st_size} {status.st_mtime_ns} {info.filename} {info.CRC} {info.file_size}"
    place = (
        default_cache_dir() / f"unpacked-{hashlib.sha256(known.encode(errors='surrogateescape')).hexdigest()[:16]}.npy"
    )
    if place.is_file() and place.stat().st_size == info.file_size:
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(place.parent).free
    if info.file_size > free:
        raise InputError(
            f"{path.name}: unpacked it takes {info.file_size / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free in "
            f"{place.parent}. Save it with numpy.savez, which does not compress, or set XGAZE_CACHE to another folder."
        )
    with atomic_path(place) as temporary, archive.open(info) as entry, temporary.open("wb") as out:
        shutil.copyfileobj(entry, out, BLOCK_BYTES)
    return place


def _require_zip(file: IO[bytes], path: Path) -> None:
    start = file.read(len(npy.MAGIC_PREFIX))
    file.seek(0)
    if start == npy.MAGIC_PREFIX:
        raise InputError(f"{path.name}: a single array, not an .npz; save it with numpy.savez(..., images=...).")
    if start.startswith(b"\x80"):
        raise ValueError("a pickle")


def _reason(error: Exception, name: str) -> str:
    if "pickle" in str(error):
        return f"holds pickled objects, which xgaze never opens, since they can run code. Save '{name}' as uint8."
    return f"not readable as .npz ({type(error).__name__}: {error}). Export it again."
