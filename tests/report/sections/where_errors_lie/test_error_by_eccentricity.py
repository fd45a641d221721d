"""Rings by distance from the centre of the scene, and the line through people's means."""

import numpy as np
import pandas as pd
import pytest

from xgaze.geometry.gaze_field import GazeField
from xgaze.report.sections.where_errors_lie.error_by_eccentricity import SECTION, eccentricity, eccentricity_figure
from xgaze.report.sections.where_errors_lie.gaze_predictions import placed

SCENE = GazeField.of("gaze", "px", [800, 600], [[0.0, 0.0]])


def frames(people, error):
    """Each looked 0, 100, 200 and 300 px to the right of the centre; error: (person, distance in px) -> px."""
    return samples(SCENE, people, error, {d: (400.0 + d, 300.0) for d in (0, 100, 200, 300)})


def samples(field, people, error, truth):
    """Each looked at the truth of every distance."""
    rows = [{"group": f"P{k}", "error": error(k, d), "truth": truth[d]} for k in range(people) for d in truth]
    table = pd.DataFrame(rows)
    return placed(field, pd.DataFrame(table["truth"].tolist()), table["group"], table["error"])


@pytest.fixture
def found():
    both = {"teacher": frames(5, lambda k, d: 10 + d / 50), "student": frames(5, lambda k, d: 10 + k * d / 100)}
    return eccentricity(both, "px", SCENE.centre_in_words)


def test_each_ring_holds_a_quarter_and_the_means_over_its_people(found):
    assert [(one["nearest"], one["participants"], one["samples"]) for one in found["rings"]] == [
        (d, 5, 5) for d in (0, 100, 200, 300)
    ]
    assert [one["teacher"] for one in found["rings"]] == [10, 12, 14, 16]
    assert [one["student"] for one in found["rings"]] == [10, 12, 14, 16]


def test_a_straight_line_is_found_and_people_tell_their_own(found):
    teacher, student = found["slopes"]
    assert teacher["growth"] == pytest.approx(2) == student["growth"]
    assert (teacher["low"], teacher["high"]) == (pytest.approx(2), pytest.approx(2))
    assert (student["low"], student["high"]) == (pytest.approx(1), pytest.approx(3))  # slopes 0, 1, 2, 3, 4
    words = SECTION.words({"eccentricity": found, "groups": "participants"})
    assert "For every 100 px further out" in words[0] and "the student's error by 2.0 px (1.0 to 3.0)" in words[0]


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
    assert eccentricity({"teacher": frames(5, lambda k, d: 1.0).assign(eccentricity=9.0)}, "px", "") is None
    assert eccentricity({"teacher": frames(1, lambda k, d: 1.0)}, "px", "") is None
    alone = eccentricity({"teacher": frames(5, lambda k, d: 1.0)}, "px", "")
    assert alone["rings"][0]["student"] is None and [one["model"] for one in alone["slopes"]] == ["teacher"]


def test_of_directions_it_is_the_angle_to_straight_ahead_in_degrees():
    """A degree of error more for every 10 degrees, of people who look up and to the side alike."""
    field = GazeField.of("angle", "rad", None, [[0.0, 0.0]])
    truth = {d: (np.radians(d), 0.0) if d % 20 else (0.0, np.radians(-d)) for d in (0, 10, 20, 30)}
    found = eccentricity({"teacher": samples(field, 5, lambda k, d: 1 + d / 10, truth)}, "degrees", "straight ahead")
    assert [(round(one["nearest"], 9), round(one["teacher"], 9)) for one in found["rings"]] == [
        (0, 1),
        (10, 2),
        (20, 3),
        (30, 4),
    ]
    assert found["slopes"][0]["growth"] == pytest.approx(1)
    report = {"eccentricity": found, "groups": "participants", "student": None}
    assert "the angle between where somebody looked and straight ahead" in SECTION.words(report)[0]
    assert (
        "For every 10 degrees further out the line rises: the teacher's error by 1.00 degrees"
        in SECTION.words(report)[0]
    )
    assert SECTION.tables(report)["eccentricity"].columns[0] == "angle to straight ahead, degrees"
    assert set(SECTION.csv["eccentricity"](report)[0]) >= {"eccentricity_degrees", "teacher"}


def test_of_centimetres_without_a_scene_it_is_the_distance_from_the_middle_of_the_labels():
    truth = {d: (2.0 + d, -5.0) for d in (-3.0, 0.0, 1.0, 2.0, 3.0)}
    field = GazeField.of("gaze", "cm", None, list(truth.values()))
    assert field.centre == (2.0, -5.0)
    shown = samples(field, 5, lambda k, d: 2 + abs(d) / 2, truth)
    found = eccentricity({"teacher": shown}, field.unit, field.centre_in_words)
    assert found["slopes"][0]["growth"] == pytest.approx(0.5) and found["unit"] == "cm"
    told = SECTION.words({"eccentricity": found, "groups": "participants"})[0]
    assert "For every 1 cm further out" in told and "the middle of where people looked" in told
