"""From a file's own columns and units to xgaze's: px and ms, origin top left."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_float_dtype

from xgaze.data.fixations.fixation_format import FixationColumns, FixationFormat
from xgaze.data.fixations.table import COLUMNS, UNKNOWN
from xgaze.data.fixations.trackers.generic import asking, lacking_columns
from xgaze.data.fixations.trackers.tracker_file import NUMBERS, Source, mapped
from xgaze.data.tables.decimals import Sign, decimal_sign, numbers
from xgaze.data.tables.missing import MISSING_WORDS, as_text, is_missing
from xgaze.data.tables.reader import require_columns
from xgaze.errors import InputError

MS_PER = {"s": 1e3, "ms": 1.0, "us": 1e-3, "ns": 1e-6}
WITHOUT_STIMULUS = "scene"
TRIAL, NUMBER, ONSET = "trial", "number", "onset_ms"
RESERVED = {*COLUMNS, TRIAL, NUMBER, ONSET}


def standard_rows(
    source: Source, size: tuple[int, int], path: Path, told: dict[str, str], settings: FixationFormat
) -> pd.DataFrame:
    """`participant`, `stimulus`, `x_px`, `y_px`, `duration_ms`; if known `trial`, `number` (of the fixation) and `onset_ms`.

    told: participant, stimulus and trial that the file's path tells; a column that is mapped goes before. participant is
    "unknown" where nothing says who looked, stimulus and trial "" where their columns do not tell. settings.labels: which
    further columns to keep; None keeps all.
    """
    frame, columns, labels = source.frame, source.columns, settings.labels
    told = {name: "" if value.lower() in MISSING_WORDS else value for name, value in told.items()}
    if lacking_columns(columns):
        raise InputError(
            f"{path}: the mapping lacks {', '.join(lacking_columns(columns))}. {asking(list(frame.columns))}"
        )
    used = mapped(columns)
    require_columns(frame, [*used.values(), *(labels or [])], str(path))
    decimal = decimal_sign(
        {column: frame[column] for name, column in used.items() if name in NUMBERS}, settings.decimal, str(path)
    )
    rows = pd.DataFrame(index=frame.index)
    people = names(frame[columns.participant]) if columns.participant else told.get("participant") or UNKNOWN
    rows["participant"] = people if isinstance(people, str) else people.replace("", UNKNOWN)
    rows["stimulus"] = names(frame[columns.stimulus]) if columns.stimulus else told.get("stimulus", WITHOUT_STIMULUS)
    if columns.trial or "trial" in told:
        rows[TRIAL] = _trials(frame, columns, told.get("trial"))
    rows["x_px"], rows["y_px"] = _points_px(frame, columns, size, decimal, path)
    rows["duration_ms"] = _duration_ms(frame, columns, decimal, path)
    if columns.start:
        rows[ONSET] = _numbers(frame, columns.start, decimal, path) * MS_PER[columns.timestamp_unit]
    if columns.order:
        rows[NUMBER] = _numbers(frame, columns.order, decimal, path)
    further = [name for name in frame.columns if name not in used.values()] if labels is None else labels
    return rows.join(frame[further].rename(columns={name: f"source_{name}" for name in RESERVED}))


def names(values: pd.Series) -> pd.Series:
    """Cells as text, those that name nobody ""; whole numbers stored as decimals lose their ".0"."""
    if is_float_dtype(values) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    return as_text(values).mask(is_missing(values), "").astype(object)


def units_of(columns: FixationColumns) -> dict[str, str]:
    """Units and origin as they were in the file."""
    units: dict[str, str] = {"x": columns.coordinates, "y": columns.coordinates, "origin": columns.origin}
    units |= {"duration": columns.duration_unit if columns.duration else columns.timestamp_unit}
    return units | ({"timestamp": columns.timestamp_unit} if columns.start else {})


def _trials(frame: pd.DataFrame, columns: FixationColumns, told: str | None) -> "pd.Series[str] | str":
    if not columns.trial:
        return told or ""
    own = names(frame[columns.trial])
    return own if told is None else (f"{told}." + own).mask(own == "", "")


def _points_px(
    frame: pd.DataFrame, columns: FixationColumns, size: tuple[int, int], decimal: Sign, path: Path
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = (_numbers(frame, str(name), decimal, path) for name in (columns.x, columns.y))
    width, height = size
    if columns.coordinates == "fraction":
        x, y = x * width, y * height
    elif columns.coordinates == "degrees":
        if columns.pixels_per_degree is None:
            raise InputError(f"{path}: coordinates in degrees need columns: {{pixels_per_degree: ...}}.")
        x, y = x * columns.pixels_per_degree + width / 2, y * columns.pixels_per_degree + height / 2
    return x, (height - y if columns.origin == "bottom-left" else y)


def _duration_ms(frame: pd.DataFrame, columns: FixationColumns, decimal: Sign, path: Path) -> NDArray[np.float64]:
    if columns.duration:
        return _numbers(frame, columns.duration, decimal, path) * MS_PER[columns.duration_unit]
    start, end = (_numbers(frame, str(name), decimal, path) for name in (columns.start, columns.end))
    return (end - start) * MS_PER[columns.timestamp_unit]


def _numbers(frame: pd.DataFrame, column: str, decimal: Sign, path: Path) -> NDArray[np.float64]:
    return numbers(frame[column], decimal, f"{path}: column '{column}'")
