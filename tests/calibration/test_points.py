import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xgaze.calibration.points import draw_points, fewest_points
from xgaze.errors import InputError

DOTS = np.array([(100.0 * k, 50.0) for k in range(5)])


def people_at_dots(frames=3, people=("a", "b")):
    """Every person looks at each of five dots for some frames."""
    return np.tile(np.repeat(DOTS, frames, axis=0), (len(people), 1)), np.repeat(people, 5 * frames)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 100))
def test_no_dot_is_on_both_sides_and_all_other_frames_are_tested(most, times, seed):
    targets, participants = people_at_dots()
    draws = draw_points(targets, participants, most, times, seed)
    assert draws.calibrating.shape == (2 * times, most)
    for own, tested, name in zip(draws.calibrating, draws.tested, draws.people, strict=True):
        assert set(participants[own]) == {name} == set(participants[tested])
        used = {tuple(one) for one in targets[own]}
        assert len(used) == most and not used & {tuple(one) for one in targets[tested]}
        assert len(tested) == 3 * (5 - most) and (tested >= 0).all()


def test_points_are_the_same_whatever_number_of_them_calibrates():
    targets, participants = people_at_dots()
    first, again = (draw_points(targets, participants, 4, 3, 0) for _ in range(2))
    assert (first.calibrating == again.calibrating).all() and (first.tested == again.tested).all()


def test_a_dot_passed_through_another_unit_is_still_one_dot():
    targets, participants = people_at_dots()
    assert fewest_points(targets + np.linspace(0, 1e-4, len(targets))[:, None], participants) == 5


def test_too_few_points_are_said_with_how_many_are_enough():
    targets, participants = people_at_dots()
    short = np.flatnonzero((participants == "a") | (targets[:, 0] < 250))  # b has three dots
    with pytest.raises(InputError, match=r"1 of 2 participants \(b\).*at most 2 points"):
        draw_points(targets[short], participants[short], 3, 1)
