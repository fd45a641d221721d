"""What a search says before it begins: about how long it takes."""

from dataclasses import replace

import pytest

from xgaze.compression.plan import Plan
from xgaze.compression.search.candidates import Candidates, bisections, epochs_ahead, wholes_ahead
from xgaze.compression.search.expectation import Ahead, rough_time
from xgaze.compression.search.smallest import head_trials
from xgaze.errors import InputError

SHARES = [0.75, 0.5, 0.375, 0.25]


@pytest.fixture
def recipe(make_recipe):
    return make_recipe(training={"epochs": 10}, distill={"end_to_end_epochs": 10, "shares": SHARES})


def test_without_whole_students_nothing_is_tuned_end_to_end(recipe):
    assert epochs_ahead(recipe, Candidates([Plan(rank=2)], [], []), 100, 10) == 0


def test_widths_take_the_control_and_a_bisection_of_students_that_compute_less(recipe):
    plans = [Plan(share=share) for share in (0.75, 0.5, 0.25)]
    tried = Candidates([], plans, [], macs=dict(zip(plans, (60, 30, 15), strict=True)))
    assert bisections(3) == 2
    assert epochs_ahead(recipe, tried, 100, 10) == pytest.approx(10 + 2 * 10 * 0.35)
    thrice = recipe.model_copy(update={"distill": recipe.distill.model_copy(update={"seeds": 3})})
    assert epochs_ahead(thrice, tried, 100, 10) == pytest.approx(10 + 2 * 10 * 0.35 + 2 * (10 + 10))
    assert wholes_ahead(thrice, tried) == wholes_ahead(recipe, tried) + 4


def test_wirings_are_halved_and_the_last_is_searched_in_all_widths(recipe):
    apart, anew = Plan(others=(("stem", 2),)), Plan(others=(("shared_towers", "fresh"),))
    tried = Candidates([], [], [], [apart, anew], {apart: 20, anew: 60})
    halving = 2 * (17 * 0.2 + 11 * 0.6) / 2  # one rung of both, a third of their 50 and 33 epochs
    widths = 3 * 20  # four shares and all channels: three steps, of the control's computing with its teacher's
    assert epochs_ahead(recipe, tried, 100, 10) == pytest.approx(10 + halving + widths)
    both = replace(
        tried, wholes=(whole := [Plan(share=0.5)]), macs={**tried.macs, whole[0]: 30}
    )  # should no wiring hold
    assert epochs_ahead(recipe, both, 100, 10) == pytest.approx(10 + halving + widths + 10 * 0.3)


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


def test_as_many_epochs_are_tuned_as_fit_into_the_minutes():
    ahead = Ahead(
        heads_s=60, quick_s=30, epoch_s=20, epochs=lambda own: 3 * own
    )  # a minute, and another for every epoch
    assert ahead.seconds(10) == 660 and replace(ahead, scoring_s=25).seconds(10) == 685
    assert [ahead.epochs_within(minutes, 8) for minutes in (2, 5.9, 6, 100)] == [1, 4, 5, 8]
    assert ahead.in_words(10) == (
        "The whole search takes about 11 min here at most, one trial at a time; --effort quick would take about 30 s."
    )


def test_too_few_minutes_are_refused_with_how_many_it_takes():
    ahead = Ahead(heads_s=60, quick_s=30, epoch_s=20, epochs=lambda own: 9 * own)
    with pytest.raises(
        InputError, match=r"distill\.minutes: 3 are too few: .*about 4 min here.*--effort quick \(about 30 s\)"
    ):
        ahead.epochs_within(3, 40)


def test_heads_alone_take_what_they_take():
    told = Ahead(heads_s=61, quick_s=61, epoch_s=0, epochs=lambda _: 0).in_words(10)
    assert told == "The whole search takes about 60 s here at most, one trial at a time."


def test_what_heads_read_is_collected_for_every_whole_student(recipe):
    plans = [Plan(share=share) for share in (0.75, 0.5, 0.25)]
    tried = Candidates([], plans, [], macs=dict(zip(plans, (60, 30, 15), strict=True)))
    training = recipe.training.model_copy(update={"head_epochs": 12})
    with_heads = recipe.model_copy(update={"training": training})
    more = epochs_ahead(with_heads, tried, 100, 10) - epochs_ahead(recipe, tried, 100, 10)
    assert more == pytest.approx((1 + 2 * 0.35) / 3)
    assert wholes_ahead(recipe, tried) == 3 and wholes_ahead(recipe, Candidates([Plan(rank=2)], [], [])) == 0
    wired = Candidates([], [], [], [Plan(others=(("stem", k),)) for k in range(7)])
    assert wholes_ahead(recipe, wired) == 1 + 7 + 3 + 3  # five widths: three steps


def test_a_step_takes_its_student_and_a_control_of_twice_the_epochs(recipe):
    wired = Candidates([], [], [], [one := Plan(others=(("stem", 2),))], {one: 50})
    further = recipe.model_copy(update={"distill": recipe.distill.model_copy(update={"cut_in_steps": True})})
    assert wholes_ahead(further, wired) == wholes_ahead(recipe, wired) + 2
    assert epochs_ahead(further, wired, 100, 10) - epochs_ahead(recipe, wired, 100, 10) == pytest.approx(10 + 2 * 10)
