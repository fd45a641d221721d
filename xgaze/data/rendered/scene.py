"""What stays the same over a participant's frames: pixel rays, exposure, textures and a stock of sensor noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from xgaze.data.rendered import headset, textures
from xgaze.data.rendered.person import Participant

NOISE_SD = 2.5  # grey levels
NOISE_STARTS = 2**16  # a frame's noise is the stock from one of these places on
TEXTURE_DISTANCE_MM = 30.0  # textures have an image's resolution at this distance


@dataclass(frozen=True)
class Scene:
    """What stays the same over a participant's frames. pixels (3, h*w): x/f, y/f, 1; length2 (h*w,) of that ray;
    exposure (4, h*w): gain times vignetting; eyeball, skin, lashes (4, ...): textures per camera; noise: a stock."""

    height: int
    width: int
    pixels: Tensor
    length2: Tensor
    exposure: Tensor
    eyeball: Tensor
    skin: Tensor
    lashes: Tensor
    noise: Tensor


def prepare_scene(participant: Participant, height: int, width: int, noise: np.random.Generator) -> Scene:
    """Textures, pixel rays, exposure and a stock of sensor noise for one participant."""
    focal = headset.focal_px(height, width)
    x = (torch.arange(width) + 0.5 - width / 2) / focal[0]
    y = (torch.arange(height) + 0.5 - height / 2) / focal[1]
    pixels = torch.stack([x.expand(height, width), y[:, None].expand(height, width), torch.ones(height, width)])
    pixels = pixels.reshape(3, -1)
    off_axis = (pixels[0] ** 2 + pixels[1] ** 2) / (x[-1] ** 2 + y[-1] ** 2)
    gain, vignetting = torch.tensor([participant.camera_gain, participant.camera_vignetting])
    painted = textures.paint_textures(participant, focal[0] / TEXTURE_DISTANCE_MM)
    of_camera = list(headset.EYE_OF_CAMERA)
    stock = noise.standard_normal(4 * height * width + NOISE_STARTS, dtype=np.float32) * np.float32(NOISE_SD)
    return Scene(
        height=height,
        width=width,
        pixels=pixels,
        length2=(pixels**2).sum(0),
        exposure=gain[:, None] * (1 - vignetting[:, None] * off_axis),
        eyeball=painted.eyeball[of_camera],
        skin=painted.skin[of_camera],
        lashes=painted.lashes[of_camera],
        noise=torch.from_numpy(stock),
    )
