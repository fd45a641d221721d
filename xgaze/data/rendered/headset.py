"""The headset: four eye cameras, two infrared lights per eye, one scene camera.

Headset frame: origin midway between the nominal eyes, x to the wearer's right, y down, z forward, in mm.
Image coordinates are continuous with the origin at the top left corner: pixel (row, column) has its centre at
(column + .5, row + .5).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xgaze.data.rendered.person import Participant

Array = NDArray[np.float64]

CAMERAS = ("eye0", "eye1", "eye3", "eye4")  # left temporal, left nasal, right nasal, right temporal
CAMERA_NUMBERS = (0, 1, 3, 4)  # in file names; 2 is the scene camera
EYE_OF_CAMERA = (0, 0, 1, 1)
AIM_MM = (0.0, 0.0, 5.3)  # from the eyeball's centre: where a cornea looking ahead has its own
CAMERA_PLACE_MM = ((-9.0, 15.0, 37.0), (7.0, 15.0, 37.0), (-7.0, 15.0, 37.0), (9.0, 15.0, 37.0))
LIGHT_PLACE_MM = (((-13.0, 9.0, 37.0), (11.0, 7.0, 37.0)), ((-11.0, 7.0, 37.0), (13.0, 9.0, 37.0)))

SCENE_SIZE_PX = (800, 600)  # width, height
SCENE_FOCAL_PX = 640.0
SCENE_CAMERA_MM = (0.0, -30.0, 20.0)
EYE_FOCAL_OF_WIDTH = 1150.0 / 720.0  # an eye camera at its native 576 x 720
EYE_FOCAL_OF_HEIGHT = 1150.0 / 576.0


def focal_px(height: int, width: int) -> tuple[float, float]:
    """Horizontal and vertical focal length of an eye camera whose full field is resized to height x width."""
    return EYE_FOCAL_OF_WIDTH * width, EYE_FOCAL_OF_HEIGHT * height


def nominal_eyes_mm(participant: Participant) -> Array:
    """(2, 3) the places the headset, set to the participant's interpupillary distance, expects the eyes at."""
    half = participant.interpupillary_mm / 2
    return np.array([[-half, 0.0, 0.0], [half, 0.0, 0.0]])


def camera_poses(participant: Participant) -> tuple[Array, Array]:
    """Camera centres (4, 3) in mm and rotations (4, 3, 3), rows being the camera's x, y, z in the headset frame.

    A camera is aimed at the nominal cornea, its y axis as far down as possible; then mounting errors are added.
    """
    eyes = nominal_eyes_mm(participant)[list(EYE_OF_CAMERA)]
    nominal = eyes + np.array(CAMERA_PLACE_MM)
    forward = eyes + np.array(AIM_MM) - nominal
    forward /= np.linalg.norm(forward, axis=1, keepdims=True)
    right = np.cross(np.array([0.0, 1.0, 0.0]), forward)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    aimed = np.stack([right, np.cross(forward, right), forward], axis=1)
    mounted = small_rotation(np.array(participant.camera_turn_deg)) @ aimed
    return nominal + np.array(participant.camera_shift_mm), mounted


def lights_mm(participant: Participant) -> Array:
    """(2, 2, 3) the two lights of each eye."""
    lights: Array = nominal_eyes_mm(participant)[:, None, :] + np.array(LIGHT_PLACE_MM)
    return lights


def scene_point_mm(gaze_px: Array, depth_mm: Array) -> Array:
    """(n, 3) the point seen at scene pixel gaze_px (n, 2) at depth_mm (n,) in front of the scene camera."""
    centre = np.array(SCENE_SIZE_PX) / 2
    sideways = (gaze_px - centre) / SCENE_FOCAL_PX * depth_mm[:, None]
    point: Array = np.concatenate([sideways, depth_mm[:, None]], axis=1) + np.array(SCENE_CAMERA_MM)
    return point


def small_rotation(turn_deg: Array) -> Array:
    """Rotation matrices (..., 3, 3) of rotation vectors (..., 3) in degrees (Rodrigues)."""
    vector = np.radians(turn_deg)
    angle = np.linalg.norm(vector, axis=-1)[..., None, None]
    x, y, z = np.moveaxis(vector, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*x.shape, 3, 3)
    half = np.sinc(angle / (2 * np.pi)) ** 2 / 2  # (1 - cos angle) / angle^2, finite at zero
    rotation: Array = np.eye(3) + np.sinc(angle / np.pi) * cross + half * (cross @ cross)
    return rotation
