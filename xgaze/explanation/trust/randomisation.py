"""Do the maps depend on the weights at all? The model against a copy with random weights (Adebayo et al. 2018)."""

import copy
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import nn


@torch.no_grad()
def with_random_weights(model: nn.Module, seed: int) -> nn.Module:
    """A copy with fresh weights: each layer's own initialisation, or a shuffle where it has none."""
    twin = copy.deepcopy(model)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        fresh: set[int] = set()
        for module in twin.modules():
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()
                fresh |= {id(one) for one in module.parameters(recurse=False)}
        for one in twin.parameters():
            if id(one) not in fresh:
                one.copy_(one.flatten()[torch.randperm(one.numel()).to(one.device)].view_as(one))
    return twin


def similarity(a: Sequence[NDArray[np.float32]], b: Sequence[NDArray[np.float32]]) -> float:
    """|Spearman| of two sets of signed maps over all pixels of all inputs: 0 unrelated, 1 the same up to a monotone change.

    A map without any difference correlates with nothing (0), two of them are the same (1). Raises ValueError for maps that are
    not numbers.
    """
    first, second = (np.concatenate([one.ravel() for one in maps]) for maps in (a, b))
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError("its maps hold values that are not a number.")
    flat = (np.ptp(first) == 0, np.ptp(second) == 0)
    if any(flat):
        return float(all(flat))
    return abs(float(spearmanr(first, second).statistic))
