"""What validation people can tell, in closed form."""

import numpy as np
import pytest
from scipy import stats

from xgaze.compression.search.judge import Judge
from xgaze.data.contract import InputSpec, Spec

SPEC = Spec((InputSpec("eye", (1, 4, 4)),), "gaze", "px", (800, 600))


def judge_of(people, further=0):
    truth = np.zeros((people, 2))
    return Judge(SPEC, truth, np.arange(people).astype(str), np.full((people, 2), 1.0), "teacher", further)


def at(errors):
    return np.stack([errors, np.zeros_like(errors)], axis=1)


def test_half_of_the_interval_of_two_models_that_differ_at_random():
    people, rng = 400, np.random.default_rng(0)
    one, other = 20 + rng.normal(0, 1, people), 20 + rng.normal(0, 1, people)
    told = judge_of(people).least_told(at(one), at(other))
    expected = 100 * stats.norm.ppf(0.975) * np.std(one - other, ddof=1) / np.sqrt(people) / other.mean()
    assert told == pytest.approx(expected, rel=0.05)


def test_models_that_err_alike_are_told_apart_by_little_and_too_few_people_tell_nothing():
    errors = 20 + np.random.default_rng(1).normal(0, 5, 100)
    assert judge_of(100).least_told(at(1.01 * errors), at(errors)) == pytest.approx(0, abs=1e-9)
    assert judge_of(1).least_told(at(errors[:1]), at(errors[1:2])) is None


def test_how_many_people_it_takes_is_told_only_where_they_are_too_few():
    assert judge_of(50, further=50).people_to_confirm(least=2.1, allowed=2.0) == 205  # 50 (2.1 x 1.925 / 2)^2
    assert judge_of(50, further=50).people_to_confirm(least=1.0, allowed=2.0) is None
    assert judge_of(50).people_to_confirm(least=2.1, allowed=2.0) is None
