"""Where a table begins: its headings, what parts them, and what stands before them."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from xgaze.data.tables.delimited import SEPARATORS, Line, fields_of
from xgaze.errors import InputError

MOST_COLUMNS = 10_000
LOOKED_AT_LINES = 100
COMMENT = ("#", "%", "//")
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)  # Excel's own
NUMBER = re.compile(r"[+-]?\d*[.,]?\d+([eE][+-]?\d+)?")
SHOWN_CHARACTERS = 60


@dataclass(frozen=True)
class Header:
    """line: number of the line with the headings. names: stripped, none twice but for empty ones."""

    line: int
    names: tuple[str, ...]
    separator: str


def found_header(lines: Sequence[Line], asked: int | None, needed: Collection[str], name: str) -> Header:
    """The headings among the first lines of a file. asked: the number of their line. needed: columns that the user named.

    Blank lines, comments and Excel's "sep=;" before them are passed over. Raises InputError, saying which line seems to be
    the header, where anything else stands before it.
    """
    told = next((match[1] for _, text in lines[:1] if (match := SEPARATOR_LINE.fullmatch(text.strip(" ")))), None)
    shown = [line for line in lines[1 if told else 0 :] if line[1].strip()]
    if asked is not None:
        return _asked_for(shown, asked, told, name)
    start = next((k for k, (_, text) in enumerate(shown) if not text.lstrip().startswith(COMMENT)), None)
    if start is None:
        raise InputError(f"{name}: no table: no line with headings.")
    header = header_of_line(shown[start], shown[start + 1 : start + 2], told, name)
    if start:
        _refuse_headings_in_comment(shown[start - 1], header, needed, name)
    _refuse_later_header(shown[start:], header, needed, name)
    return header


def header_of_line(line: Line, following: Sequence[Line], told: str | None, name: str) -> Header:
    """The headings in a line. Raises InputError for too many, and for two alike."""
    number, text = line
    separator = told or _separator(text, following[0][1] if following else "")
    if (count := text.count(separator) + 1) > MOST_COLUMNS:
        raise InputError(f"{name}: line {number} holds {count:,} columns; tables of up to {MOST_COLUMNS:,} are read.")
    names = [one.strip() for one in fields_of(text, separator)]
    while separator != "," and len(names) > 1 and not names[-1]:
        names.pop()
    if twice := [one for k, one in enumerate(names) if one and one in names[:k]]:
        raise InputError(f"{name}: column '{twice[0]}' occurs twice.")
    return Header(number, tuple(names), separator)


def _separator(header: str, following: str) -> str:
    """Comma, semicolon (what spreadsheets write where the comma is the decimal sign) or tab: the one that parts header and next
    line into as many fields, else the one that parts the header most."""

    def key(separator: str) -> tuple[bool, int]:
        count = len(fields_of(header, separator))
        return count > 1 and count == len(fields_of(following, separator)), count

    return max(SEPARATORS, key=key)


def _asked_for(lines: Sequence[Line], asked: int, told: str | None, name: str) -> Header:
    at = next((k for k, (number, _) in enumerate(lines) if number == asked), None)
    if at is None:
        raise InputError(f"{name}: header: {asked} is a blank line, or not among the first {LOOKED_AT_LINES}.")
    return header_of_line((asked, _without_mark(lines[at][1])), lines[at + 1 : at + 2], told, name)


def _refuse_headings_in_comment(comment: Line, header: Header, needed: Collection[str], name: str) -> None:
    """A comment of as many words as the row below it, which holds numbers or lacks the columns asked for: numpy's savetxt and
    others write headings so."""
    number, text = comment
    words = [one.strip() for one in fields_of(_without_mark(text), header.separator)]
    holds_numbers = any(NUMBER.fullmatch(one) for one in header.names)
    are_needed = set(needed) <= set(words) and not set(needed) <= set(header.names)
    if len(words) == len(header.names) > 1 and (holds_numbers or are_needed):
        raise InputError(
            f"{name}: line {header.line} holds no headings; the header seems to be line {number} ({_short(text)}). "
            f"Set header: {number}."
        )


def _without_mark(comment: str) -> str:
    return comment.lstrip().lstrip("#%/").lstrip(" ")


def _refuse_later_header(lines: Sequence[Line], header: Header, needed: Collection[str], name: str) -> None:
    """A later line that has the columns asked for; or words, more of them than the first line has fields, as many as most
    lines below."""
    lacks = not set(needed) <= set(header.names)
    rows = [[one.strip() for one in fields_of(text, _separator(text, text))] for _, text in lines]
    widths = [len(fields) for fields in rows]
    for k, fields in enumerate(rows[1:], start=1):
        most_below = 2 * widths[k:].count(widths[k]) > len(widths) - k > 1
        wider = widths[k] > len(header.names) and most_below and not any(map(_is_no_heading, fields))
        if (lacks and set(needed) <= set(fields)) or wider:
            number, text = lines[k]
            raise InputError(
                f"{name}: the header seems to be line {number} ({_short(text)}), not line {header.line} "
                f"({_short(lines[0][1])}). Set header: {number}, or remove what stands before it."
            )


def _is_no_heading(word: str) -> bool:
    return not word or NUMBER.fullmatch(word) is not None


def _short(text: str) -> str:
    text = text.strip().replace("\t", " | ")
    return f"'{text[:SHOWN_CHARACTERS]}{'...' if len(text) > SHOWN_CHARACTERS else ''}'"
