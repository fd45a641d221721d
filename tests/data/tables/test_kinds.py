"""Rows of several kinds in one table: what a message advises makes it readable."""

import re

import pandas as pd
import pytest

from xgaze.data.fixations.fixation_format import FixationFormat
from xgaze.data.fixations.loading import read_fixations
from xgaze.data.tables.reader import read_table
from xgaze.errors import InputError
from xgaze.recipe.text_table import TextTable

FIXATION = "Fixation R\t1\t{0}\t{1}\t{2}\t100000\t80{0}.1\t500.2\n"
BEGAZE = (
    "## [BeGaze]\n## Subject:\tP01\n\nTable Header for Fixations:\n"
    "Event Type\tTrial\tNumber\tStart\tEnd\tDuration\tLocation X\tLocation Y\n\n"
    + FIXATION.format(1, 100, 100100)
    + "Saccade R\t1\t1\t100100\t200000\t10000\t1\t2\t3\n"
    + "".join(FIXATION.format(k, k * 200000, k * 200000 + 100000) for k in (2, 3))
)
COLUMNS = {"trial": "Trial", "order": "Number", "x": "Location X", "y": "Location Y"}


@pytest.fixture
def begaze(tmp_path):
    """(settings) -> the export as fixations."""

    def read(**settings):
        (tmp_path / "begaze.txt").write_text(BEGAZE)
        columns = {**COLUMNS, "duration": "Duration", "duration_unit": "us"}
        told = {"columns": columns, "size": [1680, 1050], "participants": "optional", **settings}
        return read_fixations(tmp_path / "begaze.txt", FixationFormat.model_validate(told))

    return read


def test_each_message_of_an_export_of_events_leads_on_until_it_is_read(begaze):
    with pytest.raises(InputError, match=r"the header seems to be line 5 .*\. Set header: 5,"):
        begaze()
    with pytest.raises(
        InputError,
        match=r"line 8 has 9 fields, the header 8\..* 'Event Type' is 'Saccade R': .* set rows: \{Event Type: Fixation R\}\.$",
    ):
        begaze(header=5)
    table = begaze(header=5, rows={"Event Type": "Fixation R"})
    assert table.rows["x_px"].tolist() == [801.1, 802.1, 803.1] and set(table.rows["duration_ms"]) == {100.0}
    assert "only rows whose 'Event Type' is 'Fixation R' are read." in table.notes


def test_rows_that_are_nowhere_are_said_with_those_there_are(begaze):
    with pytest.raises(InputError, match=r"in no row 'Event Type' is 'Blink'; there are: Fixation R, Saccade R\."):
        begaze(header=5, rows={"Event Type": "Blink"})
    with pytest.raises(InputError, match=r"rows: column 'Event' is missing; did you mean 'Event Type'"):
        begaze(header=5, rows={"Event": "Blink"})
    with pytest.raises(InputError, match=r"rows: is for tables with a column mapping; the format tobii knows its own"):
        begaze(header=5, rows={"Event Type": "Fixation R"}, format="tobii")


def test_a_line_of_another_width_is_no_other_kind_where_nothing_says_so(tmp_path):
    for text in ("who,x\nA,1\nB,1,2\n", "event,x\nA,1\nA,1,2\n", "event,x\nA,1,2\n"):
        (tmp_path / "t.csv").write_text(text)
        with pytest.raises(InputError) as caught:
            read_table(tmp_path / "t.csv", TextTable())
        assert "rows:" not in str(caught.value) and re.search(r"line \d has 3 fields, the header 2", str(caught.value))


def test_of_parquet_tables_as_well(tmp_path):
    pytest.importorskip("pyarrow")
    pd.DataFrame({"kind": ["a", "b", "a"], "x": [1, 2, 3]}).to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet", TextTable(), rows={"kind": "a"})["x"].tolist() == [1, 3]
