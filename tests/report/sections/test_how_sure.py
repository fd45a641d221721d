"""How sure the models are of classes, on the page and as a check."""

import pytest

from xgaze.report.conditions import conditions
from xgaze.report.section import with_every_key
from xgaze.report.sections.promises.how_sure import SECTION, flat_bins
from xgaze.report.verdicts import judged


def of_model(ece, *bins):
    rows = [
        {
            "from_percent": sure - 5.0,
            "to_percent": sure + 5.0,
            "samples": n,
            "sure_percent": sure,
            "right_percent": right,
        }
        for sure, n, right in bins
    ]
    return {"ece_percent": ece, "bins": rows}


@pytest.fixture
def report(run):
    found, _ = run
    both = {
        "teacher": of_model(3.5, (60.0, 160, 62.0), (90.0, 240, 85.0)),
        "student": of_model(12.25, (60.0, 400, 72.25)),
    }
    return with_every_key({**found, "class_calibration": both if found["task"] == "class" else None})


def verdict(report, *typed):
    rows = judged(report, conditions(typed))
    return next((one for one in rows if one["name"] == "ece"), None)


def test_classes_are_held_against_it_and_others_are_not_run(report):
    if report["task"] != "class":
        assert verdict(report) is None and verdict(report, "defaults") is None  # of no class: no fault of the run's
        asked = verdict(report, "ece <= 10")
        assert asked["verdict"] == "not run" and asked["measured"] is None and asked["told"].startswith("only classes")
        return
    found = verdict(report)
    assert (found["measured"], found["verdict"], found["told"]) == (12.25, "failed", "12.2 %") and not found["asked"]
    assert found["condition"] == "ece <= 10" and verdict(report, "defaults")["asked"]
    assert verdict({**report, "student": None})["measured"] == 3.5
    assert verdict({**report, "class_calibration": None})["verdict"] == "not run"
    few = {
        **report,
        "class_calibration": {**report["class_calibration"], "student": of_model(12.25, (60.0, 399, 72.25))},
    }
    assert verdict(few) is None and verdict(few, "ece <= 10")["verdict"] == "failed"  # where somebody asks by name


def test_the_page_has_bins_errors_and_a_curve(report):
    if report["task"] != "class":
        assert not SECTION.there(report)
        return
    assert "teacher 3.5 %, student 12.2 %" in SECTION.words(report)[0]
    assert [one["samples"] for one in flat_bins(report)] == [160, 240, 400]
    cells = [[cell.text for cell in row] for row in SECTION.tables(report)["sure"].rows]
    assert cells[1] == ["teacher", "85.0 to 95.0", "240", "90.0", "85.0"]
    assert "var(--c-student)" in SECTION.charts(report)["sure"].svg
