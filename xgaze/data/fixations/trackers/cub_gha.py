"""CUB-GHA: one line per viewing of a bird picture, ending in (x, y, ms) triples (Rong et al. 2021).

`Fixation.txt`: img_id, orig_w, orig_h, disp_w, disp_h, x0, y0, then triples in px of a 1920x1080 display; the picture is
shown in the box x0, y0, disp_w, disp_h. `Fixation_run1.txt` to `Fixation_run5.txt`: id, w, h, then triples in picture px.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.fixations.fixation_format import FixationColumns, FixationFormat
from xgaze.data.fixations.trackers.tracker_file import Source, overlaid
from xgaze.data.tables.encoding import numbered_lines, open_text
from xgaze.errors import InputError

DISPLAY_PX = (1920, 1080)
DISPLAY_HEAD = ("image_width_px", "image_height_px", "box_width_px", "box_height_px", "box_x_px", "box_y_px")
RUN_HEAD = ("stimulus_width_px", "stimulus_height_px")
COLUMNS = FixationColumns(stimulus="image", x="x_px", y="y_px", duration="duration_ms", order="number")
# Of each line: name of the picture, and the numbers after it.
Viewings = list[tuple[str, NDArray[np.float64]]]


def is_cub_gha(path: Path, first_line: str) -> bool:
    """By its own file name, and a first line of an id and whole triples."""
    name = path.name.lower()
    if not (name == "fixation.txt" or (name.startswith("fixation_run") and name.endswith(".txt"))):
        return False
    cells = first_line.strip().rstrip(",").split(",")
    return len(cells) % 3 == (1 if name == "fixation.txt" else 0) and all(_is_number(cell) for cell in cells)


def read_cub_gha(path: Path, settings: FixationFormat) -> Source:
    """All fixations of a file, the last of each line included; pictures that occur again become trials of their own."""
    run = path.name.lower() != "fixation.txt"
    head = RUN_HEAD if run else DISPLAY_HEAD
    viewings = _viewings(path, len(head), settings.encoding)
    frame = _frame(viewings, head)
    columns, notes = COLUMNS, [_carried_over(path, viewings, len(head))] if run else []
    images = pd.Series([image for image, _ in viewings])
    if images.duplicated().any():
        notes.append(f"{path.name}: {images.duplicated().sum()} rows repeat a picture; each is a trial of its own.")
        columns = COLUMNS.model_copy(update={"trial": "viewing"})
    else:
        frame = frame.drop(columns="viewing")
    largest = (int(frame[head[0]].max()), int(frame[head[1]].max())) if len(frame) else (1, 1)
    return Source(frame, overlaid(columns, settings.columns), largest if run else DISPLAY_PX, tuple(notes))


def _viewings(path: Path, head: int, encoding: str | None) -> Viewings:
    with open_text(path, encoding) as text:
        lines = [(number, line.strip().rstrip(",").split(",")) for number, line in numbered_lines(text, str(path))]
    return [_viewing(path, number, cells, head) for number, cells in lines if cells != [""]]


def _viewing(path: Path, number: int, cells: list[str], head: int) -> tuple[str, NDArray[np.float64]]:
    image, values = cells[0].strip(), cells[1:]
    if len(values) < head or (len(values) - head) % 3 or not all(_is_number(value) for value in values):
        expected = f"an id, {head} sizes and triples of x, y, ms"
        raise InputError(f"{path}: line {number} is not {expected} ({len(cells)} values).")
    return image, np.array(values, dtype=np.float64)


def _frame(viewings: Viewings, head: tuple[str, ...]) -> pd.DataFrame:
    counts = [(len(values) - len(head)) // 3 for _, values in viewings]
    triples = [values[len(head) :].reshape(-1, 3) for _, values in viewings]
    images = pd.Series([image for image, _ in viewings], dtype=object)
    viewing = images.groupby(images).cumcount() + 1
    sizes = np.array([values[: len(head)] for _, values in viewings]).reshape(-1, len(head))
    frame = pd.DataFrame(np.concatenate([*triples, np.empty((0, 3))]), columns=["x_px", "y_px", "duration_ms"])
    frame.insert(0, "image", images.repeat(counts).to_numpy())
    frame.insert(1, "viewing", viewing.repeat(counts).to_numpy())
    frame.insert(2, "number", np.concatenate([*(np.arange(count) for count in counts), np.empty(0, int)]))
    return frame.join(pd.DataFrame(np.repeat(sizes, counts, axis=0), columns=list(head)))


def _carried_over(path: Path, viewings: Viewings, head: int) -> str:
    """How often a line begins with the duration that the line before ended with."""
    seen = [values for _, values in viewings if len(values) > head]
    carried = sum(bool(values[head + 2] == before[-1]) for before, values in pairwise(seen))
    pairs = max(len(seen) - 1, 1)
    return (
        f"{path.name}: in {carried} of {len(seen)} rows ({carried / pairs:.0%}) the first duration equals the last of the row"
        " before: probably a fixation carried over from the previous picture; kept."
    )


def _is_number(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False
