"""The synthetic population: reproducible people whose spread is the stated one."""

from dataclasses import asdict

import numpy as np
import pytest

from xgaze.data.rendered import draw_participant
from xgaze.data.rendered.person import Stream, random_stream


def test_the_same_number_and_seed_are_the_same_person() -> None:
    assert draw_participant(7, 3) == draw_participant(7, 3)
    assert draw_participant(7, 3) != draw_participant(8, 3)
    assert draw_participant(7, 3).interpupillary_mm != draw_participant(7, 4).interpupillary_mm


@pytest.mark.parametrize(
    ("name", "mean", "sd"),
    [
        ("interpupillary_mm", 63.0, 3.0),
        ("eyeball_radius_mm", 12.0, 0.3),
        ("iris_radius_mm", 5.9, 0.2),
        ("cornea_radius_mm", 7.8, 0.2),
        ("upper_lid_mm", 5.2, 0.7),
        ("lower_lid_mm", 4.8, 0.5),
    ],
)
def test_a_length_has_the_populations_mean_and_spread(name: str, mean: float, sd: float) -> None:
    drawn = np.array([asdict(draw_participant(n, 0))[name] for n in range(400)])
    assert abs(drawn.mean() - mean) < 4 * sd / np.sqrt(400)
    assert 0.85 * sd < drawn.std() < 1.15 * sd


def test_kappa_and_the_headsets_mounting_have_the_stated_spread() -> None:
    people = [draw_participant(n, 0) for n in range(400)]
    across, down = np.array([p.kappa_deg for p in people]).T
    assert across.mean() == pytest.approx(4.5, abs=0.1) and across.std() == pytest.approx(0.5, rel=0.15)
    assert down.mean() == pytest.approx(1.5, abs=0.1) and down.std() == pytest.approx(0.4, rel=0.15)
    assert np.std([p.camera_shift_mm for p in people]) == pytest.approx(0.1, rel=0.05)
    assert np.std([p.camera_turn_deg for p in people]) == pytest.approx(0.15, rel=0.05)
    assert np.std([p.eye_shift_mm for p in people]) == pytest.approx(0.4, rel=0.05)


def test_streams_of_one_person_are_independent() -> None:
    draws = np.array([random_stream(0, 5, stream).standard_normal(2000) for stream in Stream])
    between = np.corrcoef(draws) - np.eye(len(Stream))
    assert np.abs(between).max() < 0.1


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(ValueError, match="must not be negative, got -1 and 0"):
        draw_participant(-1, 0)
