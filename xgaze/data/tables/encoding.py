"""Text files as text: by their mark, as UTF-8, as UTF-16 where that shows, else in the encoding that the user says."""

import codecs
import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from xgaze.errors import InputError

# The mark of UTF-32 begins with that of UTF-16.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
OTHERS = (
    (b"PK\x03\x04", "a workbook (xlsx) or a zip archive; export the table as CSV"),
    (b"\xd0\xcf\x11\xe0", "a workbook (xls); export the table as CSV"),
    (b"\x1f\x8b", "gzipped; let its name end in .gz"),
    (b"SR_RESEARCH", "an EDF file; convert it with edf2asc"),
    (b"PAR1", "a parquet table; let its name end in .parquet"),
)
"""Beginnings of files that no encoding makes a text."""
LOOKED_AT_BYTES = 4096
LONGEST_LINE = 2**20
"""Characters; no table of measurements has longer ones, and nothing larger is taken into memory."""
LIKELY = "cp1252"
MARK = "\ufeff"
"""What is left of a mark where the encoding was set."""


@contextmanager
def open_text(path: Path, encoding: str | None = None, name: str | None = None) -> Iterator[TextIO]:
    """A text file, gzipped or not. Raises InputError, calling the file `name`, with line and byte where it is no such text."""
    name = name or str(path)
    if path.exists() and not path.is_file():
        raise InputError(f"{name}: is {'a folder' if path.is_dir() else 'a pipe or a device'}, no file.")
    try:
        with _opened(path) as raw:
            start = raw.read(LOOKED_AT_BYTES)
            raw.seek(0)
            if other := next((what for mark, what in OTHERS if start.startswith(mark)), None):
                raise InputError(f"{name}: is no text, but {other}.")
            told = _known(encoding, name) if encoding else _shown(start)
            yield io.TextIOWrapper(raw, encoding=told)
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: {_undecodable(path, error.encoding, encoding)}") from None
    except FileNotFoundError:
        raise InputError(f"{name}: no such file.") from None
    except (OSError, EOFError) as error:  # gzip.BadGzipFile is an OSError
        raise InputError(f"{name}: cannot be read ({error}).") from None


def numbered_lines(text: TextIO, name: str) -> Iterator[tuple[int, str]]:
    """(number from 1, line without its end). Raises InputError for a line that no table has, before it is in memory."""
    number = 0
    while line := text.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            raise InputError(f"{name}: line {number} is longer than {LONGEST_LINE:,} characters: no table.")
        if "\0" in line:
            raise InputError(f"{name}: line {number} holds NUL characters: no text, or in an encoding to be set.")
        yield number, line.rstrip("\n").removeprefix(MARK if number == 1 else "")


def _opened(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path)) if path.suffix.lower() == ".gz" else path.open("rb")


def _known(encoding: str, name: str) -> str:
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=encoding)  # base64 and the like are known, but give no text
    except LookupError:
        raise InputError(f"{name}: encoding '{encoding}' is not known; such as utf-8, utf-16-le, cp1252.") from None
    return encoding


def _shown(start: bytes) -> str:
    """The encoding that the first bytes show; UTF-8 where they show none."""
    marked = next((encoding for mark, encoding in MARKS if start.startswith(mark)), None)
    return marked or _utf_16_without_mark(start) or "utf-8-sig"


def _utf_16_without_mark(start: bytes) -> str | None:
    """In UTF-16 one byte of most letters and of all digits is zero, always the same one; in no other text is any."""
    pairs = len(start) // 2
    even, odd = start[0 : 2 * pairs : 2].count(0), start[1 : 2 * pairs : 2].count(0)
    if not even and odd > pairs / 2:
        return "utf-16-le"
    return "utf-16-be" if not odd and even > pairs / 2 else None


def _undecodable(path: Path, tried: str, asked: str | None) -> str:
    if tried.startswith(("utf-16", "utf-32", "utf_16", "utf_32")):
        return f"not text in {tried.upper()}; set `encoding`, or export the file again in UTF-8."
    line, byte, word = _first_undecodable(path, tried)
    where = f"line {line}: byte 0x{byte:02X} is no {'UTF-8' if tried.startswith('utf') else tried}"
    if asked:
        return f"{where}, the encoding that was set."
    shown = f" (in {LIKELY}, the Latin-1 of Windows, the word is '{word}')"
    return f"{where}{shown}. Set `encoding`, such as {LIKELY}, or export the file again in UTF-8."


def _first_undecodable(path: Path, tried: str) -> tuple[int, int, str]:
    """Line, byte, and the word around it in the likely encoding."""
    with _opened(path) as raw:
        for number, line in enumerate(iter(lambda: raw.readline(LONGEST_LINE), b""), start=1):
            try:
                line.decode(tried)
            except UnicodeDecodeError as error:
                start = max(line.rfind(mark, 0, error.start) for mark in (b" ", b"\t", b",", b";")) + 1
                word = line[start:].decode(LIKELY, "replace").replace(",", " ").replace(";", " ").split()[0]
                return number, line[error.start], word[:40]
    return 0, 0, ""
