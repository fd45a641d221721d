"""CSV tables as people export them: byte-order marks, spaces in column names, empty cells. All values stay text."""

import io
from pathlib import Path

import pandas as pd

from xgaze.errors import InputError, nearest

# "NA" may be a participant's initials, so it counts as missing only where a label is expected.
MISSING_LABELS = frozenset({"", "na", "n/a", "nan", "none", "null"})


def read_table(path: Path, name: str) -> pd.DataFrame:
    """A CSV as text, column names and values stripped, empty cells "". Raises InputError calling the file `name`."""
    try:
        text = path.read_text(encoding="utf-8-sig").rstrip()
        # Blank lines stay rows: skipping one would shift every later label by a frame.
        table = pd.read_csv(
            io.StringIO(text),
            sep=_separator(text),
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,
            index_col=False,
        )
    except FileNotFoundError:
        raise InputError(f"{name}: no such file.") from None
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror}).") from None
    except ValueError as error:  # pandas' parser errors and UnicodeDecodeError are ValueErrors
        raise InputError(f"{name}: not readable as a CSV table in UTF-8: {error}") from None
    table.columns = [str(column).strip() for column in table.columns]
    if table.columns.duplicated().any():
        twice = table.columns[table.columns.duplicated()][0]
        raise InputError(f"{name}: column '{twice}' occurs twice.")
    return pd.DataFrame({name: values.fillna("").str.strip() for name, values in table.items()})


def _separator(text: str) -> str:
    """Comma, semicolon (what spreadsheets write where the comma is the decimal sign) or tab, by the header."""
    header = text.partition("\n")[0]
    return max(",", ";", "\t", key=header.count)


def require_columns(table: pd.DataFrame, columns: list[str], name: str) -> None:
    """Raise InputError naming every missing column and the nearest one that is there."""
    missing = [f"column '{c}' is missing; {nearest(c, table.columns)}" for c in columns if c not in table.columns]
    if missing:
        raise InputError(f"{name}: {' '.join(missing)}")


def is_missing(values: pd.Series) -> pd.Series:
    """Where a label cell holds no value."""
    return values.str.lower().isin(MISSING_LABELS)
