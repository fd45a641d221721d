"""Of new people, nine groups in ten have their upper end below the bound: by simulation, and against its closed form."""

import math

import numpy as np
import pytest

from xgaze.evaluation.intervals.confirmation import CONFIRMED, confirmed_below, people_to_confirm
from xgaze.evaluation.intervals.participants import Interval, mean_interval


@pytest.mark.parametrize(("people", "further"), [(300, 400), (100, 100), (60, 240)])
def test_new_people_stay_below_it_nine_times_in_ten(people, further):
    rng, below, rounds = np.random.default_rng(0), 0, 400
    for _ in range(rounds):
        known, new = (rng.normal(1.0, 8.0, n) for n in (people, further))
        found = mean_interval(known, np.arange(people))
        again = mean_interval(new, np.arange(further))
        below += again.high <= confirmed_below(found, people, further)
    assert below / rounds == pytest.approx(CONFIRMED, abs=0.045)


def test_as_many_people_again_ask_for_almost_twice_the_half_width():
    expected = 1 + (1 + 1.2816 / 1.96 * math.sqrt(2))
    assert confirmed_below(Interval(1.0, 0.0, 2.0), 50, 50) == pytest.approx(expected, rel=1e-4)


def test_ever_more_new_people_leave_only_the_error_of_those_known():
    assert confirmed_below(Interval(1.0, 0.0, 2.0), 50, 10**12) == pytest.approx(1 + 1.2816 / 1.96, rel=1e-3)


@pytest.mark.parametrize(("found", "further"), [(Interval(1.0), 50), (Interval(1.0, 0.0, 2.0), 0)])
def test_without_an_upper_end_or_new_people_nothing_is_confirmed(found, further):
    assert confirmed_below(found, 50, further) == math.inf


@pytest.mark.parametrize(("people", "further"), [(300, 400), (50, 50)])
def test_with_so_many_people_one_that_is_as_good_is_just_confirmed(people, further):
    needed = people_to_confirm(2.1, people, further, allowed=2.0)
    narrower = 2.1 * math.sqrt(people / needed)
    bound = confirmed_below(Interval(0.0, -narrower, narrower), needed, round(further * needed / people))
    assert needed > people and bound == pytest.approx(2.0, rel=5e-3)
