"""Grad-CAM (Selvaraju et al. 2017) per tower: Captum's takes one layer, a multi-camera model has one for each input."""

from collections.abc import Sequence
from typing import Any

import torch
from captum.attr import LayerAttribution, LayerGradCam
from torch import Tensor, nn

from xgaze.errors import InputError
from xgaze.explanation.attribution.targets import Scalar


def grad_cam(scalar: Scalar, inputs: Sequence[Tensor], truth: Tensor) -> tuple[Tensor, ...]:
    """One signed (1, 1, H, W) map per input, in the target's unit per pixel: the last maps of its tower, weighted by their mean
    gradient, interpolated to the input's size and divided among its pixels. Raises InputError where an input has no tower.

    The sign is kept, so what pulls the target down is seen too.
    """
    towers = tower_layers(scalar, inputs, truth)
    return tuple(_weighted(scalar, layer, inputs, truth, place) for place, layer in enumerate(towers))


def grad_cam_of(scalar: Scalar, inputs: Sequence[Tensor], truth: Tensor, place: int) -> Tensor:
    """The same of one input alone, whatever the others are read by. Raises InputError where it has no tower of its own."""
    layer = own_layers(scalar, inputs, truth)[place]
    if layer is None:
        raise InputError(f"Grad-CAM needs convolutions of its own for an input; input {place + 1} has none.")
    return _weighted(scalar, layer, inputs, truth, place)


def _weighted(scalar: Scalar, layer: nn.Module, inputs: Sequence[Tensor], truth: Tensor, place: int) -> Tensor:
    watched = tuple(one.detach().clone().requires_grad_() for one in inputs)
    coarse = LayerGradCam(scalar, layer).attribute(watched, additional_forward_args=(truth,)).detach()
    fine = LayerAttribution.interpolate(coarse, tuple(inputs[place].shape[2:]), "bilinear")
    scaled: Tensor = fine * (coarse[0, 0].numel() / fine[0, 0].numel())
    return scaled


def tower_layers(scalar: Scalar, inputs: Sequence[Tensor], truth: Tensor) -> list[nn.Module]:
    """The own layer of every input. Raises InputError where one has none."""
    layers = own_layers(scalar, inputs, truth)
    for k, layer in enumerate(layers):
        if layer is None:
            raise InputError(f"Grad-CAM needs convolutions of its own for every input; input {k + 1} has none.")
    return [layer for layer in layers if layer is not None]


@torch.no_grad()
def own_layers(scalar: Scalar, inputs: Sequence[Tensor], truth: Tensor) -> list[nn.Module | None]:
    """Per input the last layer whose output are maps that depend on this input alone: an input of NaN shows where it goes."""
    runs = [_maps_and_blindness(scalar, inputs, truth, k) for k in range(len(inputs))]
    layers: list[nn.Module | None] = []
    for k, run in enumerate(runs):
        others = [other for j, other in enumerate(runs) if j != k]
        own = [
            module
            for place, (module, touched) in enumerate(run)
            if touched and not any(other[place][1] for other in others) and sum(module is one for one, _ in run) == 1
        ]
        layers.append(own[-1] if own else None)
    return layers


def _maps_and_blindness(
    scalar: Scalar, inputs: Sequence[Tensor], truth: Tensor, blind: int
) -> list[tuple[nn.Module, bool]]:
    """Every layer that puts out maps, in order of execution, and whether input `blind` reaches it."""
    seen: list[tuple[nn.Module, bool]] = []

    def note(module: nn.Module, _given: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.dim() == 4 and output.shape[2] * output.shape[3] > 1:
            seen.append((module, bool(output.isnan().any())))

    leaves = [one for one in scalar.modules() if not list(one.children())]
    handles = [one.register_forward_hook(note) for one in leaves]
    try:
        scalar(*[torch.full_like(one, torch.nan) if k == blind else one for k, one in enumerate(inputs)], truth)
    finally:
        for handle in handles:
            handle.remove()
    return seen
