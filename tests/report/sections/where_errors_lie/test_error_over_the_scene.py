"""Errors in cells of the scene: known errors at known places."""

import numpy as np
import pandas as pd
import pytest

from xgaze.artifacts import STUDENT, TEACHER
from xgaze.geometry.gaze_field import GazeField
from xgaze.report.section import with_every_key
from xgaze.report.sections.where_errors_lie.error_over_the_scene import COLUMNS, ROWS, SECTION, scene_errors
from xgaze.report.sections.where_errors_lie.gaze_predictions import placed

SCENE = GazeField.of("gaze", "px", [800, 600], [[0.0, 0.0]])


def samples(x, y, error, people=5, field=SCENE):
    """Everyone looks at every place; person k errs by k more than `error`, so that the mean is 2 more."""
    truth = pd.DataFrame({"x": x, "y": y})
    everybody = pd.Series(["p"] * len(truth))
    places = placed(field, truth, everybody, pd.Series(error))
    return pd.concat([places.assign(group=f"p{k}", error=places["error"] + k) for k in range(people)])


def cell(found, column, row):
    return found["cells"][row * COLUMNS + column]


def test_errors_lie_in_the_cells_where_people_looked():
    teacher = samples([10.0, 790.0, 410.0], [10.0, 590.0, 310.0], [5.0, 9.0, 7.0])
    student = teacher.assign(error=teacher["error"] + 1)
    found = scene_errors(SCENE, {TEACHER: teacher, STUDENT: student})
    assert found["cell"] == [100.0, 100.0] and found["unit"] == "px" and len(found["cells"]) == COLUMNS * ROWS
    assert cell(found, 0, 0) == {"column": 0, "row": 0, "participants": 5, "samples": 5, TEACHER: 7.0, STUDENT: 8.0}
    assert (cell(found, 7, 5)[TEACHER], cell(found, 4, 3)[TEACHER]) == (11.0, 9.0)
    assert cell(found, 1, 0)[TEACHER] is None and cell(found, 1, 0)["samples"] == 0


def test_people_count_alike_however_often_they_looked():
    often = samples([50.0] * 9, [50.0] * 9, [0.0] * 9, people=1)
    others = samples([50.0, 450.0], [50.0, 450.0], [10.0, 10.0], people=5)
    others["group"] += "x"
    found = scene_errors(SCENE, {TEACHER: pd.concat([often, others])})
    assert cell(found, 0, 0)[TEACHER] == pytest.approx((0 + 10 + 11 + 12 + 13 + 14) / 6)
    assert cell(found, 0, 0)[STUDENT] is None


def test_beyond_the_edge_is_the_nearest_cell_and_two_people_are_too_few():
    beyond = samples([-50.0, 900.0], [300.0, 300.0], [4.0, 4.0])
    two = samples([450.0], [50.0], [4.0], people=2)
    found = scene_errors(SCENE, {TEACHER: pd.concat([beyond, two])})
    assert cell(found, 0, 3)[TEACHER] == cell(found, 7, 3)[TEACHER] == 6.0
    assert cell(found, 4, 0) == {"column": 4, "row": 0, "participants": 2, "samples": 2, TEACHER: None, STUDENT: None}


def test_one_place_is_no_map():
    assert scene_errors(SCENE, {TEACHER: samples([50.0], [50.0], [1.0])}) is None


def test_the_chart_shows_a_grid_for_each_model_and_the_table_every_cell():
    rng = np.random.default_rng(0)
    both = {name: samples(rng.uniform(0, 800, 60), rng.uniform(0, 600, 60), [9.0] * 60) for name in (TEACHER, STUDENT)}
    report = with_every_key({"scene_errors": scene_errors(SCENE, both), "groups": "participants"})
    shown = SECTION.charts(report)["scene_errors"]
    assert shown.svg.count(">11<") > 20 and "cells of 100 × 100 px" in shown.description
    assert len(SECTION.tables(report)["scene_errors"].rows) == COLUMNS * ROWS
    assert SECTION.csv["scene_errors"]({"scene_errors": None}) == []


def test_directions_lie_in_cells_of_yaw_and_pitch_that_span_them():
    """Vectors towards -z: of yaw -40 to 40 and pitch -30 to 30 degrees."""
    yaw, pitch = np.radians([-40.0, 40.0, 1.0]), np.radians([-30.0, 30.0, 1.0])
    vectors = np.stack([np.cos(pitch) * np.sin(yaw), np.sin(pitch), -np.cos(pitch) * np.cos(yaw)], axis=1)
    field = GazeField.of("angle", "vector", None, vectors)
    truth = pd.DataFrame(vectors)
    places = placed(field, truth, pd.Series(["p"] * 3), pd.Series([1.0, 2.0, 3.0]))
    everybody = pd.concat([places.assign(group=f"p{k}") for k in range(3)])
    found = scene_errors(field, {TEACHER: everybody})
    assert found["cell"] == pytest.approx([10, 10]) and found["low"] == pytest.approx([-40, -30])
    assert [cell(found, *at)[TEACHER] for at in ((0, 0), (7, 5), (4, 3))] == [1.0, 2.0, 3.0]
    report = with_every_key({"scene_errors": found, "groups": "participants"})
    shown = SECTION.charts(report)["scene_errors"]
    assert (
        "pitch grows upwards" in shown.description
        and "yaw, degrees" in shown.svg
        and ">-40<" in shown.svg.replace("−", "-")
    )
    assert SECTION.named(report) == "Error over directions"
    assert SECTION.csv["scene_errors"](report)[9]["from_yaw_degrees"] == pytest.approx(-30)
    assert SECTION.tables(report)["scene_errors"].columns[:2] == ("from yaw, degrees", "from pitch, degrees")


def test_points_in_no_scene_lie_in_cells_that_span_the_labels():
    x, y = [-4.0, 4.0], [-9.0, -3.0]
    field = GazeField.of("gaze", "mm", None, np.stack([x, y], axis=1))
    found = scene_errors(field, {TEACHER: samples(x, y, [5.0, 7.0], field=field)})
    assert found["low"] == [-4.0, -9.0] and found["cell"] == [1.0, 1.0] and not found["scene"]
    assert (cell(found, 0, 0)[TEACHER], cell(found, 7, 5)[TEACHER]) == (7.0, 9.0)
    assert "in mm" in SECTION.charts(with_every_key({"scene_errors": found}))["scene_errors"].description
