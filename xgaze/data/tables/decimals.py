"""Numbers in one convention: the decimal sign that a table's numbers show, or that the user says; never some of each."""

import re
from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype

from xgaze.data.tables.missing import MISSING_NUMBERS, as_text
from xgaze.errors import InputError

Sign = Literal[".", ","]
OTHER: dict[Sign, Sign] = {".": ",", ",": "."}
DOUBTFUL = r"[+-]?[1-9]\d{0,2},\d{3}"
"""A decimal comma, or a thousand: "1,024"."""


def decimal_sign(columns: Mapping[str, pd.Series], asked: Sign | None, where: str) -> Sign:
    """The decimal sign of the columns' numbers; "." where none shows. Raises InputError quoting cells of two conventions, and
    where all commas could as well part thousands."""
    if asked is not None:
        return asked
    text = {name: _number_text(values) for name, values in columns.items() if not is_numeric_dtype(values)}
    commas, points = (_with(text, sign) for sign in (",", "."))
    if not commas:
        return "."
    first = _cell(*next(iter(commas.items())))
    if points:
        shown = f"{first} and {_cell(*next(iter(points.items())))}"
        raise InputError(
            f"{where}: {shown}: commas and points, of which one must part thousands. Set decimal to ',' or '.'."
        )
    if all(cells.str.fullmatch(DOUBTFUL).all() for cells in commas.values()):
        raise InputError(
            f"{where}: {first}: a decimal comma, or thousands? Set decimal to ',', or to '.' (commas then part thousands)."
        )
    return ","


def numbers(values: pd.Series, decimal: Sign, where: str) -> NDArray[np.float64]:
    """Cells as float64, missing ones NaN. Raises InputError quoting the first that is none."""
    if is_numeric_dtype(values):
        return values.to_numpy(np.float64, na_value=np.nan)
    text = _number_text(values)
    parsed = parsed_numbers(text, decimal)
    wrong = np.flatnonzero(~np.isfinite(parsed) & (text != "").to_numpy(bool))
    if len(wrong):
        row, value = wrong[0], text.iloc[wrong[0]]
        raise InputError(f"{where}: '{value}' in row {row + 1} is not a number; {len(wrong)} such cells.")
    return parsed


def parsed_numbers(text: pd.Series, decimal: Sign) -> NDArray[np.float64]:
    """Cells of text as float64, NaN where they are no number. The other sign may part thousands, three digits each."""
    parsed = pd.to_numeric(text, errors="coerce").to_numpy(np.float64).copy()
    odd = text.str.contains("," if decimal == "." else "[.,]").to_numpy(bool)
    if not odd.any():
        return parsed
    cells, other = text[odd], re.escape(OTHER[decimal])
    sound = rf"[+-]?(\d{{1,3}}({other}\d{{3}})+|\d*)({re.escape(decimal)}\d*)?([eE][+-]?\d+)?"
    cells = cells.where(cells.str.fullmatch(sound), "")
    plain = cells.str.replace(OTHER[decimal], "", regex=False).str.replace(decimal, ".", regex=False)
    parsed[odd] = pd.to_numeric(plain, errors="coerce").to_numpy(np.float64)
    return parsed


def _number_text(values: pd.Series) -> pd.Series:
    text = as_text(values)
    return text.mask(text.str.lower().isin(MISSING_NUMBERS), "")


def _with(text: Mapping[str, pd.Series], sign: Sign) -> dict[str, pd.Series]:
    """The cells that hold a sign, for the columns that have any."""
    found = {name: cells[cells.str.contains(sign, regex=False)] for name, cells in text.items()}
    return {name: cells for name, cells in found.items() if len(cells)}


def _cell(name: str, cells: pd.Series) -> str:
    return f"column '{name}' row {cells.index[0] + 1} holds '{cells.iloc[0]}'"
