"""A table as the page shows it: text to read, and values to sort by. One macro of the templates draws them all."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from xgaze.artifacts import STUDENT, TEACHER
from xgaze.report.drawing.format import DASH, number, spread

SORTABLE_FROM, LONG_FROM = 3, 16
PLAIN_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True)
class Cell:
    """value: what sorting compares where it is not the text. look: a class of the style sheet."""

    text: str
    value: float | str | None = None
    look: str = ""

    @property
    def key(self) -> float | str | None:
        """What sorting compares; None where it is the text, as of plain numbers. Six digits: a page of many rows is large."""
        if PLAIN_NUMBER.fullmatch(self.text):
            return None
        return float(f"{self.value:.6g}") if isinstance(self.value, float) else self.value


@dataclass(frozen=True)
class Table:
    """words: columns of text, set left; all others are figures, set right. chosen: rows set off from the others."""

    label: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    words: frozenset[int]
    caption: str = ""
    chosen: frozenset[int] = frozenset()
    sorts: bool = True

    @property
    def sortable(self) -> bool:
        return self.sorts and len(self.rows) >= SORTABLE_FROM

    @property
    def long(self) -> bool:
        return len(self.rows) > LONG_FROM


def table(
    label: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Cell | str]],
    words: Iterable[int] = (0,),
    caption: str = "",
    chosen: Iterable[int] = (),
) -> Table:
    """A Table from cells or bare text."""
    made = tuple(tuple(one if isinstance(one, Cell) else Cell(one) for one in row) for row in rows)
    return Table(label, tuple(columns), made, frozenset(words), caption, frozenset(chosen))


def value(figure: float | None, digits: int = 1) -> Cell:
    """A number; one that is missing sorts first."""
    return Cell(DASH, float("-inf")) if figure is None else Cell(number(figure, digits), float(figure))


def between(figure: Any, digits: int = 1) -> Cell:
    """An interval, sorted by its mean; or a number."""
    mean = figure["mean"] if isinstance(figure, dict) else figure
    return Cell(spread(figure, digits), float("-inf") if mean is None else float(mean))


def model(name: str) -> Cell:
    """A model's name in its colour."""
    return Cell(name, look=name if name in (TEACHER, STUDENT) else "")
