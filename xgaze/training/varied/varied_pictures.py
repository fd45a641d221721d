"""Pictures that differ a little anew in every batch, as between people and mountings: moved, larger or smaller, lighter or
darker, noisier. Each picture varies for itself, gaze stays what it is."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from xgaze.data.contract import Batch, InputSpec, Recording
from xgaze.errors import InputError
from xgaze.recipe import VariedPictures

FULL_RANGE = 255.0


def require_pictures(recording: Recording, key: str = "training.varied_pictures") -> None:
    """Raises InputError where no input is a picture. key: of the recipe, that asked."""
    if not any(one.holds_pixels for one in recording.spec.inputs):
        raise InputError(f"{key}: no input of this recording is a picture. Leave it out.")


def varied(inputs: tuple[InputSpec, ...], settings: VariedPictures, batch: Batch, chance: np.random.Generator) -> Batch:
    """The batch with each of its pictures varied by numbers from `chance` alone; other inputs as they are, and views that are
    missing: what is zero everywhere shows nothing that could vary."""
    pairs = zip(inputs, batch.inputs, strict=True)
    return replace(batch, inputs=tuple(_there_varied(one, settings, x, chance) for one, x in pairs))


def _there_varied(one: InputSpec, settings: VariedPictures, x: Tensor, chance: np.random.Generator) -> Tensor:
    if not one.holds_pixels:
        return x
    made = _varied(one, settings, x, chance)
    return torch.where(x.flatten(1).any(dim=1).view(-1, 1, 1, 1), made, x) if one.may_be_missing else made


def _varied(one: InputSpec, settings: VariedPictures, x: Tensor, chance: np.random.Generator) -> Tensor:
    def uniform(most: float, *more: int) -> Tensor:
        return torch.from_numpy(chance.uniform(-most, most, (len(x), *more)).astype(np.float32)).to(x.device)

    if settings.shift_px or settings.scale:
        x = moved(x, uniform(settings.shift_px, 2), 1 + uniform(settings.scale))
    if settings.brightness:
        x = brightened(one, x, 1 + uniform(settings.brightness))
    if settings.noise:
        noise = torch.from_numpy(chance.standard_normal(x.shape, np.float32)).to(x.device)
        x = x + noise * (settings.noise * FULL_RANGE / x.new_tensor(one.scale))
    return x


def moved(x: Tensor, shift_px: Tensor, scale: Tensor) -> Tensor:
    """Pictures (n, channels, height, width), enlarged `scale` (n,) times about the middle, which then lies `shift_px` (n, 2) to
    the right and down; what comes in from outside looks as the edge does."""
    height, width = x.shape[-2:]
    columns, rows = (
        (_places(size, x) - 2 * shift_px[:, [axis]] / size) / scale[:, None]
        for axis, size in enumerate((width, height))
    )
    shape = (len(x), height, width)
    where = torch.stack([columns[:, None].expand(shape), rows[:, :, None].expand(shape)], dim=-1)
    return functional.grid_sample(x, where, padding_mode="border", align_corners=False)


def _places(size: int, x: Tensor) -> Tensor:
    """Middles of pixels from -1 to 1, in float32: `affine_grid` multiplies matrices, in bfloat16 where training does."""
    return (2 * torch.arange(size, device=x.device, dtype=torch.float32) + 1)[None] / size - 1


def brightened(one: InputSpec, x: Tensor, gain: Tensor) -> Tensor:
    """Pictures as stored times `gain` (n,), normalised as before: black stays black."""
    gain = gain.view(-1, 1, 1, 1)
    return gain * x + (gain - 1) * (x.new_tensor(one.shift) / x.new_tensor(one.scale))
