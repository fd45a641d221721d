"""Exact Shapley values of whole inputs: what each camera adds to the target, in the target's unit (Shapley 1953)."""

from collections.abc import Sequence
from math import comb

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xgaze.errors import InputError
from xgaze.explanation.attribution.coalitions import coalition_outputs, coalitions
from xgaze.explanation.attribution.prepared import on_device
from xgaze.explanation.attribution.targets import Target

MOST_INPUTS = 10
LARGEST_BATCH = 64


def shapley_weights(players: int) -> NDArray[np.float64]:
    """(players, 2^players): times the coalitions' values this gives the Shapley values.

    Player i gains f(S with i) - f(S), and each coalition S without i counts 1 / (players x C(players - 1, |S|)).
    """
    present = coalitions(players)
    others = present.sum(axis=1)[:, None] - present
    share = 1 / (players * np.array([comb(players - 1, int(k)) for k in others.ravel()]).reshape(others.shape))
    weights: NDArray[np.float64] = np.where(present, share, -share).T
    return weights


@torch.no_grad()
def shapley(
    model: nn.Module,
    targets: Sequence[Target],
    inputs: Sequence[Tensor],
    truth: Tensor,
    baseline: Sequence[Tensor],
) -> dict[str, NDArray[np.float64]]:
    """Target name -> (samples, inputs): exact Shapley values, an absent input being replaced by its baseline.

    inputs: (samples, channels, H, W) each; baseline (1, channels, H, W); truth (samples, ...). All coalitions of one sample go
    through the model in one batch (of several samples, as many as fit `LARGEST_BATCH`). Sums to f(inputs) - f(baseline).
    Captum's ShapleyValues, averaged over all orders, gives the same to 1e-5 (tests/explanation/test_shapley.py).
    Raises InputError above 10 inputs.
    """
    players = len(inputs)
    if players > MOST_INPUTS:
        raise InputError(
            f"exact Shapley values of {players} inputs need 2^{players} predictions; at most {MOST_INPUTS}."
        )
    model.eval()
    here, there, (told,) = (on_device(model, tuple(one)) for one in (inputs, baseline, (truth,)))
    together = max(1, LARGEST_BATCH >> players)
    values: dict[str, list[NDArray[np.float64]]] = {one.name: [] for one in targets}
    for k in range(0, len(told), together):
        some, told_some = [one[k : k + together] for one in here], told[k : k + together]
        outputs = coalition_outputs(model, some, there)
        repeated = told_some.repeat_interleave(2**players, dim=0)
        for target in targets:
            read = target.read(outputs, repeated).double().cpu().numpy()
            values[target.name].append(read.reshape(len(told_some), -1))
    weights = shapley_weights(players)
    return {name: np.concatenate(rows) @ weights.T for name, rows in values.items()}
