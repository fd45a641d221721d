"""Rings by distance from the centre of the scene, and the line through people's means."""

import numpy as np
import pandas as pd
import pytest

from xgaze.report.sections.where_errors_lie.error_by_eccentricity import SECTION, eccentricity, eccentricity_figure

SCENE = [800, 600]


def frames(people, error):
    """Each looked 0, 100, 200 and 300 px to the right of the centre; error: (person, distance in px) -> px."""
    rows = [
        {"group": f"P{k}", "truth_x_px": 400.0 + d, "truth_y_px": 300.0, "error_px": error(k, d)}
        for k in range(people)
        for d in (0, 100, 200, 300)
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def found():
    return eccentricity(
        SCENE, {"teacher": frames(5, lambda k, d: 10 + d / 50), "student": frames(5, lambda k, d: 10 + k * d / 100)}
    )


def test_each_ring_holds_a_quarter_and_the_means_over_its_people(found):
    assert [(one["from_px"], one["participants"], one["samples"]) for one in found["rings"]] == [
        (d, 5, 5) for d in (0, 100, 200, 300)
    ]
    assert [one["teacher"] for one in found["rings"]] == [10, 12, 14, 16]
    assert [one["student"] for one in found["rings"]] == [10, 12, 14, 16]


def test_a_straight_line_is_found_and_people_tell_their_own(found):
    teacher, student = found["slopes"]
    assert teacher["px_per_100_px"] == pytest.approx(2) == student["px_per_100_px"]
    assert (teacher["low"], teacher["high"]) == (pytest.approx(2), pytest.approx(2))
    assert (student["low"], student["high"]) == (pytest.approx(1), pytest.approx(3))  # slopes 0, 1, 2, 3, 4
    words = SECTION.words({"eccentricity": found, "groups": "participants"})
    assert "the student's error by 2.0 px (1.0 to 3.0)" in words[0]


def test_rows_of_the_table_are_people_and_rings(found):
    rows = SECTION.csv["eccentricity"]({"eccentricity": found})
    assert len(rows) == 20 and rows[3] == {
        "group": "P0",
        "ring": 3,
        "eccentricity_px": 300.0,
        "samples": 1,
        "teacher": 16.0,
        "student": 10.0,
    }
    assert SECTION.csv["eccentricity"]({}) == []


def test_the_drawing_is_the_same_each_time_and_leaves_the_global_generator_alone(found):
    np.random.seed(7)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, second = (eccentricity_figure(found, "people").svg for _ in range(2))
    assert first == second and len(first) < 30_000
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_where_all_looked_at_one_place_or_few_looked_nothing_is_told():
    assert eccentricity(SCENE, {"teacher": frames(5, lambda k, d: 1.0).assign(truth_x_px=9.0)}) is None
    assert eccentricity(SCENE, {"teacher": frames(1, lambda k, d: 1.0)}) is None
    alone = eccentricity(SCENE, {"teacher": frames(5, lambda k, d: 1.0)})
    assert alone["rings"][0]["student"] is None and [one["model"] for one in alone["slopes"]] == ["teacher"]
