"""Errors in cells of the scene: known errors at known places."""

import numpy as np
import pandas as pd
import pytest

from xgaze.artifacts import STUDENT, TEACHER
from xgaze.report.section import with_every_key
from xgaze.report.sections.where_errors_lie.error_over_the_scene import COLUMNS, ROWS, SECTION, scene_errors

SCENE = [800, 600]


def samples(x_px, y_px, error_px, people=5):
    """Everyone looks at every place; person k errs by k px more than `error_px`, so that the mean is 2 px more."""
    places = pd.DataFrame({"truth_x_px": x_px, "truth_y_px": y_px, "error_px": error_px})
    return pd.concat([places.assign(group=f"p{k}", error_px=places["error_px"] + k) for k in range(people)])


def cell(found, column, row):
    return found["cells"][row * COLUMNS + column]


def test_errors_lie_in_the_cells_where_people_looked():
    teacher = samples([10.0, 790.0, 410.0], [10.0, 590.0, 310.0], [5.0, 9.0, 7.0])
    student = teacher.assign(error_px=teacher["error_px"] + 1)
    found = scene_errors(SCENE, {TEACHER: teacher, STUDENT: student})
    assert found["cell_px"] == [100.0, 100.0] and len(found["cells"]) == COLUMNS * ROWS
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
