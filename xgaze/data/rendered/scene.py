"""What stays the same over a participant's frames: pixel rays, exposure, textures and a stock of sensor noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgaze.data.rendered import headset, textures
from xgaze.data.rendered.person import Participant

Array = NDArray[np.float32]

NOISE_SD = 2.5  # grey levels
NOISE_STARTS = 2**16  # a frame's noise is the stock from one of these places on
TEXTURE_DISTANCE_MM = 30.0  # textures have an image's resolution at this distance


@dataclass(frozen=True)
class Scene:
    """What stays the same over a participant's frames, in single precision. x (w,), y (h,): x/f and y/f of the pixels' rays;
    exposure (4, h, w), per camera: gain times vignetting; eyeball, skin, lower_lashes, upper_lashes (2, ...): textures per eye;
    noise: a stock."""

    height: int
    width: int
    x: Array
    y: Array
    exposure: Array
    eyeball: Array
    skin: Array
    lower_lashes: Array
    upper_lashes: Array
    noise: Array


def prepare_scene(participant: Participant, height: int, width: int, noise: np.random.Generator) -> Scene:
    """Textures, pixel rays, exposure and a stock of sensor noise for one participant."""
    focal = headset.focal_px(height, width)
    x = ((np.arange(width) + 0.5 - width / 2) / focal[0]).astype(np.float32)
    y = ((np.arange(height) + 0.5 - height / 2) / focal[1]).astype(np.float32)
    off_axis = (x**2 + y[:, None] ** 2) / (x[-1] ** 2 + y[-1] ** 2)
    gain, vignetting = np.array([participant.camera_gain, participant.camera_vignetting], np.float32)[..., None, None]
    painted = textures.paint_textures(participant, focal[0] / TEXTURE_DISTANCE_MM)
    stock = noise.standard_normal(4 * height * width + NOISE_STARTS, dtype=np.float32) * np.float32(NOISE_SD)
    return Scene(
        height=height,
        width=width,
        x=x,
        y=y,
        exposure=gain * (1 - vignetting * off_axis),
        eyeball=painted.eyeball.numpy(),
        skin=painted.skin.numpy(),
        lower_lashes=painted.lower_lashes.numpy(),
        upper_lashes=painted.upper_lashes.numpy(),
        noise=stock,
    )
