import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from xgaze.data.photographs.agreement_labels import (
    leave_one_out_auc,
    leave_one_out_correlation,
    top_and_bottom,
    viewer_map,
)
from xgaze.data.photographs.attention import BlankMap


def test_each_viewer_is_correlated_with_the_sum_of_the_others():
    maps = np.random.default_rng(0).uniform(size=(5, 12, 9))
    expected = [np.corrcoef(one.ravel(), np.delete(maps, k, 0).sum(0).ravel())[0, 1] for k, one in enumerate(maps)]
    np.testing.assert_allclose(leave_one_out_correlation(maps), expected, rtol=1e-10)


def test_viewers_of_one_mind_agree_wholly_and_a_negative_one_not_at_all():
    one = np.random.default_rng(0).uniform(size=(6, 6))
    np.testing.assert_allclose(leave_one_out_correlation(np.stack([one, one, one])), 1)
    assert leave_one_out_correlation(np.stack([one, one, 1 - one]))[2] == pytest.approx(-1)


def test_a_blank_viewer_is_refused():
    maps = np.random.default_rng(0).uniform(size=(3, 4, 4))
    maps[1] = 0
    with pytest.raises(BlankMap, match="viewer 2"):
        leave_one_out_correlation(maps)


def test_the_auc_is_that_of_fixated_px_against_all():
    rng = np.random.default_rng(0)
    maps, points = rng.integers(0, 9, (3, 10, 8)).astype(float), [rng.uniform(size=(6, 2)) for _ in range(3)]
    for k, score in enumerate(leave_one_out_auc(maps, points)):
        rest = np.delete(maps, k, 0).sum(0)
        x, y = np.floor(points[k] * (8, 10)).astype(int).T
        values, truth = np.concatenate([rest[y, x], rest.ravel()]), [1] * 6 + [0] * 80
        assert score == pytest.approx(roc_auc_score(truth, values))


def test_viewers_who_look_at_one_place_agree_more_than_those_who_do_not():
    rng = np.random.default_rng(0)

    def agreement(spread):
        points = [rng.normal((400, 300), spread, (5, 2)) for _ in range(6)]
        return leave_one_out_correlation(
            np.stack([viewer_map(own, np.ones(5), (800, 600), 24, 100) for own in points])
        ).mean()

    assert agreement(20) > 0.8 > 0.5 > agreement(150)


def test_a_map_has_its_peak_where_the_fixation_was():
    found = viewer_map([(600, 150)], [300], (800, 600), 24, 100)
    assert found.shape == (75, 100)
    assert np.unravel_index(found.argmax(), found.shape) == (18, 75) and found.max() == 300


def test_top_and_bottom_thirds():
    labels = top_and_bottom([0.5, 0.1, 0.9, 0.3, 0.8, 0.2, 0.4, 0.7, 0.6], 1 / 3)
    assert labels.tolist() == [-1, 0, 1, 0, 1, 0, -1, 1, -1]
    assert top_and_bottom([0.2, 0.1, 0.3, 0.4], 0.5).tolist() == [0, 0, 1, 1]
