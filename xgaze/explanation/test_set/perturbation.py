"""Pixels replaced by the baseline, and how far the prediction moves: regions, deletion and insertion curves.

Deletion and insertion: Petsiuk et al. 2018 (RISE), here as distance to the full prediction in the target's unit, so that a
gaze point, which has no probability, can be asked too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.integrate import trapezoid
from torch import Tensor, nn

from xgaze.data.batches import device_of
from xgaze.explanation.attribution.parts import WHOLE, Parts
from xgaze.explanation.attribution.readout import Coordinates
from xgaze.explanation.test_set.agreement import flat

STEPS = 10
Masks = tuple[NDArray[np.bool_], ...]
"""Per input (variants, H, W): which pixels are replaced."""


@dataclass(frozen=True)
class Perturbed:
    """One sample of a model: inputs and baseline are (1, channels, H, W) each. At most `batch_size` variants at once.

    parts: inputs that are never replaced, and rows that are real; masks are of these rows of the other inputs.
    """

    model: nn.Module
    inputs: Sequence[Tensor]
    baseline: Sequence[Tensor]
    coordinates: Coordinates
    batch_size: int = 16
    parts: Parts = WHOLE

    @torch.no_grad()
    def predictions(self, masks: Masks) -> NDArray[np.float64]:
        """Coordinates (variants, d) of the prediction with the masked pixels replaced, in all channels."""
        self.model.eval()
        outputs = [
            self.model(*self._replaced([mask[k : k + self.batch_size] for mask in masks])).double().cpu().numpy()
            for k in range(0, len(masks[0]), self.batch_size)
        ]
        return self.coordinates(np.concatenate(outputs))

    def _replaced(self, masks: Sequence[NDArray[np.bool_]]) -> list[Tensor]:
        device, inputs = device_of(self.model), self.parts.moved(self.inputs)
        replaced = [
            torch.where(self.parts.whole(k, torch.from_numpy(mask), here.shape[1:]), there, here).to(device)
            for k, (mask, here, there) in enumerate(zip(masks, inputs, self.parts.moved(self.baseline), strict=True))
        ]
        return self.parts.together(replaced, [one.to(device) for one in self.inputs])


@dataclass(frozen=True)
class Curves:
    """Distance (STEPS + 1,) to the full prediction after each step, from no pixel to all of them.

    deletion: the first pixels are replaced; a good order rises early, so a large area is good. insertion: all are replaced
    but the first; a good order falls early, so a small area is good.
    """

    deletion: NDArray[np.float64]
    insertion: NDArray[np.float64]

    def areas(self) -> tuple[float, float]:
        """Areas of deletion and insertion over the share of pixels, 0 to 1: a mean distance, in the unit of the prediction."""
        return curve_area(self.deletion), curve_area(self.insertion)


def curve_area(distances: NDArray[np.float64]) -> float:
    """Area (trapezoids) over equal steps from 0 to 1."""
    return float(trapezoid(distances, dx=1 / (len(distances) - 1)))


def perturbation_curves(subject: Perturbed, places: Sequence[NDArray[np.int64]], steps: int = STEPS) -> Curves:
    """Curves of one order of the pixels; see `places_by_strength`."""
    first = first_masks(places, steps)
    deleted = subject.predictions(first)
    inserted = subject.predictions(tuple(~mask for mask in first))
    full = deleted[0]
    return Curves(np.linalg.norm(deleted - full, axis=1), np.linalg.norm(inserted - full, axis=1))


def places_by_strength(maps: Sequence[NDArray[np.float32]]) -> tuple[NDArray[np.int64], ...]:
    """Each pixel's place (H, W) in the order of |attribution| over all inputs, 0 the strongest; ties in order of place."""
    return _places(np.argsort(-np.abs(flat(maps)), kind="stable"), maps)


def random_places(maps: Sequence[NDArray[np.float32]], seed: int) -> tuple[NDArray[np.int64], ...]:
    """The same in random order."""
    return _places(np.random.default_rng(seed).permutation(len(flat(maps))), maps)


def first_masks(places: Sequence[NDArray[np.int64]], steps: int) -> Masks:
    """steps + 1 variants: no pixel, then the first 1/steps of all pixels, ..., all."""
    pixels = sum(one.size for one in places)
    counts = np.round(np.linspace(0, pixels, steps + 1))
    return tuple(one[None] < counts.reshape(-1, *[1] * one.ndim) for one in places)


def region_masks(regions: NDArray[np.uint8], labels: Sequence[int]) -> Masks:
    """One variant per label: the pixels of that region in all inputs. regions (inputs, H, W)."""
    wanted = np.asarray(labels)[:, None, None]
    return tuple(one[None] == wanted for one in regions)


def _places(order: NDArray[np.int64], like: Sequence[NDArray[np.float32]]) -> tuple[NDArray[np.int64], ...]:
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    parts = np.split(place, np.cumsum([one.size for one in like])[:-1])
    return tuple(part.reshape(one.shape) for part, one in zip(parts, like, strict=True))
