import json

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from xgaze.calibration.maps import HeadDirections, PersonalMap, Scale, fit_weights, read_personal_map, terms
from xgaze.errors import InputError

RNG = np.random.default_rng(0)
SEEN = RNG.uniform(0, 800, (40, 2))
SCALE = Scale.of(SEEN)


def test_least_squares_recovers_an_affine_map_from_three_points():
    truth = SEEN @ np.array([[1.1, 0.05], [-0.02, 0.9]]) + (12.0, -30.0)
    every = terms("affine", SEEN, SCALE)
    weights = fit_weights(every[:3], (truth - SEEN)[:3], (0.0, 0.0))
    assert np.allclose(SEEN + every @ weights, truth, atol=1e-8)


def test_second_order_recovers_a_quadratic_from_six_points():
    x, y = ((SEEN - SCALE.mean) / SCALE.spread).T
    moved = np.column_stack([3 + x * y, x**2 - 2 * y**2 + y])
    every = terms("poly2", SEEN, SCALE)
    assert np.allclose(every @ fit_weights(every[:6], moved[:6], (0.0, 0.0)), moved, atol=1e-8)


def test_one_point_gives_an_offset_when_all_else_is_left_out():
    weights = fit_weights(terms("affine", SEEN, SCALE)[:1], np.array([[7.0, -4.0]]), (0.0, np.inf))
    assert np.allclose(weights, [[7, -4], [0, 0], [0, 0]])
    assert not fit_weights(terms("affine", SEEN, SCALE)[:1], np.array([[7.0, -4.0]]), (np.inf, np.inf)).any()


def test_strength_is_the_penalty_of_ridge():
    every, residuals = terms("affine", SEEN, SCALE), RNG.normal(0, 10, (40, 2))
    ours = fit_weights(every, residuals, (3.0, 3.0))
    theirs = Ridge(alpha=3.0, fit_intercept=False).fit(every, residuals).coef_.T
    assert np.allclose(ours, theirs, atol=1e-9)


def test_lines_are_fitted_each_alone():
    every, residuals = terms("affine", SEEN, SCALE).reshape(4, 10, 3), RNG.normal(0, 10, (4, 10, 2))
    together = fit_weights(every, residuals, (1.0, 2.0))
    assert np.allclose(together, [fit_weights(*one, (1.0, 2.0)) for one in zip(every, residuals, strict=True)])


def stored(**changed):
    one = PersonalMap("affine", "anna", 5, SCALE, np.array([[7.0, -4.0], [0, 0], [0, 0]]), "hash")
    return one.to_json() | changed


def test_a_map_is_what_it_was_when_it_is_read():
    again = PersonalMap.from_json(json.loads(json.dumps(stored())), "anna.json")
    assert np.allclose(again(SEEN), SEEN + np.array([7, -4]))


def of_head():
    """The offset, and 10 px along x for each spread of the first direction."""
    head = HeadDirections(np.array([1.0, 0.0, 2.0]), np.array([[0.0, 0.6, 0.8], [1.0, 0.0, 0.0]]))
    weights = np.array([[7.0, -4.0], [10.0, 0.0], [0.0, 0.0]])
    scale = Scale(np.array([0.5, 0.0]), np.array([2.0, 1.0]))
    return PersonalMap("ridge", "anna", 5, scale, weights, "hash", directions=head)


def test_a_map_of_the_head_reads_its_directions_and_comes_back():
    again = PersonalMap.from_json(json.loads(json.dumps(of_head().to_json())), "anna.json")
    head = np.array([[1.0, 0.0, 2.0], [1.0, 3.0, 4.0]])  # along the first direction by 0 and 3.4
    moved = np.array([[7 - 10 * 0.25, -4], [7 + 10 * (3.4 - 0.5) / 2, -4]])
    assert np.allclose(again(SEEN[:2], head), SEEN[:2] + moved)
    assert set(of_head().to_json()) >= {"mean", "spread", "weights_px"}  # directions have no unit


def test_what_is_beside_the_main_target_is_left_as_it_is():
    both = np.hstack([SEEN, RNG.normal(size=(40, 3))])
    again = PersonalMap.from_json(stored(), "anna.json")
    assert np.allclose(again(both), both + np.array([7, -4, 0, 0, 0]))


@pytest.mark.parametrize(
    "directions",
    [
        None,
        {"origin": [0.0], "axes": [[1.0], [1.0, 2.0]]},
        {"origin": [0.0, 0.0], "axes": [[1.0, 0.0, 0.0]] * 2},
        {"origin": [0.0], "axes": [[1.0]]},
        {"origin": [float("nan")], "axes": [[1.0], [2.0]]},
        {"origin": [], "axes": []},
    ],
)
def test_edited_directions_are_refused(directions):
    with pytest.raises(InputError, match=r"anna\.json: no calibration"):
        PersonalMap.from_json({**of_head().to_json(), "directions": directions}, "anna.json")


@pytest.mark.parametrize(
    "changed",
    [
        {"how": "ridge"},
        {"how": ["affine"]},
        {"weights_px": [[1.0, 2.0]]},
        {"weights_px": [[float("nan"), 0.0]] * 3},
        {"weights_px": "many"},
        {"spread_px": [0.0, 1.0]},
        {"mean_px": None},
        {"points": "five"},
        {"points": float("inf")},
        {"model": 3},
    ],
)
def test_an_edited_map_is_refused(changed):
    with pytest.raises(InputError, match=r"anna\.json: no calibration"):
        PersonalMap.from_json(stored(**changed), "anna.json")
    with pytest.raises(InputError, match="no calibration"):
        PersonalMap.from_json([], "anna.json")


def test_a_map_of_another_model_is_refused(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    (tmp_path / "anna.json").write_text(json.dumps(stored()))
    with pytest.raises(InputError, match="another model"):
        read_personal_map(tmp_path / "anna.json", tmp_path)
    with pytest.raises(InputError, match="no such file"):
        read_personal_map(tmp_path / "bob.json", tmp_path)
