"""What every representation refuses, and the frame it is drawn in."""

import numpy as np
import pytest

from xgaze.data.representations.density import density_maps
from xgaze.data.representations.drawing import scanpath_drawings
from xgaze.data.representations.fields import gramian_angular_fields, markov_transition_fields
from xgaze.data.representations.frame import flat_durations, framed, of_scanpaths, same_length
from xgaze.data.representations.graph import transition_graphs
from xgaze.data.representations.sequence import padded_sequences
from xgaze.data.representations.stack import stacked_eight_bit
from xgaze.errors import InputError

SIZE, SHAPE = (800, 600), (8, 10)
EVERY = {
    "density": lambda xy, ms: density_maps(xy, size=SIZE, shape=SHAPE),
    "drawing": lambda xy, ms: scanpath_drawings(xy, ms, size=SIZE, shape=SHAPE),
    "gramian": lambda xy, ms: gramian_angular_fields(xy, size=SIZE, shape=SHAPE),
    "markov": lambda xy, ms: markov_transition_fields(xy, size=SIZE, shape=SHAPE),
    "sequence": lambda xy, ms: padded_sequences(xy, ms, size=SIZE, steps=5),
    "graph": lambda xy, ms: transition_graphs(xy, ms, size=SIZE),
    "stack": lambda xy, ms: stacked_eight_bit(["density"], xy, ms, size=SIZE, shape=SHAPE),
}


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("fixations", [0, 1, 2])
def test_fewer_than_three_fixations_are_refused_and_counted(name, fixations, scanpaths):
    points, durations = scanpaths
    points[4], durations[4] = points[4][:fixations], durations[4][:fixations]
    with pytest.raises(InputError, match=r"1 of 7 scanpaths have fewer than 3 fixations \(the first is number 4"):
        EVERY[name](points, durations)


@pytest.mark.parametrize("name", EVERY)
def test_no_scanpath_at_all_is_refused(name):
    with pytest.raises(InputError, match="no scanpath"):
        EVERY[name]([], [])


def test_a_place_that_is_not_a_number_is_refused_by_scanpath(scanpaths):
    points, _ = scanpaths
    points[2][1, 0] = points[2][3, 1] = points[5][0, 0] = np.nan
    with pytest.raises(InputError, match=r"2 of 7 scanpaths have a place that is not a number \(the first is number 2"):
        framed(points, SIZE, "fixed")


@pytest.mark.parametrize("wrong", [0.0, -10.0, np.inf, np.nan])
def test_durations_must_be_above_zero(wrong, scanpaths):
    points, durations = scanpaths
    durations[6][2] = wrong
    with pytest.raises(InputError, match=r"1 of 7 scanpaths have a fixation whose duration.*number 6"):
        flat_durations(durations, framed(points, SIZE, "fixed"))


def test_durations_of_another_length_are_refused(scanpaths):
    points, durations = scanpaths
    durations[0] = durations[0][:-1]
    with pytest.raises(InputError, match="other lengths"):
        flat_durations(durations, framed(points, SIZE, "fixed"))


def test_fixations_must_have_two_coordinates():
    with pytest.raises(InputError, match="x and y"):
        framed([np.zeros((3, 3))], SIZE, "fixed")
    with pytest.raises(InputError, match="x and y"):
        framed([np.zeros((3, 2)), np.zeros((3, 3))], SIZE, "fixed")


def test_an_unknown_fit_names_the_nearest():
    with pytest.raises(InputError, match="did you mean 'zoomed'"):
        framed([np.zeros((3, 2))], SIZE, "zoom")


def test_a_stimulus_without_extent_is_refused():
    with pytest.raises(InputError, match="above zero"):
        framed([np.zeros((3, 2))], (800, 0), "fixed")


def test_fixed_axes_are_the_stimulus_and_zoomed_ones_the_bounding_box():
    points = [np.array([[200.0, 150], [400, 300], [600, 450]])]
    np.testing.assert_allclose(framed(points, SIZE, "fixed").unit, [[0.25, 0.25], [0.5, 0.5], [0.75, 0.75]])
    zoomed = framed(points, SIZE, "zoomed")
    np.testing.assert_allclose(zoomed.unit, [[0, 0], [0.5, 0.5], [1, 1]])
    np.testing.assert_allclose(zoomed.extent_px, [[400, 300]])


def test_no_rounding_pushes_a_fixation_out_of_its_own_box():
    points = list(np.random.default_rng(0).uniform(0, 1, (200, 5, 2)) * (240, 420) + (100.1, 20.7))
    unit = framed(points, SIZE, "zoomed").unit.reshape(200, 5, 2)
    np.testing.assert_allclose(unit.min(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(unit.max(axis=1), 1, atol=1e-12)
    assert unit.min() == 0 and unit.max() == 1


def test_fixations_on_one_line_lie_in_the_middle_of_a_box_one_pixel_wide():
    zoomed = framed([np.array([[5.0, 1], [5, 2], [5, 9]])], SIZE, "zoomed")
    np.testing.assert_allclose(zoomed.unit[:, 0], 0.5)
    np.testing.assert_allclose(zoomed.extent_px, [[1, 8]])


def test_groups_hold_every_scanpath_once_and_one_length_each(scanpaths):
    points, _ = scanpaths
    frames = framed(points, SIZE, "fixed")
    groups = list(same_length(frames.counts, 2))
    assert sorted(np.concatenate(groups)) == list(range(7))
    assert all(len(group) <= 2 and len(set(frames.counts[group])) == 1 for group in groups)
    for rows in groups:
        expected = np.stack([points[row] for row in rows]) / SIZE
        np.testing.assert_allclose(of_scanpaths(frames.unit, frames, rows), expected)
