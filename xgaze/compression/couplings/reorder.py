"""Put a pruned model's weights in order where channels are shuffled on their way: a shuffle of fewer channels is another one.

Where a channel arrives is read off the model before and after the cut. What a reader holds for a channel is moved to where that
channel now arrives; a proof then says whether the model is the one that was meant.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from xgaze.compression.couplings.tracing import Side, Slot, making_layers, trace_layer
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead

Gone = Mapping[str, list[int]]
""""layer:side" -> the indices taken out."""
Arrivals = dict[tuple[str, Side], dict[Slot, list[int]]]
"""(reader, side) -> channel as it is made -> where it arrives there, ascending."""


@torch.no_grad()
def reorder(pruned: FeatureHead, model: FeatureHead, gone: Gone, inputs: tuple[Tensor, ...]) -> None:
    """Move the weights of `pruned`, which is `model` without the channels `gone`, in place. Raises InputError where a channel
    arrives elsewhere."""
    before, after = (_arrivals(one, inputs) for one in (model, pruned))
    for (reader, side), own in after.items():
        old = before.get((reader, side), {})
        left = _left(_count(model.get_submodule(reader), side), gone.get(f"{reader}:{side}", []))
        order = list(range(len(left)))
        for channel, places in own.items():
            was = Slot(channel.layer, "out", _left_at(model, channel, gone))
            if len(old.get(was, [])) != len(places) or any(place not in left for place in old[was]):
                raise InputError(f"surgery on {channel.layer} refused: its channels no longer arrive at '{reader}'.")
            for place, source in zip(places, old[was], strict=True):
                order[place] = left[source]
        if sorted(order) != list(range(len(order))):
            raise InputError(f"surgery on '{reader}' refused: what it reads cannot be put in order.")
        if order != sorted(order):
            _permute(pruned.get_submodule(reader), reader, side, order)


def _arrivals(model: FeatureHead, inputs: tuple[Tensor, ...]) -> Arrivals:
    arrivals: Arrivals = {}
    for layer in making_layers(model):
        try:
            found, _ = trace_layer(model, inputs, layer)
        except InputError:
            continue  # the proof will say whether it mattered
        for channel, slots in found.items():
            for slot in sorted(slots):
                arrivals.setdefault((slot.layer, slot.side), {}).setdefault(Slot(layer, "out", channel), []).append(
                    slot.index
                )
    return arrivals


def _left(count: int, gone: list[int]) -> dict[int, int]:
    """Index before the cut -> index after it, of what is left."""
    out = set(gone)
    return {index: k for k, index in enumerate(index for index in range(count) if index not in out)}


def _left_at(model: FeatureHead, channel: Slot, gone: Gone) -> int:
    """Which channel of the whole model this one of the pruned model is."""
    out = set(gone.get(f"{channel.layer}:out", []))
    whole = len(model.get_submodule(channel.layer).weight)  # type: ignore[arg-type]
    return [index for index in range(whole) if index not in out][channel.index]


def _count(module: nn.Module, side: Side) -> int:
    if side == "in":
        return int(module.in_features if isinstance(module, nn.Linear) else module.in_channels)  # type: ignore[arg-type]
    sizes = (getattr(module, key, None) for key in ("num_features", "num_channels", "num_parameters", "out_channels"))
    return next(int(one) for one in sizes if one is not None)


def _permute(module: nn.Module, name: str, side: Side, order: list[int]) -> None:
    """What stood at `order[k]` shall stand at k."""
    index = torch.tensor(order)
    if side == "through":
        for tensor in (*module.parameters(recurse=False), *module.buffers(recurse=False)):
            if tensor.ndim and len(tensor) == len(order):
                tensor.copy_(tensor[index])
        return
    groups = getattr(module, "groups", 1)
    weight = module.weight
    if not isinstance(weight, Tensor) or weight.shape[1] * groups != len(order):
        raise InputError(f"surgery on '{name}' refused: what it reads cannot be put in order.")
    own = index.view(groups, -1)
    start = torch.arange(groups)[:, None] * own.shape[1]
    if not ((own >= start) & (own < start + own.shape[1])).all():
        raise InputError(f"surgery on '{name}' refused: channels would change its groups.")
    blocks = zip(weight.chunk(groups), own - start, strict=True)
    weight.copy_(torch.cat([block.index_select(1, one) for block, one in blocks]))
