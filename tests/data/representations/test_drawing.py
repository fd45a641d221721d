"""Scanpath drawings whose pixels are known beforehand. The stimulus is as large as the picture: one px, one pixel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xgaze.data.representations.drawing import scanpath_drawings

SIDE = 50  # the largest disc has a radius of 4 % of it: 2 pixels


def drawn(points, durations=None, **how):
    points = np.asarray(points, float)
    durations = np.full(len(points), 1000.0) if durations is None else np.asarray(durations, float)
    (picture,) = scanpath_drawings([points], [durations], size=(SIDE, SIDE), shape=(SIDE, SIDE), **how)
    return picture


def test_discs_are_round_and_anti_aliased():
    discs, _, _ = drawn([(10.5, 20.5), (30.5, 20.5), (10.5, 40.5)])
    yy, xx = np.mgrid[:SIDE, :SIDE]
    expected = np.zeros((SIDE, SIDE))
    for x, y in ((10, 20), (30, 20), (10, 40)):
        expected = np.maximum(expected, np.clip(2.5 - np.hypot(xx - x, yy - y), 0, 1))
    np.testing.assert_allclose(discs, expected, atol=1e-6)


def test_the_area_of_a_disc_grows_with_the_duration_up_to_the_longest():
    discs, _, _ = drawn([(10.5, 10.5), (25.5, 10.5), (40.5, 10.5)], [250, 1000, 4000])
    quarter, whole, longer = (discs[:, a:b].sum() for a, b in ((3, 18), (18, 33), (33, 48)))
    assert whole == longer == pytest.approx(np.pi * 4, rel=0.06)
    assert quarter == pytest.approx(np.pi, rel=0.15)


def test_a_level_and_an_upright_saccade_fill_exactly_their_pixels():
    _, lines, _ = drawn([(5.5, 10.5), (20.5, 10.5), (20.5, 30.5)])
    expected = np.zeros((SIDE, SIDE))
    expected[10, 5:21] = 0.5  # the first of two saccades
    expected[10:31, 20] = 1  # the last
    np.testing.assert_allclose(lines, expected, atol=1e-6)


def test_the_direction_of_a_saccade_does_not_move_its_pixels():
    there = drawn([(40.5, 40.5), (7.5, 13.5), (7.5, 13.5)])[1]
    back = drawn([(7.5, 13.5), (40.5, 40.5), (40.5, 40.5)])[1]
    np.testing.assert_allclose(there[20:30], back[20:30], atol=1e-5)


def test_a_slanting_line_shares_each_step_between_two_pixels():
    _, lines, _ = drawn([(10.5, 10.5), (10.5, 10.5), (30.5, 15.5)])
    for x in range(10, 31):
        assert lines[:, x].sum() == pytest.approx(1, abs=1e-5)
        assert (lines[:, x] * np.arange(SIDE)).sum() == pytest.approx(10 + (x - 10) / 4, abs=1e-4)


def test_a_diagonal_line_has_one_pixel_per_row():
    _, lines, _ = drawn([(5.5, 5.5), (5.5, 5.5), (25.5, 25.5)])
    np.testing.assert_allclose(np.diag(lines)[5:26], 1, atol=1e-5)
    assert lines.sum() == pytest.approx(21, abs=1e-3)


def test_areas_show_the_share_of_the_time_spent_in_them():
    _, _, areas = drawn([(2.0, 2.0), (3.0, 3.0), (50.0, 50.0)], [100, 300, 200])
    expected = np.zeros((SIDE, SIDE))
    expected[:5, :5], expected[45:, 45:] = 1, 0.5
    np.testing.assert_allclose(areas, expected, atol=1e-6)


def test_what_lies_outside_the_stimulus_is_not_drawn():
    discs, lines, areas = drawn([(25.5, 25.5), (25.5, 1e7), (-1e7, 25.5)])
    inside = drawn([(25.5, 25.5), (25.5, 25.5), (25.5, 25.5)])
    np.testing.assert_allclose(discs, inside[0], atol=1e-6)
    np.testing.assert_allclose(areas, inside[2], atol=1e-6)
    np.testing.assert_allclose(lines[26:, 25], 0.5, atol=1e-5)
    assert lines[:25].sum() == pytest.approx(0, abs=1e-4)


def test_a_zoomed_drawing_does_not_change_when_the_scanpath_is_shifted_and_stretched():
    points = np.random.default_rng(0).uniform(0, SIDE, (6, 2))
    one, other = drawn(points, fit="zoomed"), drawn(points * (3, 7) + (100, 20), fit="zoomed")
    np.testing.assert_allclose(one, other, atol=1e-4)


def test_more_scanpaths_than_are_drawn_together_come_out_one_by_one():
    rng = np.random.default_rng(1)
    points = [rng.uniform(0, SIDE, (n, 2)) for n in rng.integers(3, 9, 70)]
    durations = [rng.uniform(50, 900, len(one)) for one in points]
    together = scanpath_drawings(points, durations, size=(SIDE, SIDE), shape=(20, 30))
    assert together.shape == (70, 3, 20, 30) and together.dtype == np.float32
    for k in (0, 31, 32, 33, 69):
        (alone,) = scanpath_drawings([points[k]], [durations[k]], size=(SIDE, SIDE), shape=(20, 30))
        np.testing.assert_array_equal(together[k], alone)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["fixed", "zoomed"]))
def test_drawings_lie_in_0_to_1_and_ignore_the_order_of_scanpaths(seed, fit):
    rng = np.random.default_rng(seed)
    points = [rng.uniform(-20, SIDE + 20, (n, 2)) for n in rng.integers(3, 12, 5)]
    durations = [rng.uniform(1, 2000, len(one)) for one in points]
    order = rng.permutation(5)
    how = {"size": (SIDE, SIDE), "shape": (20, 30), "fit": fit}
    drawings = scanpath_drawings(points, durations, **how)
    assert drawings.min() >= 0 and drawings.max() <= 1
    mixed = scanpath_drawings([points[k] for k in order], [durations[k] for k in order], **how)
    np.testing.assert_array_equal(mixed, drawings[order])
