"""Reading fixations: any known tracker's export, or any table with a mapping, into one `FixationTable`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from xgaze.data.fault_kinds import Fault, raise_faults
from xgaze.data.fixations.copies import as_long_as_before
from xgaze.data.fixations.fixation_files import found_files, left_out
from xgaze.data.fixations.fixation_format import FixationFormat
from xgaze.data.fixations.row_faults import faults_of, nothing_left, unknown_people, without_bad_rows, without_short
from xgaze.data.fixations.standard_units import NUMBER, ONSET, TRIAL, WITHOUT_STIMULUS, standard_rows, units_of
from xgaze.data.fixations.table import COLUMNS, FixationTable
from xgaze.data.fixations.trackers.detect import format_of, readers
from xgaze.data.fixations.trackers.tracker_file import Source
from xgaze.data.fixations.viewings import with_scanpaths
from xgaze.errors import InputError

PERSON = "participant"


@dataclass(frozen=True)
class FileRows:
    """All files of a recording in xgaze's columns, in the order in which they stand there, nothing left out yet."""

    rows: pd.DataFrame
    size: tuple[int, int]
    units: dict[str, str]
    notes: tuple[str, ...]


def read_fixations(path: Path, settings: FixationFormat, counted_by: Sequence[str] = ()) -> FixationTable:
    """The fixations of a file, or of a folder's files that fit `settings.layout`. Raises InputError with all faults at once.

    counted_by: columns, beside the participant, by which is counted what was left out.
    """
    read, by = read_files(path, settings), (PERSON, *counted_by)
    raise_faults(path, faults_of(read.rows, read.size, settings))
    rows, dropped = without_bad_rows(read.rows, read.size, settings, by)
    unknown = unknown_people(rows)
    rows, short = without_short(rows, settings.min_fixations, by)
    notes = (*read.notes, *unknown, *dropped, *short)
    raise_faults(path, nothing_left(rows, notes))
    return FixationTable(_in_order(rows), read.size, read.units, notes)


def check_fixations(path: Path, settings: FixationFormat) -> list[Fault]:
    """Every fault for which `read_fixations` would refuse the table."""
    try:
        read = read_files(path, settings)
    except InputError as error:
        return [Fault("definition", str(error))]
    faults = faults_of(read.rows, read.size, settings)
    rows, dropped = without_bad_rows(read.rows, read.size, settings, [PERSON])
    rows, short = without_short(rows, settings.min_fixations, [PERSON])
    return faults + nothing_left(rows, [*dropped, *short])


def read_files(path: Path, settings: FixationFormat) -> FileRows:
    """Every row of every file, whatever is wrong with it. Raises InputError for files that cannot be read."""
    parts: list[pd.DataFrame] = []
    sizes: set[tuple[int, int]] = set()
    units: dict[str, str] = {}
    files = found_files(path, settings.layout)
    notes = left_out(path, settings.layout, files)
    for file, told in files:
        kind = format_of(file, settings)
        if settings.rows and kind != "table":
            raise InputError(
                f"{file}: rows: is for tables with a column mapping; the format {kind} knows its own. Leave it out."
            )
        source = readers()[kind](file, settings)
        size = settings.size or source.size
        if size is None:
            raise InputError(f"{file}: does not say how large the stimulus is; set size: [width, height] in px.")
        parts.append(standard_rows(source, size, file, told, settings))
        sizes.add(size)
        units |= units_of(source.columns)
        notes += [*source.notes, *_assumed(source, told), *_other_size(source, size)]
    rows, taken = with_scanpaths(pd.concat(parts, ignore_index=True), settings)
    if len(sizes) > 1 and "stimulus_width_px" not in rows:
        told_sizes = ", ".join(f"{width}x{height}" for width, height in sorted(sizes))
        raise InputError(f"{path}: files differ in the size they state ({told_sizes} px); set size: [width, height].")
    largest = (max(width for width, _ in sizes), max(height for _, height in sizes))
    return FileRows(rows, largest, units, tuple(dict.fromkeys([*notes, *taken, *as_long_as_before(rows)])))


def _assumed(source: Source, told: dict[str, str]) -> list[str]:
    if source.columns.stimulus or "stimulus" in told:
        return []
    return [f"no stimulus is named: all fixations of a participant are one scanpath on '{WITHOUT_STIMULUS}'."]


def _other_size(source: Source, used: tuple[int, int]) -> list[str]:
    if source.size is None or source.size == used:
        return []
    told, set_to = (f"{width}x{height} px" for width, height in (source.size, used))
    return [f"files state a size of {told}, but size was set to {set_to}, which is used."]


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Sorted by scanpath, within it by number, else onset, else as they stood; numbered anew from 0."""
    by = next(([name] for name in (NUMBER, ONSET) if name in rows), [])
    rows = rows.sort_values(["scanpath", *by], kind="stable", ignore_index=True)
    rows["order"] = rows.groupby("scanpath", sort=False).cumcount()
    further = [name for name in rows.columns if name not in (*COLUMNS, NUMBER, TRIAL)]
    return rows[[*COLUMNS, *further]]
