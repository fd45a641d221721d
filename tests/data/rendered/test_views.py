"""Geometry that can be worked out by hand: projection, mirror law, what the lids hide."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xgaze.data.rendered import EYE_OF_CAMERA, draw_participant
from xgaze.data.rendered.headset import camera_poses, lights_mm, nominal_eyes_mm, small_rotation
from xgaze.data.rendered.person import CORNEA_CENTRE_MM
from xgaze.data.rendered.views import _glints, eye_axes, view_frames

CAMERA_INDICES = range(4)


@pytest.mark.parametrize("camera", CAMERA_INDICES)
def test_an_eye_looking_into_its_camera_covers_its_own_centre(rig, camera: int) -> None:
    participant = rig.exact_participant()
    views = view_frames(participant, rig.looking(participant, *rig.into_camera(participant, camera)), 576, 720)
    centres, rotations = camera_poses(participant)
    seen = rotations[camera] @ (nominal_eyes_mm(participant)[EYE_OF_CAMERA[camera]] - centres[camera])
    expected = seen[:2] / seen[2] * 1150 + np.array([360, 288])
    np.testing.assert_allclose(views.pupil_centre_px[0, camera], expected, atol=1e-6)
    assert np.linalg.norm(expected - [360, 288]) < 75  # 5.3 mm beside the aim, 36 mm away, seen from 22 degrees


@pytest.mark.parametrize("camera", CAMERA_INDICES)
def test_every_camera_is_aimed_at_the_cornea_of_an_eye_looking_ahead(rig, camera: int) -> None:
    participant = rig.exact_participant()
    centres, rotations = camera_poses(participant)
    cornea = nominal_eyes_mm(participant)[EYE_OF_CAMERA[camera]] + np.array([0, 0, CORNEA_CENTRE_MM])
    seen = rotations[camera] @ (cornea - centres[camera])
    np.testing.assert_allclose(seen[:2], 0, atol=1e-9)
    assert seen[2] == pytest.approx(np.linalg.norm(cornea - centres[camera]))


def test_left_and_right_headset_halves_are_mirror_images(rig) -> None:
    participant = rig.exact_participant()
    views = view_frames(participant, rig.looking(participant, 0.0, 10.0), 128, 160)
    mirrored = views.pupil_centre_px[0, ::-1] * [-1, 1] + [160, 0]
    np.testing.assert_allclose(views.pupil_centre_px[0], mirrored, atol=1e-9)


@given(number=st.integers(0, 300_000), yaw=st.floats(-25, 25), pitch=st.floats(-20, 20))
@settings(max_examples=30, deadline=None)
def test_glints_lie_on_the_cornea_and_obey_the_mirror_law(rig, number: int, yaw: float, pitch: float) -> None:
    participant = draw_participant(number, 0)
    states = rig.looking(participant, yaw, pitch)
    of_camera = list(EYE_OF_CAMERA)
    eyes, optical = states.eye_centre_mm[:, of_camera], eye_axes(states)[:, of_camera, 2]
    cameras = camera_poses(participant)[0]
    point, _ = _glints(participant, eyes, optical, cameras)
    normal = point - (eyes + CORNEA_CENTRE_MM * optical)[:, :, None]
    np.testing.assert_allclose(np.linalg.norm(normal, axis=-1), participant.cornea_radius_mm, rtol=1e-9)
    to_camera, to_light = cameras[:, None] - point, lights_mm(participant)[of_camera] - point
    angles = [
        np.degrees(np.arccos((normal * ray).sum(-1) / np.linalg.norm(normal, axis=-1) / np.linalg.norm(ray, axis=-1)))
        for ray in (to_camera, to_light)
    ]
    np.testing.assert_allclose(angles[0], angles[1], atol=0.02)


def test_a_glint_moves_less_than_the_pupil_when_the_eye_turns(rig) -> None:
    participant = rig.exact_participant()
    ahead, turned = (view_frames(participant, rig.looking(participant, yaw, 5.0), 128, 160) for yaw in (0.0, 10.0))
    pupil = np.linalg.norm(turned.pupil_centre_px - ahead.pupil_centre_px, axis=-1)
    glint = np.linalg.norm(turned.glint_px - ahead.glint_px, axis=-1)
    assert np.all(glint < 0.65 * pupil[..., None]) and np.all(pupil > 10)


def test_closed_lids_hide_every_glint(rig) -> None:
    participant = rig.exact_participant()
    open_eye = rig.looking(participant, 0.0, 5.0)
    closed = replace(open_eye, upper_lid_mm=-open_eye.lower_lid_mm - 0.3)
    assert view_frames(participant, open_eye, 128, 160).glint_open.all()
    assert not view_frames(participant, closed, 128, 160).glint_open.any()


@given(height=st.integers(16, 600), width=st.integers(16, 800))
@settings(max_examples=30, deadline=None)
def test_any_size_shows_the_same_field(rig, height: int, width: int) -> None:
    participant = draw_participant(4, 0)
    states = rig.looking(participant, 7.0, 3.0)
    native, resized = (view_frames(participant, states, *size) for size in ((576, 720), (height, width)))
    scale = np.array([width / 720, height / 576])
    np.testing.assert_allclose(resized.pupil_centre_px, native.pupil_centre_px * scale, rtol=1e-9)
    np.testing.assert_allclose(resized.glint_px, native.glint_px * scale, rtol=1e-9)


@given(st.lists(st.floats(-30, 30), min_size=3, max_size=3))
def test_a_rotation_keeps_lengths_and_its_own_axis(turn: list[float]) -> None:
    vector = np.array(turn)
    rotation = small_rotation(vector)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(rotation @ vector, vector, atol=1e-10)
