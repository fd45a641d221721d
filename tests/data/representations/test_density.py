"""Fixation-density heatmaps against Gaussians summed one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from xgaze.data.representations.density import density_maps, gaussian_px
from xgaze.errors import InputError

SHAPE = (30, 40)


def summed_one_by_one(points, weights, corner, extent, sigma_px, shape=SHAPE):
    """scipy's normal density at the pixels' centres, fixation by fixation, over its maximum."""
    x, y = (corner[k] + (np.arange(shape[1 - k]) + 0.5) * extent[k] / shape[1 - k] for k in (0, 1))
    places = np.stack(np.meshgrid(x, y), axis=-1)
    total = sum(w * multivariate_normal(p, sigma_px**2).pdf(places) for p, w in zip(points, weights, strict=True))
    return total / total.max()


@pytest.mark.parametrize("fit", ["fixed", "zoomed"])
@pytest.mark.parametrize("weighted", [False, True])
def test_maps_equal_gaussians_summed_one_by_one(scanpaths, size, fit, weighted):
    points, durations = scanpaths
    maps = density_maps(points, durations if weighted else None, size=size, shape=SHAPE, fit=fit, sigma_px=35.0)
    assert maps.shape == (7, 1, *SHAPE) and maps.dtype == np.float32
    for k, (one, ms) in enumerate(zip(points, durations, strict=True)):
        corner, extent = ((0, 0), size) if fit == "fixed" else (one.min(axis=0), np.ptp(one, axis=0))
        expected = summed_one_by_one(one, ms if weighted else np.ones(len(one)), corner, extent, 35.0)
        np.testing.assert_allclose(maps[k, 0], expected, atol=1e-6)


def test_degrees_are_pixels_by_the_scale(scanpaths, size):
    points, _ = scanpaths
    in_degrees = density_maps(points, size=size, shape=SHAPE, sigma_deg=1.5, px_per_degree=24.0)
    np.testing.assert_array_equal(in_degrees, density_maps(points, size=size, shape=SHAPE, sigma_px=36.0))


def test_the_default_gaussian_is_a_twenty_fifth_of_the_width():
    assert gaussian_px((1920, 1080), None, None, None) == pytest.approx(76.8)


@pytest.mark.parametrize(
    ("widths", "message"),
    [
        ((30.0, 1.0, 24.0), "once"),
        ((None, 1.0, None), "px_per_degree"),
        ((None, 1.0, 0.0), "px_per_degree"),
        ((0.0, None, None), "above zero"),
        ((float("nan"), None, None), "above zero"),
    ],
)
def test_an_unclear_width_is_refused(widths, message):
    with pytest.raises(InputError, match=message):
        gaussian_px((800, 600), *widths)


def test_a_map_that_would_be_empty_is_refused(size):
    outside = [np.full((3, 2), 90_000.0)]
    with pytest.raises(InputError, match="empty"):
        density_maps(outside, size=size, shape=SHAPE, sigma_px=20.0)


def test_far_fixations_leave_exact_zeros_where_nothing_is_left(size):
    corner = [np.array([(10.0, 10.0), (20.0, 20.0), (30.0, 10.0)])]
    (picture,) = density_maps(corner, size=size, shape=SHAPE, sigma_px=10.0)[0]
    assert picture[0, 0] > 0.5 and not picture[20:, 20:].any()
    positive = picture[picture > 0]
    assert positive.min() > np.finfo(np.float32).tiny


def test_a_repeated_fixation_weighs_as_one_of_twice_the_duration(size):
    here, there, last = (100.0, 100.0), (600.0, 400.0), (300.0, 500.0)
    repeated = density_maps([np.array([here, here, there, last])], size=size, shape=SHAPE)
    weighted = density_maps([np.array([here, there, last])], [np.array([200.0, 100, 100])], size=size, shape=SHAPE)
    np.testing.assert_allclose(repeated, weighted, atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["fixed", "zoomed"]))
def test_maps_lie_in_0_to_1_and_ignore_the_order_of_scanpaths_and_of_fixations(seed, fit):
    rng = np.random.default_rng(seed)
    points = [rng.uniform((0, 0), (800, 600), (n, 2)) for n in rng.integers(3, 12, 6)]
    order = rng.permutation(6)
    maps = density_maps(points, size=(800, 600), shape=(9, 12), fit=fit)
    assert maps.min() >= 0
    np.testing.assert_array_equal(maps.max(axis=(1, 2, 3)), 1)
    mixed = [rng.permutation(points[k]) for k in order]
    np.testing.assert_allclose(density_maps(mixed, size=(800, 600), shape=(9, 12), fit=fit), maps[order], atol=1e-6)
