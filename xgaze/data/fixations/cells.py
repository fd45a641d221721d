"""Cells of a table as numbers and names, whether they were stored as text or not."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_float_dtype, is_numeric_dtype

from xgaze.data.sources.tables import MISSING_LABELS
from xgaze.errors import InputError

MISSING_NUMBERS = MISSING_LABELS | {".", "-", "inf", "-inf"}


def numbers(values: pd.Series, where: str) -> NDArray[np.float64]:
    """Cells as float64, missing ones NaN; a comma may be the decimal sign. Raises InputError quoting the first that is none."""
    if is_numeric_dtype(values):
        return values.to_numpy(np.float64, na_value=np.nan)
    parsed = pd.to_numeric(values, errors="coerce").to_numpy(np.float64)
    if np.isfinite(parsed).all():
        return parsed
    text = values.fillna("").astype(str).str.strip()
    parsed = pd.to_numeric(text.str.replace(",", "."), errors="coerce").to_numpy(np.float64)
    wrong = np.flatnonzero(~np.isfinite(parsed) & ~text.str.lower().isin(MISSING_NUMBERS).to_numpy(bool))
    if len(wrong):
        row, value = wrong[0], text.iloc[wrong[0]]
        raise InputError(f"{where}: '{value}' in row {row + 1} is not a number; {len(wrong)} such cells.")
    return parsed


def names(values: pd.Series) -> pd.Series:
    """Cells as text, missing ones ""; whole numbers stored as decimals lose their ".0"."""
    if is_float_dtype(values) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    return values.astype(object).where(values.notna(), "").astype(str).str.strip().astype(object)
