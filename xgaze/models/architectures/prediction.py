"""The last layers of a head: logits of classes, or numbers in the target's unit."""

from collections.abc import Mapping, Sequence
from math import degrees, radians
from types import MappingProxyType

from torch import nn

from xgaze.data.contract import Spec
from xgaze.models.layers import OfMain, OutputScale, OutputScales
from xgaze.units import STEP, told_in

_EXACT: Mapping[tuple[str, str], float] = MappingProxyType(
    {("rad", "degrees"): degrees(1), ("degrees", "rad"): radians(1), ("cm", "mm"): 10.0, ("mm", "cm"): 0.1}
)

SCREENS = "screens"
"""Parts of a screen's sides."""
STEPS: Mapping[str, float] = MappingProxyType({**STEP, SCREENS: 0.1})


def prediction_layers(
    spec: Spec, width: int, hidden: Sequence[int] = (), dropout: float = 0.0, scale: float = 100.0
) -> dict[str, nn.Module]:
    """From `width` features over fully connected layers of `hidden` units with ReLU to the outputs.

    Classifiers end in logits. Regressors end in numbers of the target's unit, counted in steps of `scale` of it, as the losses
    count them, so that a fresh net need not first learn to count to hundreds.
    """
    layers: dict[str, nn.Module] = {}
    for number, units in enumerate(hidden, 1):
        layers[f"hidden{number}"] = nn.Linear(width, units)
        layers[f"act{number}"] = nn.ReLU()
        if dropout:
            layers[f"drop{number}"] = nn.Dropout(dropout)
        width = units
    layers["output"] = nn.Linear(width, spec.outputs)
    if spec.kind != "class":
        layers["output_unit"] = output_scale(spec, scale)
    return layers


def output_scale(spec: Spec, scale: float) -> nn.Module:
    """From a network's range to the target's unit; of targets beside it to their spread about their middle."""
    if not spec.beside:
        return OutputScale(scale)
    scales, middles = [scale] * len(spec.own_columns), [0.0] * len(spec.own_columns)
    for one in spec.beside:
        scales += [one.spread] * len(one.columns)
        middles += one.middle or [0.0] * len(one.columns)
    return OutputScales(scales, middles)


def scaled_beside(spec: Spec) -> dict[str, nn.Module]:
    """The layer after outputs that are in the main target's unit; empty where that is alone."""
    return {"beside_unit": output_scale(spec, 1.0)} if spec.beside else {}


def of_main(spec: Spec, layer: nn.Module) -> nn.Module:
    """A layer after the outputs that is made for the main target alone."""
    return OfMain(layer, len(spec.own_columns)) if spec.beside else layer


def exact_scale(spec: Spec, unit: str) -> float | None:
    """What outputs in `unit` are multiplied by to be the target's; None where no number does that."""
    own = told_in(spec.kind, spec.unit)
    return 1.0 if own == unit else _EXACT.get((unit, own))


def in_unit_of(spec: Spec, unit: str) -> dict[str, nn.Module]:
    """The layer after outputs in `unit`, as a published net tells them, that makes them the target's: exact between units of
    directions and between lengths; else of gaze and directions by what losses count in, so that a fresh net learns as fast. Empty
    where there is nothing to multiply."""
    own = told_in(spec.kind, spec.unit)
    scale = exact_scale(spec, unit) or (STEP[own] / STEPS[unit] if own in STEP else 1.0)
    return {} if scale == 1 and not spec.beside else {"output_unit": output_scale(spec, scale)}
