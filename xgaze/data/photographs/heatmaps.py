"""Human attention maps of all pictures of a fixation table."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from xgaze.data.fixations.attention_fixations import MOST, SHORTEST_MS, long_ones, merged
from xgaze.data.fixations.table import FixationTable
from xgaze.data.photographs.attention import Spread, attention_map, grey
from xgaze.limits import require_memory, require_picture_size

BOX = ["box_x_px", "box_y_px", "box_width_px", "box_height_px"]
PICTURE = ["image_width_px", "image_height_px"]
STIMULUS = ["stimulus_width_px", "stimulus_height_px"]
Size = tuple[int, int]


@dataclass(frozen=True)
class Drawing:
    """What is drawn of each picture: one map of all fixations of at least `shortest_ms`, or (one_each) a map per fixation,
    the closest having been merged until at most `most` are left."""

    spread: Spread
    one_each: bool = False
    shortest_ms: float = 0.0
    most: int = MOST

    @classmethod
    def of_single_fixations(cls, spread: Spread, shortest_ms: float = SHORTEST_MS, most: int = MOST) -> "Drawing":
        return cls(spread, True, shortest_ms, most)


@dataclass(frozen=True)
class LookedAt:
    """A picture and everyone's fixations on it: px of `drawn`, the (width, height) it was shown at; `size` is its own."""

    stimulus: str
    points_px: NDArray[np.float64]
    durations_ms: NDArray[np.float64]
    drawn: Size
    size: Size
    viewings: int
    carried_over: int


def pictures_of(table: FixationTable, drop_first_of: Collection[str] = ()) -> Iterator[LookedAt]:
    """Each stimulus with the fixations of all viewings, without the first of the scanpaths named."""
    rows = table.rows
    dropped = rows["scanpath"].isin(list(drop_first_of)) & (rows["order"] == 0)
    for stimulus, own in rows.groupby("stimulus", sort=True):
        kept = own[~dropped.loc[own.index]]
        points, drawn, size = _placed(kept if len(kept) else own, table.size)
        durations = kept["duration_ms"].to_numpy(np.float64)
        viewings, lost = own["scanpath"].nunique(), int(dropped.loc[own.index].sum())
        yield LookedAt(str(stimulus), points[: len(kept)], durations, drawn, size, viewings, lost)


def maps_of(looked_at: LookedAt, drawing: Drawing) -> list[NDArray[np.uint8]]:
    """The picture's maps, 8-bit grey (height, width) of its own size. Raises BlankMap naming the picture if one is blank, and
    InputError if they would be too large."""
    _require_room(looked_at)
    points, durations = long_ones(looked_at.points_px, looked_at.durations_ms, drawing.shortest_ms)
    if not drawing.one_each:
        return [_map(looked_at, points, durations, drawing.spread)]
    points, durations = merged(points, durations, drawing.most)
    if not len(points):
        return [_map(looked_at, points, durations, drawing.spread)]
    return [_map(looked_at, points[k : k + 1], durations[k : k + 1], drawing.spread) for k in range(len(points))]


def _require_room(looked_at: LookedAt) -> None:
    """Before any memory is taken: for Gaussians along both sides, and for the map and its copies."""
    name, remedy = f"stimulus '{looked_at.stimulus}'", "Draw it smaller: scale size and fixations down."
    for width, height in (looked_at.drawn, looked_at.size):
        require_picture_size(width, height, name, remedy)
        bells = len(looked_at.points_px) * (width + height)
        require_memory(8.0 * (4 * width * height + 3 * bells), f"{name}: a map of {width:,} x {height:,} px", remedy)


def _map(
    looked_at: LookedAt, points: NDArray[np.float64], durations: NDArray[np.float64], spread: Spread
) -> NDArray[np.uint8]:
    found = attention_map(points, durations, looked_at.drawn, spread, looked_at.stimulus)
    if looked_at.drawn != looked_at.size:
        shown = Image.fromarray(found.astype(np.float32))
        found = np.asarray(shown.resize(looked_at.size, Image.Resampling.BILINEAR), np.float64)
        found = (found - found.min()) / np.ptp(found)
    return grey(found)


def _placed(rows: pd.DataFrame, largest: Size) -> tuple[NDArray[np.float64], Size, Size]:
    """Fixations in px of the picture as it was shown, the size it was shown at, and its own."""
    points = rows[["x_px", "y_px"]].to_numpy(np.float64)
    first = rows.iloc[0]
    if set(BOX) <= set(rows.columns):
        left, top, width, height = (round(float(value)) for value in first[BOX])
        own = _size(first, PICTURE) if set(PICTURE) <= set(rows.columns) else (width, height)
        return points - (left, top), (width, height), own
    size = _size(first, STIMULUS) if set(STIMULUS) <= set(rows.columns) else largest
    return points, size, size


def _size(row: pd.Series, columns: list[str]) -> Size:
    width, height = (round(float(value)) for value in row[columns])
    return width, height
