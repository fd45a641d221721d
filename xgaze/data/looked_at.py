"""What people looked at in pictures: single viewers' fixations, as they are stored and on the squares that models see."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xgaze.data.fixations.scanpaths import scanpaths_of
from xgaze.data.fixations.table import FixationTable
from xgaze.limits import require_picture_size

Look = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Points (n, 2) px and durations (n,) ms."""
Viewers = tuple[NDArray[np.float64], ...]
"""Each viewer's fixations (n, 2), px of the square."""
STIMULUS_SIZE = ["stimulus_width_px", "stimulus_height_px"]


@dataclass(frozen=True)
class LookedAt:
    """A picture, its size (width, height) in px, and what each viewer looked at."""

    name: str
    size: tuple[int, int]
    looks: dict[str, Look]


class Photographs(Protocol):
    """Photographs by number."""

    def __len__(self) -> int: ...

    def pixels(self, row: int) -> NDArray[np.uint8]:
        """uint8 (3, height, width). Raises InputError naming the file."""
        ...


@dataclass(frozen=True, eq=False)
class PicturesLookedAt:
    """Photographs, each with every viewer's fixations; sigma_px: width of a fixation."""

    photographs: Photographs
    pictures: tuple[LookedAt, ...]
    sigma_px: float


@dataclass(frozen=True, eq=False)
class OnSquares:
    """viewers: by row of the recording. sigma_px: how far a fixation was spread on the maps, in px of the square."""

    viewers: dict[int, Viewers]
    sigma_px: float


def by_stimulus(table: FixationTable) -> list[LookedAt]:
    """Every picture with each viewer's fixations, those of several viewings together. Raises InputError for one too large."""
    sizes: dict[str, tuple[int, int]] = {}
    if set(STIMULUS_SIZE) <= set(table.rows.columns):
        told = table.rows.drop_duplicates("stimulus")[["stimulus", *STIMULUS_SIZE]]
        sizes = {str(name): (round(width), round(height)) for name, width, height in told.itertuples(index=False)}
    for name in set(table.rows["stimulus"]):
        require_picture_size(*sizes.get(name, table.size), f"stimulus '{name}'", "Scale size and fixations down.")
    found: dict[str, dict[str, list[Look]]] = {}
    for one in scanpaths_of(table):
        viewings = found.setdefault(one.stimulus, {}).setdefault(one.participant, [])
        viewings.append((one.xy_px, one.duration_ms))
    return [
        LookedAt(name, sizes.get(name, table.size), {person: joined(own) for person, own in looks.items()})
        for name, looks in found.items()
    ]


def joined(looks: list[Look]) -> Look:
    """All of them as one."""
    return np.concatenate([points for points, _ in looks]), np.concatenate([durations for _, durations in looks])


def on_square(
    points_px: ArrayLike, size: tuple[float, float], picture: tuple[int, int], side: int
) -> NDArray[np.float64]:
    """Fixations (n, 2) on a stimulus of `size` in px of the square of `side` cut from the middle of its `picture`; sizes are
    (width, height). Those outside the square are left out."""
    left, top = ((length - side) // 2 for length in picture)
    placed = np.asarray(points_px, np.float64).reshape(-1, 2) / size * picture - (left, top)
    inside: NDArray[np.float64] = placed[((placed >= 0) & (placed < side)).all(axis=1)]
    return inside
