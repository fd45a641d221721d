"""Intervals over people and seeds: closed forms, and how often they hold the truth when both are drawn."""

import numpy as np
import pytest
from scipy import stats

from xgaze.evaluation.intervals.participants import Interval
from xgaze.evaluation.intervals.seeds import over_seeds


def test_one_student_and_one_reference_keep_their_interval():
    told = over_seeds([[Interval(1.0, 0.2, 2.4)]], 40)
    assert (told.worse.mean, told.worse.low, told.worse.high) == pytest.approx((1.0, 0.2, 2.4))
    assert told.student_spread is None and told.reference_spread is None


def test_seeds_that_do_not_differ_leave_the_interval_of_people():
    told = over_seeds([[Interval(1.0, 0.0, 2.0)] * 3] * 3, 40)
    assert (told.worse.low, told.worse.high) == pytest.approx((0.0, 2.0))
    assert told.student_spread == told.reference_spread == 0.0


def test_without_people_the_spread_of_students_gives_students_t():
    means = [1.0, 2.0, 6.0]
    told = over_seeds([[Interval(one, one, one)] for one in means], 1000)
    half = stats.t.ppf(0.975, 2) * np.std(means, ddof=1) / np.sqrt(3)
    assert told.worse.mean == 3.0 and told.student_spread == pytest.approx(np.std(means, ddof=1))
    assert (told.worse.low, told.worse.high) == pytest.approx((3 - half, 3 + half))


def test_variances_of_people_and_of_both_seeds_add():
    grid = [[Interval(a + b, a + b - 1, a + b + 1) for b in (0.0, 1.0)] for a in (0.0, 3.0)]
    told, people = over_seeds(grid, 50), (1 / stats.t.ppf(0.975, 49)) ** 2
    parts = [(people, 49), (4.5 / 2, 1), (0.5 / 2, 1)]
    total = sum(variance for variance, _ in parts)
    freedom = total**2 / sum(variance**2 / own for variance, own in parts)
    assert told.worse.high - told.worse.mean == pytest.approx(stats.t.ppf(0.975, freedom) * np.sqrt(total))
    assert told.student_spread == pytest.approx(np.sqrt(4.5)) and told.reference_spread == pytest.approx(np.sqrt(0.5))


def test_ends_that_are_not_there_stay_away():
    told = over_seeds([[Interval(1.0), Interval(3.0)]], 1)
    assert told.worse == Interval(2.0) and told.reference_spread == pytest.approx(np.sqrt(2))


def _held(rng, people=60, seeds=3, of_people=3.0, of_seeds=0.8, tries=1500):
    """How often 0 lies in the interval over people alone of the first pair, and in that over people and seeds."""
    alone = both = 0
    t = stats.t.ppf(0.975, people - 1)
    for _ in range(tries):
        person = rng.normal(0, of_people, people)
        ours, theirs = rng.normal(0, of_seeds, (2, seeds))
        noise = rng.normal(0, 1.0, (seeds, seeds, people))
        each = person + (ours[:, None] - theirs)[..., None] + noise
        half = t * each.std(axis=-1, ddof=1) / np.sqrt(people)
        grid = [
            [Interval(m, m - h, m + h) for m, h in zip(*row, strict=True)]
            for row in zip(each.mean(axis=-1), half, strict=True)
        ]
        alone += grid[0][0].low <= 0 <= grid[0][0].high
        told = over_seeds(grid, people).worse
        both += told.low <= 0 <= told.high
    return alone / tries, both / tries


def test_the_truth_is_held_as_often_as_said_where_people_alone_hold_it_far_too_seldom():
    alone, both = _held(np.random.default_rng(0))
    assert alone < 0.7 and 0.93 < both < 0.99


def test_it_is_not_much_too_wide_where_seeds_hardly_differ():
    _, both = _held(np.random.default_rng(1), of_seeds=0.02)
    assert 0.93 < both < 0.985
