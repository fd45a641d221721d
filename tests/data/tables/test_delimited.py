"""Every row has as many fields as there are headings; a quote that is not closed swallows no row."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xgaze.data.tables.delimited import rows_of
from xgaze.data.tables.reader import read_table
from xgaze.errors import InputError
from xgaze.recipe.text_table import TextTable


def rows(text, separator=",", width=3):
    lines = enumerate(text.split("\n"), start=1)
    return [fields for _, fields in rows_of(iter(lines), separator, width, "t.csv")]


def refusal(text, **more):
    with pytest.raises(InputError) as caught:
        rows(text, **more)
    return str(caught.value)


def test_a_row_of_too_many_or_too_few_fields_is_named():
    assert refusal("a,b,c\n1,5,2,5,3").startswith(
        "t.csv: line 2 has 5 fields, the header 3. If the comma is the decimal"
    )
    assert refusal("a,b").startswith("t.csv: line 1 has 2 fields, the header 3. Correct this line")
    assert refusal("a").startswith("t.csv: line 1 has 1 field, the header 3")


def test_trailing_separators_are_nothing_but_where_decimal_commas_could_have_made_them():
    assert rows("1;2;3;;\n4;5;6", ";") == [["1", "2", "3"], ["4", "5", "6"]]
    assert "line 1 has 4 fields" in refusal("1,5,2,")
    assert "line 1 has 4 fields" in refusal("1;2;3;x", separator=";")


def test_cells_in_quotes_may_hold_separators_quotes_and_line_breaks():
    assert rows('1,"a, ""b""",2\n1,"two\nlines",2') == [["1", 'a, "b"', "2"], ["1", "two\nlines", "2"]]
    assert rows('1,2,"two\nlines"\n4,5,6') == [["1", "2", "two\nlines"], ["4", "5", "6"]]


@pytest.mark.parametrize("ending", ['"lost', 'lost"', '"lost"'])
def test_two_quotes_far_apart_do_not_make_one_cell_of_the_rows_between(ending):
    found = rows(f'1,2,"lost\n3,4,\n5,6,\n7,8,{ending}\n9,0,x')
    assert [fields[0] for fields in found] == ["1", "3", "5", "7", "9"]
    assert found[0][2] == '"lost' and found[3][2] == ending.strip('"') if ending == '"lost"' else found[3][2] == ending


def test_a_quote_within_a_cell_is_part_of_it():
    assert rows('5" screen,a,b') == [['5" screen', "a", "b"]]


def test_an_open_quote_in_a_row_of_other_width_is_refused_by_its_line():
    assert 'line 2: a quote (") is opened and not closed' in refusal('1,2,3\n1,"a,b,c\n4,5,6')


@given(
    st.lists(
        st.lists(
            st.text(st.characters(blacklist_characters="\r\n\0", codec="utf-8"), max_size=5), min_size=2, max_size=2
        )
    )
)
def test_what_csv_writes_is_read_as_it_was(table):
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([["x", *row] for row in table])
    text = written.getvalue().removesuffix("\n")
    assert [row[1:] for row in (rows(text) if table else [])] == table


def test_blank_lines_are_rows_only_where_that_is_asked(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n\n,\n3,4\n\n\n")
    assert read_table(path, TextTable())["a"].tolist() == ["1", "3"]
    assert read_table(path, TextTable(), blank_lines=True)["a"].tolist() == ["1", "", "", "3"]


def test_a_long_table_is_read_whole(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "".join(f"{k},x\n" for k in range(100_001)))
    table = read_table(path, TextTable(), wanted=["a"])
    assert list(table) == ["a"] and len(table) == 100_001 and table["a"].iloc[-1] == "100000"
