import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from xgaze.errors import InputError
from xgaze.evaluation.intervals.participants import (
    ERRORS,
    SHARES,
    Interval,
    difference_percent,
    mean_interval,
    participant_means,
    percentiles,
)


def test_every_participant_counts_the_same():
    assert participant_means([1, 1, 1, 5], ["a", "a", "a", "b"]).tolist() == [1, 5]
    assert mean_interval([1, 1, 1, 5], ["a", "a", "a", "b"]).mean == 3


def test_the_interval_holds_the_t_interval():
    values = np.random.default_rng(0).normal(30, 5, 12)
    interval = mean_interval(values, np.arange(12))
    low, high = stats.t.interval(0.95, 11, values.mean(), stats.sem(values))
    assert interval.low <= low and interval.high >= high
    assert interval.low == pytest.approx(low, rel=0.01)  # normal values: the t-interval is the larger


def test_the_interval_holds_the_bootstrap_of_scipy():
    values = np.random.default_rng(1).lognormal(0, 1.2, 160)
    interval = mean_interval(values, np.arange(160))
    boot = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=5000, rng=np.random.default_rng(2))
    assert interval.high >= boot.confidence_interval.high * 0.99


def test_more_frames_of_the_same_people_do_not_narrow_the_interval():
    rng = np.random.default_rng(0)
    person = rng.normal(30, 5, 20)
    few, many = np.repeat(person, 2), np.repeat(person, 200)
    narrow = mean_interval(many, np.repeat(np.arange(20), 200))
    wide = mean_interval(few, np.repeat(np.arange(20), 2))
    assert (narrow.low, narrow.high) == pytest.approx((wide.low, wide.high))


def test_a_paired_difference_is_narrow_where_people_differ_but_models_do_not():
    rng = np.random.default_rng(0)
    reference = rng.lognormal(3, 1, 100)
    people = np.arange(100)
    found = difference_percent(reference * 1.02, reference, people)
    assert found.mean == pytest.approx(2.0) and found.low == pytest.approx(2.0) and found.high == pytest.approx(2.0)
    assert difference_percent(reference * 0.9, reference, people).mean == pytest.approx(-10)


def test_coverage_of_the_paired_interval_is_near_95_percent():
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(200):
        reference = rng.lognormal(3, 0.5, 40)
        student = reference * rng.normal(1.03, 0.1, 40)
        found = difference_percent(student, reference, np.arange(40))
        hits += found.low <= 3.0 <= found.high
    assert 185 <= hits <= 200


def test_one_participant_has_no_ends_and_none_an_error():
    assert mean_interval([1.0, 2.0], ["a", "a"]) == Interval(1.5, None, None)
    assert difference_percent([2.0, 4.0], [2.0, 2.0], ["a", "a"]) == Interval(pytest.approx(50.0), None, None)
    assert str(Interval(1.5)) == "1.5 [not defined]" and Interval(1.5).upper == np.inf
    with pytest.raises(ValueError, match="no samples"):
        mean_interval([], [])


def test_ends_stay_where_a_mean_can_lie():
    wide = ([0.9, 0.2], ["a", "b"])
    assert mean_interval(*wide).low < 0 and mean_interval(*wide).high > 1
    assert (mean_interval(*wide, within=SHARES).low, mean_interval(*wide, within=SHARES).high) == (0, 1)
    errors = mean_interval(*wide, within=ERRORS)
    assert errors.low == 0 and errors.high > 1


def test_a_long_tail_widens_the_t_interval_on_its_side_as_johnson_has_it():
    values = np.random.default_rng(3).lognormal(3, 0.6, 8)
    t, error = stats.t.ppf(0.975, 7), stats.sem(values)
    third = stats.skew(values, bias=False) * values.std(ddof=1) ** 3
    tail = third / (6 * values.var(ddof=1) * 8) + third / (3 * values.var(ddof=1) ** 2) * (t * error) ** 2
    up, down = mean_interval(values, np.arange(8)), mean_interval(-values, np.arange(8))
    assert tail > 0.1 * t * error
    assert (up.low, up.high) == pytest.approx((values.mean() - t * error, values.mean() + t * error + tail))
    assert (down.low, down.high) == pytest.approx((-up.high, -up.low), rel=0.01)


def test_skewed_errors_reach_up_to_the_interval_of_the_logarithm():
    errors = np.random.default_rng(3).lognormal(3, 0.6, 8)
    plain, skewed = (mean_interval(errors, np.arange(8), within=one) for one in ((-np.inf, np.inf), ERRORS))
    above = plain.high - errors.mean()
    assert skewed.high == pytest.approx(errors.mean() * np.exp(above / errors.mean()))
    assert skewed.high > 1.05 * plain.high
    assert skewed.low == pytest.approx(plain.low)


def test_equal_or_two_values_have_no_tail():
    assert mean_interval([0.1] * 5, np.arange(5)) == Interval(*[pytest.approx(0.1)] * 3)
    two = mean_interval([1.0, 3.0], ["a", "b"])
    assert two.high - 2 == pytest.approx(2 - two.low) == pytest.approx(stats.t.ppf(0.975, 1))


@pytest.mark.parametrize("people", [8, 16])
def test_coverage_of_skewed_errors_of_few_people_is_near_95_percent(people):
    rng, truth, hits = np.random.default_rng(9), np.exp(0.5**2 / 2), 0
    for _ in range(400):
        found = mean_interval(rng.lognormal(0, 0.5, people), np.arange(people), within=ERRORS)
        hits += found.low <= truth <= found.high
    assert 0.93 - 0.02 <= hits / 400 <= 0.97 + 0.02


def test_a_reference_without_error_in_some_draws_or_all_is_no_division_by_zero():
    people = np.arange(6)
    rare = difference_percent([0, 0, 0, 0, 4, 8], [0, 0, 0, 0, 2, 2], people)
    assert rare.mean == pytest.approx(200) and rare.high > rare.mean > rare.low >= -100
    alone = difference_percent([1, 1, 1, 1, 1, 4], [0, 0, 0, 0, 0, 2], people)
    assert alone == Interval(
        pytest.approx(350), None, None
    )  # without the last one there is nothing to be compared with
    assert difference_percent(np.zeros(6), np.zeros(6), people) == Interval(0, 0, 0)
    with pytest.raises(InputError, match="no error on any of these samples"):
        difference_percent(np.ones(6), np.zeros(6), people)


def test_undefined_draws_are_left_out_and_many_leave_no_interval():
    drawn = np.append(np.linspace(0, 1, 951), [np.nan] * 49)
    assert percentiles(drawn) == pytest.approx((0.025, 0.975))
    assert percentiles(np.append(np.linspace(0, 1, 850), [np.nan] * 150)) is None


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(0.1, 1e3), st.sampled_from("abcdef")), min_size=2, max_size=40))
def test_an_interval_holds_its_mean_and_does_not_depend_on_order(rows):
    values, people = zip(*rows, strict=True)
    forward, backward = mean_interval(values, people), mean_interval(values[::-1], people[::-1])
    assert forward.mean == pytest.approx(backward.mean)
    if len(set(people)) == 1:
        assert forward.low is None and forward.high is None
        return
    assert forward.low <= forward.mean <= forward.high
    assert forward.low == pytest.approx(backward.low)
