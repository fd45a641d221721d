"""Intervals of pooled scores: people drawn whole within strata, a jackknife by hand, and no interval where nothing is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from xgaze.data.contract import Spec
from xgaze.errors import InputError
from xgaze.evaluation.intervals.class_intervals import difference_interval, resampling_of, score_interval, wilson
from xgaze.evaluation.intervals.f1_lost import macro_f1_lost
from xgaze.evaluation.intervals.measures import likeness, measures_of, samples_of
from xgaze.evaluation.intervals.pairs import pairs_of, with_chance
from xgaze.evaluation.intervals.resampling import draw_participants, jackknife, merged_strata
from xgaze.evaluation.score import compare, pooled_score, summarise

TWO = Spec((), "class", unit="AUC", classes=("a", "b"))
THREE = Spec((), "class", unit="accuracy", classes=("a", "b", "c"))


def told(labels, rng, noise):
    lean = labels + noise * rng.normal(size=len(labels))
    return np.stack([0.5 - lean, lean - 0.5], axis=1)


def one_class_people(count, frames=6, noise=1.0, seed=0):
    """outputs, labels and people; every second person has class 1."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(count) % 2, frames)
    return told(labels, rng, noise), labels, np.repeat([f"p{k:02d}" for k in range(count)], frames)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 4), st.integers(0, 1)), min_size=3, max_size=40)
)
def test_pairs_of_weighted_people_are_scikit_learns_weighted_area(rows):
    value, up, person, fold = map(np.array, zip(*rows, strict=True))
    weights = np.random.default_rng(0).integers(0, 3, (4, 5)).astype(float)
    found = pairs_of(value, up, person, 5, fold).auc(weights)
    for weight, area in zip(weights[:, person], found, strict=True):
        won = total = 0.0
        for one in np.unique(fold):
            own = fold == one
            pairs = weight[own & up].sum() * weight[own & ~up].sum()
            if pairs:
                won += pairs * roc_auc_score(up[own], value[own], sample_weight=weight[own])
                total += pairs
        assert area == pytest.approx(won / total) if total else np.isnan(area)


def test_chance_people_win_half_and_have_as_many_samples_as_the_others():
    pairs = pairs_of([3, 2, 2, 1], [True, True, False, False], [0, 0, 1, 2], 3, np.zeros(4))
    grown = with_chance(pairs, (2, 1))
    everyone, chance = np.array([[1, 1, 1, 0, 0]]), np.array([[0, 0, 0, 1, 1]])
    assert grown.auc(everyone) == pairs.auc(np.ones((1, 3))) == 3.5 / 4
    assert grown.auc(chance) == 0.5
    assert grown.all[-1].tolist() == [
        0,
        2,
        2,
        2,
        0,
    ]  # two samples of the one positive person, one of each negative on average


def test_strata_are_sets_of_classes_and_nobody_is_alone_in_one():
    assert merged_strata([(0,), (1,), (0,), (1,)]) == [0, 1, 0, 1]
    assert merged_strata([(0,), (0,), (1,), (0, 1)]) == [0, 0, 1, 1]  # two who are alone are put together
    assert merged_strata([(0,), (0,), (1,)]) == [0, 0, 0]
    assert merged_strata([(0,)]) == [0]
    weights = draw_participants([0, 0, 1, 1, 1], 200)
    assert (weights[:, :2].sum(axis=1) == 2).all() and (weights[:, 2:].sum(axis=1) == 3).all()


def test_the_stratum_is_no_matter_of_which_sample_comes_first():
    outputs, labels, people = one_class_people(12)
    labels = np.where(np.arange(len(labels)) % 6 == 5, 1 - labels, labels)  # everyone has both classes
    backwards = [one[::-1] for one in (outputs, labels, people)]
    there, back = summarise(TWO, outputs, labels, people), summarise(TWO, *backwards)
    assert (there.low, there.high) == pytest.approx((back.low, back.high))


def test_the_jackknife_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(0).normal(size=9)
    variance, freedom = jackknife((values.sum() - values) / 8, [0] * 9)
    assert np.sqrt(variance) == pytest.approx(stats.sem(values)) and freedom == 8


def test_the_jackknife_of_two_strata_is_welchs():
    a, b = np.random.default_rng(1).normal(size=5), 3 * np.random.default_rng(2).normal(size=7)
    each = np.append((a.sum() - a) / 4 - b.mean(), a.mean() - (b.sum() - b) / 6)
    variance, freedom = jackknife(each, [0] * 5 + [1] * 7)
    welch = stats.ttest_ind(a, b, equal_var=False)
    assert (a.mean() - b.mean()) / np.sqrt(variance) == pytest.approx(welch.statistic)
    assert freedom == pytest.approx(welch.df)


@pytest.mark.parametrize("noise", [0.6, 3.0])
def test_ends_are_shares_from_which_the_score_is_t_of_their_own_errors_away(noise):
    outputs, labels, people = one_class_people(10, noise=noise)
    samples = samples_of(outputs, labels, people)
    among = resampling_of(samples, 2)
    measure = measures_of(TWO, samples)["AUC"]
    found, centre = score_interval(measure, among), measure(among.with_chance)[0]
    each = measure(among.without_each)
    spread, freedom = jackknife(each[:10], among.strata, by_tails=True)
    answers = centre * (1 - centre) / (spread + ((each[10:] - centre) ** 2).sum())
    assert found.mean == pytest.approx(roc_auc_score(labels, outputs[:, 1]))
    for end, seen in ((found.low, min(centre, found.mean)), (found.high, max(centre, found.mean))):
        assert abs(seen - end) == pytest.approx(stats.t.ppf(0.975, freedom) * np.sqrt(end * (1 - end) / answers))
    assert 0 <= found.low < found.mean < found.high <= 1


def test_wilsons_interval_is_that_of_scipy():
    for right, of in ((0, 7), (3, 7), (40, 52)):
        known = stats.binomtest(right, of).proportion_ci(0.95, "wilson")
        assert wilson(right / of, stats.norm.ppf(0.975) ** 2 / of) == pytest.approx((known.low, known.high))


@pytest.mark.parametrize(("counts", "units"), [((4, 4), 8), ((3, 9), 9)])
def test_where_all_was_right_people_count_as_one_answer_each(counts, units):
    labels = np.repeat([0, 1], counts)
    outputs = np.eye(2)[labels]
    t = stats.t.ppf(0.975, sum(counts) - 2)
    for frames in (1, 50):
        parts = [np.repeat(one, frames, axis=0) for one in (outputs, labels, np.arange(sum(counts)))]
        samples = samples_of(*parts)
        found = score_interval(measures_of(TWO, samples)["accuracy"], resampling_of(samples, 2))
        assert (found.low, found.high) == pytest.approx((units / (units + t**2), 1))


def test_a_score_and_its_opposite_have_mirrored_intervals():
    outputs, labels, people = one_class_people(12, noise=0.8)
    there, back = (summarise(TWO, one, labels, people) for one in (outputs, outputs[:, ::-1]))
    assert (back.low, back.mean, back.high) == pytest.approx((1 - there.high, 1 - there.mean, 1 - there.low))


def test_everyone_right_is_no_certainty_and_more_people_are_more_of_it():
    found = [summarise(TWO, *one_class_people(count, noise=0.01)) for count in (6, 8, 16, 40, 100)]
    lows = [one.low for one in found]
    assert lows == sorted(lows) and lows[0] < 0.6 < 0.75 < lows[2] and 0.95 < lows[4] < 1
    assert all(one.mean == one.high == 1 for one in found)


@pytest.mark.parametrize("counts", [(1, 1), (2, 1), (2, 2), (6, 2)])
def test_a_class_of_fewer_than_three_people_has_no_interval(counts):
    labels = np.repeat(np.repeat([0, 1], counts), 2)
    people = np.repeat([f"p{k}" for k in range(sum(counts))], 2)
    outputs = np.random.default_rng(0).normal(size=(len(labels), 2))
    found = summarise(TWO, outputs, labels, people)
    assert found.low is None and found.high is None and 0 <= found.mean <= 1
    worse = compare(TWO, -outputs, outputs, labels, people)
    assert worse.low is None and worse.high is None


def test_an_area_of_one_class_is_an_input_error():
    outputs, people = np.zeros((4, 2)), np.array(list("abcd"))
    for score in (summarise, pooled_score):
        with pytest.raises(InputError, match="all 4 samples to be scored are of one class"):
            score(TWO, outputs, np.ones(4, int), people)


def test_a_loss_is_told_in_points_and_knows_nothing_finer_than_one_answer():
    outputs, labels, people = one_class_people(20, frames=3, noise=0.8)
    worse = compare(TWO, outputs[:, ::-1], outputs, labels, people)
    assert worse.mean == pytest.approx(100 * (2 * roc_auc_score(labels, outputs[:, 1]) - 1))
    same = compare(TWO, outputs, outputs, labels, people)
    assert (same.low, same.mean, same.high) == (0, 0, 0)
    alike = compare(TWO, 2 * outputs, outputs, labels, people)  # the same order, but not the same outputs
    assert alike.mean == 0 and alike.high == -alike.low
    assert alike.high == pytest.approx(100 / len(labels) * stats.t.ppf(0.975, 18))


@pytest.mark.parametrize("frames", [1, 4])
def test_where_nobody_makes_a_difference_a_person_whose_answers_are_all_alike_counts_as_one(frames):
    labels = np.repeat([0] * 8 + [1] * 8, frames)
    people, answers = np.repeat(np.arange(16), frames), np.repeat([1, *[0] * 7, 0, *[1] * 7], frames)
    reference = np.eye(2)[answers]
    found = macro_f1_lost(TWO, 2 * reference, reference, labels, people)["worse_points"]
    assert found.mean == 0 and found.high == -found.low == pytest.approx(100 / 16 * stats.t.ppf(0.975, 14))


def test_likeness_is_the_intraclass_correlation_of_an_analysis_of_variance():
    right = np.random.default_rng(1).random((9, 6)) < np.linspace(0.1, 0.9, 9)[:, None]
    f = stats.f_oneway(*right.astype(float)).statistic
    place, counts = np.repeat(np.arange(9), 6), np.full(9, 6)
    found = likeness(right.ravel(), place, counts, np.zeros(9, int))
    assert found == pytest.approx((f - 1) / (f - 1 + 6)) and 0 < found < 1


def test_likeness_is_about_the_mean_of_each_class():
    label, counts = np.array([0, 0, 1, 1]), np.array([2, 2, 2, 2])
    place = np.repeat(np.arange(4), 2)
    assert likeness(np.array([1, 1, 1, 1, 0, 0, 0, 0]) == 1, place, counts, label) == 1  # nobody knows
    assert likeness(np.array([1, 0, 0, 1, 0, 0, 0, 0]) == 1, place, counts, label) == 0
    assert likeness(np.array([1, 1, 0, 0, 0, 0, 0, 0]) == 1, place, counts, label) == 1


def test_a_reference_that_is_never_right_does_not_divide_by_zero():
    labels, people = np.arange(24) % 3, np.repeat(list("abcdefgh"), 3)
    never, always = np.eye(3)[(labels + 1) % 3], np.eye(3)[labels]
    found = compare(THREE, always, never, labels, people)
    assert found.mean == -100 and found.low == -100 and found.high < -80


def test_people_are_drawn_whole_so_repeating_their_samples_changes_nothing():
    outputs, labels, people = one_class_people(14)
    once = summarise(TWO, outputs, labels, people)
    thrice = summarise(TWO, *(np.repeat(one, 3, axis=0) for one in (outputs, labels, people)))
    assert (thrice.low, thrice.mean, thrice.high) == pytest.approx((once.low, once.mean, once.high))


def test_a_paired_difference_is_narrower_than_two_scores_of_the_same_people():
    rng = np.random.default_rng(4)
    outputs, labels, people = one_class_people(20)
    near = outputs + 0.05 * rng.normal(size=outputs.shape)
    ours, theirs = (samples_of(one, labels, people) for one in (near, outputs))
    among = resampling_of(ours, 2)
    first, second = (measures_of(TWO, one)["AUC"] for one in (ours, theirs))
    paired, alone = difference_interval(first, second, among), score_interval(first, among)
    assert paired.high - paired.low < 0.5 * (alone.high - alone.low)


def test_a_spread_that_one_person_makes_has_few_degrees_of_freedom():
    alike, alone = np.random.default_rng(0).uniform(-1, 1, 16), np.zeros(16)
    alone[3] = 1.0
    assert jackknife(alike, [0] * 16, by_tails=True) == jackknife(alike, [0] * 16)  # lighter tails than normal
    variance, freedom = jackknife(alone, [0] * 16, by_tails=True)
    excess = 16 * 15 / 16 * ((15 / 16) ** 3 + (1 / 16) ** 3) / (15 / 16) ** 2 - 3 + 6 / 17
    assert freedom == pytest.approx(1 / (1 / 15 + excess / 32))
    assert variance == jackknife(alone, [0] * 16)[0] and freedom < 4
