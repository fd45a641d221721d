"""Gramian angular fields and Markov transition fields against their closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xgaze.data.representations.fields import (
    gramian_angular_fields,
    markov_transition_fields,
    quantile_states,
    spread,
    transition_probabilities,
)

SIZE = (800, 600)


@pytest.mark.parametrize("fit", ["fixed", "zoomed"])
@pytest.mark.parametrize("difference", [False, True])
def test_the_gramian_field_is_the_cosine_of_the_sum_or_the_sine_of_the_difference(scanpaths, fit, difference):
    points = [one for one in scanpaths[0] if len(one) == 9]
    fields = gramian_angular_fields(points, size=SIZE, shape=(9, 9), fit=fit, difference=difference)
    assert fields.shape == (2, 2, 9, 9) and fields.dtype == np.float32
    for one, field in zip(points, fields, strict=True):
        low, extent = ((0, 0), SIZE) if fit == "fixed" else (one.min(axis=0), np.ptp(one, axis=0))
        phi = np.arccos(np.clip(2 * (one - low) / extent - 1, -1, 1))
        for axis in (0, 1):
            a, b = phi[:, axis, None], phi[None, :, axis]
            expected = np.sin(a - b) if difference else np.cos(a + b)
            np.testing.assert_allclose(field[axis], expected, atol=1e-6)


def test_each_fixation_of_a_short_series_fills_an_equal_share_of_the_side(scanpaths):
    points = [scanpaths[0][1]]
    small = gramian_angular_fields(points, size=SIZE, shape=(3, 3))
    large = gramian_angular_fields(points, size=SIZE, shape=(12, 6))
    np.testing.assert_allclose(large, small.repeat(4, axis=2).repeat(2, axis=3), atol=1e-6)


def test_a_long_series_is_averaged_before_its_angle_is_taken():
    x = np.array([100.0, 300, 500, 700, 0, 800])
    points = [np.column_stack([x, x / 2])]
    phi = np.arccos(2 * np.array([200, 600, 400]) / 800 - 1)
    field = gramian_angular_fields(points, size=SIZE, shape=(3, 3))[0, 0]
    np.testing.assert_allclose(field, np.cos(phi[:, None] + phi), atol=1e-6)


def test_spreading_shares_a_pixel_between_the_fixations_that_meet_in_it():
    np.testing.assert_allclose(spread(3, 2), [[2 / 3, 1 / 3, 0], [0, 1 / 3, 2 / 3]], atol=1e-7)
    np.testing.assert_allclose(spread(7, 100).sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(spread(8, 8), np.eye(8))


def test_places_outside_the_stimulus_count_as_its_edge():
    beyond = [np.array([[-50.0, 300], [400, 700], [900, 300]])]
    edge = [np.array([[0.0, 300], [400, 600], [800, 300]])]
    how = {"size": SIZE, "shape": (5, 5)}
    np.testing.assert_array_equal(gramian_angular_fields(beyond, **how), gramian_angular_fields(edge, **how))


@pytest.mark.parametrize("fixations", [3, 11, 21, 40])
def test_states_are_numpys_quantile_bins(fixations):
    series = np.random.default_rng(fixations).normal(size=fixations)
    exact = np.sort(series)
    inner = [
        (1 - f) * exact[i] + f * exact[min(i + 1, fixations - 1)] if f else exact[i]
        for i, f in ((k * (fixations - 1) // 10, k * (fixations - 1) % 10 / 10) for k in range(1, 10))
    ]
    np.testing.assert_allclose(inner, np.quantile(series, np.arange(1, 10) / 10), atol=1e-12)
    np.testing.assert_array_equal(quantile_states(series), np.digitize(series, inner))


def test_equal_values_share_a_state():
    np.testing.assert_array_equal(quantile_states(np.array([1.0, 1, 2, 2, 3, 3]), 3), [0, 0, 1, 1, 2, 2])


def test_a_chain_of_three_states_has_the_probabilities_counted_by_hand():
    chain = np.array([0, 1, 2, 0, 1, 1, 0])
    by_hand = [[0, 1, 0], [1 / 3, 1 / 3, 1 / 3], [1, 0, 0]]
    np.testing.assert_allclose(transition_probabilities(chain, 3), by_hand, atol=1e-7)


def test_the_field_holds_the_probability_between_the_states_of_two_fixations():
    x = np.array([10.0, 20, 30, 11, 21, 22])  # states of thirds 0 1 2 0 1 2 by rank 0 2 5 1 3 4
    states = [0, 1, 2, 0, 1, 2]
    by_hand = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]], float)
    points = [np.column_stack([x, x[::-1]])]
    np.testing.assert_array_equal(quantile_states(x, 3), states)
    fields = markov_transition_fields(points, size=SIZE, shape=(6, 6), bins=3)
    np.testing.assert_allclose(fields[0, 0], by_hand[np.ix_(states, states)], atol=1e-6)
    backwards = states[::-1]
    np.testing.assert_allclose(fields[0, 1], by_hand.T[np.ix_(backwards, backwards)], atol=1e-6)


def test_a_smaller_field_is_the_mean_of_its_blocks():
    points = [np.random.default_rng(5).uniform((0, 0), SIZE, (24, 2))]
    whole = markov_transition_fields(points, size=SIZE, shape=(24, 24))
    blocks = whole.reshape(1, 2, 6, 4, 8, 3).mean(axis=(3, 5))
    np.testing.assert_allclose(markov_transition_fields(points, size=SIZE, shape=(6, 8)), blocks, atol=1e-6)


def test_ten_bins_are_the_default():
    points = [np.random.default_rng(6).uniform((0, 0), SIZE, (15, 2))]
    how = {"size": SIZE, "shape": (15, 15)}
    np.testing.assert_array_equal(
        markov_transition_fields(points, **how), markov_transition_fields(points, bins=10, **how)
    )


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_invariants_of_the_fields(seed):
    rng = np.random.default_rng(seed)
    points = [rng.uniform((0, 0), SIZE, (n, 2)) for n in rng.integers(3, 30, 6)]
    order = rng.permutation(6)
    how = {"size": SIZE, "shape": (12, 12)}
    gramian, markov = gramian_angular_fields(points, **how), markov_transition_fields(points, **how)
    np.testing.assert_allclose(gramian, gramian.swapaxes(2, 3), atol=1e-6)
    angular = gramian_angular_fields(points, difference=True, **how)
    np.testing.assert_allclose(angular, -angular.swapaxes(2, 3), atol=1e-6)
    assert np.abs(gramian).max() <= 1 + 1e-6 and markov.min() >= 0 and markov.max() <= 1 + 1e-6
    mixed = [points[k] for k in order]
    np.testing.assert_allclose(gramian_angular_fields(mixed, **how), gramian[order], atol=1e-6)
    np.testing.assert_allclose(markov_transition_fields(mixed, **how), markov[order], atol=1e-6)
    np.testing.assert_array_equal(markov_transition_fields(points, fit="zoomed", **how), markov)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=3, max_size=40))
def test_rows_of_transition_probabilities_sum_to_one_or_nothing(states):
    sums = transition_probabilities(np.array(states)).sum(axis=1)
    followed = np.isin(np.arange(10), states[:-1])
    np.testing.assert_allclose(sums, followed, atol=1e-6)
