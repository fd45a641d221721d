"""Which student is chosen: known errors of 40 people, known sizes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xgaze.capacity.layer_capacity import LayerCapacity
from xgaze.compression.plan import Plan, widths_of
from xgaze.compression.search.budget import choose, judge_result, next_question, verdict_of
from xgaze.compression.search.judge import Judge
from xgaze.compression.search.smallest import bisect, thin_plans
from xgaze.compression.search.trial import Result, Trial
from xgaze.errors import InputError
from xgaze.evaluation.intervals.participants import Interval
from xgaze.models.registry import build
from xgaze.recipe import Recipe

PEOPLE = np.arange(40)
TRUTH = np.zeros((40, 2), np.float32)
DISTILL = Recipe.model_fields["distill"].default


def outputs_of(error_px):
    return np.stack([np.broadcast_to(error_px, 40), np.zeros(40)], axis=1).astype(np.float32)


def candidate(judge, size, error_px, latency_ms=None):
    """A student whose errors on 40 people are those given."""
    result = Result(Trial(Plan()), size, size, 0, 4 * size, 0.0, [], outputs_of(error_px), Path())
    return judge_result(judge, result, latency_ms)


def judge_of(error_px, spec):
    return Judge(spec, TRUTH, PEOPLE, outputs_of(error_px), "control")


def chosen_of(tried, judge, **budgets):
    choice = choose(tried, DISTILL.model_copy(update=budgets), judge, lambda one: one.parameters)
    return choice.chosen, choice.held


def test_the_smallest_that_holds_is_chosen(gaze_recording):
    judge = judge_of(10.0, gaze_recording.spec)
    tried = [candidate(judge, size, error) for size, error in ((900, 10.0), (500, 10.19), (100, 10.21), (10, 11.0))]
    assert chosen_of(tried, judge) == (tried[1], True)


def test_a_verdict_says_what_keeps_a_student_from_being_chosen(gaze_recording):
    judge = replace(judge_of(10.0, gaze_recording.spec), further=40)
    sure, hair, worse = noisy(judge, 900, 9.0), noisy(judge, 500, 9.85), noisy(judge, 100, 10.6)
    told = [verdict_of(one, DISTILL) for one in (sure, hair, worse)]
    assert told == ["holds", "holds by a hair", "does not hold"]
    sized = DISTILL.model_copy(update={"max_parameters": 600})
    assert [verdict_of(one, sized) for one in (sure, hair, worse)] == ["too large or slow", "fits", "fits"]


def noisy(judge, size, error_px):
    """The same with people who are 1 px of error apart: an upper end 3.2 % above a mean that is taken against 10 px."""
    return candidate(judge, size, error_px + np.where(np.arange(40) % 2, 1.0, -1.0))


def test_of_those_that_hold_the_smallest_that_test_people_should_confirm_is_chosen(gaze_recording):
    judge = replace(judge_of(10.0, gaze_recording.spec), further=40)
    tried = [noisy(judge, size, error) for size, error in ((900, 10.0), (500, 10.1), (100, 10.6))]
    half = tried[0].worse_percent.high - tried[0].worse_percent.mean
    assert [one.bound - one.worse_percent.mean for one in tried] == pytest.approx([1.925 * half] * 3, rel=0.01)
    nearly, hardly = 1.925 * half + 1.1, half + 0.1
    for budget, size in ((nearly, 500), (hardly, 900)):
        chosen, held = chosen_of(tried, judge, max_worse_percent=budget)
        assert held and chosen.result.parameters == size
    alone = replace(judge, further=0)
    tried = [noisy(alone, size, error) for size, error in ((900, 10.0), (500, 10.1), (100, 10.6))]
    assert chosen_of(tried, alone, max_worse_percent=half + 1.1)[0].result.parameters == 500


def test_the_reason_says_whether_test_people_should_confirm_it(gaze_recording):
    judge = replace(judge_of(10.0, gaze_recording.spec), further=40)
    tried = [noisy(judge, 900, 10.0)]
    half = tried[0].worse_percent.high - tried[0].worse_percent.mean

    def reason(budget):
        return choose(tried, DISTILL.model_copy(update={"max_worse_percent": budget}), judge, lambda one: 0).reason

    assert reason(2 * half).endswith(", and test participants should confirm it nine times in ten")
    assert "need not confirm it" in reason(half + 0.1)


def asked_next(tried, judge, **budgets):
    wanted = DISTILL.model_copy(update=budgets)
    choice = choose(tried, wanted, judge, lambda one: one.parameters)
    return next_question(tried, choice, wanted, judge, lambda one: one.parameters, 9000)


def test_a_larger_budget_that_would_allow_a_smaller_student_is_told(gaze_recording):
    judge = judge_of(10.0, gaze_recording.spec)
    sizes = ((900, 10.0), (500, 10.19), (300, 10.71), (100, 10.305), (10, 11.0))
    tried = [candidate(judge, size, error) for size, error in sizes]
    told = asked_next(tried, judge)
    assert told.startswith("3.1 % would allow 90x: ") and "100 parameters" in told
    assert asked_next(tried, judge, max_worse_percent=11.0) == ""  # the smallest was chosen
    assert asked_next(tried, judge, max_parameters=600) == ""


def test_what_does_not_hold_its_budget_says_which_it_would_hold(gaze_recording):
    judge = judge_of(10.0, gaze_recording.spec)
    told = asked_next([candidate(judge, 900, 10.495), candidate(judge, 500, 10.895)], judge)
    assert told.startswith("It would hold a budget of 5 %. 9 % would allow 18x: ")


def test_where_the_reference_is_noisy_students_are_compared_with_the_best_of_them(gaze_recording):
    people = np.random.default_rng(0).uniform(5, 15, 40)
    judge = judge_of(people, gaze_recording.spec)
    own = people[::-1].copy()  # the same mean, but other people: the upper bound against the reference is wide
    tried = [candidate(judge, size, own * factor) for size, factor in ((900, 1.0), (500, 1.01), (100, 1.03))]
    assert all(one.worse_percent.high > 2 for one in tried)
    assert chosen_of(tried, judge) == (tried[1], False)


def test_where_nothing_holds_the_nearest_is_taken_with_a_plain_no(gaze_recording):
    judge = judge_of(10.0, gaze_recording.spec)
    tried = [candidate(judge, size, error) for size, error in ((900, 10.5), (500, 10.4), (100, 12.0))]
    assert chosen_of(tried, judge) == (tried[1], False)


@pytest.mark.parametrize(
    "budget", [{"max_parameters": 600}, {"max_bytes": 2400}, {"max_latency_ms": 1.0, "max_worse_percent": 1}]
)
def test_within_a_budget_of_size_or_time_the_least_worse_is_chosen(gaze_recording, budget):
    judge = judge_of(10.0, gaze_recording.spec)
    sizes = ((900, 10.0, 2.0), (500, 10.3, 1.0), (100, 10.5, 0.5))
    tried = [candidate(judge, *one) for one in sizes]
    assert chosen_of(tried, judge, **budget) == (tried[1], False)


def test_a_budget_that_nothing_meets_is_one_clear_message(gaze_recording):
    judge = judge_of(10.0, gaze_recording.spec)
    with pytest.raises(InputError) as caught:
        chosen_of([candidate(judge, 100, 10.0)], judge, max_parameters=50)
    assert str(caught.value) == (
        "no student of 1 tried keeps --max-params 50; the nearest, the whole model, has 100 parameters in 400 bytes. "
        "Allow more, or give smaller distill.shares in the recipe."
    )


def test_the_nearest_is_the_one_that_exceeds_its_worst_budget_least(gaze_recording):
    """500 parameters are 10 times too many, 100 twice but 3 times too slow, 150 three times and 2.4 times too slow."""
    judge = judge_of(10.0, gaze_recording.spec)
    tried = [candidate(judge, *one) for one in ((500, 10.0, 1.0), (100, 10.0, 3.1), (150, 10.0, 2.4))]
    with pytest.raises(InputError, match=r"150 parameters in 600 bytes and takes 2\.40 ms"):
        chosen_of(tried, judge, max_parameters=50, max_latency_ms=1.0)


@pytest.mark.parametrize(
    ("limit", "took", "told"),
    [(0.15, 0.1512, "0.151"), (0.15, 0.15004, "0.15004"), (0.149, 0.154, "0.154"), (1, 2, "2.00")],
)
def test_a_time_above_its_budget_is_told_with_the_digits_that_show_it(gaze_recording, limit, took, told):
    judge = judge_of(10.0, gaze_recording.spec)
    with pytest.raises(InputError, match=rf"keeps --max-latency-ms {limit}; .* takes {told} ms\."):
        chosen_of([candidate(judge, 100, 10.0, took)], judge, max_latency_ms=limit)


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        ({"max_latency_ms": 1.5}, "the least worse of those with at most 1.5 ms"),
        (
            {"max_parameters": 60_000, "max_bytes": 250_000},
            "the least worse of those with at most 60,000 parameters and 250,000 bytes",
        ),
    ],
)
def test_the_reason_names_the_budget_that_was_asked_for(gaze_recording, budget, words):
    judge = judge_of(10.0, gaze_recording.spec)
    found = choose([candidate(judge, 100, 10.0, 1.0)], DISTILL.model_copy(update=budget), judge, lambda one: 0)
    assert found.reason == words


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (Plan(), "the whole model"),
        (Plan(rank=1, terms=1), "rank 1, separable filters with 1 term"),
        (
            Plan(0.375, True, 6, 2, 8),
            "37.5 % of the channels, in multiples of 8, pictures halved, rank 6, separable filters with 2 terms",
        ),
    ],
)
def test_a_plan_is_told_in_words(plan, words):
    assert plan.in_words == words


def test_a_student_that_was_not_timed_keeps_no_budget_of_time(gaze_recording):
    judge = judge_of(10.0, gaze_recording.spec)
    with pytest.raises(InputError, match="--max-latency-ms 1"):
        chosen_of([candidate(judge, 100, 10.0)], judge, max_latency_ms=1.0)


def test_the_reference_is_the_better_of_teacher_and_controls(gaze_recording):
    truth = np.zeros((4, 2), np.float32)
    judge = Judge(gaze_recording.spec, truth, np.arange(4), truth + 2, "teacher")
    assert judge.against_best({"teacher": truth + 2, "control": truth + 1}).name == "control"
    assert judge.against_best({"teacher": truth + 2, "control": truth + 3}).name == "teacher"
    assert judge.worse_percent(truth + 3).mean == pytest.approx(50)


def alone(spec):
    """One validation participant, whom the reference misses by 10 px."""
    one = TRUTH[:1]
    return Judge(spec, one, np.array(["only"]), one + np.array([10, 0]), "control")


def by_one(judge, size, error_px):
    outputs = np.array([[error_px, 0]], np.float32)
    return judge_result(judge, Result(Trial(Plan()), size, size, 0, 4 * size, 0.0, [], outputs, Path()))


@pytest.mark.parametrize("budgets", [{}, {"max_parameters": 1000}])
def test_one_validation_participant_holds_no_budget_and_the_least_worse_is_taken(gaze_recording, budgets):
    judge = alone(gaze_recording.spec)
    tried = [by_one(judge, 900, 600.0), by_one(judge, 500, 9.0), by_one(judge, 100, 12.0)]
    assert [one.worse_percent.high for one in tried] == [None] * 3
    choice = choose(tried, DISTILL.model_copy(update=budgets), judge, lambda one: one.parameters)
    assert (choice.chosen, choice.held) == (tried[1], False)
    assert choice.reason.endswith(
        "by its estimate alone: too few validation participants (1) for an upper bound, so that no budget can be said to hold"
    )


def test_equal_upper_bounds_leave_it_to_the_estimate(gaze_recording):
    judge = judge_of(10.0, gaze_recording.spec)
    tried = [candidate(judge, 100, 12.0) for _ in range(2)]
    for one, mean in zip(tried, (19.0, 11.0), strict=True):
        object.__setattr__(one, "worse_percent", Interval(mean, 0.0, 20.0))
        object.__setattr__(one, "bound", 20.0)
    assert chosen_of(tried, judge)[0] is tried[1]


def test_the_reference_is_the_one_that_people_are_told_better_by_not_frames(gaze_recording):
    truth, people = np.zeros((10, 2), np.float32), np.array(["many"] * 9 + ["few"])
    for_many = truth + np.array([[1, 0]] * 9 + [[30, 0]], np.float32)
    for_both = truth + np.array([[9, 0]] * 10, np.float32)
    judge = Judge(gaze_recording.spec, truth, people, for_many, "teacher")
    assert judge.against_best({"teacher": for_many, "control": for_both}).name == "control"  # 9 against 15.5 px
    assert judge.score(for_many) == pytest.approx(15.5)
    assert judge.worse_percent(for_both).mean < 0


@pytest.mark.parametrize("width", [1, 2, 3, 7])
@pytest.mark.parametrize("smallest", [0, 1, 2, 3, 4, 5])
def test_bisection_tries_both_neighbours_of_the_edge(width, smallest):
    shares = [0.5, 0.4, 0.3, 0.2, 0.1]
    tried = []

    def holds(some):
        tried.extend(some)
        return [shares.index(share) < smallest for share in some]

    bisect(shares, width, holds)
    assert len(tried) == len(set(tried)) <= (3 if width == 1 else 5)
    edge = shares[max(0, smallest - 1) : smallest + 1]
    assert set(edge) <= set(tried)


@pytest.mark.parametrize(("expected", "ranks"), [(4, [6, 3, 2]), (1, [2, 1]), (7, [8, 6, 4])])
def test_thin_heads_go_from_somewhat_more_directions_than_expected_to_half(expected, ranks, gaze_recording):
    args = {"first_stride": 1, "conv3_stride": 1, "conv3_padding": 2, "lrn": False}
    capacity = LayerCapacity("head.embedding", 100, 8, [], [], [], {}, 0.0, 0.0, expected)
    plans = thin_plans(capacity, build("multi-eye", args, gaze_recording.spec), DISTILL)
    assert [plan.rank for plan in plans] == ranks
    assert {plan.terms for plan in plans} == {1} and all(plan.keeps_towers for plan in plans)


def test_widths_are_multiples_of_four_and_never_larger_than_before(gaze_recording):
    model = build(
        "multi-eye", {"first_stride": 1, "conv3_stride": 1, "conv3_padding": 2, "lrn": False}, gaze_recording.spec
    )
    assert list(widths_of(model, 0.25).values())[:5] == [8, 16, 8, 4, 4]
    assert list(widths_of(model, 0.25, 8).values())[:5] == [8, 16, 8, 8, 8]
    assert list(widths_of(model, 1.0).values())[:5] == [32, 64, 32, 16, 8]
