"""Cells that hold no number where one is needed, in words."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype

from xgaze.data.tables.decimals import Sign, parsed_numbers
from xgaze.data.tables.missing import as_text


def read_numbers(table: pd.DataFrame, sign: Sign) -> NDArray[np.float64]:
    """(rows, columns), NaN where a cell holds no number."""
    read = [
        own.to_numpy(np.float64, na_value=np.nan) if is_numeric_dtype(own) else parsed_numbers(as_text(own), sign)
        for own in (table[column] for column in table.columns)
    ]
    return np.stack(read, axis=1) if read else np.empty((len(table), 0))


def missing_numbers(cells: pd.DataFrame, found: NDArray[np.float64], rows: str = "") -> list[str]:
    """A sentence for each row with a cell that is no number, or no finite one. rows: what stands before "row 9", as "<file> "."""
    bad = ~np.isfinite(found)
    share = f"{bad.any(axis=1).sum()} of {len(found)} rows"
    told = []
    for row in np.flatnonzero(bad.any(axis=1)).tolist():
        own = [f"{cells.columns[k]} is {_shown(cells.iat[row, k])}" for k in np.flatnonzero(bad[row]).tolist()]
        told.append(f"{rows}row {row + 1}: {' and '.join(own)}; {share}.")
    return told


def _shown(cell: object) -> str:
    word = "" if pd.isna(cell) else str(cell).strip()  # type: ignore[call-overload]
    return f"'{word}', not a number" if word else "empty"
