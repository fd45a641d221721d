"""The copy of a model that is analysed: float32, evaluation mode, frozen weights, nothing overwritten in place."""

import copy

import torch
from torch import Tensor, nn

from xgaze.data.batches import device_of
from xgaze.data.contract import Recording
from xgaze.errors import InputError
from xgaze.models.own_networks.fidelity import differences, real_batches


def analysis_copy(model: nn.Module) -> nn.Module:
    """A deep copy whose hooks see what layers put out: an in-place activation would overwrite it before it is read.

    Operations that overwrite their input by name (`x.relu_()`) stay as they are; imported models have none left that modules
    could see.
    """
    twin = copy.deepcopy(model).float().eval().requires_grad_(False)
    for module in twin.modules():
        if getattr(module, "inplace", False) is True:
            module.inplace = False  # type: ignore[assignment]
    return twin


def require_same_copy(model: nn.Module, recording: Recording, name: str) -> None:
    """Raises InputError where the copy that is analysed is another function than the model, on real samples of every split:
    where something reads what an in-place layer overwrites."""
    if found := differences(model, analysis_copy(model), real_batches(recording)):
        raise InputError(
            f"the {name} cannot be explained: without work in place it is another function ({found:.3g} apart). Write its "
            "activations without inplace=True, and train again with --force."
        )


def on_device(model: nn.Module, tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The tensors where the model is, detached; floating point ones as float32."""
    device = device_of(model)
    placed = (one.detach().to(device) for one in tensors)
    return tuple(one.to(torch.float32) if one.is_floating_point() else one for one in placed)
