"""Gaze, pupils, lids and slippage over time."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xgaze.data.rendered import draw_frames, draw_participant
from xgaze.data.rendered.frames import DEPTH_M, FrameStates
from xgaze.data.rendered.headset import SCENE_CAMERA_MM, SCENE_FOCAL_PX, SCENE_SIZE_PX


@pytest.fixture(scope="module")
def many_frames() -> list[FrameStates]:
    return [draw_frames(draw_participant(n, 0), 50, 0) for n in range(60)]


@given(number=st.integers(0, 300_000), fewer=st.integers(1, 9), seed=st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_a_frame_does_not_depend_on_how_many_follow(number: int, fewer: int, seed: int) -> None:
    participant = draw_participant(number, seed)
    short, long = draw_frames(participant, fewer, seed), draw_frames(participant, 10, seed)
    for field in fields(FrameStates):
        np.testing.assert_allclose(getattr(short, field.name), getattr(long, field.name)[:fewer], rtol=1e-12)


@given(number=st.integers(0, 300_000))
@settings(max_examples=40, deadline=None)
def test_what_a_person_does_stays_possible(number: int) -> None:
    states = draw_frames(draw_participant(number, 0), 12, 0)
    assert np.all((states.gaze_px > 0) & (states.gaze_px < np.array(SCENE_SIZE_PX)))
    assert np.all((states.depth_m >= DEPTH_M[0]) & (states.depth_m <= DEPTH_M[1]))
    assert np.abs(states.yaw_deg).max() < 50 and np.abs(states.pitch_deg).max() < 50
    assert states.pupil_radius_mm.min() >= 0.9 and states.pupil_radius_mm.max() <= 3.8
    opening = states.upper_lid_mm + states.lower_lid_mm
    assert np.all(opening[states.closing == 1] < 0) and np.all(opening[states.closing == 0] > 0)


def test_the_visual_axes_meet_the_target_but_for_fixation_noise() -> None:
    participant = draw_participant(3, 0)
    states = draw_frames(participant, 400, 0)
    sideways = (states.gaze_px - np.array(SCENE_SIZE_PX) / 2) / SCENE_FOCAL_PX * 1000 * states.depth_m[:, None]
    target = np.column_stack([sideways, 1000 * states.depth_m]) + np.array(SCENE_CAMERA_MM)
    toward = target[:, None] - states.eye_centre_mm
    across, down = participant.kappa_deg
    yaw = np.degrees(np.arctan2(toward[..., 0], toward[..., 2])) + np.array([-across, across])
    pitch = np.degrees(np.arcsin(toward[..., 1] / np.linalg.norm(toward, axis=-1))) + down
    off = np.stack([states.yaw_deg - yaw, states.pitch_deg - pitch])
    assert off.std() == pytest.approx(participant.fixation_noise_deg, rel=0.1)
    np.testing.assert_allclose(off[..., 0], off[..., 1], atol=1e-9)  # both eyes wander together


def test_one_frame_in_twenty_has_closing_lids(many_frames: list[FrameStates]) -> None:
    closing = np.concatenate([s.closing for s in many_frames])
    assert (closing > 0).mean() == pytest.approx(0.05, abs=0.015)
    assert 0.3 < (closing[closing > 0] == 1).mean() < 0.7
    assert closing[(closing > 0) & (closing < 1)].min() >= 0.4


def test_the_upper_lid_follows_the_gaze_twice_as_far_as_the_lower() -> None:
    participant = draw_participant(11, 0)
    states = draw_frames(participant, 200, 0)
    open_eye = states.closing == 0
    down_mm = participant.eyeball_radius_mm * np.sin(np.radians(states.pitch_deg[open_eye, 0]))
    assert np.polyfit(down_mm, -states.upper_lid_mm[open_eye, 0], 1)[0] == pytest.approx(0.62, abs=1e-6)
    assert np.polyfit(down_mm, states.lower_lid_mm[open_eye, 0], 1)[0] == pytest.approx(0.30, abs=1e-6)


def test_the_headset_slips_slowly(many_frames: list[FrameStates]) -> None:
    slip = np.stack([s.slippage_mm for s in many_frames])
    lag_one = np.corrcoef(slip[:, :-1].ravel(), slip[:, 1:].ravel())[0, 1]
    assert lag_one == pytest.approx(0.98, abs=0.01)


def test_no_frames_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        draw_frames(draw_participant(0, 0), 0, 0)
