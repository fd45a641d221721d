"""Centre bias, uniform map and inter-observer ceiling: known answers."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import gaussian_kde

from xgaze.evaluation.looking.centre_bias import BANDWIDTHS, fit_centre_bias
from xgaze.evaluation.looking.fixation_scores import auc, nss
from xgaze.evaluation.looking.saliency_baselines import blurred_fixations, maps_of_others, uniform

SIZE = (80, 60)


def central(pictures=30, each=40, spread=0.12, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(0.5, spread, (each, 2)).clip(0, 0.999) for _ in range(pictures)]


def test_the_centre_bias_is_a_kernel_density_with_a_uniform_part():
    places = np.concatenate(central())
    bias = fit_centre_bias([places], bandwidth=0.1)
    kde = gaussian_kde(places.T)
    kde.set_bandwidth(0.1 / np.sqrt(np.diag(np.cov(places.T)).mean()))
    y, x = (np.mgrid[:64, :64] + 0.5) / 64
    expected = kde(np.stack([x.ravel(), y.ravel()])).reshape(64, 64)
    expected = 0.99 * expected / expected.sum() + 0.01 / 64**2
    assert np.abs(bias.density - expected).max() < 0.02 * expected.max()
    assert bias.density.sum() == pytest.approx(1)


def test_the_bandwidth_follows_the_spread_of_the_fixations():
    wide, narrow = (fit_centre_bias(central(each=each)).bandwidth for each in (3, 400))
    assert wide in BANDWIDTHS and narrow in BANDWIDTHS and narrow < wide


def test_a_bandwidth_that_only_remembers_each_picture_is_not_chosen():
    """All of a picture's fixations lie on one spot, elsewhere in every picture: with them left in, the narrowest would win."""
    rng = np.random.default_rng(0)
    spots = [np.repeat(rng.uniform(0.2, 0.8, (1, 2)), 50, axis=0) for _ in range(12)]
    assert fit_centre_bias(spots).bandwidth > min(BANDWIDTHS) * 3


def test_the_map_has_the_pictures_shape_and_its_mass_in_the_middle():
    found = fit_centre_bias(central()).map((60, 80))
    assert found.shape == (60, 80) and found.sum() == pytest.approx(1)
    assert found[15:45, 20:60].sum() > 0.85
    rows, columns = np.indices(found.shape)
    assert (found * rows).sum() == pytest.approx(29.5, abs=0.7) and (found * columns).sum() == pytest.approx(
        39.5, abs=0.9
    )


def test_x_is_across_and_y_is_down():
    found = fit_centre_bias([[[0.9, 0.1]] * 5], bandwidth=0.05).map((60, 80))
    row, column = np.unravel_index(found.argmax(), found.shape)
    assert abs(row - 6) <= 1 and abs(column - 72) <= 1


@pytest.mark.parametrize(
    ("pictures", "message"), [([[[2.0, 0.5]]], "no fixation lies on"), ([[[0.5, 0.5]]], "at least two")]
)
def test_what_cannot_be_fitted_is_refused(pictures, message):
    with pytest.raises(ValueError, match=message):
        fit_centre_bias(pictures)


def test_uniform_knows_nothing():
    points = np.array([[3.0, 4.0], [70, 50]])
    assert uniform(SIZE).sum() == pytest.approx(1) and uniform(SIZE).shape == (60, 80)
    assert auc(uniform(SIZE), points) == 0.5 and nss(uniform(SIZE), points) == 0


def test_blurring_is_scipys_gaussian_filter_of_the_counted_fixations():
    points = np.array([[30.2, 20.9], [30.7, 20.1], [50, 40]])
    counted = np.zeros((60, 80))
    counted[20, 30], counted[40, 50] = 2, 1
    expected = gaussian_filter(counted, 4, mode="constant", truncate=12)
    assert np.abs(blurred_fixations(points, SIZE, 4) - expected / expected.sum()).max() < 1e-9
    with pytest.raises(ValueError, match="no fixations"):
        blurred_fixations(np.empty((0, 2)), SIZE, 4)


def scored_by_others(viewers, sigma_px, metric):
    """Viewer's number -> the score of all others' fixations at that viewer's."""
    return {k: metric(others, viewers[k]) for k, others in maps_of_others(viewers, SIZE, sigma_px)}


def test_each_viewer_is_predicted_by_the_others_alone():
    rng = np.random.default_rng(0)
    viewers = [rng.uniform((0, 0), SIZE, (6, 2)) for _ in range(4)]
    found = scored_by_others(viewers, 5, nss)
    for k, own in enumerate(viewers):
        others = np.concatenate([one for j, one in enumerate(viewers) if j != k])
        assert found[k] == pytest.approx(nss(blurred_fixations(others, SIZE, 5), own), abs=1e-9)


def test_viewers_who_agree_reach_a_high_ceiling_and_those_who_do_not_a_low_one():
    rng = np.random.default_rng(1)
    agreeing = [rng.normal((25, 30), 2, (6, 2)) for _ in range(5)]
    # Two viewers, each on a side of their own: what one does tells nothing of the other.
    apart = [rng.normal((15, 30), 2, (6, 2)), rng.normal((65, 30), 2, (6, 2))]
    assert min(scored_by_others(agreeing, 4, auc).values()) > 0.95
    assert max(scored_by_others(apart, 4, auc).values()) < 0.6


def test_a_viewer_without_fixations_on_the_picture_is_not_predicted():
    viewers = [np.array([[10.0, 10.0]]), np.empty((0, 2)), np.array([[500.0, 10.0]]), np.array([[12.0, 11.0]])]
    assert [k for k, _ in maps_of_others(viewers, SIZE, 4)] == [0, 3]
    assert not list(maps_of_others(viewers[:3], SIZE, 4))
