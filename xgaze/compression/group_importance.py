"""How much the model needs channels that can only go together: a number per unit, by the measure that a recipe names."""

import copy
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from xgaze.capacity.sensitivity import channel_importance
from xgaze.compression.couplings.tracing import Side, Unit
from xgaze.compression.surgeries.base import Probe
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
NORMALISATIONS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
Importance = Callable[[FeatureHead, Probe, Mapping[str, Sequence[Unit]]], dict[Unit, float]]
"""(model, probe, layer -> the units that are decided at it) -> how much each matters, comparable among those of one layer."""


def by_outputs(model: FeatureHead, probe: Probe, units: Mapping[str, Sequence[Unit]]) -> dict[Unit, float]:
    """How far the outputs move, to first order, when what a unit's layers make is taken away; see `channel_importance`."""
    every = [unit for own in units.values() for unit in own]
    makers = dict.fromkeys(
        [*units, *sorted({slot.layer for unit in every for slot in unit.slots if slot.side == "out"})]
    )
    scores = channel_importance(model, list(makers), [probe.inputs]) if units else {}
    return {
        unit: sum(float(scores[slot.layer][slot.index]) for slot in sorted(unit.slots) if slot.side == "out")
        for unit in every
    }


def by_magnitude(model: FeatureHead, _probe: Probe, units: Mapping[str, Sequence[Unit]]) -> dict[Unit, float]:
    """The sum of the squares of all weights that go with a unit (Li et al. 2017, over the group), by torch-pruning: of
    convolutions and linear layers that make or read it, and of batch normalisation."""
    import torch_pruning as tp  # only who asks for it waits for it

    estimate = tp.importance.GroupMagnitudeImportance(p=2, group_reduction="sum", normalizer=None)
    return _estimated(estimate, model, units)


def by_taylor(model: FeatureHead, probe: Probe, units: Mapping[str, Sequence[Unit]]) -> dict[Unit, float]:
    """The sum of |weight x gradient of the loss| over the weights that go with a unit (Molchanov et al. 2019, over the group), by
    torch-pruning: of convolutions and linear layers that make or read it. Raises InputError where no labels are known."""
    import torch_pruning as tp

    if probe.loss is None:
        raise InputError("importance 'taylor' reads the gradient of a loss, and no labels are known here.")
    with_gradients = graded(model, probe.inputs, probe.loss)
    for parameter in with_gradients.parameters():
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    estimate = tp.importance.GroupTaylorImportance(group_reduction="sum", normalizer=None)
    return _estimated(estimate, with_gradients, units)


OUTPUTS = "outputs"
IMPORTANCES: Mapping[str, Importance] = MappingProxyType(
    {OUTPUTS: by_outputs, "magnitude": by_magnitude, "taylor": by_taylor}
)


def graded(model: FeatureHead, inputs: tuple[Tensor, ...], loss: Callable[[Tensor], Tensor]) -> FeatureHead:
    """A copy, in evaluation mode, whose parameters hold the gradient of the loss of its outputs on `inputs`."""
    copied = copy.deepcopy(model).eval()
    with torch.enable_grad():
        loss(copied.requires_grad_()(*(x.clone() for x in inputs))).backward()
    return copied


def _estimated(
    estimate: Callable[[Any], Tensor], model: FeatureHead, units: Mapping[str, Sequence[Unit]]
) -> dict[Unit, float]:
    found: dict[Unit, float] = {}
    for layer, own in units.items():
        found |= dict(zip(own, estimate(_group(model, layer, own)).tolist(), strict=False))
    return found


def _group(model: FeatureHead, root: str, units: Sequence[Unit]) -> Any:
    """These units as a group of torch-pruning's, whose indices at `root` are their places here. Its own graph of dependencies,
    which is wrong across towers, has no part in it."""
    import torch_pruning as tp

    slots: dict[tuple[str, Side], list[tuple[int, int]]] = {(root, "out"): []}
    for place, unit in enumerate(units):
        for slot in sorted(unit.slots):
            slots.setdefault((slot.layer, slot.side), []).append((slot.index, place))
    group = tp.dependency.Group()
    for (layer, side), indexed in slots.items():
        module = model.get_submodule(layer)
        if (handler := _handler(module, side)) is not None:
            node = tp.dependency.Node(module, None, layer)
            indices, places = zip(*sorted(indexed), strict=True)
            group.add_dep(tp.dependency.Dependency(handler, handler, node, node), list(indices))
            group[len(group) - 1].root_idxs = list(places)
    return group


def _handler(module: nn.Module, side: Side) -> Any:
    """How torch-pruning calls a cut of this layer at this side; None for layers whose weights its importances leave out."""
    import torch_pruning as tp

    cuts = tp.pruner.function
    known: dict[Side, tuple[tuple[Any, Any], ...]] = {
        "out": ((nn.Linear, cuts.prune_linear_out_channels), (CONVOLUTIONS, cuts.prune_conv_out_channels)),
        "in": ((nn.Linear, cuts.prune_linear_in_channels), (CONVOLUTIONS, cuts.prune_conv_in_channels)),
        "through": ((NORMALISATIONS, cuts.prune_batchnorm_out_channels),),
    }
    return next((cut for kind, cut in known[side] if isinstance(module, kind)), None)
