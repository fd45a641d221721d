"""Whether a model learned anything, against always guessing the mean or the commonest class."""

import numpy as np
import pytest

from xgaze.data.contract import Spec
from xgaze.evaluation.learned import learned_of, trivial_outputs

GAZE = Spec((), "gaze", scene=(800, 600))
VALUE = Spec((), "value", unit="ms")
TWO = Spec((), "class", unit="AUC", classes=("TD", "ASD"))
THREE = Spec((), "class", unit="accuracy", classes=("a", "b", "c"))
PEOPLE = np.repeat([f"p{k}" for k in range(8)], 4)
LABELS = np.repeat([0, 1] * 4, 4)


def test_guessing_is_the_mean_or_the_shares_of_training():
    known = np.array([[0.0, 10.0], [20.0, 30.0]], np.float32)
    assert trivial_outputs(GAZE, known, 3).tolist() == [[10.0, 20.0]] * 3
    shares = np.exp(trivial_outputs(THREE, np.array([0, 0, 1, 2]), 2))
    np.testing.assert_allclose(shares, [[0.5, 0.25, 0.25]] * 2, rtol=1e-9)


@pytest.mark.parametrize(("factor", "learned"), [(0.1, True), (1.0, False), (2.0, False)])
def test_gaze_is_held_against_its_mean(factor, learned):
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 500, (32, 2))
    found = learned_of(GAZE, truth.mean(axis=0) * factor + truth * (1 - factor), truth, truth, PEOPLE)
    assert found.learned is learned and (found.against, found.unit, found.worse_unit) == ("mean gaze", "px", "%")
    assert found.score == pytest.approx(factor * found.baseline)
    assert found.worse.mean == pytest.approx(100 * (factor - 1), abs=1e-9)


def test_a_constant_guess_and_an_inverted_one_learn_no_classes():
    right = np.stack([1.0 - LABELS, LABELS], axis=1) + np.linspace(0, 0.1, 32)[:, None] * [0, 1]
    found = learned_of(TWO, right, LABELS, LABELS, PEOPLE)
    assert found.learned and (found.score, found.baseline) == (1.0, 0.5) and found.worse.mean == -50
    for wrong in (np.zeros((32, 2)), -right):
        found = learned_of(TWO, wrong, LABELS, LABELS, PEOPLE)
        assert not found.learned and found.baseline == 0.5


def test_what_could_be_luck_is_not_shown_to_be_learned():
    """Of ten people one more is right than a majority guess has: the interval holds zero."""
    truth = np.repeat([0, 0, 0, 0, 1, 1, 1, 2, 2, 2], 4)
    outputs = np.zeros((40, 3))
    outputs[:, 0] = 1
    outputs[16:20, 1] = 2
    found = learned_of(THREE, outputs, truth, truth, np.repeat(list("abcdefghij"), 4))
    assert found.worse.mean == pytest.approx(-10) and found.worse.high >= 0 and not found.learned


def test_without_an_interval_the_mean_decides():
    truth = np.array([[10.0], [20.0], [30.0]])
    alone = np.array(["p0"] * 3)
    close, far = (learned_of(VALUE, truth + shift, truth, truth, alone) for shift in (1.0, 30.0))
    assert close.worse.high is None and close.learned and not far.learned and far.against == "mean value"


def test_where_guessing_makes_no_error_nothing_is_learned():
    truth = np.full((32, 1), 5.0)
    found = learned_of(VALUE, truth + 1, truth, truth, PEOPLE)
    assert not found.learned and found.worse is None and found.to_json()["worse"] is None
    assert not learned_of(VALUE, truth, truth, truth, PEOPLE).learned
