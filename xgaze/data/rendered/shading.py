"""Pixels: one frame's four eye images and their region masks, from views and textures, in torch on the CPU.

Every edge is a ramp about one pixel wide (analytic antialiasing). Large images are shaded in bands of rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample, hardsigmoid

from xgaze.data.rendered import headset, textures
from xgaze.data.rendered.frames import FrameStates
from xgaze.data.rendered.person import Participant
from xgaze.data.rendered.scene import TEXTURE_DISTANCE_MM, Scene
from xgaze.data.rendered.views import LID_PLANE, Views, canthal_tilts

REGIONS = ("skin", "sclera", "iris", "pupil", "glint", "lash")  # a region's label is its place here
SKIN, SCLERA, IRIS, PUPIL, GLINT, LASH = range(len(REGIONS))

BAND_PIXELS = 40_000  # of all four cameras together: a plane of them stays in the processor's cache
GLINT_RADIUS_MM = 0.17
CORNER_OF_SKIN = 0.5  # grey of the corner of the eye, where no eyeball is behind the opening
EDGE = 4.0  # ramp of 1.5 pixels; hardsigmoid rises over 6


@dataclass(frozen=True)
class _Lids:
    """Band-sized planes (4, p): place on the lid plane, signed opening in mm (> 0 between the lids), and the skin
    texture's height v (0 between the lids); upper: y of the upper edge."""

    x: Tensor
    y: Tensor
    opening: Tensor
    v: Tensor
    upper: Tensor


def shade_frame(
    scene: Scene, participant: Participant, states: FrameStates, views: Views, frame: int, noise_start: int
) -> tuple[Tensor, Tensor]:
    """One frame's images and region labels, both (4, height, width) uint8."""
    images = torch.empty(4, scene.height, scene.width, dtype=torch.uint8)
    regions = torch.empty_like(images)
    painter = _FramePainter(scene, participant, states, views, frame, noise_start)
    rows = max(1, BAND_PIXELS // (4 * scene.width))
    for top in range(0, scene.height, rows):
        band = slice(top, min(top + rows, scene.height))
        images[:, band], regions[:, band] = painter.paint(band)
    return images, regions


class _FramePainter:
    """Paints bands of rows of one frame's four images."""

    def __init__(
        self, scene: Scene, participant: Participant, states: FrameStates, views: Views, frame: int, noise_start: int
    ) -> None:
        of_camera = list(headset.EYE_OF_CAMERA)
        self.scene, self.participant, self.noise_start = scene, participant, noise_start
        self.rays = _single(views.rays[frame])
        self.head, self.eye = _columns(views.origin_head[frame]), _columns(views.origin_eye[frame])
        self.upper, self.lower, self.pupil, self.px_per_mm, self.tilt = (
            _single(a)[:, None]
            for a in (
                states.upper_lid_mm[frame, of_camera],
                states.lower_lid_mm[frame, of_camera],
                states.pupil_radius_mm[frame, of_camera],
                views.px_per_mm[frame],
                canthal_tilts(participant),
            )
        )
        self.glint_columns, self.glint_rows = _glint_profiles(scene, views, frame)

    def paint(self, band: slice) -> tuple[Tensor, Tensor]:
        """Grey values and labels (4, rows, width) of the band's rows."""
        scene, shape = self.scene, (4, band.stop - band.start, self.scene.width)
        flat = slice(band.start * scene.width, band.stop * scene.width)
        ray = (self.rays @ scene.pixels[:, flat]).unbind(1)
        lids = self._lids(ray)
        grey, radius, facing = self._eyeball(ray, scene.length2[flat])
        sharp = self.px_per_mm * EDGE
        in_pupil = hardsigmoid((self.pupil - radius).mul_(sharp))
        grey = grey.lerp_(torch.full_like(grey, self.participant.pupil_grey), in_pupil)
        corner = torch.full_like(grey, CORNER_OF_SKIN * self.participant.skin_grey)
        grey = torch.lerp(corner, grey, (facing * 3.0).clamp_(max=1.0))
        grey.mul_((lids.y - lids.upper).mul_(0.16).add_(0.6).clamp_(max=1.0))  # the upper lid's shadow
        glint = torch.bmm(self.glint_rows[:, band], self.glint_columns).view(4, -1).clamp_(max=1.0)
        grey.add_(glint, alpha=230.0)
        open_eye = hardsigmoid(lids.opening.mul_(sharp))
        skin, lower_lash = self._skin(lids)
        grey = torch.lerp(skin, grey.clamp_(max=250.0), open_eye)
        lash = torch.maximum(self._upper_lash(ray, lids), lower_lash)
        grey.lerp_(torch.full_like(grey, self.participant.lash_grey), lash)
        grey.mul_(scene.exposure[:, flat]).add_(self._noise(flat)).clamp_(0.0, 255.0)
        labels = self._labels(radius, glint, (open_eye > 0.5) & (facing > 0.0), lash)
        return grey.round_().to(torch.uint8).view(shape), labels.view(shape)

    def _eyeball(self, ray: tuple[Tensor, ...], length2: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Grey, distance from the optical axis in mm, and cosine towards the camera, of what each ray meets.

        A ray meets the iris plane behind the sphere exactly where it entered through the cornea's cap, so the
        later of the two hits is the right one.
        """
        person, (x, y, z) = self.participant, self.eye
        radius = person.eyeball_radius_mm
        rest = x * x + y * y + z * z - radius * radius
        under_root = (ray[6] * ray[6]).sub_(rest * length2).clamp_(min=0.0)
        root = under_root.sqrt_()
        on_sphere = (ray[6] + root).div_(-length2)
        iris_depth = (radius**2 - person.iris_radius_mm**2) ** 0.5
        share = torch.maximum(on_sphere, (iris_depth - z) / ray[5])
        place_x, place_y = torch.addcmul(x, share, ray[3]), torch.addcmul(y, share, ray[4])
        distance = torch.hypot(place_x, place_y)
        facing = root.mul_(torch.rsqrt(length2)).div_(radius)
        grey = _sample(self.scene.eyeball, place_x.div_(radius), place_y.div_(radius))[:, 0]
        return grey.mul_(facing * 0.4 + 0.62), distance, facing

    def _lids(self, ray: tuple[Tensor, ...]) -> _Lids:
        person, (x0, y0, z0) = self.participant, self.head
        share = (LID_PLANE * person.eyeball_radius_mm - z0) / ray[2]
        x, y = torch.addcmul(x0, share, ray[0]), torch.addcmul(y0, share, ray[1])
        arch = (x * x).mul_(-1 / person.half_fissure_mm**2).add_(1.0)
        line = x * self.tilt
        upper, lower = torch.addcmul(line, arch, -self.upper), torch.addcmul(line, arch, self.lower)
        below_upper, below_lower = y - upper, y - lower
        opening = torch.minimum(below_upper, -below_lower)
        v = below_lower.clamp_(min=0.0).add_(below_upper.clamp(max=0.0))
        return _Lids(x, y, opening, v, upper)

    def _skin(self, lids: _Lids) -> tuple[Tensor, Tensor]:
        half_v, half_x = textures.SKIN_HALF_MM
        sampled = _sample(self.scene.skin, lids.x / half_x, lids.v / half_v)
        return sampled[:, 0], sampled[:, 1]

    def _upper_lash(self, ray: tuple[Tensor, ...], lids: _Lids) -> Tensor:
        """Cover by upper lashes, which stand forward and up from the lid edge on a curved sheet."""
        person, (x0, y0, z0) = self.participant, self.head
        lift = torch.deg2rad(torch.tensor(person.lash_lift_deg))
        root_z = LID_PLANE * person.eyeball_radius_mm
        share = (lids.upper - y0 - torch.tan(lift) * (z0 - root_z)) / (ray[1] + torch.tan(lift) * ray[2])
        x = torch.addcmul(x0, share, ray[0]).div_(textures.LASH_HALF_MM)
        along = torch.addcmul(z0 - root_z, share, ray[2]).mul_(2 / textures.LASH_REACH_MM / torch.cos(lift)).sub_(1.0)
        return _sample(self.scene.lashes, x, along, outside="zeros")[:, 0]

    def _noise(self, flat: slice) -> Tensor:
        count = flat.stop - flat.start
        start = self.noise_start + 4 * flat.start
        return self.scene.noise[start : start + 4 * count].view(4, count)

    def _labels(self, radius: Tensor, glint: Tensor, on_eye: Tensor, lash: Tensor) -> Tensor:
        labels = (radius < self.participant.iris_radius_mm).to(torch.uint8).add_(radius < self.pupil).add_(SCLERA)
        labels.masked_fill_(glint > 0.5, GLINT)
        labels.masked_fill_(~on_eye, SKIN)
        return labels.masked_fill_(lash > 0.4, LASH)


def _glint_profiles(scene: Scene, views: Views, frame: int) -> tuple[Tensor, Tensor]:
    """Columns (4, 2, width) and rows (4, height, 2) whose product is both glints' saturated Gaussian spots."""
    place, strength = _single(views.glint_px[frame]), _single(views.glint_strength[frame])
    across = (torch.arange(scene.width) + 0.5 - place[..., :1]) / scene.width * 720.0
    down = (torch.arange(scene.height) + 0.5 - place[..., 1:]) / scene.height * 576.0
    sd = GLINT_RADIUS_MM * 1150.0 / TEXTURE_DISTANCE_MM
    columns = torch.exp(-((across / sd) ** 2) / 2) * (1.6 * strength)[..., None]
    return columns, torch.exp(-((down / sd) ** 2) / 2).transpose(1, 2).contiguous()


def _sample(texture: Tensor, x: Tensor, y: Tensor, outside: str = "border") -> Tensor:
    """(4, channels, p) texture values at x, y in [-1, 1], each (4, p)."""
    grid = torch.stack([x, y], dim=-1)[:, None]
    return grid_sample(texture, grid, mode="bilinear", padding_mode=outside, align_corners=False)[:, :, 0]


def _single(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


def _columns(places: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
    """x, y, z of places (4, 3), each (4, 1)."""
    x, y, z = _single(places)[:, :, None].unbind(1)
    return x, y, z
