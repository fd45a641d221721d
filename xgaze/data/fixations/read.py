"""Reading fixations: any known tracker's export, or any table with a mapping, into one `FixationTable`."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from xgaze.data.check_faults import Fault, raise_faults
from xgaze.data.fixations.detect import format_of, readers
from xgaze.data.fixations.faults import faults_of, nothing_left, unknown_people, without_bad_rows, without_short
from xgaze.data.fixations.files import found_files
from xgaze.data.fixations.source import Source
from xgaze.data.fixations.standard import NUMBER, ONSET, WITHOUT_STIMULUS, standard_rows, units_of
from xgaze.data.fixations.table import COLUMNS, FixationTable
from xgaze.errors import InputError
from xgaze.recipe.fixation_format import FixationFormat


@dataclass(frozen=True)
class _Read:
    """All files of a recording in xgaze's columns, nothing left out yet."""

    rows: pd.DataFrame
    size: tuple[int, int]
    units: dict[str, str]
    notes: tuple[str, ...]


def read_fixations(path: Path, settings: FixationFormat) -> FixationTable:
    """The fixations of a file, or of a folder's files that fit `settings.layout`. Raises InputError with all faults at once."""
    read = _read(path, settings)
    raise_faults(path, faults_of(read.rows, read.size, settings))
    rows, dropped = without_bad_rows(read.rows, read.size, settings)
    rows, short = without_short(rows, settings.min_fixations)
    notes = (*read.notes, *dropped, *short)
    raise_faults(path, nothing_left(rows, notes))
    return FixationTable(_in_order(rows), read.size, read.units, notes)


def check_fixations(path: Path, settings: FixationFormat) -> list[Fault]:
    """Every fault for which `read_fixations` would refuse the table."""
    try:
        read = _read(path, settings)
    except InputError as error:
        return [Fault("definition", str(error))]
    faults = faults_of(read.rows, read.size, settings)
    rows, dropped = without_bad_rows(read.rows, read.size, settings)
    rows, short = without_short(rows, settings.min_fixations)
    return faults + nothing_left(rows, [*dropped, *short])


def _read(path: Path, settings: FixationFormat) -> _Read:
    parts: list[pd.DataFrame] = []
    sizes: set[tuple[int, int]] = set()
    units: dict[str, str] = {}
    notes: list[str] = []
    for file, told in found_files(path, settings.layout):
        source = readers()[format_of(file, settings)](file, settings)
        size = settings.size or source.size
        if size is None:
            raise InputError(f"{file}: does not say how large the stimulus is; set size: [width, height] in px.")
        parts.append(standard_rows(source, size, file, told, settings.labels))
        sizes.add(size)
        units |= units_of(source.columns)
        notes += [*source.notes, *_assumed(source, told)]
    rows = pd.concat(parts, ignore_index=True)
    if len(sizes) > 1 and "stimulus_width_px" not in rows:
        told_sizes = ", ".join(f"{width}x{height}" for width, height in sorted(sizes))
        raise InputError(f"{path}: files differ in the size they state ({told_sizes} px); set size: [width, height].")
    largest = (max(width for width, _ in sizes), max(height for _, height in sizes))
    return _Read(rows, largest, units, tuple(dict.fromkeys([*notes, *unknown_people(rows)])))


def _assumed(source: Source, told: dict[str, str]) -> list[str]:
    if source.columns.stimulus or "stimulus" in told:
        return []
    return [f"no stimulus is named: all fixations of a participant are one scanpath on '{WITHOUT_STIMULUS}'."]


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Sorted by scanpath, within it by number, else onset, else as they stood; numbered anew from 0."""
    by = next(([name] for name in (NUMBER, ONSET) if name in rows), [])
    rows = rows.sort_values(["scanpath", *by], kind="stable", ignore_index=True)
    rows["order"] = rows.groupby("scanpath", sort=False).cumcount()
    further = [name for name in rows.columns if name not in (*COLUMNS, NUMBER)]
    return rows[[*COLUMNS, *further]]
