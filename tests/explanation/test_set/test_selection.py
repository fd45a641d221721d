"""Choosing samples: by name, by word, and spread over people."""

import numpy as np
import pytest
import torch
from torch import nn

from xgaze.artifacts import write_csv
from xgaze.data.contract import rows_of, targets_of
from xgaze.errors import InputError
from xgaze.evaluation.predictions import prediction_table
from xgaze.explanation.test_set.selection import (
    Predicted,
    choose_samples,
    one_of_each,
    predict_test,
    read_predicted,
    spread_rows,
)


def predicted(recording, offsets):
    """Predictions that are off by a known number of px in x."""
    truth = targets_of(recording, rows_of(recording, "test")).astype(float)
    offsets = np.asarray(offsets, float)
    return Predicted(truth + np.stack([offsets, 0 * offsets], axis=1), np.abs(offsets))


def test_samples_are_found_by_index_and_by_id(gaze_recording):
    test = rows_of(gaze_recording, "test")
    assert choose_samples(gaze_recording, ["0", "test0/0/1", "0"]) == [test[0], test[1]]


@pytest.mark.parametrize("wrong", ["48", "train0/0/0", "-1", "x", "", "²", "٣", "<script>", "../..", "9" * 9])
def test_an_unknown_sample_gets_one_message(gaze_recording, wrong):
    with pytest.raises(InputError) as caught:
        choose_samples(gaze_recording, [wrong])
    assert str(caught.value) == (
        f"--sample {wrong}: no such test sample. Give an index from 0 to 47, an id such as test0/0/0, or one of worst, "
        "best, disagree."
    )


def test_a_name_of_thousands_of_digits_is_refused_and_cut_short(gaze_recording):
    with pytest.raises(InputError) as caught:
        choose_samples(gaze_recording, ["9" * 9000])
    assert len(str(caught.value)) < 250


def test_worst_and_best_are_the_students_where_there_is_one(gaze_recording):
    test = rows_of(gaze_recording, "test")
    teacher, student = np.full(48, 5.0), np.full(48, 5.0)
    teacher[[3, 4]] = 99, 0
    student[[7, 8]] = 50, 1
    both = {"teacher": predicted(gaze_recording, teacher), "student": predicted(gaze_recording, student)}
    assert choose_samples(gaze_recording, ["worst", "best"], both) == [test[7], test[8]]
    alone = {"teacher": both["teacher"]}
    assert choose_samples(gaze_recording, ["worst", "best"], alone) == [test[3], test[4]]


def test_disagree_is_the_largest_distance_between_the_two(gaze_recording):
    # Sample 5: equal errors of 30 px on opposite sides are 60 px apart; sample 6 has the largest error of both.
    teacher, student = np.zeros(48), np.zeros(48)
    teacher[[5, 6]], student[[5, 6]] = (30, 90), (-30, 80)
    both = {"teacher": predicted(gaze_recording, teacher), "student": predicted(gaze_recording, student)}
    test = rows_of(gaze_recording, "test")
    assert choose_samples(gaze_recording, ["disagree"], both) == [test[5]]
    assert choose_samples(gaze_recording, ["6", "worst", "disagree"], both) == [test[6], test[5]]
    with pytest.raises(InputError, match="no student to disagree"):
        choose_samples(gaze_recording, ["disagree"], {"teacher": both["teacher"]})


def test_samples_are_spread_over_people(gaze_recording):
    people = gaze_recording.table["group"].to_numpy()
    for count, each in ((8, 1), (16, 2), (48, 6)):
        rows = spread_rows(gaze_recording, count, seed=1)
        assert len(set(rows)) == count and set(rows) <= set(rows_of(gaze_recording, "test"))
        assert np.unique(people[rows], return_counts=True)[1].tolist() == [each] * 8
    assert len(set(people[spread_rows(gaze_recording, 5, seed=1)])) == 5
    assert spread_rows(gaze_recording, None, seed=1) == spread_rows(gaze_recording, 48, seed=1)
    assert spread_rows(gaze_recording, 48, seed=1) != spread_rows(gaze_recording, 48, seed=2)
    assert spread_rows(gaze_recording, 0, seed=1) == []
    with pytest.raises(InputError, match="the test set holds 48"):
        spread_rows(gaze_recording, 49, seed=1)


def test_more_samples_begin_with_the_fewer(gaze_recording):
    assert spread_rows(gaze_recording, 20, seed=3)[:7] == spread_rows(gaze_recording, 7, seed=3)
    assert one_of_each(gaze_recording, 40, seed=3) == spread_rows(gaze_recording, 8, seed=3)
    assert one_of_each(gaze_recording, 3, seed=3) == spread_rows(gaze_recording, 3, seed=3)


class Constant(nn.Module):
    """The same answer to everything."""

    def __init__(self, value):
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))

    def forward(self, *inputs):
        return self.value.expand(len(inputs[0]), -1)


def stored_table(recording, model, rows):
    return prediction_table(recording, rows, np.tile(model.value.detach().numpy(), (len(rows), 1)))


def test_stored_gaze_predictions_equal_the_models_own(tmp_path, gaze_recording):
    model, file = Constant([300.0, 200.0]), tmp_path / "predictions.csv"
    own = predict_test(model, gaze_recording)
    test = rows_of(gaze_recording, "test")
    away = targets_of(gaze_recording, test) - [300, 200]
    assert own.errors == pytest.approx(np.hypot(*away.T), rel=1e-5)
    rows = np.concatenate([rows_of(gaze_recording, "validation"), test])
    assert read_predicted(file, gaze_recording) is None
    write_csv(file, stored_table(gaze_recording, model, rows))
    stored = read_predicted(file, gaze_recording)
    assert np.allclose(stored.outputs, own.outputs) and np.allclose(stored.errors, own.errors)
    write_csv(file, stored_table(gaze_recording, model, rows[:-1]))
    assert read_predicted(file, gaze_recording) is None  # not this recording's test set


def test_stored_class_predictions_are_read_as_probabilities(tmp_path, class_recording):
    model, file = Constant([0.0, float(np.log(3))]), tmp_path / "predictions.csv"
    own = predict_test(model, class_recording)
    test = rows_of(class_recording, "test")
    assert own.outputs == pytest.approx(np.tile([0.25, 0.75], (len(test), 1)))
    right = np.where(targets_of(class_recording, test) == 1, 0.25, 0.75)
    assert own.errors == pytest.approx(right)
    write_csv(file, stored_table(class_recording, model, test))
    stored = read_predicted(file, class_recording)
    assert np.allclose(stored.outputs, own.outputs) and np.allclose(stored.errors, own.errors)
