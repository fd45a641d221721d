"""Where a teacher says what is true: worse is disagreement beside the spread of what it says of one person, in closed form."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from xgaze.data.contract import InputSpec, Spec
from xgaze.errors import InputError
from xgaze.evaluation.comparison import require_same_kind
from xgaze.evaluation.intervals.participants import difference_percent, share_percent
from xgaze.evaluation.predictions import prediction_table
from xgaze.evaluation.score import OF_SPREAD, PERCENT, compare, own_spread, summarise, worse_unit
from xgaze.recorded_targets import BY_TEACHER
from xgaze.report.conditions import parsed

INPUTS = (InputSpec("x", (2,), dtype="float32"),)
GAZE = Spec(INPUTS, "gaze", "px", truth=BY_TEACHER)
VALUE = Spec(INPUTS, "value", "mm", truth=BY_TEACHER)
PEOPLE = np.array(["a", "a", "a", "a", "b", "b", "b", "b"])
# A linear teacher y = x on the corners of squares about two centres: person a's lie 5 px from their mean, b's 10 px.
CORNERS = np.array([[3.0, 4.0], [-3.0, 4.0], [-3.0, -4.0], [3.0, -4.0]])
SAID = np.concatenate([CORNERS + np.array([100, 200]), 2 * CORNERS + np.array([500, 50])])
HALF_PX = np.array([0.3, 0.4])


def test_the_spread_is_the_distance_from_each_persons_own_mean():
    assert own_spread(GAZE, SAID, PEOPLE) == pytest.approx([5, 5, 5, 5, 10, 10, 10, 10])
    values = np.array([[1.0], [3.0], [7.0], [7.0]])
    assert own_spread(VALUE, values, np.array(["a", "a", "b", "b"])) == pytest.approx([1, 1, 0, 0])


def test_a_student_that_is_off_by_a_constant_is_worse_by_it_over_the_spread():
    student = SAID + HALF_PX  # from the teacher, whose spread is (5 + 10) / 2 px
    found = compare(GAZE, student, SAID, SAID, PEOPLE)
    assert found.mean == pytest.approx(100 * 0.5 / 7.5)
    # The people differ in nothing but their spread: 10 % for a alone, 5 % for b alone.
    assert found.low < 5 < 10 < found.high
    assert worse_unit(GAZE) == OF_SPREAD and worse_unit(replace(GAZE, truth="recorded")) == PERCENT
    assert summarise(GAZE, student, SAID, PEOPLE).mean == pytest.approx(0.5)


def test_a_student_that_shrinks_its_outputs_loses_that_share_of_the_spread():
    means = np.repeat([[100.0, 200.0], [500.0, 50.0]], 4, axis=0)
    found = compare(GAZE, means + 0.98 * (SAID - means), SAID, SAID, PEOPLE)
    assert (found.mean, found.low, found.high) == pytest.approx((2, 2, 2))
    # Whoever says of each person the mean alone has lost the whole spread.
    assert compare(GAZE, means, SAID, SAID, PEOPLE).mean == pytest.approx(100)


def test_the_teacher_is_not_worse_than_itself_and_two_students_are_told_apart():
    same = compare(GAZE, SAID, SAID, SAID, PEOPLE)
    assert (same.mean, same.low, same.high) == (0, 0, 0)
    near, far = SAID + HALF_PX, SAID + 2 * HALF_PX
    assert compare(GAZE, near, far, SAID, PEOPLE).mean == pytest.approx(-100 * 0.5 / 7.5)


def test_directions_are_told_in_degrees():
    spec = Spec(INPUTS, "angle", "degrees", truth=BY_TEACHER)
    said = np.array([[0.0, 10.0], [0.0, -10.0], [0.0, 20.0], [0.0, -20.0]])
    who = np.array(["a", "a", "b", "b"])
    assert own_spread(spec, said, who) == pytest.approx([10, 10, 20, 20], abs=1e-5)
    assert compare(spec, said + np.array([0.0, 3.0]), said, said, who).mean == pytest.approx(20)


def test_people_count_the_same_however_many_frames_they_gave():
    part, whole = np.array([1.0, 1.0, 1.0, 3.0]), np.array([10.0, 10.0, 10.0, 30.0])
    assert share_percent(part, whole, ["a", "a", "a", "b"]).mean == pytest.approx(100 * 2 / 20)
    assert share_percent([1.0, 2.0], [10.0, 10.0], ["a", "a"]).high is None


def test_differences_in_percent_are_the_same_ratio():
    rng = np.random.default_rng(0)
    ours, theirs, who = rng.uniform(1, 2, 40), rng.uniform(1, 2, 40), np.repeat(np.arange(8), 5)
    share, worse = share_percent(ours, theirs, who), difference_percent(ours, theirs, who)
    assert [worse.mean, worse.low, worse.high] == pytest.approx([share.mean - 100, share.low - 100, share.high - 100])


def test_without_any_spread_nothing_is_said():
    flat = np.repeat([[100.0, 200.0], [500.0, 50.0]], 4, axis=0)
    with pytest.raises(InputError, match="no spread to measure by"):
        compare(GAZE, flat + 1, flat, flat, PEOPLE)


def test_tables_name_the_teacher_and_no_error():
    class Judged:
        spec = GAZE
        table = pd.DataFrame({"id": list("abcdefgh"), "group": PEOPLE, "split": "test"}).assign(
            gaze_x_px=SAID[:, 0], gaze_y_px=SAID[:, 1]
        )

    found = prediction_table(Judged(), np.arange(8), SAID + HALF_PX)
    assert list(found)[3:] == ["teacher_x_px", "teacher_y_px", "prediction_x_px", "prediction_y_px", "disagreement_px"]
    assert found["disagreement_px"].to_numpy() == pytest.approx(0.5, abs=1e-4)


def test_runs_without_labels_are_not_compared():
    with pytest.raises(InputError, match="two: has no labels"):
        require_same_kind(({"unit": "px"}, GAZE.to_json()), ("one", "two"))


def test_a_condition_may_say_percent_of_it():
    assert parsed("worse.high <= 2 %").limit({"worse_unit": OF_SPREAD}) == 2
