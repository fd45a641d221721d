"""Paired differences of two runs: known answers, and what cannot be paired is refused."""

import numpy as np
import pandas as pd
import pytest

from xgaze.errors import InputError
from xgaze.evaluation.comparison import compare_predictions, read_test_predictions, require_same_kind


def gaze(errors, people, shift=0.0):
    ids = [f"{person}/{k}" for k, person in enumerate(people)]
    table = pd.DataFrame({"id": ids, "group": people, "split": "test", "truth_x_px": np.arange(len(people)) + shift})
    return table.assign(truth_y_px=1.0, error_px=errors)


PEOPLE = ["a", "a", "b", "b", "c", "c"]


def test_a_constant_loss_has_an_interval_of_no_width():
    first = gaze([10.0, 20.0, 30.0, 30.0, 5.0, 7.0], PEOPLE)
    found = compare_predictions(first, first.assign(error_px=first["error_px"] + 2.0), ("x", "y"))
    assert found["unit"] == "px" and found["participants"] == 3
    assert list(found["difference"].values()) == pytest.approx([2.0, 2.0, 2.0])
    assert found["difference_percent"]["mean"] == pytest.approx(100 * 2 / np.mean([15.0, 30.0, 6.0]))
    assert [row["difference"] for row in found["rows"]] == pytest.approx([2.0] * 3)


def test_people_count_the_same_however_many_frames_they_gave():
    people = ["a", "b", "b", "b"]
    found = compare_predictions(gaze([1.0, 5, 5, 5], people), gaze([2.0, 8, 8, 8], people), ("x", "y"))
    assert found["difference"]["mean"] == pytest.approx((1 + 3) / 2)


def test_pairing_is_by_participant_whatever_the_order_of_rows():
    first = gaze([1.0, 1, 2, 2, 9, 9], PEOPLE)
    found = compare_predictions(first, first.iloc[::-1], ("x", "y"))
    assert found["difference"] == {"mean": 0.0, "low": 0.0, "high": 0.0}


def test_classes_are_compared_by_right_answers_in_percent():
    table = pd.DataFrame({"id": list("1234"), "group": list("aabb"), "split": "test", "truth": list("xyxy")})
    table["probability_x"] = 0.5
    found = compare_predictions(
        table.assign(prediction=list("xxxx")), table.assign(prediction=list("xyxx")), ("p", "q")
    )
    assert found["unit"] == "%" and found["difference_percent"] is None
    assert [row["difference"] for row in found["rows"]] == [50.0, 0.0] and found["difference"]["mean"] == 25.0


def test_values_are_compared_by_their_error_in_their_unit():
    truth = [100.0, 200, 300, 400]
    table = pd.DataFrame({"id": list("1234"), "group": list("aabb"), "split": "test", "truth": truth})
    first, second = (table.assign(prediction=0.0, error=own) for own in ([10.0, 20, 30, 40], [11.0, 21, 33, 43]))
    found = compare_predictions(first, second, ("p", "q"), "ms")
    assert found["unit"] == "ms" and found["difference"]["mean"] == pytest.approx(2.0)
    assert found["difference_percent"]["mean"] == pytest.approx(100 * 2 / 25)
    with pytest.raises(InputError, match="another truth"):
        compare_predictions(first, second.assign(truth=[100.0, 200, 300, 401]), ("p", "q"), "ms")


def test_other_participants_another_recording_one_person_or_another_task_are_refused():
    first = gaze([1.0] * 6, PEOPLE)
    who = r"different test participants: 1 only in x \('a'\), 1 only in y \('d'\), 2 in both"
    with pytest.raises(InputError, match=who):
        compare_predictions(first, gaze([1.0] * 6, ["d", "d", "b", "b", "c", "c"]), ("x", "y"))
    with pytest.raises(InputError, match="another truth"):
        compare_predictions(first, gaze([1.0] * 6, PEOPLE, shift=5.0), ("x", "y"))
    with pytest.raises(InputError, match="one test participant"):
        compare_predictions(first.iloc[:2], first.iloc[:2], ("x", "y"))
    with pytest.raises(InputError, match="one task"):
        compare_predictions(first, first.drop(columns="error_px"), ("x", "y"))


def test_of_many_who_differ_the_first_are_named():
    first, second = (gaze([1.0] * 6, list(people)) for people in ("abcdef", "fghijk"))
    with pytest.raises(
        InputError, match=r"5 only in x \('a', 'b', 'c' and 2 more\), 5 only in y \('g', 'h', 'i' and 2"
    ):
        compare_predictions(first, second, ("x", "y"))
    with pytest.raises(InputError, match=r"0 only in x, 5 only in y"):
        compare_predictions(first.iloc[-1:], second, ("x", "y"))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"unit": "cm"}, "measure in different units: px and cm"),
        ({"scene": [640, 480]}, "different scenes: 800 × 600 px and 640 × 480 px"),
        ({"scene": None}, "different scenes: 800 × 600 px and none"),
        ({"groups": "stimuli"}, "apart in their splits: participants and stimuli"),
    ],
)
def test_figures_that_mean_different_things_are_refused(changed, told):
    spec = {"unit": "px", "scene": [800, 600]}
    require_same_kind((spec, {**spec, "groups": "participants"}), ("x", "y"))  # older cards do not say groups
    with pytest.raises(InputError, match=f"^x and y .*{told}"):
        require_same_kind((spec, {**spec, **changed}), ("x", "y"))


def test_a_folder_without_test_predictions_is_named(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_test_predictions(tmp_path)
    gaze([1.0] * 6, PEOPLE).assign(split="train").to_csv(tmp_path / "predictions.csv", index=False)
    with pytest.raises(InputError, match="no row of a test participant"):
        read_test_predictions(tmp_path)
