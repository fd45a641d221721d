import numpy as np
import pytest

from xgaze.calibration.gain import Seen, calibrate_people, head_directions
from xgaze.calibration.points import draw_points

NOISE_PX, FRAMES = 8.0, 20


def people(count, offset_px, seed):
    """Predictions are the truth, moved by each person's own offset, with noise; the head's numbers are theirs, mixed."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform((50, 50), (750, 550), (count * FRAMES, 2))
    names = np.repeat([f"P{k:03}" for k in range(count)], FRAMES)
    moved = np.repeat(rng.normal(0, offset_px, (count, 2)), FRAMES, axis=0)
    predicted = truth + moved + rng.normal(0, NOISE_PX, truth.shape)
    return Seen(predicted, predicted @ rng.normal(0, 1, (2, 5)), truth, draw_points(truth, names, 9, 3, seed))


def error_of(how, points, offset_px=60.0):
    tested, others = people(40, offset_px, 1), people(40, offset_px, 2)
    return calibrate_people(how, points, tested, others, head_directions(others.head))


def test_a_planted_offset_is_found_and_the_error_falls_to_the_planted_noise():
    floor = NOISE_PX * np.sqrt(np.pi / 2)  # mean length of two normal coordinates
    found = error_of("affine", 9).figures()
    assert found["before"].mean > 5 * floor
    # The mean of nine noisy frames is itself off: sqrt(1 + 1 / 9) times the noise.
    assert found["after"].mean == pytest.approx(floor * np.sqrt(10 / 9), rel=0.05)
    assert found["people_helped"] == found["people"] == 40


def test_one_point_already_finds_an_offset():
    floor = NOISE_PX * np.sqrt(np.pi / 2)
    assert error_of("affine", 1).figures()["after"].mean == pytest.approx(floor * np.sqrt(2), rel=0.1)


@pytest.mark.parametrize("how", ["affine", "poly2", "ridge", "svr"])
def test_every_map_gains_with_points_and_says_how_much(how):
    few, many = (error_of(how, k).figures() for k in (1, 9))
    assert many["after"].mean < few["after"].mean < few["before"].mean == many["before"].mean
    gain = 100 * (1 - many["after"].mean / many["before"].mean)
    assert many["gain_percent"].mean == pytest.approx(gain)
    assert many["gain_percent"].low < gain < many["gain_percent"].high


def test_where_people_do_not_differ_nothing_is_moved():
    found = error_of("poly2", 1, offset_px=0.0)
    assert found.figures()["gain_percent"].mean == pytest.approx(0, abs=1.0)
    assert min(found.strength) >= 10


def test_people_of_whom_some_frames_less_are_tested_are_padded_and_not_counted():
    tested, others = people(6, 60.0, 1), people(6, 60.0, 2)
    tested.draws.tested[0, -3:] = -1
    found = calibrate_people("affine", 3, tested, others, head_directions(others.head))
    assert len(found.after) == len(found.before) == len(found.people) == tested.draws.tested.size - 3
    assert np.isfinite(found.after).all()
