"""Windows of a picture that people looked at most: averages of the attention map in many windows, thinned by overlap.

Boxes are (left, top, right, bottom) in px of the picture, right and bottom not included.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.errors import InputError

REFERENCE_SIDE, REFERENCE_STRIDE = 448, 8
MOST_OVERLAP = 0.25
Shape = tuple[int, int]
Boxes = NDArray[np.int64]


@dataclass(frozen=True)
class Group:
    """Windows of like size, (height, width) px on a picture of 448 x 448, of which `keep` are kept."""

    shapes: tuple[Shape, ...]
    keep: int


# The largest come in two shapes, neither square; the others in all four. 1,196 + 4,624 + 6,561 = 12,381 windows.
GROUPS = (
    Group(((246, 269), (269, 246)), 2),
    Group(((174, 174), (174, 190), (190, 174), (190, 190)), 3),
    Group(((123, 123), (123, 134), (134, 123), (134, 134)), 4),
)


@dataclass(frozen=True, eq=False)
class WindowGrid:
    """All windows of a square picture of `side` px, group by group."""

    side: int
    groups: tuple[Boxes, ...]
    keep: tuple[int, ...]

    @property
    def kept(self) -> int:
        """How many windows are chosen of each picture."""
        return sum(self.keep)


def window_grid(side: int, stride: int | None = None, groups: Sequence[Group] = GROUPS) -> WindowGrid:
    """Windows of the groups' shapes in proportion to the side, every `stride` px (None: 8 px of 448, in proportion)."""
    scale = side / REFERENCE_SIDE
    step = stride or max(1, round(REFERENCE_STRIDE * scale))
    boxes = []
    for group in groups:
        shapes = dict.fromkeys((max(1, round(h * scale)), max(1, round(w * scale))) for h, w in group.shapes)
        boxes.append(np.concatenate([_boxes(side, shape, step) for shape in shapes]))
    return WindowGrid(side, tuple(boxes), tuple(group.keep for group in groups))


def chosen_windows(maps: NDArray[Any], grid: WindowGrid) -> Boxes:
    """The most looked-at windows of each map: (n, side, side) -> (n, kept, 4), group by group, the best first.

    Within a group no two overlap by more than a quarter (intersection over union), unless too few such windows are left; then
    the best of the others follow. Raises InputError for maps of another size or with values that are no numbers.
    """
    if maps.shape[1:] != (grid.side, grid.side):
        raise InputError(f"attention maps are {maps.shape[1:]} px, the windows were laid out for {grid.side} px.")
    if not np.isfinite(maps).all():
        raise InputError("an attention map holds values that are no numbers (blank maps must be left out).")
    chosen = []
    for boxes, keep in zip(grid.groups, grid.keep, strict=True):
        scores = window_means(maps, boxes)
        chosen.append(np.stack([boxes[best_apart(boxes, own, keep)] for own in scores]))
    return np.concatenate(chosen, axis=1)


def window_means(maps: NDArray[Any], boxes: Boxes) -> NDArray[np.float64]:
    """Mean of each map in each box, (n, H, W) and (k, 4) -> (n, k), from sums over all px above and to the left."""
    sums = np.zeros((maps.shape[0], maps.shape[1] + 1, maps.shape[2] + 1))
    sums[:, 1:, 1:] = maps.astype(np.float64).cumsum(axis=1).cumsum(axis=2)
    left, top, right, bottom = boxes.T
    inside = sums[:, bottom, right] - sums[:, top, right] - sums[:, bottom, left] + sums[:, top, left]
    means: NDArray[np.float64] = inside / ((right - left) * (bottom - top))
    return means


def best_apart(boxes: Boxes, scores: NDArray[Any], keep: int, most_overlap: float = MOST_OVERLAP) -> NDArray[np.int64]:
    """Indices of at most `keep` boxes: always the best that overlaps with none taken by more than `most_overlap`; where none
    is left, the best of those not taken. Of equals the first."""
    free = np.ones(len(boxes), bool)
    taken: list[int] = []
    while len(taken) < min(keep, len(boxes)):
        others = np.ones(len(boxes), bool)
        others[taken] = False
        candidates = free & others if (free & others).any() else others
        best = int(np.where(candidates, scores, -np.inf).argmax())
        taken.append(best)
        free &= overlaps(boxes[best], boxes) <= most_overlap
    return np.array(taken, np.int64)


def overlaps(box: Boxes, boxes: Boxes) -> NDArray[np.float64]:
    """Intersection over union of one box (4,) with each of (k, 4)."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    share: NDArray[np.float64] = shared / (areas + (box[2:] - box[:2]).prod() - shared)
    return share


def _boxes(side: int, shape: Shape, step: int) -> Boxes:
    """Windows of one shape (height, width), row by row."""
    height, width = shape
    top, left = np.meshgrid(np.arange(0, side - height + 1, step), np.arange(0, side - width + 1, step), indexing="ij")
    corners = np.stack([left.ravel(), top.ravel()], axis=1)
    boxes: Boxes = np.concatenate([corners, corners + np.array([width, height])], axis=1)
    return boxes
