"""Text of tables that a spreadsheet would run as a formula: an apostrophe makes it text, and is taken away on reading."""

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


FORMULA = re.compile(r"'*(\s*[=+\-@＝＋－＠].|[\t\r\n])", re.DOTALL)
NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")


def harmless(table: "pd.DataFrame") -> "pd.DataFrame":
    """A copy to be written: text, headings too, that begins as formulas do gets an apostrophe; numbers stay."""
    return _mapped(table, lambda cell: f"'{cell}" if _is_formula(cell) else cell)


def as_meant(table: "pd.DataFrame") -> "pd.DataFrame":
    """What `harmless` was given, from what it made of it."""
    return _mapped(table, lambda cell: cell[1:] if cell.startswith("'") and _is_formula(cell[1:]) else cell)


def _is_formula(text: str) -> bool:
    """Apostrophes before it count, so that names which begin with one are told apart afterwards."""
    return FORMULA.match(text) is not None and NUMBER.fullmatch(text) is None


def _mapped(table: "pd.DataFrame", change: Any) -> "pd.DataFrame":
    import pandas as pd

    def of_text(cell: Any) -> Any:
        return change(cell) if isinstance(cell, str) else cell

    columns = [
        values.map(of_text) if values.dtype == object or isinstance(values.dtype, pd.StringDtype) else values
        for _, values in table.items()
    ]
    mapped = pd.concat(columns, axis=1) if columns else table.copy()
    mapped.columns = pd.Index([of_text(name) for name in table.columns])
    return mapped
