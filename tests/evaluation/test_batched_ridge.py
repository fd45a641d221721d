"""Ridge in batches equals scikit-learn's on all rows at once."""

import numpy as np
import pytest
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from xgaze.evaluation.baselines import PENALTIES
from xgaze.evaluation.batched_ridge import fit_ridge, fit_ridges


def batches_of(features, targets, size):
    def batches():
        for start in range(0, len(features), size):
            yield features[start : start + size], targets[start : start + size]

    return batches


@pytest.mark.parametrize(("rows", "width", "noise"), [(300, 40, 1.0), (300, 40, 1000.0), (60, 100, 1.0), (12, 30, 0.1)])
@pytest.mark.parametrize("size", [7, 1000])
def test_it_is_what_scikit_learn_finds(rows, width, noise, size):
    rng = np.random.default_rng(rows)
    features = (rng.normal(size=(rows, width)) @ rng.normal(size=(width, width)) + 50).astype(np.float32)
    features[:, 3] = 0.1  # the same everywhere
    targets = (features @ rng.normal(size=(width, 2)) + rng.normal(0, noise, (rows, 2))).astype(np.float32)
    expected = make_pipeline(StandardScaler(), RidgeCV(PENALTIES)).fit(features.astype(np.float64), targets)
    found = fit_ridge(batches_of(features, targets, size), PENALTIES)
    assert found.penalty == pytest.approx(expected[-1].alpha_)
    new = rng.normal(size=(20, width)) + 50
    new[:, 3] = 0.1
    np.testing.assert_allclose(found.predict(new), expected.predict(new), rtol=1e-6)


def test_parts_of_the_features_are_fitted_as_if_they_were_all():
    rng = np.random.default_rng(1)
    features, targets = rng.normal(size=(90, 12)) + 5, rng.normal(size=(90, 2))
    parts = [slice(None), np.array([2, 7, 8])]
    for part, found in zip(parts, fit_ridges(batches_of(features, targets, 20), PENALTIES, parts), strict=True):
        alone = fit_ridge(batches_of(features[:, part], targets, 20), PENALTIES)
        assert found.penalty == alone.penalty
        np.testing.assert_allclose(found.predict(features[:, part]), alone.predict(features[:, part]), rtol=1e-9)


def test_leave_one_out_errors_are_those_of_fits_without_the_row():
    rng = np.random.default_rng(0)
    features, targets = rng.normal(size=(25, 4)), rng.normal(size=(25, 1))
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    errors = {}
    for penalty in (0.1, 10.0, 1000.0):
        left_out = []
        for row in range(25):
            kept = np.arange(25) != row
            mean, centre = scaled[kept].mean(axis=0), targets[kept].mean(axis=0)
            own = scaled[kept] - mean
            weights = np.linalg.solve(own.T @ own + penalty * np.eye(4), own.T @ (targets[kept] - centre))
            left_out.append(targets[row] - (scaled[row] - mean) @ weights - centre)
        errors[penalty] = float(np.mean(np.square(left_out)))
    assert fit_ridge(batches_of(features, targets, 6), list(errors)).penalty == min(errors, key=errors.__getitem__)


def test_features_that_never_change_predict_the_mean():
    found = fit_ridge(batches_of(np.full((5, 2), 7.7), np.arange(5.0)[:, None], 2), PENALTIES)
    assert found.predict(np.full((1, 2), 7.7)) == pytest.approx(2.0)
