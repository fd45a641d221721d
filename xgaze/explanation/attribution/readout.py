"""What a model says of one sample: its output, the class it names, and the numbers whose movement is measured."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from xgaze.data.contract import Recording, Sample, Spec, collate
from xgaze.evaluation.angle import sideways_and_up

Coordinates = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Outputs (n, outputs) -> (n, d), in their unit or logits; a prediction moves by the Euclidean distance between two of them."""


@torch.no_grad()
def output_of(recording: Recording, model: nn.Module, sample: Sample) -> NDArray[Any]:
    """The model's output (outputs,) on one sample."""
    out: NDArray[Any] = model.eval()(*collate([sample], recording.spec).inputs)[0].numpy()
    return out


def predicted_class(recording: Recording, model: nn.Module, sample: Sample) -> int | None:
    """The class named by the model; None where the target is no class."""
    return int(output_of(recording, model, sample).argmax()) if recording.spec.kind == "class" else None


def in_words(recording: Recording, output: NDArray[Any]) -> list[float] | str:
    """A gaze point as two numbers, a direction as two in degrees, a value with its unit, a class as its name."""
    if recording.spec.kind == "angle":
        return [float(value) for value in sideways_and_up(output, recording.spec.unit)]
    if recording.spec.kind == "gaze":
        return [float(value) for value in output]
    if recording.spec.kind == "value":
        return f"{float(output[0]):.4g} {recording.spec.unit}"
    return recording.spec.classes[int(output.argmax())]


def truth_in_words(recording: Recording, sample: Sample) -> list[float] | str:
    """The target of a sample as `in_words` says an output."""
    if recording.spec.kind == "class":
        return recording.spec.classes[int(sample.target)]
    return in_words(recording, sample.target)


def output_unit(spec: Spec) -> str:
    """In what a model's outputs are counted: the unit of gaze or of a value, or logits."""
    return "logits" if spec.kind == "class" else spec.measured


def coordinates(spec: Spec, chosen: int | None = None) -> Coordinates:
    """Gaze: the point itself, and so a value. A direction: `sideways_and_up`. Classes: the logit of class `chosen` less the mean
    of the others."""
    if spec.kind == "angle":
        return lambda outputs: sideways_and_up(outputs, spec.unit)
    if spec.kind != "class":
        return lambda outputs: outputs
    assert chosen is not None

    def margin(outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        others = np.delete(outputs, chosen, axis=1)
        found: NDArray[np.float64] = outputs[:, [chosen]] - others.mean(axis=1, keepdims=True)
        return found

    return margin
