"""From a file's own columns and units to xgaze's: px and ms, origin top left, one id per scanpath."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.fixations.cells import names, numbers
from xgaze.data.fixations.generic import asking, lacking_columns
from xgaze.data.fixations.source import Source, mapped
from xgaze.data.fixations.table import COLUMNS, UNKNOWN
from xgaze.data.sources.tables import require_columns
from xgaze.errors import InputError
from xgaze.recipe.fixation_format import FixationColumns

MS_PER = {"s": 1e3, "ms": 1.0, "us": 1e-3, "ns": 1e-6}
WITHOUT_STIMULUS = "scene"
NUMBER, ONSET = "number", "onset_ms"
RESERVED = {*COLUMNS, "trial", NUMBER, ONSET}


def standard_rows(
    source: Source, size: tuple[int, int], path: Path, told: dict[str, str], labels: list[str] | None
) -> pd.DataFrame:
    """`scanpath`, `participant`, `stimulus`, `x_px`, `y_px`, `duration_ms`; if known `number` (of the fixation) and `onset_ms`.

    told: participant, stimulus and trial that the file's path tells; a column that is mapped goes before. participant is
    "unknown" where nothing says who looked. labels: which further columns to keep; None keeps all.
    """
    frame, columns = source.frame, source.columns
    if lacking_columns(columns):
        raise InputError(
            f"{path}: the mapping lacks {', '.join(lacking_columns(columns))}. {asking(list(frame.columns))}"
        )
    used = mapped(columns).values()
    require_columns(frame, [*used, *(labels or [])], str(path))
    rows = pd.DataFrame(index=frame.index)
    people = names(frame[columns.participant]) if columns.participant else told.get("participant", UNKNOWN)
    rows["participant"] = people if isinstance(people, str) else people.replace("", UNKNOWN)
    rows["stimulus"] = names(frame[columns.stimulus]) if columns.stimulus else told.get("stimulus", WITHOUT_STIMULUS)
    rows.insert(0, "scanpath", _scanpath_ids(frame, rows, columns, told.get("trial")))
    rows["x_px"], rows["y_px"] = _points_px(frame, columns, size, path)
    rows["duration_ms"] = _duration_ms(frame, columns, path)
    if columns.start:
        rows[ONSET] = _numbers(frame, columns.start, path) * MS_PER[columns.timestamp_unit]
    if columns.order:
        rows[NUMBER] = _numbers(frame, columns.order, path)
    further = [name for name in frame.columns if name not in used] if labels is None else labels
    return rows.join(frame[further].rename(columns={name: f"source_{name}" for name in RESERVED}))


def units_of(columns: FixationColumns) -> dict[str, str]:
    """Units and origin as they were in the file."""
    units: dict[str, str] = {"x": columns.coordinates, "y": columns.coordinates, "origin": columns.origin}
    units |= {"duration": columns.duration_unit if columns.duration else columns.timestamp_unit}
    return units | ({"timestamp": columns.timestamp_unit} if columns.start else {})


def _scanpath_ids(
    frame: pd.DataFrame, rows: pd.DataFrame, columns: FixationColumns, told_trial: str | None
) -> pd.Series:
    ids = rows["participant"] + "/" + rows["stimulus"]
    trial = told_trial or ""
    if columns.trial:
        own = names(frame[columns.trial])
        return ids + "/" + (trial + "." + own if trial else own)
    return ids + "/" + trial if trial else ids


def _points_px(
    frame: pd.DataFrame, columns: FixationColumns, size: tuple[int, int], path: Path
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = (_numbers(frame, str(name), path) for name in (columns.x, columns.y))
    width, height = size
    if columns.coordinates == "fraction":
        x, y = x * width, y * height
    elif columns.coordinates == "degrees":
        if columns.pixels_per_degree is None:
            raise InputError(f"{path}: coordinates in degrees need columns: {{pixels_per_degree: ...}}.")
        x, y = x * columns.pixels_per_degree + width / 2, y * columns.pixels_per_degree + height / 2
    return x, (height - y if columns.origin == "bottom-left" else y)


def _duration_ms(frame: pd.DataFrame, columns: FixationColumns, path: Path) -> NDArray[np.float64]:
    if columns.duration:
        return _numbers(frame, columns.duration, path) * MS_PER[columns.duration_unit]
    start, end = (_numbers(frame, str(name), path) for name in (columns.start, columns.end))
    return (end - start) * MS_PER[columns.timestamp_unit]


def _numbers(frame: pd.DataFrame, column: str, path: Path) -> NDArray[np.float64]:
    return numbers(frame[column], f"{path}: column '{column}'")
