"""Where everything of a frame lies for each eye camera: ray matrices, glints, projected pupil centres.

Pure geometry in numpy, (n frames, 4 cameras, ...); no pixels here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgaze.data.rendered import headset
from xgaze.data.rendered.frames import FrameStates
from xgaze.data.rendered.person import CORNEA_CENTRE_MM, Participant

Array = NDArray[np.float64]

LID_PLANE = 0.88  # of the eyeball's radius in front of its centre
GLINT_ITERATIONS = 6


@dataclass(frozen=True)
class Views:
    """What turns pixels into anatomy, for n frames and 4 cameras. Lengths in mm.

    rays (n, 4, 7, 3): times (x/f, y/f, 1) gives a pixel's ray in the head frame (3), in the eye frame (3), and
    its product with the camera's place seen from the eye (1). origin_head, origin_eye (n, 4, 3): that place in
    the two frames. glint_px (n, 4, 2, 2): x, y of both glints; glint_strength (n, 4, 2): 0 off the cornea, to 1;
    glint_open (n, 4, 2): whether the lids leave it free. pupil_centre_px (n, 4, 2). px_per_mm (n, 4), at the iris.
    """

    rays: Array
    origin_head: Array
    origin_eye: Array
    glint_px: Array
    glint_strength: Array
    glint_open: NDArray[np.bool_]
    pupil_centre_px: Array
    px_per_mm: Array


def view_frames(participant: Participant, states: FrameStates, height: int, width: int) -> Views:
    """All views of the given frames in images of height x width pixels."""
    centres, rotations = headset.camera_poses(participant)
    of_camera = list(headset.EYE_OF_CAMERA)
    eyes = states.eye_centre_mm[:, of_camera]
    axes = eye_axes(states)[:, of_camera]
    head = np.swapaxes(headset.small_rotation(states.slippage_deg), 1, 2)[:, None]
    origin = centres - eyes
    to_headset = np.swapaxes(rotations, 1, 2)
    rays = np.concatenate([head @ to_headset, axes @ to_headset, origin[:, :, None, :] @ to_headset], axis=2)
    origin_head = np.einsum("ncij,ncj->nci", np.broadcast_to(head, axes.shape), origin)
    iris_depth = np.sqrt(participant.eyeball_radius_mm**2 - participant.iris_radius_mm**2)
    iris_centre = eyes + iris_depth * axes[:, :, 2]
    focal = headset.focal_px(height, width)
    glint, strength = _glints(participant, eyes, axes[:, :, 2], centres)
    in_camera = np.einsum("cij,ncj->nci", rotations, iris_centre - centres)
    return Views(
        rays=rays,
        origin_head=origin_head,
        origin_eye=np.einsum("ncij,ncj->nci", axes, origin),
        glint_px=_project(glint, centres[:, None], rotations[:, None], height, width),
        glint_strength=strength,
        glint_open=_between_lids(participant, states, glint, eyes, head, origin_head),
        pupil_centre_px=_project(iris_centre, centres, rotations, height, width),
        px_per_mm=np.sqrt(focal[0] * focal[1]) / in_camera[..., 2],
    )


def eye_axes(states: FrameStates) -> Array:
    """(n, 2, 3, 3) rows: the eye's own x, y, z (optical) axes in the headset frame (Fick yaw, pitch, then torsion)."""
    yaw, pitch, torsion = (np.radians(a) for a in (states.yaw_deg, states.pitch_deg, states.torsion_deg))
    zero = np.zeros_like(yaw)
    x = np.stack([np.cos(yaw), zero, -np.sin(yaw)], axis=-1)
    z = np.stack([np.cos(pitch) * np.sin(yaw), np.sin(pitch), np.cos(pitch) * np.cos(yaw)], axis=-1)
    y = np.cross(z, x)
    cos, sin = np.cos(torsion)[..., None], np.sin(torsion)[..., None]
    return np.stack([cos * x + sin * y, cos * y - sin * x, z], axis=-2)


def lid_edges(x: Array, upper: Array, lower: Array, tilt: Array, half_fissure: float) -> tuple[Array, Array]:
    """Heights y (down) of the upper and lower lid edge at x on the lid plane: parabolas through the canthi."""
    arch = 1 - (x / half_fissure) ** 2
    return tilt * x - upper * arch, tilt * x + lower * arch


def canthal_tilts(participant: Participant) -> Array:
    """(4,) dy/dx of the line through the canthi per camera: the temporal one lies higher."""
    return participant.canthal_tilt * np.array([1.0, 1.0, -1.0, -1.0])


def _project(point: Array, centres: Array, rotations: Array, height: int, width: int) -> Array:
    """Image coordinates (..., 2) of points (..., 3) in the headset frame."""
    seen = np.einsum("...ij,...j->...i", rotations, point - centres)
    focal = np.array(headset.focal_px(height, width))
    place: Array = seen[..., :2] / seen[..., 2:] * focal + np.array([width, height]) / 2
    return place


def _glints(participant: Participant, eyes: Array, optical: Array, cameras: Array) -> tuple[Array, Array]:
    """Mirror points (n, 4, 2, 3) of both lights on the cornea and how well the cornea's rim lets them be seen.

    The normal there halves the angle between light and camera; found as a fixed point.
    """
    lights = headset.lights_mm(participant)[list(headset.EYE_OF_CAMERA)]
    centre = (eyes + CORNEA_CENTRE_MM * optical)[:, :, None, :]
    point = centre
    for _ in range(GLINT_ITERATIONS):
        normal = _unit(_unit(lights - point) + _unit(cameras[:, None, :] - point))
        point = centre + participant.cornea_radius_mm * normal
    cos_angle = np.einsum("nclk,nck->ncl", normal, optical)
    cos_rim = np.sqrt(1 - (0.97 * participant.iris_radius_mm / participant.cornea_radius_mm) ** 2)
    return point, np.clip((cos_angle - cos_rim) / 0.06 + 0.5, 0.0, 1.0)


def _between_lids(
    participant: Participant, states: FrameStates, point: Array, eyes: Array, head: Array, origin_head: Array
) -> NDArray[np.bool_]:
    """(n, 4, 2) whether the line from each camera to its two points passes between the lids."""
    seen = np.einsum("ncij,nclj->ncli", np.broadcast_to(head, (*point.shape[:2], 3, 3)), point - eyes[:, :, None])
    origin = origin_head[:, :, None]
    share = (LID_PLANE * participant.eyeball_radius_mm - origin[..., 2]) / (seen - origin)[..., 2]
    x, y = np.moveaxis((origin + share[..., None] * (seen - origin))[..., :2], -1, 0)
    of_camera = list(headset.EYE_OF_CAMERA)
    upper, lower = states.upper_lid_mm[:, of_camera, None], states.lower_lid_mm[:, of_camera, None]
    tilt = canthal_tilts(participant)[:, None]
    above, below = lid_edges(x, upper, lower, tilt, participant.half_fissure_mm)
    free: NDArray[np.bool_] = (above < y) & (y < below)
    return free


def _unit(vector: Array) -> Array:
    unit: Array = vector / np.linalg.norm(vector, axis=-1, keepdims=True)
    return unit
