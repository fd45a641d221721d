"""A run held against conditions: known figures, three verdicts, and what build servers are told."""

import json
from xml.etree import ElementTree

import pytest

from xgaze.errors import InputError
from xgaze.report.conditions import conditions
from xgaze.report.page.folder import write_report
from xgaze.report.section import with_every_key
from xgaze.report.verdicts import checks_json, counted, judged, junit_xml, unmet


@pytest.fixture
def held(gaze_run):
    """typed conditions -> rows, of a report with known figures."""
    report, _ = gaze_run
    return lambda *typed: judged(with_every_key(report), conditions(typed))


@pytest.mark.parametrize(
    ("typed", "measured", "verdict", "told"),
    [
        ("worse.high <= 2", 2.9, "failed", "2.9 %"),
        ("worse.high <= 2.9", 2.9, "passed", "2.9 %"),
        ("worse.mean <= 1.2", 1.234, "failed", "1.23 %"),
        ("worse.mean <= 1.23", 1.234, "failed", "1.234 %"),  # as short as the limit it would seem to hold
        ("worse.width <= 3", 3.4, "failed", "3.4 %"),
        ("student.bytes <= 400kB", 4_552_784 // 21, "passed", "217 kB"),
        ("student.bytes < 216.7kB", 4_552_784 // 21, "failed", "216799 bytes"),
        ("student.latency < 3 ms", 3.37, "failed", "3.37 ms"),
        ("p95 <= 60 px", 21 + 0.95 * 19, "passed", "39 px"),
        ("worst <= 39", 40.0, "failed", "40 px"),
        ("parity <= 1e-7", 1.7e-7, "failed", "1.7e-07"),
        ("completeness <= 1 %", 0.5, "passed", "0.5 %"),
        ("reduction.fc_parameters >= 20", 21.23, "passed", "21.2×"),
        ("leakage == 0", None, "not run", "who was in which split was not stored"),
        ("calibration <= 5", None, "not run", "no radius"),
    ],
)
def test_measured_and_verdict(held, typed, measured, verdict, told):
    row = held(typed)[0]
    assert row["measured"] == pytest.approx(measured) if measured is not None else row["measured"] is None
    assert row["verdict"] == verdict and row["told"].startswith(told) and row["asked"]


def test_what_ships_is_held_too_unless_somebody_asked_otherwise(held):
    rows = held("parity <= 1e-9")
    assert [one["name"] for one in rows if one["asked"]] == ["parity"]
    others = ["calibration", "completeness", "leakage", "slice.worst", "worse.width"]
    assert [one["name"] for one in rows if not one["asked"]] == others
    assert counted(rows) == "2 passed, 1 failed, 3 not run"


def test_not_run_is_no_pass(held):
    assert [one["name"] for one in unmet(held("leakage == 0", "worst <= 50"))] == ["leakage"]
    assert unmet(held("worst <= 50")) == [] and unmet(held()) == []
    assert not checks_json(held("worst <= 50"))["ok"] and checks_json(held("worst <= 50"))["asked_ok"]
    assert not checks_json(held("leakage == 0"))["asked_ok"]


def test_a_check_that_does_not_apply_is_left_out_but_not_run_where_it_is_asked_for(gaze_run):
    report, _ = gaze_run
    shown = with_every_key({**report, "task": "class"})
    assert not {"slice.worst", "calibration"} & {one["name"] for one in judged(shown)}
    assert judged(shown, conditions(["slice.worst <= 3"]))[0]["verdict"] == "not run"


def test_slices_and_coverage_are_read_off_the_report(gaze_run):
    report, _ = gaze_run
    rings = [{"teacher": 20.0, "student": 21.0}, {"teacher": 40.0, "student": 46.0}]
    row = {"level_percent": 90.0, "radius": 61.0, "coverage_percent": {"mean": 80.0, "low": 70.0, "high": 84.0}}
    report |= {"eccentricity": {"rings": rings}, "frame_radii": {"student": {"rows": [row]}}}
    report["provenance"]["in_two_splits"] = 2
    rows = judged(with_every_key(report), conditions(["slice.worst <= 10", "defaults", "frame.radius <= 70 px"]))
    found = {one["name"]: (round(one["measured"], 6), one["verdict"]) for one in rows}
    assert found["slice.worst"] == (15.0, "failed") and found["calibration"] == (6.0, "failed")
    assert found["leakage"] == (2.0, "failed") and found["frame.radius"] == (61.0, "passed")


def test_a_unit_of_something_else_is_refused_even_where_nothing_was_measured(held):
    with pytest.raises(InputError, match="calibration is not measured in 'px'"):
        held("calibration <= 5 px")


def test_junit_counts_what_was_asked_for(held):
    suite = ElementTree.fromstring(junit_xml(held("worst <= 39", "leakage == 0", "parity <= 1"), "toy <&>"))
    assert suite.attrib == {"name": "xgaze toy <&>", "tests": "3", "failures": "1", "errors": "1"}
    assert [[child.tag for child in case] for case in suite] == [["failure"], ["error"], []]
    assert suite[0][0].get("message") == "failed: 40 px" and suite[1].get("name") == "leakage == 0"


def test_the_folder_holds_checks_json_and_the_page_a_table_before_all_else(gaze_run, tmp_path, undrawn):
    report, maps = gaze_run
    report["checks"] = judged(with_every_key(report), conditions(["worst <= 39"]))
    page = write_report(tmp_path / "toy", report, maps).read_text().replace("\u00a0", " ")
    stored = json.loads((tmp_path / "toy" / "checks.json").read_text())
    assert stored["checks"][0]["condition"] == "worst <= 39" and stored["asked_ok"] is False
    assert page.index('aria-label="Checks"') < page.index('id="summary"')
    row = page[page.index('<tr class="chosen">') :].partition("</tr>")[0]
    assert "40 px" in row and '<td class="text missed"><bdi>failed</bdi></td>' in row
    assert (tmp_path / "toy" / "checks.csv").read_text().count("\n") == 1 + len(report["checks"])
