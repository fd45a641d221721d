"""Losses per task. Those of gaze and values work in hundreds of px, or of the value's unit, so that learning rates carry over
between scenes; gaze in cm and mm, and directions, are brought to the same size first."""

from collections.abc import Callable, Mapping
from functools import reduce
from operator import add
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn import functional

from xgaze.data.contract import Spec
from xgaze.units import STEP

UNIT = 100.0
"""Of px, or of a value's unit."""
EACH = "none"
"""The `reduction` that leaves a loss unreduced."""


def smooth_l1(prediction: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Huber loss per coordinate; quadratic below 100 px."""
    _require_one_shape(prediction, target)
    return functional.smooth_l1_loss(prediction / UNIT, target / UNIT, reduction=reduction)


def euclidean(prediction: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Mean Euclidean distance (of a value: absolute error); the small constant keeps the gradient finite at zero."""
    _require_one_shape(prediction, target)
    each = (((prediction - target) / UNIT).square().sum(dim=1) + 1e-8).sqrt()
    return each if reduction == EACH else each.mean()


def mean_square(prediction: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Mean square over samples and coordinates."""
    _require_one_shape(prediction, target)
    return functional.mse_loss(prediction / UNIT, target / UNIT, reduction=reduction)


def root(mean: Tensor) -> Tensor:
    """Square root with a finite gradient at zero."""
    return (mean + 1e-12).sqrt()


def root_mse(prediction: Tensor, target: Tensor) -> Tensor:
    """Root of the mean square over samples and coordinates: per coordinate, not Euclidean."""
    return root(mean_square(prediction, target))


def cross_entropy(prediction: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Of logits against class indices, or against another model's logits (soft targets)."""
    if target.is_floating_point():
        return functional.cross_entropy(prediction, torch.softmax(target, dim=1), reduction=reduction)
    return functional.cross_entropy(prediction, target, reduction=reduction)


LOSSES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {"smooth-l1": smooth_l1, "euclidean": euclidean, "root-mse": root_mse, "cross-entropy": cross_entropy}
)


def loss_of(name: str, spec: Spec) -> Callable[[Tensor, Tensor], Tensor]:
    """The loss of this name, of outputs and targets in the units of `spec`; of several targets the sum of each one's."""
    return lambda prediction, target: of_each(LOSSES[name], prediction, target, spec)


def of_each(loss: Callable[[Tensor, Tensor], Tensor], prediction: Tensor, target: Tensor, spec: Spec) -> Tensor:
    """Sum over the targets of `spec` of what a loss makes of each, in its steps."""
    pairs = zip(in_steps(prediction, spec), in_steps(target, spec), strict=True)
    return reduce(add, (loss(ours, theirs) for ours, theirs in pairs))


def in_steps(values: Tensor, spec: Spec) -> list[Tensor]:
    """Gaze in other units than px, and directions, as if a step of them were one of px; all else as it is. Of several targets
    each by itself, as if its spread over the training people were a step."""
    if spec.beside:
        parts = [(spec.own(values), spec.spread), *((values[..., where], one.spread) for one, where, _ in spec.apart())]
        return [part * (UNIT / spread) for part, spread in parts]
    if spec.kind not in ("gaze", "angle") or spec.unit == "px":
        return [values]
    return [values * (STEP["px"] / STEP[spec.unit])]


_UNREDUCED: Mapping[str, Callable[[Tensor, Tensor, str], Tensor]] = MappingProxyType(
    {"smooth-l1": smooth_l1, "euclidean": euclidean, "root-mse": mean_square, "cross-entropy": cross_entropy}
)


def sample_losses(name: str, prediction: Tensor, target: Tensor) -> Tensor:
    """One loss per sample, (n,), whose mean is the batch's; of "root-mse" the squares, which are averaged under the root."""
    return _UNREDUCED[name](prediction, target, EACH).reshape(len(prediction), -1).mean(dim=1)


def weighted_loss(name: str, prediction: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """The loss in which sample i counts `weight[i]` times: the mean weight times the loss's weighted mean.

    prediction (n, outputs), weight (n,) >= 0. With weights of one it is LOSSES[name]. The target of a sample of weight 0 is
    never looked at and may be NaN, or class -1.
    """
    counted = weight > 0
    if not counted.any():
        return prediction.sum() * 0  # still has a gradient, of zero
    each, own = sample_losses(name, prediction[counted], target[counted]), weight[counted]
    mean = (own * each).sum() / own.sum()
    return own.sum() / len(weight) * (root(mean) if name == "root-mse" else mean)


def _require_one_shape(prediction: Tensor, target: Tensor) -> None:
    """(batch, 1) against (batch,) would silently become batch x batch differences, whose best prediction is the mean."""
    if prediction.shape != target.shape:
        raise ValueError(f"predictions {tuple(prediction.shape)} and targets {tuple(target.shape)} differ in shape")
