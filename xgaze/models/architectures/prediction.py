"""The last layers of a head: logits of classes, or numbers in the target's unit."""

from collections.abc import Sequence

from torch import nn

from xgaze.data.contract import Spec
from xgaze.models.layers import OutputScale


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
        layers["output_unit"] = OutputScale(scale)
    return layers
