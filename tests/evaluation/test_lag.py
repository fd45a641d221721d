"""Labels that are late or early by a known number of frames, and labels that are not."""

import numpy as np
import pytest

from xgaze.data.contract import InputSpec, Spec
from xgaze.evaluation.lag import MOST, errors_by_lag

SPEC = Spec((InputSpec("eye", (1, 8, 8)),), "gaze", scene=(800, 600))
PEOPLE, FRAMES = 8, 60


def recorded(shift=0, noise=20.0, frames=FRAMES, people=PEOPLE, seed=0):
    """Outputs that are right but for noise, labels `shift` frames late, people and sessions."""
    rng = np.random.default_rng(seed)
    gaze = rng.uniform(100, 700, (people, frames, 2))
    outputs = gaze + rng.normal(0, noise, gaze.shape)
    labels = np.roll(gaze, shift, axis=1)
    names = np.repeat([f"p{k}" for k in range(people)], frames)
    return outputs.reshape(-1, 2), labels.reshape(-1, 2), list(names), ["0"] * len(names)


@pytest.mark.parametrize("shift", [-7, -1, 1, 2, 15])
def test_a_shift_is_found_with_its_size_and_sign(shift):
    found = errors_by_lag(SPEC, *recorded(shift)).shift()
    assert found.lag == shift
    # Noise of 20 px a side, over two.
    assert found.shifted == pytest.approx(20 * np.sqrt(2), rel=0.1) and found.error > 200
    assert found.difference.high < -150 and found.difference.mean == pytest.approx(found.shifted - found.error)


def test_the_error_of_every_lag_is_over_the_same_frames():
    outputs, labels, people, sessions = recorded(3)
    lagged = errors_by_lag(SPEC, outputs, labels, people, sessions)
    assert list(lagged.lags) == list(range(-15, 16)) and lagged.frames == PEOPLE * (FRAMES - 30)
    own = np.arange(15, 45)
    known = np.column_stack([labels[own + 3], np.ones(30)])
    left = outputs[own] - known @ np.linalg.pinv(known) @ outputs[own]
    by_hand = np.sqrt((left**2).sum() / 27)
    assert lagged.errors.shape == (PEOPLE, 31) and lagged.errors[0, 18] == pytest.approx(by_hand)
    assert errors_by_lag(SPEC, *recorded(frames=400)).lags[-1] == MOST


@pytest.mark.parametrize("seed", range(10))
def test_without_a_shift_none_is_told_however_bad_the_model(seed):
    assert errors_by_lag(SPEC, *recorded(seed=seed)).shift() is None
    assert errors_by_lag(SPEC, *recorded(noise=2000, seed=seed)).shift() is None


def test_a_model_that_errs_the_wrong_way_is_not_taken_for_a_shift():
    for seed in range(10):
        outputs, labels, people, sessions = recorded(seed=seed)
        assert errors_by_lag(SPEC, (800, 800) - outputs, labels, people, sessions).shift() is None


def in_one_order(slope, bias, noise, shift=0, seed=0, walk=False):
    """Everybody looks at the same points one after the other; the model errs alike for all."""
    rng = np.random.default_rng(seed)
    gaze = np.cumsum(rng.normal(0, 30, (FRAMES, 2)), axis=0) + 400 if walk else rng.uniform(100, 700, (FRAMES, 2))
    outputs = 400 + slope * (gaze - 400) + np.array(bias) + rng.normal(0, noise, (PEOPLE, FRAMES, 2))
    labels = np.tile(np.roll(gaze, shift, axis=0), (PEOPLE, 1))
    people = list(np.repeat([f"p{k}" for k in range(PEOPLE)], FRAMES))
    return outputs.reshape(-1, 2), labels, people, ["0"] * len(people)


@pytest.mark.parametrize("walk", [False, True])
@pytest.mark.parametrize(
    ("slope", "bias", "noise"),
    [(0.5, (150, 0), 20), (0.8, (150, -100), 200), (-0.5, (0, 0), 20), (0.0, (100, 0), 20), (0.0, (0, 0), 0)],
)
def test_one_order_of_points_for_all_and_a_model_that_errs_alike_for_all_is_no_shift(slope, bias, noise, walk):
    for seed in range(10):
        assert errors_by_lag(SPEC, *in_one_order(slope, bias, noise, seed=seed, walk=walk)).shift() is None


@pytest.mark.parametrize("walk", [False, True])
def test_a_shift_is_found_in_one_order_of_points_with_a_model_that_errs_alike_for_all(walk):
    for seed in range(10):
        assert errors_by_lag(SPEC, *in_one_order(0.5, (150, 0), 20, 3, seed, walk)).shift().lag == 3


def test_a_shift_of_gaze_that_moves_slowly_is_found():
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(0, 15, (PEOPLE, FRAMES + 4, 2)), axis=1) + 400
    names = list(np.repeat([f"p{k}" for k in range(PEOPLE)], FRAMES))
    outputs = walk[:, 4:] + rng.normal(0, 20, (PEOPLE, FRAMES, 2))
    lagged = errors_by_lag(SPEC, outputs.reshape(-1, 2), walk[:, :-4].reshape(-1, 2), names, ["0"] * len(names))
    assert lagged.shift().lag == 4


def test_a_shift_of_one_person_is_nobody_elses():
    outputs, labels, people, sessions = recorded()
    labels[:FRAMES] = np.roll(labels[:FRAMES], 4, axis=0)
    assert errors_by_lag(SPEC, outputs, labels, people, sessions).shift() is None


def test_two_people_tell_nothing_and_neither_do_short_sessions():
    assert errors_by_lag(SPEC, *recorded(5, people=2)).shift() is None
    assert errors_by_lag(SPEC, *recorded(1, people=4)).shift().lag == 1
    assert errors_by_lag(SPEC, *recorded(frames=3)) is None
    assert errors_by_lag(SPEC, np.zeros((0, 2)), np.zeros((0, 2)), [], []) is None
    classes = Spec(SPEC.inputs, "class", unit="AUC", classes=("a", "b"))
    assert errors_by_lag(classes, *recorded()) is None


def test_no_label_is_taken_from_another_session():
    outputs, labels, people, _ = recorded(5)
    halves = [str(k % FRAMES // 30) for k in range(len(people))]
    lagged = errors_by_lag(SPEC, outputs, labels, people, halves)
    assert list(lagged.lags[[0, -1]]) == [-7, 7] and lagged.frames == 2 * PEOPLE * (30 - 14)
    assert lagged.shift().lag == 5


def test_frames_without_a_label_and_their_neighbours_are_left_out():
    outputs, labels, people, sessions = recorded(2)
    labels[30] = np.nan
    lagged = errors_by_lag(SPEC, outputs, labels, people, sessions)
    assert lagged.frames == PEOPLE * 30 - 30 and len(lagged.errors) == PEOPLE - 1 and lagged.shift().lag == 2
    assert errors_by_lag(SPEC, outputs, labels * np.nan, people, sessions) is None


def test_directions_and_values_are_shifted_likewise():
    outputs, labels, people, sessions = recorded(-3)
    angle = Spec(SPEC.inputs, "angle", "degrees")
    assert errors_by_lag(angle, outputs / 20 - 20, labels / 20 - 20, people, sessions).shift().lag == -3
    value = Spec(SPEC.inputs, "value", "mm")
    assert errors_by_lag(value, outputs[:, :1], labels[:, :1], people, sessions).shift().lag == -3
