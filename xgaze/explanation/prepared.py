"""The copy of a model that is analysed: float32, evaluation mode, frozen weights, nothing overwritten in place."""

import copy

import torch
from torch import Tensor, fx, nn

from xgaze.data.batches import device_of


def analysis_copy(model: nn.Module) -> nn.Module:
    """A deep copy whose hooks see what layers put out: an in-place activation would overwrite it before it is read.

    Operations that overwrite their input by name (`x.relu_()`) stay as they are.
    """
    twin = copy.deepcopy(model).float().eval().requires_grad_(False)
    for module in twin.modules():
        if getattr(module, "inplace", False) is True:
            module.inplace = False  # type: ignore[assignment]
        if isinstance(module, fx.GraphModule):
            _not_in_place(module)
    return twin


def _not_in_place(traced: fx.GraphModule) -> None:
    """torch.fx keeps `F.relu(x, inplace=True)` as a call, not as a module."""
    overwriting = [node for node in traced.graph.nodes if node.kwargs.get("inplace")]
    for node in overwriting:
        node.kwargs = {**node.kwargs, "inplace": False}
    if overwriting:
        traced.recompile()


def on_device(model: nn.Module, tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The tensors where the model is, detached; floating point ones as float32."""
    device = device_of(model)
    placed = (one.detach().to(device) for one in tensors)
    return tuple(one.to(torch.float32) if one.is_floating_point() else one for one in placed)
