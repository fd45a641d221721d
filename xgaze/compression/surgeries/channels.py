"""Which channels to remove: those the model's output answers to least, equally many from every group."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from torch import Tensor, nn

from xgaze.capacity.sensitivity import channel_importance
from xgaze.compression.kept import lies_in
from xgaze.compression.surgeries.base import Probe
from xgaze.compression.surgeries.cut import Cut, cut_of
from xgaze.compression.surgeries.tracing import Slot, Unit, trace_units
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead

Importance = Mapping[str, Tensor]
"""Layer -> (channels,), larger is dearer."""


@dataclass(frozen=True)
class Going:
    """Units that go, by the layer at which that was decided; uncut: why which layers keep all their channels, in words."""

    units: Mapping[str, list[Unit]]
    uncut: Mapping[str, str]
    kind: Literal["channels", "hidden_units"] = "channels"

    def cut(self) -> Cut | None:
        """The surgery that removes them all, None if nothing goes."""
        going = [unit for units in self.units.values() for unit in units]
        return cut_of(going, self.kind) if going else None

    def without(self, layer: str, why: str) -> "Going":
        """The same, less what was decided at this layer."""
        return replace(
            self,
            units={name: units for name, units in self.units.items() if name != layer},
            uncut={**self.uncut, layer: why},
        )


def plan_channels(model: FeatureHead, probe: Probe, widths: Mapping[str, int]) -> Cut | None:
    """The cut that leaves each layer of `widths` that many channels, None if nothing would go.

    Widths are rounded up to what the groups of grouped convolutions allow. Raises InputError where channels cannot be traced.
    """
    going = plan_going(model, probe, widths)
    if going.uncut:
        raise InputError(next(iter(going.uncut.values())))
    return going.cut()


def plan_going(
    model: FeatureHead,
    probe: Probe,
    widths: Mapping[str, int],
    keep: Collection[str] = (),
    uncut: Collection[str] = (),
) -> Going:
    """As `plan_channels`, but layers whose channels cannot be traced keep them, as those of `uncut` do; nothing that touches the
    modules `keep` goes."""
    layers = [name for name in widths if widths[name] < _out(model, name) and not lies_in(name, keep)]
    linear = all(isinstance(model.get_submodule(name), nn.Linear) for name in layers)
    kind: Literal["channels", "hidden_units"] = "hidden_units" if linear else "channels"
    if not layers:
        return Going({}, {}, kind)
    units, why = trace_units(model, probe.inputs, layers)
    free = [unit for unit in units if not any(lies_in(slot.layer, keep) for slot in unit.slots)]
    bound = sorted({slot.layer for unit in units for slot in unit.slots if slot.side == "out"})
    makers = [name for name in dict.fromkeys([*layers, *bound]) if name not in why]
    scores = channel_importance(model, makers, [probe.inputs]) if makers else {}
    going = dict[str, list[Unit]]()
    for layer in (name for name in layers if name not in {*why, *uncut}):
        if not any(unit.of(layer) for unit in units):
            why[layer] = f"'{layer}': none of its channels can be removed; they reach the model's output."
        elif found := _going(model, layer, widths[layer], free, scores):
            going[layer] = found
    return Going(going, {name: words for name, words in why.items() if name not in uncut}, kind)


def _going(model: FeatureHead, layer: str, width: int, units: list[Unit], scores: Importance) -> list[Unit]:
    """The units of `layer` that go: the least important of every cell, each losing the same share. A unit that several layers
    share, as in a residual sum, is decided at the first of them."""
    cells: dict[tuple[Any, ...], list[Unit]] = {}
    for unit in units:
        if _decided_at(unit, scores) == layer:
            cells.setdefault(_cell(model, unit), []).append(unit)
    whole = _out(model, layer)
    ranked = [sorted(members, key=lambda unit: _score(unit, scores)) for members in cells.values()]
    return [unit for members in ranked for unit in members[: len(members) - max(1, -(-width * len(members) // whole))]]


def _decided_at(unit: Unit, scores: Importance) -> str:
    makers = {slot.layer for slot in unit.slots if slot.side == "out"}
    return next(name for name in scores if name in makers)


def _score(unit: Unit, scores: Importance) -> float:
    return sum(float(scores[slot.layer][slot.index]) for slot in unit.slots if slot.side == "out")


def _cell(model: FeatureHead, unit: Unit) -> tuple[Any, ...]:
    """Which layers the unit touches, and which group of every grouped convolution: what splits a layer's channels between others
    (chunk, groups) does so in the same proportion afterwards."""
    return tuple(
        sorted({(slot.layer, slot.side, _group(model.get_submodule(slot.layer), slot)) for slot in unit.slots})
    )


def _group(module: nn.Module, slot: Slot) -> int:
    """The group of a grouped convolution; any other layer is one, and what passes through in groups goes alone."""
    groups = getattr(module, "groups", 1)
    if groups == 1 or slot.side == "through":
        return 0
    size = module.out_channels if slot.side == "out" else module.in_channels
    return slot.index // int(size // groups)  # type: ignore[operator]


def _out(model: FeatureHead, name: str) -> int:
    return len(model.get_submodule(name).weight)  # type: ignore[arg-type]
