"""How many directions an embedding uses, and how many of them the model's output needs."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from xgaze.capacity.active_subspace import active_spectrum, sensitivity_matrix
from xgaze.capacity.projection import components_for_output
from xgaze.capacity.spectra import components_for, effective_rank, participation_ratio, variance_shares
from xgaze.errors import InputError


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
        "components for 99 % of the embedding's variance": components_for(shares),
        "components for 99 % of the output's variance": components_for_output(tail, codes),
        "active-subspace rank": components_for(variance_shares(active)),
    }
