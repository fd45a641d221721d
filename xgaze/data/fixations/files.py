"""Files of fixations on disk: which ones belong to the recording, their headers and their rows as text."""

import gzip
import io
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO, cast

import pandas as pd

from xgaze.errors import InputError

UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def found_files(path: Path, layout: str | None) -> list[tuple[Path, dict[str, str]]]:
    """The files of a recording, sorted, each with the participant, stimulus and trial that its path tells."""
    if not path.exists():
        raise InputError(f"{path}: no such file or folder.")
    if layout is None:
        if path.is_dir():
            example = "{participant}/fixations.csv"
            raise InputError(f"{path}: is a folder; say with `layout` which files to read, for example {example}.")
        return [(path, {})]
    pattern = re.compile("(?:.*/)?" + re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(layout)))
    files = sorted(path.glob(re.sub(r"{\w+}", "*", layout))) if path.is_dir() else [path]
    told = [(file, pattern.fullmatch(file.as_posix())) for file in files if file.is_file()]
    fitting = [(file, match.groupdict()) for file, match in told if match]
    if not fitting:
        raise InputError(f"{path}: no file fits the layout {layout}.")
    return fitting


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """A text file, gzipped or not, in UTF-8 or (with its mark) UTF-16."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as raw:
            encoding = "utf-16" if raw.read(2) in UTF_16_MARKS else "utf-8-sig"
            raw.seek(0)
            yield io.TextIOWrapper(cast(BinaryIO, raw), encoding=encoding)
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file in UTF-8 or UTF-16; export it again as CSV, TSV or asc.") from None
    except (OSError, EOFError) as error:  # gzip.BadGzipFile is an OSError
        raise InputError(f"{path}: cannot be read ({error}).") from None


def read_rows(path: Path, wanted: Collection[str] | None = None) -> pd.DataFrame:
    """A CSV, TSV or parquet table; names and text stripped, empty cells "". wanted: read only these columns."""
    if path.suffix == ".parquet":
        table = _read_parquet(path)
        return table if wanted is None else table[[name for name in table.columns if name in wanted]]
    try:
        with open_text(path) as text:
            separator = _separator(text.readline())
            text.seek(0)
            table = pd.read_csv(
                text,
                sep=separator,
                dtype=str,
                keep_default_na=False,
                index_col=False,
                usecols=None if wanted is None else lambda name: name.strip() in wanted,
            )
    except ValueError as error:  # pandas' parser errors are ValueErrors
        raise InputError(f"{path}: not readable as a table: {error}") from None
    table.columns = [str(name).strip() for name in table.columns]
    if table.columns.duplicated().any():
        raise InputError(f"{path}: column '{table.columns[table.columns.duplicated()][0]}' occurs twice.")
    return pd.DataFrame({name: values.fillna("").str.strip() for name, values in table.items()})


def header_of(path: Path) -> list[str]:
    """Column names of a table, stripped."""
    if path.suffix == ".parquet":
        return list(_read_parquet(path).columns)
    with open_text(path) as text:
        first = text.readline()
    return [name.strip().strip('"') for name in first.rstrip("\r\n").split(_separator(first))]


def _separator(header: str) -> str:
    return max(",", ";", "\t", key=header.count)


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path)
    except ImportError:
        raise InputError(f"{path}: parquet files need pyarrow (pip install pyarrow), or export a CSV.") from None
    except (OSError, ValueError) as error:  # pyarrow's ArrowInvalid is a ValueError
        raise InputError(f"{path}: not readable as a parquet table: {error}") from None
    table.columns = [str(name).strip() for name in table.columns]
    return table
