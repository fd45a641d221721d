"""Losses per task. Gaze losses take px and work in hundreds of px, so that learning rates carry over between scenes."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn import functional

UNIT_PX = 100.0


def smooth_l1(prediction: Tensor, target: Tensor) -> Tensor:
    """Huber loss per coordinate; quadratic below 100 px."""
    return functional.smooth_l1_loss(prediction / UNIT_PX, target / UNIT_PX)


def euclidean(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean Euclidean distance; the small constant keeps the gradient finite at zero."""
    return (((prediction - target) / UNIT_PX).square().sum(dim=1) + 1e-8).sqrt().mean()


def root_mse(prediction: Tensor, target: Tensor) -> Tensor:
    """Root of the mean square over samples and coordinates: per coordinate, not Euclidean."""
    return (functional.mse_loss(prediction / UNIT_PX, target / UNIT_PX) + 1e-12).sqrt()


def cross_entropy(prediction: Tensor, target: Tensor) -> Tensor:
    """Of logits against class indices, or against another model's logits (soft targets)."""
    if target.is_floating_point():
        return functional.cross_entropy(prediction, torch.softmax(target, dim=1))
    return functional.cross_entropy(prediction, target)


LOSSES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {"smooth-l1": smooth_l1, "euclidean": euclidean, "root-mse": root_mse, "cross-entropy": cross_entropy}
)
