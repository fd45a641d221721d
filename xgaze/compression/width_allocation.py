"""How many channels each layer keeps: within a cost for all layers together, most where they matter most for what they cost."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack

import torch
from torch import Tensor, nn

from xgaze.compression.couplings.tracing import Side, Unit, passes_through
from xgaze.models.layers import FeatureHead, evaluated

Left = Counter[tuple[str, Side]]
"""Channels still there, of each layer that makes, reads or passes them."""


class Costs:
    """What layers cost with some of their channels: half of their share of all weights and half of their share of all
    multiply-accumulates, so that the whole costs one."""

    def __init__(self, model: FeatureHead, inputs: tuple[Tensor, ...], planned: Mapping[str, int]) -> None:
        """planned: weights of layers that later surgeries make thinner."""
        self.whole: Left = Counter()
        self.share: dict[str, float] = {}
        uses, weights = _uses(model, inputs), {name: _weights(model.get_submodule(name)) for name in _weighted(model)}
        weights |= {name: own for name, own in planned.items() if name in weights}
        macs = {name: weights[name] * uses.get(name, 0) for name in weights}
        for name, own in weights.items():
            self.share[name] = own / sum(weights.values()) / 2 + macs[name] / max(1, sum(macs.values())) / 2
            self.whole.update(_channels(name, model.get_submodule(name)))

    def of(self, layers: Iterable[str], left: Left) -> float:
        """Of these layers together: each costs as much of its whole as it has pairs of channels left."""
        sides: tuple[Side, ...] = ("out", "in", "through")
        total = 0.0
        for layer in layers:
            part = self.share[layer]
            for side in sides:
                if whole := self.whole[layer, side]:
                    part *= left[layer, side] / whole
            total += part
        return total


def allocated(
    model: FeatureHead,
    inputs: tuple[Tensor, ...],
    units: Mapping[str, Sequence[Unit]],
    scores: Mapping[Unit, float],
    even: Mapping[str, int],
    multiple: int,
    planned: Mapping[str, int],
) -> dict[str, int]:
    """Channels that each layer keeps, in steps of `multiple` and no fewer, at the cost of the `even` ones or somewhat less: the
    step goes that loses least, by the scores of its units, for what it saves (greedy knapsack).

    units: by the layer at which they are decided, all that can go. Layers without units keep what `even` says. planned: see
    `Costs`.
    """
    costs = Costs(model, inputs, planned)
    ranked = {name: sorted(own, key=lambda unit: scores[unit]) for name, own in units.items()}
    have = {name: len(own) for name, own in ranked.items()}
    evenly = [unit for name, own in ranked.items() for unit in own[: max(0, have[name] - even[name])]]
    target = costs.of(costs.share, _less(costs.whole, evenly))
    left, gone = costs.whole.copy(), dict.fromkeys(ranked, 0)
    while costs.of(costs.share, left) > target:
        steps = {name: _step(have[name] - gone[name], multiple) for name in ranked}
        chunks = {name: ranked[name][gone[name] : gone[name] + step] for name, step in steps.items() if step}
        if not chunks:
            break
        name = min(chunks, key=lambda one: _price(costs, left, chunks[one], scores))
        gone[name] += len(chunks[name])
        left = _less(left, chunks[name])
    return {**even, **{name: have[name] - gone[name] for name in ranked}}


def _step(have: int, multiple: int) -> int:
    """How many channels go at once: down to the next multiple, but never below one of it."""
    step = have % multiple or multiple
    return step if have - step >= multiple else 0


def _price(costs: Costs, left: Left, chunk: Sequence[Unit], scores: Mapping[Unit, float]) -> float:
    """What is lost for what is saved."""
    touched = {slot.layer for unit in chunk for slot in unit.slots if slot.layer in costs.share}
    saved = costs.of(touched, left) - costs.of(touched, _less(left, chunk))
    return sum(scores[unit] for unit in chunk) / max(saved, 1e-12)


def _less(left: Left, going: Iterable[Unit]) -> Left:
    less = left.copy()
    less.subtract((slot.layer, slot.side) for unit in going for slot in unit.slots)
    return less


def _weighted(model: nn.Module) -> list[str]:
    return [name for name, one in model.named_modules() if isinstance(getattr(one, "weight", None), Tensor)]


def _weights(module: nn.Module) -> int:
    return sum(one.numel() for one in module.parameters(recurse=False))


def _channels(name: str, module: nn.Module) -> dict[tuple[str, Side], int]:
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d) and not passes_through(module):
        return {(name, "out"): module.out_channels, (name, "in"): module.in_channels}
    if isinstance(module, nn.Linear):
        return {(name, "out"): module.out_features, (name, "in"): module.in_features}
    return {(name, "through"): len(module.weight)}  # type: ignore[arg-type]


@torch.no_grad()
def _uses(model: FeatureHead, inputs: tuple[Tensor, ...]) -> dict[str, int]:
    """How often each weight of a layer is multiplied, of one sample: a convolution's at every place of its maps, of every input
    that it reads."""
    found: Counter[str] = Counter()
    with evaluated(model), ExitStack() as hooks:
        for name in _weighted(model):
            module = model.get_submodule(name)

            def count(module: nn.Module, _: object, out: Tensor, name: str = name) -> None:
                found[name] += out[0].numel() // max(1, len(module.weight))  # type: ignore[arg-type]

            hooks.callback(module.register_forward_hook(count).remove)
        model(*(x[:1].clone() for x in inputs))
    return dict(found)
