"""Filling variables in equals refitting the next linear layer; parity with scikit-learn's least squares."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from xgaze.capacity.refit import filled_in, keep_curves, predictions_from_others, random_curve


@pytest.fixture
def codes():
    """Correlated codes: (400, 6) to fit on, (100, 6) held out."""
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(6, 6))
    return rng.normal(size=(400, 6)) @ mix + 2, rng.normal(size=(100, 6)) @ mix + 2


def test_filling_in_is_refitting_the_next_linear_layer(codes):
    known, here = codes
    layer = np.random.default_rng(1).normal(size=(6, 4))
    kept = [4, 0, 3]
    refitted = LinearRegression().fit(known[:, kept], known @ layer + 5).predict(here[:, kept])
    assert np.allclose(filled_in(known, here, kept) @ layer + 5, refitted, atol=1e-8)


def test_kept_variables_stay_and_all_kept_is_the_embedding(codes):
    known, here = codes
    assert np.array_equal(filled_in(known, here, [1, 5])[:, [1, 5]], here[:, [1, 5]])
    assert np.array_equal(filled_in(known, here, range(6)), here)


def test_each_variable_is_predicted_from_all_others(codes):
    known, here = codes
    found = predictions_from_others(known, here)
    for k in range(6):
        others = [j for j in range(6) if j != k]
        expected = LinearRegression().fit(known[:, others], known[:, k]).predict(here[:, others])
        assert np.allclose(found[:, k], expected, atol=1e-4)


def test_a_copy_is_predicted_though_the_covariance_is_singular(codes):
    known, here = (np.column_stack([one, one[:, 0]]) for one in codes)
    found = predictions_from_others(known, here)
    assert np.allclose(found[:, [0, 6]], here[:, [0, 6]], atol=1e-3)
    assert np.allclose(filled_in(known, here, [1, 2, 6])[:, 0], here[:, 0], atol=1e-8)


def test_the_better_order_errs_less():
    rng = np.random.default_rng(2)
    known, here = rng.normal(size=(2000, 8)), rng.normal(size=(2000, 8))
    weights = np.array([8.0, 4, 2, 1, 0, 0, 0, 0])

    def error(embedding):
        return float(np.abs((embedding - here) @ weights).mean())

    orders = {"right": np.arange(8), "wrong": np.arange(8)[::-1]}
    found = {(row["order"], row["kept"]): row["error"] for row in keep_curves(orders, [2, 4], known, here, error)}
    normal = np.sqrt(2 / np.pi)
    assert found["right", 2] == pytest.approx(normal * np.sqrt(5), rel=0.05)
    assert found["right", 4] == pytest.approx(0, abs=0.02)
    assert found["wrong", 4] == pytest.approx(normal * np.sqrt(85), rel=0.05)
    chance = random_curve(6, [2, 4], known, here, error, seed=0)
    assert [row["order"] for row in chance] == ["random", "random"]
    for row in chance:
        assert row["lowest"] < row["error"] < row["highest"]
        assert found["right", row["kept"]] < row["error"] < found["wrong", row["kept"]]
