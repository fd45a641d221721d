"""Numbers have one convention in a table, found or said, and are never half read."""

import numpy as np
import pandas as pd
import pytest

from xgaze.data.tables.decimals import decimal_sign, numbers
from xgaze.errors import InputError


def columns(**cells):
    return {name: pd.Series(values, dtype=str) for name, values in cells.items()}


def sign(asked=None, **cells):
    return decimal_sign(columns(**cells), asked, "t.csv")


def values(cells, decimal):
    return numbers(pd.Series(cells, dtype=str), decimal, "t.csv: column 'x'").tolist()


def test_the_sign_is_found_from_the_numbers():
    assert sign(x=["1", "2"], y=["3", ""]) == "."
    assert sign(x=["1.5", "2"], y=["1e-3", "n/a"]) == "."
    assert sign(x=["1,5", "2"], y=["3", "."]) == ","
    assert sign(x=["1,5", "1,024"]) == ","  # where one comma is decimal, all are
    assert decimal_sign({"x": pd.Series([1.5, 2.0])}, None, "t") == "."


def test_two_conventions_are_refused_with_a_cell_of_each():
    with pytest.raises(
        InputError, match=r"column 'x' row 2 holds '512,4' and column 'y' row 1 holds '300.2'.*Set decimal"
    ):
        sign(x=["1", "512,4"], y=["300.2", "2"])
    with pytest.raises(InputError, match=r"holds '1.024,5' and column 'x' row 1"):
        sign(x=["1.024,5"])


def test_commas_that_may_part_thousands_are_asked_about():
    with pytest.raises(InputError, match=r"row 1 holds '1,024': a decimal comma, or thousands\?"):
        sign(x=["1,024", "300"])
    assert sign(",", x=["1,024"]) == "," and sign(".", x=["1,024"]) == "."
    assert values(["1,024", "300"], ",") == [1.024, 300]
    assert values(["1,024", "300"], ".") == [1024, 300]


def test_a_sign_that_was_said_lets_the_other_part_thousands_and_nothing_else():
    assert values(["1.024,5", "-3,25", "1,5e2"], ",") == [1024.5, -3.25, 150]
    assert values(["1,024.5", "1,234,567", ".5"], ".") == [1024.5, 1234567, 0.5]
    for cell, decimal in (("512,4", "."), ("300.2", ","), ("1,5,5", ","), ("1.024.5", "."), ("1,02,4", ".")):
        with pytest.raises(InputError, match=f"'{cell}' in row 2 is not a number; 1 such cells"):
            values(["1", cell], decimal)


def test_missing_numbers_are_nan_and_words_are_refused():
    assert np.isnan(values(["", "NA", "n/a", "NaN", "NULL", "None", "-", ".", "inf", "#N/A"], ".")).all()
    with pytest.raises(InputError, match="'left' in row 1 is not a number"):
        values(["left"], ".")
