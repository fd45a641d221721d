import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from xgaze.evaluation.participants import (
    difference_percent,
    mean_interval,
    participant_means,
    score_interval,
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


def test_one_participant_gives_no_certainty_and_none_an_error():
    one = mean_interval([1.0, 2.0], ["a", "a"])
    assert one.mean == 1.5 and one.low == -np.inf and one.high == np.inf
    with pytest.raises(ValueError, match="no samples"):
        mean_interval([], [])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(0.1, 1e3), st.sampled_from("abcdef")), min_size=2, max_size=40))
def test_an_interval_holds_its_mean_and_does_not_depend_on_order(rows):
    values, people = zip(*rows, strict=True)
    forward, backward = mean_interval(values, people), mean_interval(values[::-1], people[::-1])
    assert forward.low <= forward.mean <= forward.high
    assert forward.mean == pytest.approx(backward.mean)
    assert forward.low == pytest.approx(backward.low) or len(set(people)) == 1


def test_a_pooled_score_is_resampled_by_person_within_class():
    people = np.repeat(["a", "b", "c", "d"], 3)
    strata = np.repeat([0, 0, 1, 1], 3)
    seen = []
    score_interval(lambda rows: seen.append(rows) or float(strata[rows].mean()), people, strata, resamples=20)
    for rows in seen:
        assert strata[rows].mean() == 0.5  # two people of each class, always
        counts = np.unique(people[rows], return_counts=True)[1]
        assert set(counts % 3) == {0}  # people are drawn whole
