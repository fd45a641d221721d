"""The best affine projections of a layer's output, by its variance or by what the model's output makes of it."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xgaze.capacity.active_subspace import sensitivity_matrix, symmetric_root

RIDGE = 1e-3


def sensitivity_metric(tail: nn.Module, output: Tensor) -> NDArray[np.float64]:
    """Square root of E[J'J] of the tail at `output` (n, width): (width, width). The ridge keeps directions that this sample's
    output ignores from being invented freely."""
    sensitivity = sensitivity_matrix(tail, output)
    width = len(sensitivity)
    return symmetric_root(sensitivity + (RIDGE * np.trace(sensitivity) / width + 1e-12) * np.eye(width))


def leading_projections(output: Tensor, metric: NDArray[np.float64]) -> Callable[[int], Tensor]:
    """rank -> `output` (n, width) reduced to that many directions, best in the metric S: least mean |S (y - y')|^2."""
    mean, root = output.double().mean(dim=0), torch.from_numpy(metric)
    centred = (output.double() - mean) @ root.T
    vectors = torch.linalg.eigh(centred.T @ centred / len(centred))[1]

    def reduced(rank: int) -> Tensor:
        basis = vectors[:, -rank:]
        kept: Tensor = torch.linalg.solve(root, basis @ (basis.T @ centred.T)).T
        moved: Tensor = mean + kept
        return moved.to(output.dtype)

    return reduced
