"""Embedding sweep: each variable of one sample's embedding moved over its observed range; where does the prediction go?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from xgaze.data.contract import Spec
from xgaze.evaluation.angle import sideways_and_up

RANGE_PERCENT = (1, 99)
STRONGEST = 10
Read = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def as_they_are(outputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Outputs that are drawn without a change."""
    return outputs


def drawn(spec: Spec) -> tuple[str, Read]:
    """The unit of the points that are drawn, "" where outputs are no points of gaze, and how points are made of outputs."""
    if spec.kind == "angle":
        return spec.measured, lambda outputs: sideways_and_up(outputs, spec.unit)
    return (spec.unit if spec.kind == "gaze" else ""), as_they_are


@dataclass(frozen=True)
class Sweep:
    """values (variables, points): where each variable was moved; outputs (variables, points, outputs): what came of it."""

    values: NDArray[np.float64]
    outputs: NDArray[np.float64]

    def reach(self) -> NDArray[np.float64]:
        """How far the prediction travels per variable: the largest distance between two points of its path."""
        steps = self.outputs[:, :, None] - self.outputs[:, None]
        out: NDArray[np.float64] = np.linalg.norm(steps, axis=-1).max(axis=(1, 2))
        return out

    def strongest(self, count: int) -> list[int]:
        """The variables of largest reach, first the strongest; ties in order of the variables."""
        return [int(k) for k in np.argsort(-self.reach(), kind="stable")[:count]]


@torch.no_grad()
def sweep_embedding(
    tail: nn.Module, embedding: NDArray[Any], observed: NDArray[Any], points: int, read: Read = as_they_are
) -> Sweep:
    """Move each variable of `embedding` (width,) over the 1-99 % range of `observed` (n, width), the others held.

    tail: (n, width) -> (n, outputs). read: of outputs, what is drawn.
    """
    low, high = np.percentile(observed, RANGE_PERCENT, axis=0)
    values = np.linspace(low, high, points, axis=1)
    moved = np.broadcast_to(embedding, (*values.shape, len(embedding))).astype(np.float32)
    variables = np.arange(len(embedding))
    moved[variables, :, variables] = values
    outputs = tail(torch.from_numpy(moved.reshape(-1, len(embedding))))
    return Sweep(values, read(outputs.double().numpy()).reshape(*values.shape, -1))


def margins(outputs: NDArray[np.float64], chosen: int) -> NDArray[np.float64]:
    """Of more than two classes, (..., classes) -> (..., 1): the logit of `chosen` less the mean of the others. Else as it is."""
    if outputs.shape[-1] <= 2:
        return outputs
    others = np.delete(outputs, chosen, axis=-1).mean(axis=-1)
    found: NDArray[np.float64] = (outputs[..., chosen] - others)[..., None]
    return found


def reach_key(gaze: str) -> str:
    """As the report's files name a reach, by the unit of gaze points; "" of other outputs."""
    return f"reach_{gaze}" if gaze else "reach"


def path_of(outputs: NDArray[np.float64], gaze: str) -> dict[str, list[float]]:
    """Outputs (points, outputs) along one variable as the report draws them: the gaze point in the unit `gaze`, or
    where that is "" the one value or margin (see `margins`), or the last class less the first."""
    if gaze:
        return {f"x_{gaze}": outputs[:, 0].tolist(), f"y_{gaze}": outputs[:, 1].tolist()}
    if outputs.shape[1] == 1:
        return {"score": outputs[:, 0].tolist()}
    return {"score": (outputs[:, -1] - outputs[:, 0]).tolist()}
