"""Towers that are alike train as one at first: every camera teaches all of them, then each goes its own way."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from xgaze.data.batches import ordered_batches
from xgaze.data.contract import Recording, rows_of
from xgaze.errors import InputError
from xgaze.models.shared_layers import MIRRORABLE, can_be_mirrored
from xgaze.models.towers import Tower, alike, find_towers, mirrored_inputs

SAMPLES = 24
"""Of which mirrored cameras are measured, where the recording does not say."""


@dataclass(frozen=True)
class Twin:
    """A parameter by its name, and whether it holds the mirror image of the first of its group."""

    name: str
    mirrored: bool


@dataclass(frozen=True)
class TiedTowers:
    """Groups of parameters that hold the same numbers for this share of the steps."""

    share: float
    groups: tuple[tuple[Twin, ...], ...]


def tied_towers(
    model: nn.Module, inputs: Sequence[Tensor], declared: Sequence[bool] | None, share: float
) -> TiedTowers:
    """The towers of `model` that are alike, those of mirrored inputs mirrored. Raises InputError
    where none are, naming the layers."""
    flags = mirrored_inputs(inputs, declared)
    try:
        found = alike(find_towers(model, inputs))
    except InputError as error:
        raise InputError(f"training.shared_start: {str(error).rstrip('.')}. Leave it out for this model.") from None
    groups = [group for towers in found for group in _twins(model, towers, flags)]
    return TiedTowers(share, tuple(groups))


def _twins(model: nn.Module, towers: Sequence[Tower], flags: Sequence[bool]) -> list[tuple[Twin, ...]]:
    paths = [tower.holding(model) for tower in towers]
    turned = [flags[tower.input] != flags[towers[0].input] for tower in towers]
    if not all(can_be_mirrored(model.get_submodule(path)) for path in paths[0]):
        turned = [False] * len(towers)
    groups = []
    for layers in zip(*paths, strict=True):
        kernel = isinstance(model.get_submodule(layers[0]), MIRRORABLE)
        for name, _ in model.get_submodule(layers[0]).named_parameters():
            mirrors = [kernel and name == "weight" and one for one in turned]
            groups.append(tuple(Twin(f"{layer}.{name}", one) for layer, one in zip(layers, mirrors, strict=True)))
    return groups


def shared_start(model: nn.Module, recording: Recording, share: float) -> TiedTowers | None:
    """What `training.shared_start` ties in a model that is about to train on this recording; nothing for 0."""
    if not share:
        return None
    batch = next(ordered_batches(recording, rows_of(recording, "train"), SAMPLES))
    return tied_towers(model, batch.inputs, recording.mirrored, share)


@torch.no_grad()
def begin_alike(model: nn.Module, tied: TiedTowers) -> None:
    """Every tower takes the numbers of the first of its group, in place."""
    parameters = dict(model.named_parameters())
    for first, *others in tied.groups:
        for other in others:
            parameters[other.name].copy_(_turned(parameters[first.name], other.mirrored != first.mirrored))


@torch.no_grad()
def share_gradients(model: nn.Module, tied: TiedTowers) -> None:
    """Every parameter of a group gets the mean of the group's gradients, in place: what holds the same stays the same."""
    parameters = dict(model.named_parameters())
    for group in tied.groups:
        gradients = {one: parameters[one.name].grad for one in group}
        known = [_turned(gradient, one.mirrored) for one, gradient in gradients.items() if gradient is not None]
        if known:
            mean = torch.stack(known).sum(dim=0) / len(group)
            for one in group:
                parameters[one.name].grad = _turned(mean, one.mirrored).clone(memory_format=torch.preserve_format)


def _turned(values: Tensor, mirrored: bool) -> Tensor:
    return values.flip(-1) if mirrored else values
