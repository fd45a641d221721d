"""Gaze labels of one session folder: reading the table, matching rows to frames, and every fault in it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from xgaze.data.check_faults import Fault, listed
from xgaze.data.sources.tables import is_missing, read_table, require_columns
from xgaze.errors import InputError
from xgaze.recipe import GazeLabels, Scene

Point = tuple[float, float]


@dataclass(frozen=True)
class Labels:
    """Gaze point in px per frame name; frames without a usable label are absent."""

    points: dict[str, Point]
    faults: list[Fault]


def read_labels(folder: Path, name: str, labels: GazeLabels, scene: Scene, frames: list[str]) -> Labels:
    """Labels of the session folder called `name`, whose frames are `frames`."""
    table_name = f"{name}/{labels.file}"
    columns = [labels.x, labels.y, *([labels.frame] if labels.frame else [])]
    try:
        table = read_table(folder / labels.file, table_name)
        require_columns(table, columns, table_name)
    except InputError as error:
        return Labels({}, [Fault("label table", str(error))])
    names = table[labels.frame].tolist() if labels.frame else [str(k + 1) for k in range(len(table))]
    faults = _unmatched(name, labels.file, names, frames)
    points = {}
    x, y = (pd.to_numeric(table[c].where(~is_missing(table[c])), errors="coerce").to_numpy() for c in columns[:2])
    for row, frame in enumerate(names):
        if not (np.isfinite(x[row]) and np.isfinite(y[row])):
            written = f"({table[labels.x].iloc[row] or 'empty'}, {table[labels.y].iloc[row] or 'empty'})"
            faults.append(Fault("missing label", f"{table_name} row {row + 1}: gaze {written} is not a point."))
        else:
            points[frame] = (float(x[row]), float(y[row]))
    return Labels(points, faults + _outside(table_name, names, points, scene))


def _unmatched(name: str, file: str, names: list[str], frames: list[str]) -> list[Fault]:
    """Frames without a row, rows without a frame, and two rows for one frame."""
    rows_without = [one for one in names if one not in set(frames)]
    frames_without = [one for one in frames if one not in set(names)]
    told = []
    if frames_without:
        told.append(f"frames without a row: {listed(frames_without)}")
    if rows_without:
        told.append(f"rows without a frame: {listed(rows_without)}")
    if len(set(names)) < len(names):
        told.append(f"{len(names) - len(set(names))} frames named twice")
    counts = f"{len(frames)} frames against {len(names)} rows of {file}"
    return [Fault("rows against frames", f"{name}: {counts}; {'; '.join(told)}.")] if told else []


def _outside(table_name: str, names: list[str], points: dict[str, Point], scene: Scene) -> list[Fault]:
    wrong = [
        (row, points[frame])
        for row, frame in enumerate(names)
        if frame in points and not (0 <= points[frame][0] <= scene.width and 0 <= points[frame][1] <= scene.height)
    ]
    return [
        Fault(
            "label outside the scene",
            f"{table_name} row {row + 1}: gaze ({x:g}, {y:g}) px lies outside the scene {scene.width}x{scene.height}; "
            f"{len(wrong)} of {len(names)} rows. If most rows fail, check unit and scene.",
        )
        for row, (x, y) in wrong
    ]
