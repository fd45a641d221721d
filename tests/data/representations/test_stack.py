"""Stacks of named representations, in 8 bit."""

import numpy as np
import pytest

from xgaze.data.representations import stack
from xgaze.data.representations.density import density_maps
from xgaze.data.representations.eight_bit import eight_bit
from xgaze.data.representations.fields import gramian_angular_fields
from xgaze.data.representations.stack import channel_names, representations, stacked_eight_bit
from xgaze.errors import InputError

HOW = {"size": (800, 600), "shape": (12, 16)}


def test_eight_bit_rounds_to_the_nearest_of_255_levels():
    np.testing.assert_array_equal(eight_bit(np.array([0, 0.2, 0.501, 1], np.float32)), [0, 51, 128, 255])


def test_eight_bit_of_signed_values_covers_minus_one_to_one():
    levels = eight_bit(np.array([-1, -0.6, 0.2, 1], np.float32), signed=True)
    assert levels.dtype == np.uint8
    np.testing.assert_array_equal(levels, [0, 51, 153, 255])


def test_eight_bit_forgives_rounding_errors_only():
    np.testing.assert_array_equal(eight_bit(np.array([-1e-6, 1 + 1e-6])), [0, 255])
    with pytest.raises(ValueError, match="do not fit"):
        eight_bit(np.array([-0.5, 0.5]))
    with pytest.raises(ValueError, match="do not fit"):
        eight_bit(np.array([0.0, np.nan]))


def test_the_names_of_a_recipe():
    assert tuple(representations()) == ("density", "drawing", "gaf", "mtf")
    assert channel_names(["gaf", "density"]) == ("gaf x", "gaf y", "density")


@pytest.mark.parametrize("fit", ["fixed", "zoomed"])
def test_channels_stand_in_the_order_of_the_names(scanpaths, fit):
    points, durations = scanpaths
    pictures = stacked_eight_bit(["gaf", "density"], points, durations, fit=fit, **HOW)
    assert pictures.shape == (7, 3, 12, 16) and pictures.dtype == np.uint8
    np.testing.assert_array_equal(
        pictures[:, :2], eight_bit(gramian_angular_fields(points, fit=fit, **HOW), signed=True)
    )
    np.testing.assert_array_equal(pictures[:, 2:], eight_bit(density_maps(points, durations, fit=fit, **HOW)))


def test_the_gaussian_reaches_the_density_map(scanpaths):
    points, durations = scanpaths
    pictures = stacked_eight_bit(["density"], points, durations, sigma_px=90.0, **HOW)
    np.testing.assert_array_equal(pictures, eight_bit(density_maps(points, durations, sigma_px=90.0, **HOW)))


def test_8_bit_pictures_are_the_stack_rounded_also_when_cut_into_parts(scanpaths, monkeypatch):
    monkeypatch.setattr(stack, "TOGETHER", 3)
    names = tuple(representations())
    pictures = stacked_eight_bit(names, *scanpaths, **HOW)
    assert pictures.shape == (7, 8, 12, 16) and pictures.dtype == np.uint8
    drawn = [one.draw(*scanpaths, None, fit="fixed", **HOW) for one in representations().values()]
    expected = np.concatenate(drawn, axis=1).astype(float)
    signed = np.array([name.startswith("gaf") for name in channel_names(names)])[None, :, None, None]
    levels = np.where(signed, (expected + 1) / 2, expected) * 255
    assert np.abs(pictures - levels).max() <= 0.5 + 1e-3


def test_an_unknown_name_is_refused_with_the_nearest(scanpaths):
    with pytest.raises(InputError, match="no representation 'densty'; did you mean 'density'"):
        stacked_eight_bit(["densty"], *scanpaths, **HOW)


@pytest.mark.parametrize("names", [[], ["gaf", "gaf"]])
def test_no_name_or_one_name_twice_is_refused(names, scanpaths):
    with pytest.raises(InputError, match="each once"):
        stacked_eight_bit(names, *scanpaths, **HOW)


def test_faults_are_counted_over_all_parts(scanpaths, monkeypatch):
    monkeypatch.setattr(stack, "TOGETHER", 3)
    points, durations = scanpaths
    durations[5][0] = -1
    with pytest.raises(InputError, match=r"1 of 7 scanpaths.*number 5"):
        stacked_eight_bit(["gaf"], points, durations, **HOW)
