"""What a search says before it begins: about how long it takes."""

import pytest

from xgaze.compression.plan import Plan
from xgaze.compression.search.candidates import Candidates, bisections, epochs_ahead
from xgaze.compression.search.expectation import rough_time
from xgaze.compression.search.smallest import head_trials

SHARES = [0.75, 0.5, 0.375, 0.25]


@pytest.fixture
def recipe(make_recipe):
    return make_recipe(training={"epochs": 10}, distill={"end_to_end_epochs": 10, "shares": SHARES})


def test_without_whole_students_nothing_is_tuned_end_to_end(recipe):
    assert epochs_ahead(recipe, Candidates([Plan(rank=2)], [], []), 100) == 0


def test_widths_take_the_control_and_a_bisection_of_students_that_compute_less(recipe):
    plans = [Plan(share=share) for share in (0.75, 0.5, 0.25)]
    tried = Candidates([], plans, [], macs=dict(zip(plans, (60, 30, 15), strict=True)))
    assert bisections(3) == 2
    assert epochs_ahead(recipe, tried, 100) == pytest.approx(10 + 2 * 10 * 0.35)


def test_wirings_are_halved_and_the_last_is_searched_in_all_widths(recipe):
    apart, anew = Plan(others=(("stem", 2),)), Plan(others=(("shared_towers", "fresh"),))
    tried = Candidates([], [], [], [apart, anew], {apart: 20, anew: 60})
    halving = 2 * 6 * (0.2 + 0.6) / 2  # one rung of both, a third of the 20 epochs of the one that begins anew
    widths = 3 * (10 * 0.2 + 20 * 0.6) / 2  # four shares: three steps
    assert epochs_ahead(recipe, tried, 100) == pytest.approx(10 + halving + widths)


@pytest.mark.parametrize(("plans", "steps"), [(1, 1), (2, 2), (3, 2), (4, 3), (7, 3), (8, 4)])
def test_a_bisection_tries_so_many(plans, steps):
    assert bisections(plans) == steps


def test_thin_heads_are_tuned_and_all_where_ranks_were_asked_for():
    whole, thin = [Plan(rank=2)], [Plan(rank=2, terms=1), Plan(rank=4, terms=1)]
    assert head_trials([*whole, *thin], asked=False) == thin
    assert head_trials([*whole, *thin], asked=True) == [*whole, *thin]
    assert head_trials(whole, asked=False) == whole and head_trials(thin, asked=False) == thin


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.2, "5 s"), (42, "40 s"), (89, "90 s"), (100, "2 min"), (3570, "60 min"), (9000, "2.5 h")]
)
def test_times_are_said_roughly(seconds, told):
    assert rough_time(seconds) == told
