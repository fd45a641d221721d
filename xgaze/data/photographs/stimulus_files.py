"""The photographs that fixations are on: which file is which, and whether it has the shape that fixations were measured on."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from xgaze.data.fault_kinds import Fault, listed
from xgaze.data.pictures.decoding import PictureError, size_in_file
from xgaze.data.pictures.picture_files import picture_named
from xgaze.data.pictures.walk import told_left_out, walk

Size = tuple[int, int]
"""Width and height, px."""
OTHER_SHAPE = 1.02
"""Aspects that differ by more are not the same picture: sizes are rounded, and photographs are cut to even sides."""


def photograph_file(folder: Path, stimulus: str) -> Path:
    """The photograph of a stimulus, whose name may lack the suffix. Raises InputError where several fit."""
    return picture_named(folder, stimulus)


def same_shape(one: Size, other: Size) -> bool:
    """Whether two sizes are of one aspect."""
    return 1 / OTHER_SHAPE <= (one[0] * other[1]) / (one[1] * other[0]) <= OTHER_SHAPE


def absent(files: Sequence[Path]) -> list[Fault]:
    """A fault for each photograph that is no file."""
    return [Fault("missing view", f"{file}: no such photograph.") for file in files if not file.is_file()]


def other_shapes(folder: Path, sizes: Mapping[str, Size]) -> list[Fault]:
    """A fault for each photograph of another aspect than the size its fixations are on: every place would be wrong."""
    return [
        Fault(
            "wrong image size",
            f"{name}: is {found[0]}x{found[1]} px, but its fixations are on {size[0]}x{size[1]} px, of another aspect.",
        )
        for name, size, found in _measured(folder, sizes)
        if not same_shape(found, size)
    ]


def photographs_told(folder: Path, sizes: Mapping[str, Size]) -> list[str]:
    """Remarks: photographs of another size than their fixations state, and those in the folder that nobody is said to look at.

    sizes: of every stimulus, as its fixations state them.
    """
    scaled = [(name, size, found) for name, size, found in _measured(folder, sizes) if found != size]
    told = []
    if scaled:
        name, size, found = scaled[0]
        told.append(
            f"{len(scaled):,} of {len(sizes):,} photographs are not of the size that their fixations are on, so that places are "
            f"scaled: {name} is {found[0]}x{found[1]} px, its fixations are on {size[0]}x{size[1]} px."
        )
    there, used = walk(folder), {os.path.realpath(photograph_file(folder, name)) for name in sizes}
    unused = [str(one) for one in there.pictures if os.path.realpath(folder / one) not in used]
    if unused:
        told.append(
            f"{len(unused):,} of {len(there.pictures):,} photographs have no fixation: left out: {listed(unused)}."
        )
    return [*told, *told_left_out(there.left_out)]


def _measured(folder: Path, sizes: Mapping[str, Size]) -> list[tuple[str, Size, Size]]:
    """Photographs that tell their size; what is wrong with the others shows when they are decoded."""
    found = []
    for name, size in sizes.items():
        try:
            found.append((name, size, size_in_file(photograph_file(folder, name))))
        except PictureError:
            continue
    return found
