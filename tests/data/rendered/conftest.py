"""A perfectly mounted headset on one person, and eyes turned where a test wants them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from xgaze.data.rendered import EYE_OF_CAMERA, Participant, draw_participant
from xgaze.data.rendered.frames import FrameStates
from xgaze.data.rendered.headset import camera_poses, nominal_eyes_mm
from xgaze.data.rendered.person import Stream, random_stream
from xgaze.data.rendered.scene import prepare_scene
from xgaze.data.rendered.shading import shade_frame
from xgaze.data.rendered.views import view_frames
from xgaze.data.threads import one_thread


class Rig:
    """What the geometry tests need."""

    @staticmethod
    def exact_participant(number: int = 0) -> Participant:
        """A participant whose headset is mounted without error and whose eyes are where it expects them."""
        none = ((0.0, 0.0, 0.0),) * 4
        return replace(
            draw_participant(number, 0), camera_shift_mm=none, camera_turn_deg=none, eye_shift_mm=(none[0], none[1])
        )

    @staticmethod
    def looking(participant: Participant, yaw_deg: float, pitch_deg: float, pupil_mm: float = 2.0) -> FrameStates:
        """One frame with both optical axes turned alike and the lids wide open."""
        both = np.ones((1, 2))
        return FrameStates(
            gaze_px=np.array([[400.0, 300.0]]),
            depth_m=np.ones(1),
            yaw_deg=yaw_deg * both,
            pitch_deg=pitch_deg * both,
            torsion_deg=0 * both,
            eye_centre_mm=nominal_eyes_mm(participant)[None],
            pupil_radius_mm=pupil_mm * both,
            upper_lid_mm=8 * both,
            lower_lid_mm=7 * both,
            closing=np.zeros(1),
            slippage_mm=np.zeros((1, 3)),
            slippage_deg=np.zeros((1, 3)),
        )

    @staticmethod
    def into_camera(participant: Participant, camera: int) -> tuple[float, float]:
        """Yaw and pitch in degrees that point the eye's optical axis into its camera."""
        eye = nominal_eyes_mm(participant)[EYE_OF_CAMERA[camera]]
        x, y, z = camera_poses(participant)[0][camera] - eye
        return float(np.degrees(np.arctan2(x, z))), float(np.degrees(np.arcsin(y / np.sqrt(x * x + y * y + z * z))))

    @staticmethod
    def shoot(
        participant: Participant, states: FrameStates, height: int, width: int, noise_start: int = 0
    ) -> tuple[np.ndarray, np.ndarray]:
        """The images and regions (4, height, width) of one frame, its noise taken from the stock at noise_start."""
        with one_thread(), torch.inference_mode():
            scene = prepare_scene(participant, height, width, random_stream(0, participant.number, Stream.NOISE))
            views = view_frames(participant, states, height, width)
            images, regions = shade_frame(scene, participant, states, views, 0, noise_start)
        return images, regions


@pytest.fixture(scope="session")
def rig() -> type[Rig]:
    return Rig
