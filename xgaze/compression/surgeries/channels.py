"""Which channels to remove: the least important, equally many from every group."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from xgaze.compression.couplings.tracing import Slot, Unit, trace_units
from xgaze.compression.group_importance import IMPORTANCES, OUTPUTS
from xgaze.compression.kept import lies_in
from xgaze.compression.surgeries.base import Probe
from xgaze.compression.surgeries.cut import Cut, cut_of
from xgaze.models.layers import FeatureHead

Allocate = Callable[
    [FeatureHead, tuple[Tensor, ...], Mapping[str, Sequence[Unit]], Mapping[Unit, float], Mapping[str, int]],
    Mapping[str, int],
]
"""(model, inputs, units by layer, how much each matters, widths if all layers lost the same share) -> widths."""


@dataclass(frozen=True)
class Going:
    """Units that go, by the layer at which that was decided; uncut: why which layers keep all their channels, in words."""

    units: Mapping[str, list[Unit]]
    uncut: Mapping[str, str]

    def cut(self) -> Cut | None:
        """The surgery that removes them all, None if nothing goes."""
        going = [unit for units in self.units.values() for unit in units]
        return cut_of(going) if going else None

    def without(self, layer: str, why: str) -> "Going":
        """The same, less what was decided at this layer."""
        return replace(
            self,
            units={name: units for name, units in self.units.items() if name != layer},
            uncut={**self.uncut, layer: why},
        )


def plan_going(
    model: FeatureHead,
    probe: Probe,
    widths: Mapping[str, int],
    keep: Collection[str] = (),
    uncut: Collection[str] = (),
    importance: str = OUTPUTS,
    allocate: Allocate | None = None,
) -> Going:
    """What goes so that each layer of `widths` is left with that many channels, the least important by one of `IMPORTANCES`;
    nothing that touches the modules `keep`. allocate: says otherwise which layers are to be how wide.

    Widths are rounded up to what the groups of grouped convolutions allow. Layers whose channels cannot be traced keep them, as
    those of `uncut` do.
    """
    layers = [name for name in widths if widths[name] < _out(model, name) and not lies_in(name, keep)]
    if not layers:
        return Going({}, {})
    units, why = trace_units(model, probe.inputs, layers)
    for layer in (name for name in layers if name not in {*why, *uncut}):
        if not any(unit.of(layer) for unit in units):
            why[layer] = f"'{layer}': none of its channels can be removed; they reach the model's output."
    decided: dict[str, list[Unit]] = {name: [] for name in layers}
    for unit in units:
        if not any(lies_in(slot.layer, keep) for slot in unit.slots):
            decided[next(name for name in layers if unit.of(name))].append(unit)
    decided = {name: own for name, own in decided.items() if own and name not in {*why, *uncut}}
    scores = IMPORTANCES[importance](model, probe, decided)
    if allocate is not None:
        widths = allocate(model, probe.inputs, decided, scores, widths)
    going = {name: _going(model, name, widths[name], own, scores) for name, own in decided.items()}
    return Going(
        {name: own for name, own in going.items() if own},
        {name: words for name, words in why.items() if name not in uncut},
    )


def _going(
    model: FeatureHead, layer: str, width: int, units: Sequence[Unit], scores: Mapping[Unit, float]
) -> list[Unit]:
    """The units decided at `layer` that go: the least important of every cell, each losing the same share. A unit that several
    layers share, as in a residual sum, is decided at the first of them."""
    cells: dict[tuple[Any, ...], list[Unit]] = {}
    for unit in units:
        cells.setdefault(_cell(model, unit), []).append(unit)
    whole = _out(model, layer)
    ranked = [sorted(members, key=lambda unit: scores[unit]) for members in cells.values()]
    return [unit for members in ranked for unit in members[: len(members) - max(1, -(-width * len(members) // whole))]]


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
