"""The best affine projections of a layer's output, by its variance or by what the model's output makes of it."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xgaze.capacity.active_subspace import sensitivity_matrix, symmetric_root
from xgaze.capacity.spectra import PART

RIDGE = 1e-3


@dataclass(frozen=True)
class Projection:
    """y -> mean + outward @ inward @ (y - mean), of rank r; discarded and total are variances in the metric."""

    mean: Tensor
    inward: Tensor
    outward: Tensor
    metric: Tensor
    discarded: float
    total: float

    def __call__(self, output: Tensor) -> Tensor:
        """Outputs (n, width) as the projection leaves them."""
        moved: Tensor = self.mean + (output.double() - self.mean) @ self.inward.T @ self.outward.T
        return moved.to(output.dtype)


@dataclass(frozen=True)
class Directions:
    """Principal directions of an output in a metric S (width, width): values ascending and vectors of S (y - mean)."""

    mean: Tensor
    metric: Tensor
    values: Tensor
    vectors: Tensor

    def projection(self, rank: int) -> Projection:
        """The best affine projection of this rank: least mean |S (y - y')|^2."""
        basis = self.vectors[:, -rank:]
        return Projection(
            self.mean,
            basis.T @ self.metric,
            torch.linalg.solve(self.metric, basis),
            self.metric,
            float(self.values[:-rank].clamp_min(0).sum()),
            float(self.values.clamp_min(0).sum()),
        )


def directions(output: Tensor, metric: NDArray[np.float64] | None = None) -> Directions:
    """Of `output` (n, width); the metric is plain variance unless given."""
    mean = output.double().mean(dim=0)
    root = torch.from_numpy(np.eye(output.shape[1]) if metric is None else metric)
    centred = (output.double() - mean) @ root.T
    values, vectors = torch.linalg.eigh(centred.T @ centred / len(centred))
    return Directions(mean, root, values, vectors)


def sensitivity_metric(tail: nn.Module, output: Tensor) -> NDArray[np.float64]:
    """Square root of E[J'J] of the tail at `output` (n, width): (width, width). The ridge keeps directions that this sample's
    output ignores from being invented freely; where the tail answers to none, all count alike."""
    sensitivity = sensitivity_matrix(tail, output)
    width, trace = len(sensitivity), np.trace(sensitivity)
    return symmetric_root(sensitivity + RIDGE * trace / width * np.eye(width)) if trace > 0 else np.eye(width)


@torch.no_grad()
def components_for_output(tail: nn.Module, embedding: Tensor) -> int:
    """Smallest number of leading principal components of the embedding (n, width) that give 99 % of the variance of the tail's
    output."""
    width, leading = embedding.shape[1], directions(embedding)
    whole = tail(embedding)
    total = (whole - whole.mean(dim=0)).square().sum()
    kept = ((k, tail(leading.projection(k)(embedding))) for k in range(1, width))
    return next((k for k, one in kept if 1 - (one - whole).square().sum() / total >= PART), width)
