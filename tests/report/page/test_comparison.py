"""The page that shows two runs side by side."""

import copy
import re

import pytest

from xgaze.report.page.comparison import render_comparison, verdict, write_comparison


def pair(mean, low, high):
    rows = [{"group": f"P{k}", "first": 20.0 + k, "second": 20.0 + k + mean, "difference": mean} for k in range(4)]
    relative = {"mean": 5 * mean, "low": 5 * low, "high": 5 * high}
    difference = {"mean": mean, "low": low, "high": high}
    return {"unit": "px", "participants": 4, "difference": difference, "difference_percent": relative, "rows": rows}


@pytest.fixture
def two(gaze_run):
    first, _ = gaze_run
    second = copy.deepcopy(first)
    second["recipe"] = {**first["recipe"], "name": "other <run>", "settings": {"name": "other", "data": {"seed": 1}}}
    return first, second


def test_both_runs_stand_side_by_side_with_their_differences(two):
    page = render_comparison(two, {"teacher": pair(0.5, 0.1, 0.9), "student": pair(-0.5, -1.2, 0.2)})
    assert page == render_comparison(two, {"teacher": pair(0.5, 0.1, 0.9), "student": pair(-0.5, -1.2, 0.2)})
    assert "other &lt;run&gt;" in page and "<run>" not in page
    page = page.replace("\u00a0", " ")
    assert "+0.5 px" in page and "+2.5 %" in page and "\u22120.5 px" in page
    assert "data.seed" in page and "default-src 'none'" in page
    assert len(re.findall("<svg", page)) == 1 and not re.search(r">\s*(nan|None|inf)\b", page)


@pytest.mark.parametrize(
    ("ends", "told"),
    [((0.5, 0.1, 0.9), "0.5 px higher"), ((-0.5, -0.9, -0.1), "0.5 px lower"), ((0.1, -0.3, 0.5), "no evidence")],
)
def test_the_verdict_says_which_is_better_and_whether_that_is_certain(ends, told):
    said = verdict("student", pair(*ends), ("a", "b"))
    assert told in said and "student of b" in said and "same 4 people" in said
    assert ("no evidence" in said) == (ends[1] < 0 < ends[2])


def test_runs_without_students_compare_their_teachers(two, tmp_path):
    for one in two:
        one.update(student=None, difference_percent=None, capacity=None, budget_percent=None, budget_met=None)
    page = write_comparison(tmp_path / "compare-a-b.html", two, {"teacher": pair(0.5, 0.1, 0.9)})
    assert page.with_suffix(".json").is_file() and "\u2013" in page.read_text()
