"""What an eye is painted with: iris and sclera, lid skin, lashes; one texture each per eye.

Every texture is drawn from noise of a fixed size, then painted at the resolution the image needs, so the same
participant has the same freckles at any size.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample, interpolate

from xgaze.data.rendered.lashes import lower_lashes, upper_lashes
from xgaze.data.rendered.person import Participant, Stream, random_stream

SKIN_HALF_MM = (14.0, 14.0)  # vertical and horizontal half extent, from the lid edge and the eye's centre
SKIN_TEXELS_PER_MM = 16.0  # skin has nothing finer
LASH_HALF_MM, LASH_REACH_MM = 14.0, 7.0
LASH_FORESHORTENED = 0.7  # lashes point towards the cameras, so fewer texels do along them


@dataclass(frozen=True)
class Textures:
    """Both eyes' textures. eyeball (2, S, S): grey over [-r, r] of the eye frame's x and y. skin, lower_lashes (2, h, w): grey
    and cover over x and the height above or below the lid edge. upper_lashes (2, h, w): cover over x and the distance from
    their roots."""

    eyeball: Tensor
    skin: Tensor
    lower_lashes: Tensor
    upper_lashes: Tensor


def paint_textures(participant: Participant, px_per_mm: float) -> Textures:
    """Textures with about px_per_mm texels per mm."""
    drawn = {s: random_stream(participant.seed, participant.number, s) for s in Stream}
    eyeball, skin, lower, upper = [], [], [], []
    for side in (-1.0, 1.0):
        eyeball.append(paint_eyeball(participant, drawn[Stream.IRIS], px_per_mm))
        lash_rng = drawn[Stream.LASHES]
        grey = paint_skin(participant, side, drawn[Stream.SKIN], min(px_per_mm, SKIN_TEXELS_PER_MM))
        height, width = (ceil(2 * half * px_per_mm) for half in SKIN_HALF_MM)
        lower.append(lower_lashes(participant, side, lash_rng, SKIN_HALF_MM, (height, width)))
        skin.append(interpolate(grey[None, None], size=(height, width), mode="bilinear", align_corners=False)[0, 0])
        size = (ceil(LASH_FORESHORTENED * LASH_REACH_MM * px_per_mm), ceil(2 * LASH_HALF_MM * px_per_mm))
        upper.append(upper_lashes(participant, side, lash_rng, LASH_HALF_MM, LASH_REACH_MM, size))
    return Textures(*(torch.stack(one) for one in (eyeball, skin, lower, upper)))


def paint_eyeball(participant: Participant, rng: np.random.Generator, px_per_mm: float) -> Tensor:
    """(S, S) iris inside the limbus, sclera outside; the pupil is not painted."""
    radius, iris = participant.eyeball_radius_mm, participant.iris_radius_mm
    across = _centres(radius, ceil(2 * radius * px_per_mm))
    x, y = across[None, :], across[:, None]
    distance = torch.sqrt(x * x + y * y)
    angle = torch.atan2(y, x) / torch.pi
    inward = (distance / iris).clamp_(max=1.2)
    polar = torch.stack([angle, inward / 0.6 - 1], dim=-1)[None]
    fibres = _wrapped_noise(rng, (10, 110)) + 0.7 * _wrapped_noise(rng, (4, 24))
    pattern = grid_sample(fibres, polar, align_corners=True, padding_mode="border")[0, 0]
    collarette = _bump((inward - 0.5) / 0.07)
    limbus = torch.sigmoid((inward - 0.93) / 0.025)
    grey = participant.iris_grey * (1 + participant.iris_contrast * (0.6 * pattern + 0.5 * collarette) - 0.3 * limbus)
    blotches = _noise(rng, (9, 9), (len(across), len(across)))
    sclera = participant.sclera_grey * (1 + 0.05 * blotches - 0.012 * (distance - iris).clamp_(min=0))
    return torch.lerp(grey, sclera, torch.sigmoid((distance - iris) / 0.12))


def paint_skin(participant: Participant, side: float, rng: np.random.Generator, px_per_mm: float) -> Tensor:
    """(h, w) lid skin: v is the height below (+) or above (-) the lid edge in mm, x along it."""
    size = (ceil(2 * SKIN_HALF_MM[0] * px_per_mm), ceil(2 * SKIN_HALF_MM[1] * px_per_mm))
    v, x = _centres(SKIN_HALF_MM[0], size[0])[:, None], _centres(SKIN_HALF_MM[1], size[1])[None, :]
    relief = 0.05 * _noise(rng, (6, 8), size) + 0.035 * _noise(rng, (28, 36), size)
    relief += 0.02 * _noise(rng, (90, 24), size) + 0.015 * _noise(rng, (120, 150), size)
    crease = -3.2 - 1.8 * rng.random() + 0.015 * x * x
    relief -= participant.crease_depth * _bump((v - crease) / 0.45)
    relief += 0.1 * _bump((v - crease / 2) / 1.2) - 0.10 * ((v - crease) / 4).clamp(max=0).abs_()
    for depth, height, bend in rng.uniform((0.03, 2.0, 0.01), (0.12, 7.0, 0.03), size=(3, 3)):
        relief -= depth * _bump((v - height + bend * x * x) / 0.3)
    rim = _bump((v - 0.35) / 0.3) * 0.18 - _bump((v + 0.1) / 0.35) * 0.35
    temple = 1 - 0.012 * (side * x).clamp(min=0) - 0.006 * x.abs()
    return participant.skin_grey * (1 + relief + rim) * temple


def _centres(half: float, count: int) -> Tensor:
    """Centres of `count` equal cells of [-half, half]."""
    return ((torch.arange(count) + 0.5) / count * 2 - 1) * half


def _bump(off: Tensor) -> Tensor:
    """Bell of height 1. Not so far out that numbers become denormal, which processors compute many times slower."""
    return torch.exp(-(off * off).clamp_(max=80.0))


def _noise(rng: np.random.Generator, cells: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """Smooth noise of about unit variance: cells of white noise, enlarged to size."""
    white = torch.from_numpy(rng.standard_normal(cells, dtype=np.float32))[None, None]
    return interpolate(white, size=size, mode="bilinear", align_corners=False)[0, 0] * 1.4


def _wrapped_noise(rng: np.random.Generator, cells: tuple[int, int]) -> Tensor:
    """(1, 1, 40, 442) smooth noise whose first and last column agree, for polar textures."""
    white = rng.standard_normal(cells, dtype=np.float32)
    closed = torch.from_numpy(np.concatenate([white, white[:, :1]], axis=1))[None, None]
    return interpolate(closed, size=(40, 442), mode="bicubic", align_corners=True)
