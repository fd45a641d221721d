"""The one reader of tables: CSV, TSV or parquet, every row with as many fields as there are headings."""

from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from itertools import chain, islice
from pathlib import Path

import pandas as pd

from xgaze.data.tables.delimited import Line, Row, rows_of
from xgaze.data.tables.encoding import numbered_lines, open_text
from xgaze.data.tables.header import LOOKED_AT_LINES, MOST_COLUMNS, Header, found_header
from xgaze.data.tables.kinds import Kinds
from xgaze.errors import InputError, nearest
from xgaze.recipe.text_table import TextTable

ROWS_AT_ONCE = 50_000


def read_table(
    path: Path,
    settings: TextTable,
    *,
    name: str | None = None,
    wanted: Collection[str] | None = None,
    needed: Collection[str] = (),
    blank_lines: bool = False,
    rows: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """A table, names and cells stripped, empty cells "", and all of it text (a parquet table keeps its types).

    name: how messages call the file. wanted: read only these columns. needed: columns that tell the header from what stands
    before it. blank_lines: they stay rows, where skipping one would shift every later row. rows: only those in whose columns
    these words stand are read. Raises InputError.
    """
    name = name or str(path)
    if is_parquet(path):
        table = _of_kind(_read_parquet(path, name), rows or {}, name)
        return table if wanted is None else table[[one for one in table.columns if one in wanted]]
    with open_text(path, settings.encoding, name) as text:
        lines = numbered_lines(text, name)
        first = list(islice(lines, LOOKED_AT_LINES))
        header = found_header(first, settings.header, needed, name)
        below = chain((line for line in first if line[0] > header.line), lines)
        kinds = Kinds(header.names, rows or {}, name)
        table = _frame(_without_end(below), header, wanted, blank_lines, kinds)
        kinds.require_some()
        return table


def is_parquet(path: Path) -> bool:
    """By its name."""
    return path.suffix.lower() == ".parquet"


def columns_of(path: Path, settings: TextTable, needed: Collection[str] = ()) -> list[str]:
    """Column names of a table, stripped."""
    if is_parquet(path):
        return _parquet_columns(path, str(path))
    with open_text(path, settings.encoding) as text:
        first = list(islice(numbered_lines(text, str(path)), LOOKED_AT_LINES))
    return list(found_header(first, settings.header, needed, str(path)).names)


def require_columns(table: pd.DataFrame, columns: list[str], name: str) -> None:
    """Raise InputError naming every missing column and the nearest one that is there."""
    missing = [f"column '{c}' is missing; {nearest(c, table.columns)}" for c in columns if c not in table.columns]
    if missing:
        raise InputError(f"{name}: {' '.join(missing)}")


def _without_end(lines: Iterator[Line]) -> Iterator[Line]:
    """Lines without the blank ones at the end."""
    blank: list[Line] = []
    for line in lines:
        if line[1].strip():
            yield from blank
            blank = []
            yield line
        else:
            blank.append(line)


def _frame(
    lines: Iterator[Line], header: Header, wanted: Collection[str] | None, blank_lines: bool, kinds: Kinds
) -> pd.DataFrame:
    # The names of rows, which statistics programs write first, have no heading; nothing else may lack one.
    nameless = [k for k, one in enumerate(header.names) if k and not one]
    kept = [k for k, one in enumerate(header.names) if k not in nameless and (wanted is None or one in wanted)]
    columns = [header.names[k] for k in kept]
    rows = rows_of(lines, header.separator, len(header.names), kinds.name, kinds)
    found = _with_headings(rows, nameless, kinds.name)
    told = (fields for fields in found if blank_lines or any(one.strip() for one in fields))
    cells = ([fields[k].strip() for k in kept] if fields else [""] * len(kept) for fields in told)
    parts = [pd.DataFrame(columns=columns, dtype=str)]
    while some := list(islice(cells, ROWS_AT_ONCE)):
        parts.append(pd.DataFrame(some, columns=columns, dtype=str))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _with_headings(rows: Iterator[Row], nameless: list[int], name: str) -> Iterator[list[str]]:
    for line, fields in rows:
        if fields and any(fields[k].strip() for k in nameless):
            raise InputError(
                f"{name}: line {line} has values in a column without a heading: decimal commas, or a heading is missing. "
                "Name every column, or export with semicolons or tabs."
            )
        yield fields


def _of_kind(table: pd.DataFrame, rows: Mapping[str, str], name: str) -> pd.DataFrame:
    if not rows:
        return table
    kinds = Kinds(list(table.columns), rows, name)
    kept = [kinds.keeps(fields) for fields in table.astype(str).itertuples(index=False, name=None)]
    kinds.require_some()
    return table[kept].reset_index(drop=True)


def _read_parquet(path: Path, name: str) -> pd.DataFrame:
    columns = _parquet_columns(path, name)
    if len(columns) > MOST_COLUMNS:
        raise InputError(f"{name}: holds {len(columns):,} columns; tables of up to {MOST_COLUMNS:,} are read.")
    try:
        table = pd.read_parquet(path).reset_index(drop=True)
    except (OSError, ValueError) as error:  # pyarrow's ArrowInvalid is a ValueError
        raise InputError(f"{name}: not readable as a parquet table: {error}") from None
    table.columns = [str(one).strip() for one in table.columns]
    if table.columns.duplicated().any():
        raise InputError(f"{name}: column '{table.columns[table.columns.duplicated()][0]}' occurs twice.")
    return table


def _parquet_columns(path: Path, name: str) -> list[str]:
    if not path.is_file():
        raise InputError(f"{name}: no such file.")
    try:
        parquet = import_module("pyarrow.parquet")
    except ImportError:
        raise InputError(f"{name}: parquet files need pyarrow (pip install pyarrow), or export a CSV.") from None
    try:
        return [str(one).strip() for one in parquet.read_schema(path).names]
    except (OSError, ValueError) as error:  # pyarrow's ArrowInvalid is a ValueError
        raise InputError(f"{name}: not readable as a parquet table: {error}") from None
