"""Linear probes of codes whose answers were planted."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from xgaze.capacity.probes import ALPHAS, ProbeTarget, fit_ridge, probe, whole_target
from xgaze.errors import InputError

WIDTH = 12


def planted(rng, n, noise):
    """Codes and a two-axis target that is linear in them, plus noise; signal of variance 1 per axis."""
    codes = rng.normal(size=(n, WIDTH))
    reading = np.zeros((WIDTH, 2))
    reading[0, 0] = reading[1, 1] = 1
    return codes, codes @ reading + noise * rng.normal(size=(n, 2))


def people(n, each=10):
    return np.repeat([f"p{k:03d}" for k in range(n // each)], each)


def score(noise, seed=0):
    rng = np.random.default_rng(seed)
    codes, values = planted(rng, 600, noise)
    held, truth = planted(rng, 2000, noise)
    return probe(codes, whole_target("gaze", "px", values), people(600), held, whole_target("gaze", "px", truth))


def test_a_linear_code_is_read_without_error():
    found = score(0)
    assert found.r2 == pytest.approx(1, abs=1e-5)
    assert found.errors.max() < 1e-2 and found.errors.shape == (2000,)


def test_noise_costs_what_it_must():
    found = score(0.5)
    assert found.r2 == pytest.approx(1 - 0.25 / 1.25, abs=0.02)
    assert found.errors.mean() == pytest.approx(0.5 * np.sqrt(np.pi / 2), rel=0.05)  # mean of a Rayleigh distribution


def test_nothing_is_read_where_nothing_is():
    rng = np.random.default_rng(1)
    codes, held = rng.normal(size=(600, WIDTH)), rng.normal(size=(900, WIDTH))
    fit, truth = (whole_target("gaze", "px", rng.normal(size=(n, 2))) for n in (600, 900))
    assert probe(codes, fit, people(600), held, truth).r2 == pytest.approx(0, abs=0.02)


def test_what_is_unknown_is_neither_fitted_nor_scored():
    rng = np.random.default_rng(2)
    (codes, values), (held, truth) = planted(rng, 400, 0), planted(rng, 300, 0)
    points, wanted = np.repeat(values[:, None], 2, axis=1), np.repeat(truth[:, None], 2, axis=1)
    known, seen = np.ones((400, 2), bool), np.ones((300, 2), bool)
    known[::3, 1] = seen[::5, 1] = seen[0] = False
    points[~known], wanted[~seen] = 1e6, np.nan
    found = probe(
        codes, ProbeTarget("glints", "px", points, known), people(400), held, ProbeTarget("glints", "px", wanted, seen)
    )
    assert found.r2 == pytest.approx(1, abs=1e-5)
    assert np.isnan(found.errors[0]) and np.nanmax(found.errors) < 1e-2
    assert np.isnan(found.errors).sum() == 1


def test_a_point_hardly_ever_seen_is_left_out():
    codes, values = planted(np.random.default_rng(3), 100, 0)
    target = ProbeTarget("glints", "px", values[:, None], (np.arange(100) < 9)[:, None])
    assert probe(codes, target, people(100), codes, target) is None


def test_the_penalty_is_chosen_on_people_not_on_frames():
    """A code that only says who is seen lets a probe learn the frames of these people by heart, and tells nothing of others."""
    rng = np.random.default_rng(4)
    person = np.repeat(np.arange(30), 10)
    codes = rng.normal(size=(30, 25))[person] + 0.01 * rng.normal(size=(300, 25))
    values = rng.normal(size=(30, 1))[person]
    chosen = fit_ridge(codes, values, people(300))
    shuffled = rng.permutation(300)
    by_frame = GridSearchCV(chosen, {"ridge__alpha": ALPHAS}).fit(codes[shuffled], values[shuffled])
    assert chosen["ridge"].alpha == ALPHAS.max()
    assert by_frame.best_params_["ridge__alpha"] <= 1


def test_one_training_participant_is_refused():
    codes, values = planted(np.random.default_rng(5), 20, 0)
    target = whole_target("gaze", "px", values)
    with pytest.raises(InputError, match="at least two training participants"):
        probe(codes, target, ["p"] * 20, codes, target)
