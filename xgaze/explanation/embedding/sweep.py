"""Embedding sweep: each variable of one sample's embedding moved over its observed range; where does the prediction go?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

RANGE_PERCENT = (1, 99)
STRONGEST = 10


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
def sweep_embedding(tail: nn.Module, embedding: NDArray[Any], observed: NDArray[Any], points: int) -> Sweep:
    """Move each variable of `embedding` (width,) over the 1-99 % range of `observed` (n, width), the others held.

    tail: (n, width) -> (n, outputs).
    """
    low, high = np.percentile(observed, RANGE_PERCENT, axis=0)
    values = np.linspace(low, high, points, axis=1)
    moved = np.broadcast_to(embedding, (*values.shape, len(embedding))).astype(np.float32)
    variables = np.arange(len(embedding))
    moved[variables, :, variables] = values
    outputs = tail(torch.from_numpy(moved.reshape(-1, len(embedding))))
    return Sweep(values, outputs.double().numpy().reshape(*values.shape, -1))


def margins(outputs: NDArray[np.float64], chosen: int) -> NDArray[np.float64]:
    """Of more than two classes, (..., classes) -> (..., 1): the logit of `chosen` less the mean of the others. Else as it is."""
    if outputs.shape[-1] <= 2:
        return outputs
    others = np.delete(outputs, chosen, axis=-1).mean(axis=-1)
    found: NDArray[np.float64] = (outputs[..., chosen] - others)[..., None]
    return found


def path_of(outputs: NDArray[np.float64], gaze: bool) -> dict[str, list[float]]:
    """Outputs (points, outputs) along one variable as the report draws them: the gaze point, the one value or margin (see
    `margins`), or the last class less the first."""
    if gaze:
        return {"x_px": outputs[:, 0].tolist(), "y_px": outputs[:, 1].tolist()}
    if outputs.shape[1] == 1:
        return {"score": outputs[:, 0].tolist()}
    return {"score": (outputs[:, -1] - outputs[:, 0]).tolist()}
