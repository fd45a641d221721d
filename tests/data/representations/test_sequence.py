"""Padded sequences: what is kept, what is padding, and what statistics may see."""

import numpy as np
import pytest

from xgaze.data.representations.sequence import (
    MOVEMENTS,
    PLACES,
    feature_statistics,
    padded_sequences,
)
from xgaze.errors import InputError

POINTS = [np.array([[0.0, 300], [400, 600], [800, 0]]), np.array([[80.0, 60], [160, 120], [240, 180], [320, 240]])]
DURATIONS = [np.array([100.0, 200, 300]), np.array([50.0, 60, 70, 80])]


def padded(steps, **how):
    return padded_sequences(POINTS, DURATIONS, size=(800, 600), steps=steps, **how)


def test_short_sequences_are_padded_with_zeros_and_keep_their_true_length():
    sequences = padded(4)
    assert sequences.values.dtype == sequences.length.dtype == np.float32
    expected = [[0, 0.5, 100], [0.5, 1, 200], [1, 0, 300], [0, 0, 0]]
    np.testing.assert_allclose(sequences.values[0], expected, atol=1e-6)
    np.testing.assert_array_equal(sequences.length, [[3], [4]])


def test_long_sequences_keep_their_first_fixations():
    sequences = padded(2)
    np.testing.assert_allclose(sequences.values[1], [[0.1, 0.1, 50], [0.2, 0.2, 60]], atol=1e-6)
    np.testing.assert_array_equal(sequences.length, [[2], [2]])


def test_a_fixation_at_the_left_edge_is_no_padding():
    np.testing.assert_array_equal(padded(4).real, [[1, 1, 1, 0], [1, 1, 1, 1]])


def test_zoomed_places_run_over_the_bounding_box():
    np.testing.assert_allclose(padded(4, fit="zoomed").values[1, :, 0], [0, 1 / 3, 2 / 3, 1], atol=1e-6)


def test_statistics_leave_the_padding_out():
    mean, deviation = feature_statistics(padded(300))
    fixations = np.concatenate([np.column_stack([p / (800, 600), d]) for p, d in zip(POINTS, DURATIONS, strict=True)])
    np.testing.assert_allclose(mean, fixations.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(deviation, fixations.std(axis=0), rtol=1e-6)


def test_the_deviation_of_a_constant_feature_counts_as_1():
    sequences = padded_sequences(POINTS, [np.full(3, 90.0), np.full(4, 90.0)], size=(800, 600), steps=4)
    mean, deviation = feature_statistics(sequences)
    assert deviation[2] == 1 and mean[2] == sequences.values[0, 0, 2]


def test_an_empty_sequence_is_refused():
    with pytest.raises(InputError, match="at least one"):
        padded(0)


def test_saccades_say_how_each_fixation_was_reached():
    values = padded(4, saccades=True).values
    assert values.shape == (2, 4, len(PLACES) + len(MOVEMENTS))
    first, second, third, padding = values[0, :, 3:]
    np.testing.assert_allclose(first, [np.log(100), 0, 0, 0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(second, [np.log(200), 400, 300, np.log(501), 400, 300], rtol=1e-6)
    np.testing.assert_allclose(third, [np.log(300), 400, -600, np.log1p(np.hypot(400, 600)), 400, 600], rtol=1e-6)
    assert not padding.any()
    np.testing.assert_array_equal(
        values[1, 0, 4:], 0
    )  # the first fixation of the next scanpath was not reached from this one
