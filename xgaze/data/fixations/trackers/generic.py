"""Any CSV, TSV or parquet table of fixations, through the user's own mapping of columns."""

from pathlib import Path

from xgaze.data.fixations.fixation_format import FixationColumns, FixationFormat
from xgaze.data.fixations.trackers.tracker_file import Source, mapped
from xgaze.data.tables.reader import columns_of, read_table
from xgaze.errors import InputError

EXAMPLE = "columns: {participant: ..., stimulus: ..., x: ..., y: ..., duration: ...}"


def read_generic(path: Path, settings: FixationFormat) -> Source:
    """The table and the mapping as given. Raises InputError, listing the columns found, when the mapping is not whole."""
    needed = [*mapped(settings.columns).values(), *(settings.labels or [])]
    if lacking := lacking_columns(settings.columns):
        found = columns_of(path, settings, needed)
        raise InputError(f"{path}: the mapping lacks {', '.join(lacking)}. {asking(found)}")
    table = read_table(path, settings, needed=needed, rows=settings.rows)
    kinds = " and ".join(f"'{column}' is '{word}'" for column, word in (settings.rows or {}).items())
    return Source(table, settings.columns, notes=(f"only rows whose {kinds} are read.",) if kinds else ())


def lacking_columns(columns: FixationColumns) -> list[str]:
    """Quantities that no fixation table can do without and that are not mapped."""
    lacking = [name for name in ("x", "y") if getattr(columns, name) is None]
    has_duration = columns.duration is not None or (columns.start is not None and columns.end is not None)
    return lacking if has_duration else [*lacking, "duration (or start and end)"]


def asking(found: list[str]) -> str:
    """What to write, and from which columns to choose."""
    return f"Say which column is what, with units: {EXAMPLE}. Columns found: {', '.join(found)}."
