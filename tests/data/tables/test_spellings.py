"""Names in several spellings are asked about, kept apart or taken for one."""

import unicodedata

import pandas as pd
import pytest

from xgaze.data.tables.missing import is_missing, missing_words
from xgaze.data.tables.spellings import doubtful, one_spelling, spelt
from xgaze.recipe.text_table import TextTable

ZOE = unicodedata.normalize("NFD", "Zoë")


@pytest.mark.parametrize("other", ["p01", "P1", "P01 ", "P01\u200b", "P001"])
def test_spellings_of_one_name_are_doubted_with_counts(other):
    (fault,) = doubtful(pd.Series(["P01", "P01", other, "P02", ""]), "participants", "rows")
    assert fault.kind == "names alike"
    assert fault.message.startswith(
        f"participants 'P01' (2 rows) and {other!r} (1 rows): one, or several? Set spellings"
    )


@pytest.mark.parametrize(
    "pair", [("1", "01"), ("1", "1.0"), ("Zoë", ZOE), ("straße", "STRASSE"), ("a07.jpg", "A7.jpg")]
)
def test_what_people_would_take_for_the_same(pair):
    assert len(doubtful(pd.Series(pair), "stimuli", "rows")) == 1


@pytest.mark.parametrize("pair", [("1", "11"), ("1", "10"), ("1.1", "1.01"), ("a", "b"), ("0", "00a"), ("x-1", "x1")])
def test_what_nobody_would(pair):
    assert doubtful(pd.Series(pair), "stimuli", "rows") == []


def test_the_most_frequent_spelling_is_taken():
    names, notes = one_spelling(pd.Series(["asd", "ASD", "ASD", "TD"]))
    assert names.tolist() == ["ASD", "ASD", "ASD", "TD"] and notes == ["'asd' taken for 'ASD'."]


def test_the_setting_decides():
    table = pd.DataFrame({"who": ["p1", "P1", "P1"]})
    assert len(spelt(table, ["who", "no"], TextTable(), "t")[1]) == 1
    for setting, left in (("apart", ["p1", "P1", "P1"]), ("same", ["P1", "P1", "P1"])):
        found, faults = spelt(table, ["who"], TextTable(spellings=setting), "t")
        assert found["who"].tolist() == left and faults == []


def test_words_that_name_nobody_are_counted():
    cells = pd.Series(["NA", "N/A", "n/a", "NaN", "nan", "NULL", "None", "-", "", " ", "Nan", "ann", "0"])
    assert is_missing(cells).tolist() == [True] * 11 + [False] * 2
    assert missing_words(pd.Series(["NA", "NA", "", "x"])) == "'NA' 2, empty 1"
    assert is_missing(pd.Series([None, float("nan"), 1.0])).tolist() == [True, True, False]
