"""Metrics at fixations: closed forms, orderings, and the mistakes they must not make."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from sklearn.metrics import roc_auc_score

from xgaze.evaluation.looking.fixation_maps import as_density, correlation, kl_divergence, similarity
from xgaze.evaluation.looking.fixation_scores import (
    auc,
    auc_judd,
    information_gain,
    inside,
    nss,
    rescaled,
    shuffled_auc,
)

SHAPE = (30, 40)
FIXATIONS = np.array([[5.9, 3.2], [6.0, 3.0], [20.5, 15.5], [33.0, 8.0]])
OTHERS = np.array([[1.0, 1.0], [20.0, 15.0], [30.0, 28.0], [39.9, 29.9], [12.0, 20.0]])


def at(points, value=1.0):
    found = np.zeros(SHAPE)
    for x, y in np.floor(points).astype(int):
        found[y, x] = value
    return found


def centre():
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return np.exp(-((x - 19.5) ** 2 + (y - 14.5) ** 2) / 200)


def noise(seed=0):
    return np.random.default_rng(seed).normal(size=SHAPE)


def test_auc_is_the_rank_statistic_that_scikit_learn_computes():
    values = np.round(noise(), 1)  # with ties
    positives = values[[3, 3, 15, 8], [5, 6, 20, 33]]
    labels = np.r_[np.ones(4), np.zeros(values.size)]
    assert auc(values, FIXATIONS) == pytest.approx(roc_auc_score(labels, np.r_[positives, values.ravel()]), abs=1e-12)


def test_shuffled_auc_is_the_rank_statistic_against_other_pictures_fixations():
    values = np.round(noise(1))
    positives = values[[3, 3, 15, 8], [5, 6, 20, 33]]
    negatives = values[[1, 15, 28, 29, 20], [1, 20, 30, 39, 12]]
    expected = np.mean([(p > n) + 0.5 * (p == n) for p in positives for n in negatives])
    assert shuffled_auc(values, FIXATIONS, OTHERS) == pytest.approx(expected, abs=1e-12)


def judd_by_loop(values, points):
    """Textbook form: one threshold per fixated value, straight lines between."""
    fixated = at(points) > 0
    positives = [values[int(y), int(x)] for x, y in points]
    curve = [(0.0, 0.0)]
    for threshold in sorted(positives, reverse=True):
        curve.append((np.mean(values[~fixated] >= threshold), np.mean(np.array(positives) >= threshold)))
    curve.append((1.0, 1.0))
    return sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(curve))


@pytest.mark.parametrize("seed", range(5))
def test_auc_judd_draws_its_curve_through_the_fixated_values(seed):
    values = np.round(noise(seed), 1)
    assert auc_judd(values, FIXATIONS) == pytest.approx(judd_by_loop(values, FIXATIONS), abs=1e-12)


@pytest.mark.parametrize("metric", [auc, auc_judd])
def test_perfect_beats_centre_bias_beats_constant_beats_inverted(metric):
    central = np.array([[18.0, 13.0], [22.0, 16.0], [25.0, 14.0], [19.0, 20.0]])
    blurred = gaussian_filter(at(central), 1.0)
    assert metric(np.full(SHAPE, 0.1), central) == 0.5
    assert metric(at(central), central) == metric(blurred, central) > metric(centre(), central) > 0.65
    assert 0.35 > metric(-centre(), central) > metric(-blurred, central)


def test_the_inverted_fixation_map_has_an_auc_of_nearly_zero():
    assert auc(-at(FIXATIONS), FIXATIONS) == pytest.approx(0, abs=4 / np.prod(SHAPE))


def test_a_perfect_map_tells_all_fixated_from_all_unfixated_pixels():
    assert auc_judd(at(FIXATIONS), FIXATIONS) == 1.0
    pixels = len(np.unique(np.floor(FIXATIONS), axis=0))
    assert auc(at(FIXATIONS), FIXATIONS) == pytest.approx(1 - pixels / 2 / np.prod(SHAPE), abs=1e-12)


def test_a_single_corner_pixel_tells_nothing():
    corner = np.zeros(SHAPE)
    corner[0, 0] = 1.0
    assert auc_judd(corner, FIXATIONS) == 0.5
    assert auc(corner, FIXATIONS) == pytest.approx(0.5 - 0.5 / corner.size, abs=1e-12)
    assert shuffled_auc(corner, FIXATIONS, OTHERS) == 0.5


def test_a_rank_equal_map_scores_as_the_perfect_one_whatever_its_values():
    """A mean agreement over fixed thresholds would give a faint perfect map the score of a constant one."""
    faint = 0.5 + 1e-6 * at(FIXATIONS)
    assert auc_judd(faint, FIXATIONS) == auc_judd(at(FIXATIONS), FIXATIONS) == 1.0


def test_the_centre_bias_scores_a_half_against_its_own_fixations():
    many = np.random.default_rng(0).normal((20, 15), 4, (4000, 2)).clip(0, (39.9, 29.9))
    assert auc(centre(), many[:2000]) > 0.85
    assert shuffled_auc(centre(), many[:2000], many[2000:]) == pytest.approx(0.5, abs=0.02)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), power=st.sampled_from([3, 5]), gain=st.floats(0.1, 50), shift=st.floats(-5, 5))
def test_aucs_do_not_change_under_a_monotone_change_of_the_map(seed, power, gain, shift):
    # Whole numbers, so that the change cannot merge two values.
    values = np.random.default_rng(seed).integers(-9, 9, SHAPE).astype(float)
    changed = gain * values**power + shift
    assert auc(changed, FIXATIONS) == auc(values, FIXATIONS)
    assert auc_judd(changed, FIXATIONS) == auc_judd(values, FIXATIONS)
    assert shuffled_auc(changed, FIXATIONS, OTHERS) == shuffled_auc(values, FIXATIONS, OTHERS)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), gain=st.floats(0.1, 50), shift=st.floats(-5, 5))
def test_nss_and_cc_do_not_change_under_a_linear_change_of_the_map(seed, gain, shift):
    values = noise(seed)
    assert nss(gain * values + shift, FIXATIONS) == pytest.approx(nss(values, FIXATIONS), abs=1e-9)
    assert correlation(gain * values + shift, centre()) == pytest.approx(correlation(values, centre()), abs=1e-9)
    assert nss(-values, FIXATIONS) == pytest.approx(-nss(values, FIXATIONS), abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_inverting_a_map_inverts_its_auc(seed):
    values = noise(seed)
    assert auc(-values, FIXATIONS) == pytest.approx(1 - auc(values, FIXATIONS), abs=1e-12)


def test_nss_of_one_bright_pixel_has_its_closed_form():
    """One pixel of N: mean 1/N, population standard deviation sqrt(N - 1) / N, so NSS there is sqrt(N - 1)."""
    one = FIXATIONS[:1]
    assert nss(at(one), one) == pytest.approx(np.sqrt(np.prod(SHAPE) - 1))
    assert nss(at(one).astype(np.uint8), one) == pytest.approx(np.sqrt(np.prod(SHAPE) - 1))


def test_a_constant_map_has_nss_zero_even_where_rounding_would_leave_a_deviation():
    assert nss(np.full(SHAPE, 0.1), FIXATIONS) == 0.0


def test_information_gain_counts_bits_over_the_baseline():
    uniform = np.full(SHAPE, 7.0)
    half = np.zeros(SHAPE)
    half[:, :20] = 1.0  # all on the left half: one bit more than uniform for fixations there
    left = FIXATIONS[FIXATIONS[:, 0] < 20]
    assert information_gain(half, uniform, left) == pytest.approx(1.0, abs=1e-8)
    assert information_gain(uniform, half, left) == pytest.approx(-1.0, abs=1e-8)
    assert information_gain(centre(), centre(), FIXATIONS) == 0.0


def test_information_gain_stays_finite_where_a_map_says_never():
    loss = information_gain(at(OTHERS), np.ones(SHAPE), np.array([[3.0, 3.0]]))
    assert loss == pytest.approx(np.log2(2.2204e-16) - np.log2(1 / np.prod(SHAPE)), abs=1e-6)


def test_fixations_keep_their_relative_place_on_another_picture():
    moved = rescaled([[400, 300], [80, 60]], (800, 600), (40, 30))
    assert moved.tolist() == [[20, 15], [4, 3]]
    assert inside([[0, 0], [39.99, 29.99], [40, 5], [5, -0.1], [5, 30]], (40, 30)).tolist() == [
        True,
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize("metric", [auc, auc_judd, nss])
@pytest.mark.parametrize(
    ("values", "points", "message"),
    [
        (np.ones(SHAPE), np.empty((0, 2)), "no fixations"),
        (np.ones(SHAPE), [[40.0, 3.0]], "1 of 1 fixations lie outside the 40x30 px map"),
        (np.full(SHAPE, np.nan), FIXATIONS, "1200 of 1200 values of the map are not finite"),
        (np.ones(5), FIXATIONS, "a height and a width"),
    ],
)
def test_what_cannot_be_scored_is_refused_in_words(metric, values, points, message):
    with pytest.raises(ValueError, match=message):
        metric(values, points)


def test_a_picture_fixated_everywhere_has_no_auc_judd():
    with pytest.raises(ValueError, match="every pixel is fixated"):
        auc_judd(np.ones((1, 2)), [[0, 0], [1, 0]])


def test_cc_is_the_pearson_correlation_and_zero_for_a_constant_map():
    expected = np.corrcoef(noise(1).ravel(), centre().ravel())[0, 1]
    assert correlation(noise(1), centre()) == pytest.approx(expected, abs=1e-12)
    assert correlation(centre(), centre()) == pytest.approx(1)
    assert correlation(np.full(SHAPE, 0.1), centre()) == correlation(centre(), np.full(SHAPE, 0.1)) == 0.0


def test_sim_is_the_shared_mass():
    left, right = np.zeros(SHAPE), np.zeros(SHAPE)
    left[:, :20], right[:, 20:] = 1, 1
    assert similarity(left, right) == 0.0
    assert similarity(centre(), 5 * centre()) == pytest.approx(1)
    assert similarity(left, np.ones(SHAPE)) == pytest.approx(0.5)


def test_kl_of_half_the_picture_from_a_uniform_map_is_ln_2():
    left = np.zeros(SHAPE)
    left[:, :20] = 1
    assert kl_divergence(np.ones(SHAPE), left) == pytest.approx(np.log(2))
    assert kl_divergence(centre(), centre()) == pytest.approx(0, abs=1e-9)
    # The other way the missing half is charged at 1 / epsilon, not at infinity.
    assert kl_divergence(left, np.ones(SHAPE)) == pytest.approx(
        0.5 * np.log(0.5) + 0.5 * np.log(1 / 1200 / 2.2204e-16), rel=1e-6
    )


def test_a_density_sums_to_one_negative_and_zero_maps_included():
    assert as_density(noise()).sum() == pytest.approx(1) and as_density(noise()).min() == 0
    assert np.array_equal(as_density(np.zeros(SHAPE)), np.full(SHAPE, 1 / 1200))


def test_maps_of_two_sizes_are_not_compared():
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(3, 2\)"):
        similarity(np.ones((2, 3)), np.ones((3, 2)))
