"""The directions of an embedding that the output depends on (Constantine 2015), weighted by how far the embedding moves."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn


def output_jacobian(tail: nn.Module, embedding: torch.Tensor) -> torch.Tensor:
    """d tail(embedding) / d embedding: (n, width) -> (n, outputs, width). The tail treats samples independently."""
    point = embedding.detach().clone().requires_grad_(True)
    with torch.enable_grad():
        output = tail(point)
        rows = [
            torch.autograd.grad(output[:, k].sum(), point, retain_graph=k + 1 < output.shape[1])[0]
            for k in range(output.shape[1])
        ]
    return torch.stack(rows, dim=1)


def sensitivity_matrix(tail: nn.Module, embedding: torch.Tensor) -> NDArray[np.float64]:
    """E[J^T J] (width, width): how strongly the output answers to a step in each direction."""
    jacobian = output_jacobian(tail, embedding).double()
    mean: NDArray[np.float64] = torch.einsum("nkd,nke->de", jacobian, jacobian).div(len(embedding)).cpu().numpy()
    return mean


def active_spectrum(covariance: NDArray[Any], sensitivity: NDArray[Any]) -> NDArray[np.float64]:
    """Eigenvalues, descending, of C^1/2 G C^1/2: output variance to first order, split over orthogonal directions."""
    root = symmetric_root(covariance)
    eigenvalues: NDArray[np.float64] = np.linalg.eigvalsh(root @ sensitivity @ root)[::-1]
    return np.clip(eigenvalues, 0, None)


def symmetric_root(matrix: NDArray[Any]) -> NDArray[np.float64]:
    """Symmetric square root of a positive semi-definite matrix; rounding below zero is cut."""
    values, vectors = np.linalg.eigh(matrix)
    root: NDArray[np.float64] = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    return root
