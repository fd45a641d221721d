"""Crops that were cut once, in a file of the cache that has no name: mapped, so that memory need not hold them, and gone with the
process that cut them."""

import os
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.data.crops.crops import CROP_PX, SCALES, input_name
from xgaze.data.rendered import default_cache_dir
from xgaze.errors import InputError


class MappedCrops:
    """Room for the crops of every sample, uint8 (samples, scale, 3, 42, 42), taken on the disk when first asked for.

    cut: the photographs whose crops lie there.
    """

    def __init__(self, samples: int) -> None:
        self.samples = samples
        self.cut: set[int] = set()
        self._room: NDArray[np.uint8] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Another process cuts its own: a copy would be as large as all crops together."""
        return {"samples": self.samples, "cut": set(), "_room": None}

    def put(self, photograph: int, first: int, crops: dict[str, NDArray[np.uint8]]) -> None:
        """All crops of a photograph, whose samples are counted from `first`. Raises InputError where the disk has no room."""
        if self._room is None:
            self._room = mapped_room((self.samples, len(SCALES), 3, CROP_PX, CROP_PX))
        for place, scale in enumerate(SCALES):
            own = crops[input_name(scale)]
            self._room[first : first + len(own), place] = own
        self.cut.add(photograph)

    def of(self, row: int) -> dict[str, NDArray[np.uint8]]:
        """The crops of a sample whose photograph was put there."""
        assert self._room is not None
        return {input_name(scale): self._room[row, place] for place, scale in enumerate(SCALES)}


def mapped_room(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """A mapped array of zeros in a nameless file of the cache. Raises InputError where it cannot be had."""
    folder, size = default_cache_dir(), int(np.prod(shape))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder) as file:
            _take(file.fileno(), size)
            return np.asarray(np.memmap(file, np.uint8, "r+", shape=shape))
    except OSError as error:  # also where the disk has no room
        raise InputError(
            f"{folder}: {size / 1e9:.1f} GB for crops of photographs cannot be kept there ({error.strerror or error}). Free some "
            "space, or set XGAZE_CACHE to a folder that you may write."
        ) from None


def _take(file: int, size: int) -> None:
    """Have the room on the disk, where the system can: a disk that is full later kills a process that writes to mapped memory."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    else:
        os.ftruncate(file, size)
