"""What a table sorts by: the text of plain numbers, else six digits of the value."""

import pytest

from xgaze.report.drawing.tables import Cell, between, value


@pytest.mark.parametrize(
    ("cell", "key"),
    [
        (value(7.754905541108675), None),
        (value(8, 0), None),
        (value(-1.077338784658961), -1.07734),  # shown with a minus sign that no number has
        (value(12345.678, 0), 12345.7),  # shown with a comma
        (value(None), float("-inf")),
        (between({"mean": 3.25, "low": 1.0, "high": 5.0}), 3.25),
        (Cell("pupil"), None),
        (Cell("P1", "p-1"), "p-1"),
    ],
)
def test_a_cell_says_what_sorting_compares_where_its_text_does_not(cell, key):
    assert cell.key == key
