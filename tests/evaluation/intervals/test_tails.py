"""The worst frames: closed forms, and intervals that know how people differ."""

import numpy as np
import pytest

from xgaze.artifacts import STUDENT, TEACHER
from xgaze.evaluation.intervals.tails import P95, WORST, tails_of

EVERY = np.arange(1.0, 101.0)


def told(teacher, student, people, **how):
    return {row["figure"]: row for row in tails_of({TEACHER: teacher, STUDENT: student}, people, **how)}


def test_of_a_hundred_frames_95_lie_at_or_below_and_the_worst_five_are_averaged():
    found = told(EVERY, 2 * EVERY[::-1], ["a"] * 100)
    assert (found[P95][TEACHER]["mean"], found[WORST][TEACHER]["mean"]) == (95, pytest.approx(98))
    assert (found[P95][STUDENT]["mean"], found[WORST][STUDENT]["mean"]) == (190, pytest.approx(196))
    assert found[P95]["worse_percent"] == {"mean": pytest.approx(100), "low": None, "high": None}


def test_people_count_the_same_however_many_frames_they_gave():
    """The second person, in each of whose frames the error is 50, is a half, not 1 in 11."""
    errors, people = np.concatenate([EVERY, np.full(1000, 50.0)]), ["a"] * 100 + ["b"] * 1000
    found = told(errors, errors, people, draws=20)
    assert found[P95][TEACHER]["mean"] == 90 and found[WORST][TEACHER]["mean"] == pytest.approx(95.5)


def test_a_loss_by_one_factor_has_no_spread_though_people_differ():
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(30), 20).astype(str)
    teacher = rng.rayleigh(10, 600) * np.repeat(rng.uniform(0.5, 3, 30), 20)
    for row in told(teacher, 1.1 * teacher, people, draws=200).values():
        assert row["worse_percent"] == {key: pytest.approx(10) for key in ("mean", "low", "high")}
        assert row[TEACHER]["low"] < 0.9 * row[TEACHER]["mean"] < row[TEACHER]["high"]


def test_without_an_error_of_the_teacher_there_is_no_loss_in_percent():
    found = told(np.zeros(10), np.ones(10), ["a", "b"] * 5, draws=20)
    assert found[P95]["worse_percent"] is None and found[P95][STUDENT]["mean"] == 1


def test_intervals_hold_the_truth_of_few_people():
    """Of 12 people, for whom both models draw their errors alike: no loss, which 90 % of the intervals hold at least."""
    rng, held = np.random.default_rng(1), 0
    for _ in range(60):
        own = np.repeat(rng.lognormal(3, 0.4, 12), 6)
        teacher, student = own * rng.rayleigh(1, (2, len(own)))
        ends = told(teacher, student, np.repeat(np.arange(12), 6).astype(str), draws=200)[WORST]["worse_percent"]
        held += ends["low"] <= 0 <= ends["high"]
    assert held >= 54
