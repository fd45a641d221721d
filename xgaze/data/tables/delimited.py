"""Lines of delimited text as fields: a quote that is never closed swallows no row."""

import csv
from collections.abc import Iterator

from xgaze.data.tables.kinds import Kinds
from xgaze.errors import InputError

SEPARATORS = (",", ";", "\t")
LONGEST_CELL = 200
"""Lines that one quoted cell may span."""
Line = tuple[int, str]
Row = tuple[int, list[str]]


def fields_of(line: str, separator: str) -> list[str]:
    """The fields of one line; quotes that do not pair up are read literally."""
    return _quoted(line, separator) or line.split(separator)


def rows_of(lines: Iterator[Line], separator: str, width: int, name: str, kinds: Kinds | None = None) -> Iterator[Row]:
    """(line number, its `width` fields) of every line; a blank line has no fields. kinds: of other kinds, rows may have any width
    and are passed over. Raises InputError naming the line whose fields are not as many as the headings, or whose quote is not
    closed."""
    ahead: list[Line] = []
    while (line := ahead.pop(0) if ahead else next(lines, None)) is not None:
        number, text = line
        if not text.strip():
            yield number, []
            continue
        fields = text.split(separator) if '"' not in text else _quoted(text, separator)
        if fields is None:
            ahead = _as_far_as_a_cell_may_go(ahead, lines)
            fields, spanned = _of_open_quote(line, ahead, separator, width, name)
            ahead = ahead[spanned:]
        if kinds and not kinds.keeps(fields):
            continue
        fields = _without_trailing(fields, separator, width)
        if len(fields) != width:
            remedy = kinds.remedy(fields) if kinds else ""
            raise InputError(f"{name}: {_misfit(number, fields, separator, width)}{remedy}")
        if kinds:
            kinds.fitted(fields)
        yield number, fields


def _quoted(text: str, separator: str) -> list[str] | None:
    """Fields of text in which all quotes are closed, else None."""
    try:
        (fields,) = csv.reader([text], delimiter=separator, strict=True)
    except (csv.Error, ValueError):  # ValueError: no row at all
        return None
    return fields


def _as_far_as_a_cell_may_go(ahead: list[Line], lines: Iterator[Line]) -> list[Line]:
    while len(ahead) < LONGEST_CELL and (line := next(lines, None)) is not None:
        ahead.append(line)
    return ahead


def _of_open_quote(line: Line, ahead: list[Line], separator: str, width: int, name: str) -> tuple[list[str], int]:
    """Fields of a line with an open quote, and how many of the lines below belong to it.

    The cell goes on below only as long as no line there could be a row of its own.
    """
    number, text = line
    literal = text.split(separator)
    for count, (_, more) in enumerate(ahead, start=1):
        if len(fields_of(more, separator)) == width:
            break
        text += "\n" + more
        fields = _quoted(text, separator)
        if fields is not None and len(fields) == width:
            return fields, count
    if len(literal) == width:
        return literal, 0
    raise InputError(
        f'{name}: line {number}: a quote (") is opened and not closed, and read as text the line has {len(literal)} fields, '
        f'the header {width}. Close the quote, or write it twice ("") where it is part of the text.'
    )


def _without_trailing(fields: list[str], separator: str, width: int) -> list[str]:
    """Without empty fields after the last heading, as spreadsheets write them; where the comma parts fields they could as
    well be what decimal commas have shifted."""
    while separator != "," and len(fields) > width and not fields[-1].strip():
        fields = fields[:-1]
    return fields


def _misfit(number: int, fields: list[str], separator: str, width: int) -> str:
    found = f"line {number} has {len(fields)} field{'s' * (len(fields) != 1)}, the header {width}"
    if len(fields) > width and separator == ",":
        return f"{found}. If the comma is the decimal sign too, export with semicolons or tabs, or with decimal points."
    return f"{found}. Correct this line, or export the table again."
