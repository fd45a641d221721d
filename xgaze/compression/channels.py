"""Which channels to remove: those the model's output answers to least, equally many from every group."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from xgaze.capacity.sensitivity import channel_importance
from xgaze.compression.cut import Cut, cut_of
from xgaze.compression.surgery import Probe
from xgaze.compression.tracing import Slot, Unit, trace_units
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead

Importance = Mapping[str, Tensor]
"""Layer -> (channels,), larger is dearer."""


def plan_channels(
    model: FeatureHead, probe: Probe, widths: Mapping[str, int], importance: Importance | None = None
) -> Cut | None:
    """The cut that leaves each layer of `widths` that many channels, None if nothing would go.

    Widths are rounded up to what the groups of grouped convolutions allow. Raises InputError where channels cannot be traced.
    """
    layers = [name for name in widths if widths[name] < _out(model, name)]
    if not layers:
        return None
    units = trace_units(model, probe.inputs, layers)
    makers = dict.fromkeys(
        [*layers, *sorted({slot.layer for unit in units for slot in unit.slots if slot.side == "out"})]
    )
    scores = importance or channel_importance(model, list(makers), [probe.inputs])
    linear = all(isinstance(model.get_submodule(name), nn.Linear) for name in layers)
    going = [unit for layer in layers for unit in _going(model, layer, widths[layer], units, scores)]
    return cut_of(going, "hidden_units" if linear else "channels") if going else None


def _going(model: FeatureHead, layer: str, width: int, units: list[Unit], scores: Importance) -> list[Unit]:
    """The units of `layer` that go: the least important of every cell, a cell being one group on every side.

    A unit that several layers share is decided at the first of them.
    """
    own = [unit for unit in units if _decided_at(unit, scores) == layer]
    cells: dict[tuple[Any, ...], list[Unit]] = {}
    for unit in own:
        cells.setdefault(_cell(model, unit), []).append(unit)
    if not any(unit.of(layer) for unit in units):
        raise InputError(f"'{layer}': none of its channels can be removed; they reach the model's output.")
    if not cells:
        return []  # all of them are shared with an earlier layer, as in a residual sum, which decides
    keep = -(-width // len(cells))
    smallest = min(map(len, cells.values()))
    if keep >= smallest and len(cells) > 1:
        return []
    ranked = {cell: sorted(members, key=lambda unit: _score(unit, scores)) for cell, members in cells.items()}
    return [unit for members in ranked.values() for unit in members[: max(0, len(members) - max(keep, 1))]]


def _decided_at(unit: Unit, scores: Importance) -> str:
    makers = {slot.layer for slot in unit.slots if slot.side == "out"}
    return next(name for name in scores if name in makers)


def _score(unit: Unit, scores: Importance) -> float:
    return sum(float(scores[slot.layer][slot.index]) for slot in unit.slots if slot.side == "out")


def _cell(model: FeatureHead, unit: Unit) -> tuple[Any, ...]:
    """Which group of every grouped convolution the unit touches."""
    return tuple(
        sorted(
            {
                (slot.layer, slot.side, _group(model.get_submodule(slot.layer), slot))
                for slot in unit.slots
                if slot.side != "through" and getattr(model.get_submodule(slot.layer), "groups", 1) > 1
            }
        )
    )


def _group(conv: Any, slot: Slot) -> int:
    size = conv.out_channels if slot.side == "out" else conv.in_channels
    return slot.index // int(size // conv.groups)


def _out(model: FeatureHead, name: str) -> int:
    return len(model.get_submodule(name).weight)  # type: ignore[arg-type]
