"""One participant's rendered frames: images, region masks, gaze points and the states behind them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from xgaze.data.rendered.frames import FrameStates, draw_frames
from xgaze.data.rendered.person import Participant, Stream, draw_participant, random_stream
from xgaze.data.rendered.scene import NOISE_STARTS, prepare_scene
from xgaze.data.rendered.views import Views, view_frames
from xgaze.data.threads import one_thread

SMALLEST_SIDE_PX = 16
STATE_SHAPES: dict[str, tuple[int, ...]] = {
    "pupil_radius_mm": (2,),
    "yaw_deg": (2,),
    "pitch_deg": (2,),
    "lid_opening_mm": (2,),
    "closing": (),
    "depth_m": (),
    "slippage_mm": (3,),
    "slippage_deg": (3,),
    "pupil_centre_px": (4, 2),
    "glint_px": (4, 2, 2),
    "glint_visible": (4, 2),
}


@dataclass(frozen=True)
class RenderedParticipant:
    """n frames of one synthetic participant. images and regions (n, 4, H, W) uint8, cameras as in `CAMERAS`,
    labels as in `REGIONS`; gaze_px (n, 2) float32 in the 800x600 scene image, origin top left.

    states: float32 arrays of n rows, their other axes as in `STATE_SHAPES`. Per eye: left, right. Per camera:
    as in `CAMERAS`. Yaw is positive to the wearer's right, pitch downwards, of the optical axes; lid_opening_mm
    is 0 when closed; closing is 1 in a blink; depth_m is the target's; pupil_centre_px and glint_px are in pixels of
    the rendered size, the image's top left corner at 0, 0; glint_visible is 1 on the cornea between the lids.
    """

    participant: Participant
    images: NDArray[np.uint8]
    regions: NDArray[np.uint8]
    gaze_px: NDArray[np.float32]
    states: dict[str, NDArray[np.float32]]


def render_participant(number: int, n_frames: int, height: int, width: int, seed: int = 0) -> RenderedParticipant:
    """Render the first n_frames frames of a participant; synthetic, deterministic, on one core."""
    from xgaze.data.rendered.shading import shade_frame  # brings a compiler, which only rendering needs

    if min(height, width) < SMALLEST_SIDE_PX:
        raise ValueError(f"eye images need {SMALLEST_SIDE_PX} pixels a side, got {height} x {width}")
    participant = draw_participant(number, seed)
    states = draw_frames(participant, n_frames, seed)
    views = view_frames(participant, states, height, width)
    starts = (random_stream(seed, number, Stream.NOISE_PLACE).random(n_frames) * NOISE_STARTS).astype(int)
    images = np.empty((n_frames, 4, height, width), np.uint8)
    regions = np.empty_like(images)
    with one_thread(), torch.inference_mode():
        scene = prepare_scene(participant, height, width, random_stream(seed, number, Stream.NOISE))
        for i, start in enumerate(starts):
            images[i], regions[i] = shade_frame(scene, participant, states, views, i, int(start))
    gaze_px = states.gaze_px.astype(np.float32)
    return RenderedParticipant(participant, images, regions, gaze_px, _state_arrays(states, views))


def _state_arrays(states: FrameStates, views: Views) -> dict[str, NDArray[np.float32]]:
    opening = np.maximum(states.upper_lid_mm + states.lower_lid_mm, 0.0)
    arrays = {
        "pupil_radius_mm": states.pupil_radius_mm,
        "yaw_deg": states.yaw_deg,
        "pitch_deg": states.pitch_deg,
        "lid_opening_mm": opening,
        "closing": states.closing,
        "depth_m": states.depth_m,
        "slippage_mm": states.slippage_mm,
        "slippage_deg": states.slippage_deg,
        "pupil_centre_px": views.pupil_centre_px,
        "glint_px": views.glint_px,
        "glint_visible": (views.glint_strength > 0.5) & views.glint_open,
    }
    return {name: array.astype(np.float32) for name, array in arrays.items()}
