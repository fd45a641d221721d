"""No cell that xgaze writes is run by a spreadsheet, and what it reads again is what it meant."""

import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xgaze.artifacts import write_csv
from xgaze.evaluation.comparison import compare_predictions, read_test_predictions
from xgaze.spreadsheet import as_meant, harmless


@pytest.mark.parametrize(
    "cell", ["=cmd()", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "'=1", "''=1", "＝1", "-x"]
)
def test_formulas_get_an_apostrophe(cell):
    table = harmless(pd.DataFrame({cell: [cell]}))
    assert table.columns[0] == table.iloc[0, 0] == "'" + cell
    back = as_meant(table)
    assert back.columns[0] == back.iloc[0, 0] == cell


@pytest.mark.parametrize("cell", ["-5", "+3.25", "-1e-3", "-", "a=b", "p-1", "'twas", "", "5"])
def test_numbers_and_other_text_stay(cell):
    assert harmless(pd.DataFrame({"a": [cell]})).iloc[0, 0] == cell


def test_numbers_of_numeric_columns_stay_numbers():
    table = pd.DataFrame({"x": [-1.5, 2.0], "n": [-1, 2], "who": [None, "=x"], "ok": [True, False]})
    assert harmless(table).to_csv(index=False) == "x,n,who,ok\n-1.5,-1,,True\n2.0,2,'=x,False\n"
    assert harmless(pd.DataFrame()).empty
    twice = pd.concat([table, table])
    assert harmless(twice).index.equals(twice.index) and len(harmless(twice)) == 4


@given(st.lists(st.text("'=+-@\t\r 15.ex", max_size=5)))
def test_reading_gives_back_every_name(names):
    table = pd.DataFrame({"who": pd.Series(names, dtype=str)})
    assert as_meant(harmless(table))["who"].tolist() == names


def test_people_keep_their_names_through_predictions(tmp_path):
    people = ["=cmd()", "'=cmd()", "+ann", "-5", "@bob"]
    table = pd.DataFrame({"id": people, "group": people, "split": "test", "error_px": [1.0, 2, 3, 4, 5]})
    table = table.assign(truth_x_px=0.0, truth_y_px=0.0)
    for name in ("first", "second"):
        write_csv(tmp_path / name / "predictions.csv", table)
    assert "\n'=cmd()," in (tmp_path / "first/predictions.csv").read_text()
    ours, theirs = (read_test_predictions(tmp_path / name) for name in ("first", "second"))
    assert ours["group"].tolist() == people
    rows = compare_predictions(ours, theirs, ("first", "second"))["rows"]
    assert sorted(row["group"] for row in rows) == sorted(people)
    assert pd.read_csv(io.StringIO(harmless(table).to_csv(index=False)))["error_px"].tolist() == [1, 2, 3, 4, 5]
