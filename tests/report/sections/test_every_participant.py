"""How errors are spread over people, and what each one loses."""

import re

import pytest

from xgaze.report.section import in_reading_order
from xgaze.report.sections.every_participant import differences_figure, quantiles, spread_figure


def person(k, teacher, student):
    lost = None if student is None else student - teacher
    return {"group": f"P{k}", "samples": 3, "teacher": teacher, "student": student, "difference": lost}


PEOPLE = [person(k, float(k), k + (-1.0 if k < 3 else 2.0)) for k in range(11)]


def test_quantiles_of_eleven_people_are_people():
    rows = {row["percent"]: row for row in quantiles(PEOPLE)}
    assert [rows[share]["teacher"] for share in (0, 10, 50, 90, 100)] == [0, 1, 5, 9, 10]
    assert (rows[25]["difference"], rows[0]["difference"]) == (pytest.approx(0.5), -1)  # half way from -1 to 2
    assert quantiles([]) == []
    assert set(quantiles([person(0, 1.0, None)])[0]) == {"percent", "teacher"}


def test_who_loses_is_counted_in_words():
    told = differences_figure(PEOPLE, "mean error, px", "people").description
    assert "8 lie above it, 3 below; on average 1.18" in told


def test_curves_are_one_step_per_person_and_small():
    drawn = spread_figure(PEOPLE, "mean error, px", "people").svg
    curves = [one for one in re.findall(r'<path d="([^"]*)"[^>]*stroke-linecap', drawn) if one.count("L") > 11]
    assert len(curves) == 2
    many = [person(k, 20 + k / 7, 21 + k / 9) for k in range(160)]
    assert len(spread_figure(many, "px", "people").svg) + len(differences_figure(many, "px", "people").svg) < 40_000


def test_a_teacher_alone_has_a_spread_and_no_differences():
    section = next(one for one in in_reading_order() if one.name == "people")
    report = {"per_participant": [person(0, 3.0, None)], "task": "gaze", "score": {"unit": "px"}, "student": None}
    assert list(section.charts(report)) == list(section.tables(report)) == ["people", "people-spread"]
