"""Attention maps: equal to one window per fixation, and without the faults such maps are known to have."""

import numpy as np
import pytest

from xgaze.data.fixations.attention_fixations import carried_over, long_ones, merged
from xgaze.data.photographs.attention import Spread, attention_map, gaussian_sum, grey, px_per_degree
from xgaze.errors import InputError


def one_window_per_fixation(points, durations, size, sigma, window):
    """The plain way: a square picture of one Gaussian, added at every fixation, the parts outside cut off."""
    width, height = size
    place = np.arange(window) - window // 2
    stamp = np.exp(-(place[:, None] ** 2 + place[None, :] ** 2) / (2 * sigma**2))
    margin = window + 100
    total = np.zeros((height + 2 * margin, width + 2 * margin))
    for (x, y), duration in zip(np.floor(points).astype(int), durations, strict=True):
        left, top = x - window // 2 + margin, y - window // 2 + margin
        total[top : top + window, left : left + window] += duration * stamp
    return total[margin : margin + height, margin : margin + width]


@pytest.mark.parametrize("window", [500, 121, 60])
@pytest.mark.parametrize("sigma", [75.0, 12.5])
def test_the_map_equals_one_window_per_fixation(window, sigma):
    rng = np.random.default_rng(window)
    points, durations = rng.uniform((-40, -40), (360, 280), (12, 2)), rng.uniform(80, 900, 12)
    expected = one_window_per_fixation(points, durations, (320, 240), sigma, window)
    found = gaussian_sum(points, durations, (320, 240), Spread(sigma, window))
    assert np.abs(found - expected).max() < 1e-6 * expected.max()
    stretched = (expected - expected.min()) / np.ptp(expected)
    assert np.abs(attention_map(points, durations, (320, 240), Spread(sigma, window)) - stretched).max() < 1e-6


def test_the_window_really_cuts():
    cut = gaussian_sum([[50, 50]], [1.0], (101, 101), Spread(30, 40))
    assert cut[50, 30] > 0.5 and cut[50, 29] == 0 and cut[50, 69] > 0.5 and cut[50, 70] == 0
    assert gaussian_sum([[50, 50]], [1.0], (101, 101), Spread(30, None)).min() > 0.05


def test_a_peak_is_as_high_as_its_fixation_was_long():
    total = gaussian_sum([[20.7, 30.2], [180, 130]], [300.0, 600.0], (200, 150), Spread(5, 60))
    assert total[30, 20] == 300.0 and total[130, 180] == 600.0
    assert total[30, 25] == pytest.approx(300 * np.exp(-0.5))


def test_the_last_fixation_counts():
    points, durations = np.array([[20.0, 20.0], [80.0, 60.0], [150.0, 100.0]]), np.array([100.0, 100.0, 400.0])
    whole = attention_map(points, durations, (200, 150), Spread(10))
    assert np.unravel_index(whole.argmax(), whole.shape) == (100, 150)


def test_a_map_spans_0_to_1_and_all_shades():
    found = attention_map([[20, 20], [150, 100]], [100, 400], (200, 150), Spread(10))
    assert (found.min(), found.max()) == (0.0, 1.0)
    shades = grey(found)
    assert shades.dtype == np.uint8 and (shades.min(), shades.max()) == (0, 255)
    assert grey(np.array([0.5, 0.25])).tolist() == [128, 64]


@pytest.mark.parametrize(
    ("points", "durations"),
    [(np.empty((0, 2)), []), ([[5000, 5000]], [200.0]), ([[10, 10]], [0.0]), ([[10, 10]], [np.nan])],
    ids=["no fixation", "far outside", "no duration", "unknown duration"],
)
def test_a_blank_map_is_refused_by_name_never_nan(points, durations):
    with pytest.raises(InputError, match=r"bird 7: a blank attention map.*200x150 px"):
        attention_map(points, durations, (200, 150), name="bird 7")


def test_a_fixation_beside_the_picture_adds_what_reaches_inside():
    found = attention_map([[-10, 75]], [200.0], (200, 150), Spread(20, None))
    assert np.unravel_index(found.argmax(), found.shape) == (75, 0)


@pytest.mark.parametrize(("sigma", "window"), [(0.0, 500), (float("nan"), 500), (75.0, 0)])
def test_a_spread_without_extent_is_refused(sigma, window):
    with pytest.raises(InputError, match="must be"):
        Spread(sigma, window)


def test_one_degree_at_57_cm_is_about_one_cm():
    assert px_per_degree(57.29, 50, 1000) == pytest.approx(20, abs=0.01)
    with pytest.raises(InputError, match="above 0"):
        px_per_degree(0, 50, 1000)


def test_only_fixations_long_enough_stay_and_the_limit_is_heard():
    points, durations = [[0, 0], [1, 1], [2, 2]], [349.9, 350.0, 800.0]
    assert long_ones(points, durations)[1].tolist() == [350.0, 800.0]
    assert long_ones(points, durations, 500)[0].tolist() == [[2, 2]]
    assert long_ones(points, durations, 0)[1].tolist() == durations


def test_the_closest_pair_becomes_its_midpoint_with_its_mean_duration():
    points, durations = merged([[0, 0], [100, 0], [104, 2], [50, 80]], [400, 500, 700, 600], most=3)
    assert points.tolist() == [[0, 0], [102, 1], [50, 80]] and durations.tolist() == [400, 600, 600]
    assert len(merged(np.random.default_rng(0).uniform(0, 500, (20, 2)), np.full(20, 400.0))[0]) == 7


def test_merging_leaves_few_fixations_and_the_arguments_as_they_are():
    points, durations = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([400.0, 500.0])
    found = merged(points, durations, most=2)
    assert np.array_equal(found[0], points) and np.array_equal(found[1], durations)
    merged(points, durations, most=1)
    assert points.tolist() == [[1, 2], [3, 4]] and durations.tolist() == [400, 500]
    with pytest.raises(ValueError, match="at least one"):
        merged(points, durations, most=0)


def test_a_first_duration_equal_to_the_last_before_was_carried_over():
    seen = [np.array([200.0, 312.5]), np.array([312.5, 90.0]), np.array([90.1, 50.0]), np.array([]), np.array([50.0])]
    assert carried_over(seen).tolist() == [False, True, False, False, False]
    assert carried_over([]).tolist() == [] and carried_over([np.array([1.0])]).tolist() == [False]
