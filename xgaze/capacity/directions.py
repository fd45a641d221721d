"""How many directions an embedding uses, and how many of them the model's output needs."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from xgaze.capacity.active_subspace import active_spectrum, sensitivity_matrix
from xgaze.capacity.projection import leading_projections
from xgaze.capacity.spectra import components_for, effective_rank, participation_ratio, variance_shares
from xgaze.errors import InputError

PART = 0.99


@torch.no_grad()
def embedding_measures(tail: nn.Module, embedding: NDArray[Any]) -> dict[str, float]:
    """Name -> value, of an embedding (n, width) and the `tail` that maps it to the model's output. Components are counted for
    99 % of the *variance*. Raises InputError for an embedding or an output that never changes."""
    codes = torch.as_tensor(np.ascontiguousarray(embedding))
    covariance = np.atleast_2d(np.cov(embedding, rowvar=False, dtype=np.float64))
    active = active_spectrum(covariance, sensitivity_matrix(tail, codes))
    if not active.sum() > 0:
        raise InputError(
            "the embedding, or what the model makes of it, is the same for all samples: train the model first."
        )
    shares = variance_shares(np.linalg.eigvalsh(covariance))
    return {
        "variables": embedding.shape[1],
        "effective rank": effective_rank(shares),
        "participation ratio": participation_ratio(shares),
        "components for 99 % of the embedding's variance": components_for(shares, PART),
        "components for 99 % of the output's variance": _components_for_output(tail, codes),
        "active-subspace rank": components_for(variance_shares(active), PART),
    }


def _components_for_output(tail: nn.Module, codes: torch.Tensor) -> int:
    """Smallest number of leading principal components of the embedding that give 99 % of the variance of the output."""
    width = codes.shape[1]
    reduced = leading_projections(codes, np.eye(width))
    whole = tail(codes)
    total = (whole - whole.mean(dim=0)).square().sum()
    enough = (k for k in range(1, width) if 1 - (tail(reduced(k)) - whole).square().sum() / total >= PART)
    return next(enough, width)
