"""What a participant does over time: where it looks, its pupils and lids, and how the headset slips.

Frame i is the same however many frames are asked for: every stream is read frame by frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgaze.data.rendered import headset
from xgaze.data.rendered.person import Participant, Stream, random_stream

Array = NDArray[np.float64]

SCENE_MARGIN = 0.05  # share of the scene image's side in which no target is put
DEPTH_M = (0.6, 4.0)
CLOSING_SHARE = 0.05  # frames with half-closed or closed lids
SLIPPAGE_MM, SLIPPAGE_DEG, SLIPPAGE_MEMORY = 0.2, 0.2, 0.98
PUPIL_SD_MM, PUPIL_MEMORY = 0.25, 0.95
UPPER_LID_FOLLOWS, LOWER_LID_FOLLOWS = 0.62, 0.30  # share of the eyeball's vertical turn
FALSE_TORSION = 0.15  # radians per radian of yaw times radian of pitch


@dataclass(frozen=True)
class FrameStates:
    """n frames of one participant; per eye: left, right. Pitch is positive downwards, yaw to the wearer's right.

    gaze_px (n, 2) in the scene image; depth_m (n,) of the target; yaw_deg, pitch_deg, torsion_deg (n, 2) of the
    optical axes; eye_centre_mm (n, 2, 3); pupil_radius_mm (n, 2); upper_lid_mm and lower_lid_mm (n, 2), heights
    of the lid edges above and below the eye's centre; closing (n,) 0 open to 1 closed; slippage_mm and
    slippage_deg (n, 3) of the head in the headset.
    """

    gaze_px: Array
    depth_m: Array
    yaw_deg: Array
    pitch_deg: Array
    torsion_deg: Array
    eye_centre_mm: Array
    pupil_radius_mm: Array
    upper_lid_mm: Array
    lower_lid_mm: Array
    closing: Array
    slippage_mm: Array
    slippage_deg: Array


def draw_frames(participant: Participant, n_frames: int, seed: int) -> FrameStates:
    """The first n_frames frames of the participant; `seed` is the population's."""
    if n_frames < 1:
        raise ValueError(f"at least one frame is needed, got {n_frames}")
    gaze_px, depth_m, noise_deg = _draw_gaze(participant, n_frames, _stream(participant, seed, Stream.GAZE))
    slip = _autoregressive(_stream(participant, seed, Stream.SLIPPAGE), n_frames, 6, SLIPPAGE_MEMORY)
    slip_mm, slip_deg = SLIPPAGE_MM * slip[:, :3], SLIPPAGE_DEG * slip[:, 3:]
    eyes = _eye_centres(participant, slip_mm, slip_deg)
    yaw, pitch = _optical_axes(participant, eyes, headset.scene_point_mm(gaze_px, 1000 * depth_m), noise_deg)
    rng = _stream(participant, seed, Stream.LIDS)
    upper, lower, closing = _draw_lids(participant, pitch, rng)
    return FrameStates(
        gaze_px=gaze_px,
        depth_m=depth_m,
        yaw_deg=np.degrees(yaw),
        pitch_deg=np.degrees(pitch),
        torsion_deg=np.degrees(FALSE_TORSION * yaw * pitch),
        eye_centre_mm=eyes,
        pupil_radius_mm=_draw_pupils(participant, n_frames, _stream(participant, seed, Stream.PUPIL)),
        upper_lid_mm=upper,
        lower_lid_mm=lower,
        closing=closing,
        slippage_mm=slip_mm,
        slippage_deg=slip_deg,
    )


def _stream(participant: Participant, seed: int, stream: Stream) -> np.random.Generator:
    return random_stream(seed, participant.number, stream)


def _draw_gaze(participant: Participant, n: int, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Targets (n, 2) in scene pixels, depths (n,) in m, fixation noise (n, 2) in degrees yaw and pitch."""
    place = rng.random((n, 5))  # read frame by frame, so that frame i never depends on n
    gaze_px = (SCENE_MARGIN + (1 - 2 * SCENE_MARGIN) * place[:, :2]) * np.array(headset.SCENE_SIZE_PX)
    near, far = 1 / DEPTH_M[0], 1 / DEPTH_M[1]
    radius = participant.fixation_noise_deg * np.sqrt(-2 * np.log1p(-place[:, 3]))  # Box-Muller
    angle = 2 * np.pi * place[:, 4]
    noise_deg = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return gaze_px, 1 / (far + (near - far) * place[:, 2]), noise_deg


def _eye_centres(participant: Participant, slip_mm: Array, slip_deg: Array) -> Array:
    """(n, 2, 3) eyeball centres in the headset frame."""
    at_rest = headset.nominal_eyes_mm(participant) + np.array(participant.eye_shift_mm)
    turned = np.einsum("nij,ej->nei", headset.small_rotation(slip_deg), at_rest)
    centres: Array = turned + slip_mm[:, None, :]
    return centres


def _optical_axes(participant: Participant, eyes: Array, target: Array, noise_deg: Array) -> tuple[Array, Array]:
    """Yaw and pitch (n, 2) in radians: the visual axis meets the target, the optical axis lies kappa beside it."""
    toward = target[:, None, :] - eyes
    toward /= np.linalg.norm(toward, axis=-1, keepdims=True)
    temporal = np.array([-1.0, 1.0])
    noise = np.radians(noise_deg)[:, None, :]
    across, down = np.radians(participant.kappa_deg)
    yaw = np.arctan2(toward[..., 0], toward[..., 2]) + noise[..., 0] + temporal * across
    pitch = np.arcsin(toward[..., 1]) + noise[..., 1] + down
    return yaw, pitch


def _draw_pupils(participant: Participant, n: int, rng: np.random.Generator) -> Array:
    """(n, 2) pupil radii: both pupils follow one AR(1) course."""
    course = PUPIL_SD_MM * _autoregressive(rng, n, 1, PUPIL_MEMORY)
    difference = participant.pupil_difference_mm * np.array([-0.5, 0.5])
    return np.clip(participant.mean_pupil_radius_mm + course + difference, 0.9, 3.8)


def _draw_lids(participant: Participant, pitch: Array, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Upper and lower lid heights (n, 2) in mm after following the gaze and closing, and the closing (n,)."""
    n = len(pitch)
    chance = rng.random((n, 3))
    half_closed = 0.4 + 0.4 * chance[:, 1]
    closing = np.where(chance[:, 0] < CLOSING_SHARE, np.where(chance[:, 2] < 0.5, half_closed, 1.0), 0.0)
    down_mm = participant.eyeball_radius_mm * np.sin(pitch)
    lower = participant.lower_lid_mm + LOWER_LID_FOLLOWS * down_mm
    open_upper = participant.upper_lid_mm - UPPER_LID_FOLLOWS * down_mm
    upper = open_upper - closing[:, None] * (open_upper + lower + 0.3)  # a closed lid overlaps by .3 mm
    return upper, lower, closing


def _autoregressive(rng: np.random.Generator, n: int, width: int, memory: float) -> Array:
    """(n, width) stationary AR(1) with unit variance."""
    course = rng.standard_normal((n, width))
    for i in range(1, n):
        course[i] = memory * course[i - 1] + np.sqrt(1 - memory**2) * course[i]
    return course
