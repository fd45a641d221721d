"""Capacity of one fully connected layer: spectra of its weight, its output and what the model's output needs of it."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from xgaze.capacity.active_subspace import active_spectrum, sensitivity_matrix
from xgaze.capacity.beside import told
from xgaze.capacity.projection import components_for_output
from xgaze.capacity.spectra import components_for, effective_rank, participation_ratio, variance_shares
from xgaze.errors import InputError


@dataclass(frozen=True)
class LayerCapacity:
    """Shares are of variance, descending, summing to 1. components_99: weight, output, prediction, active_subspace.

    "output" counts principal components of the layer's output; "prediction" counts how many of them the model's output
    needs; "active_subspace" counts directions of the Jacobian-weighted covariance. expected_rank is the last: over heads
    of known dimension it predicts the rank that needs no training best.
    """

    layer: str
    in_features: int
    out_features: int
    singular_share: list[float]
    output_share: list[float]
    active_share: list[float]
    components_99: dict[str, int]
    effective_rank: float
    participation_ratio: float
    expected_rank: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@torch.no_grad()
def layer_capacity(name: str, layer: nn.Linear, tail: nn.Module, features: NDArray[Any]) -> LayerCapacity:
    """Capacity of `layer` on what enters the head, `features` (n, width), of which it reads the first; `tail` maps its output,
    with the features beside it, to the model's output.

    A single output has rank 1. Raises InputError where there is nothing to measure: outputs that never change.
    """
    output, tail = layer_outputs(layer, features), told(tail, layer, features)
    _check_outputs(name, output, tail(output))
    centred = (output - output.mean(dim=0)).double()
    covariance = (centred.T @ centred).div(len(centred)).numpy()
    weight = torch.linalg.svdvals(layer.weight.double().cpu()).numpy() ** 2
    shares = {
        "weight": variance_shares(weight),
        "output": variance_shares(np.linalg.eigvalsh(covariance)),
        "active_subspace": variance_shares(active_spectrum(covariance, _sensitivity(name, tail, output))),
    }
    counts = {key: components_for(share) for key, share in shares.items()}
    counts["prediction"] = components_for_output(tail, output)
    return LayerCapacity(
        name,
        layer.in_features,
        layer.out_features,
        shares["weight"].tolist(),
        shares["output"].tolist(),
        shares["active_subspace"].tolist(),
        components_99=counts,
        effective_rank=effective_rank(shares["output"]),
        participation_ratio=participation_ratio(shares["output"]),
        expected_rank=counts["active_subspace"],
    )


def _check_outputs(name: str, output: torch.Tensor, prediction: torch.Tensor) -> None:
    """Neither the layer's outputs nor the model's may be constant or undefined."""
    for what, values in ((f"'{name}' puts out", output), (f"what follows '{name}' makes of it", prediction)):
        if not torch.isfinite(values).all():
            raise InputError(
                f"{what} values that are not finite: the training has diverged. Train with a lower learning rate."
            )
        # Blocks of different length may round differently, so that the same row need not give the same bits.
        spread = (values - values.mean(dim=0)).abs().max()
        if spread <= 1e-6 * values.abs().max():
            raise InputError(
                f"{what} the same values for all {len(values)} samples: nothing to measure. Train the model first."
            )


def _sensitivity(name: str, tail: nn.Module, output: torch.Tensor) -> NDArray[np.float64]:
    matrix = sensitivity_matrix(tail, output)
    if not np.trace(matrix) > 0:
        raise InputError(f"the model's output answers to no change of '{name}' (saturated?): nothing to measure.")
    return matrix


@torch.no_grad()
def layer_outputs(layer: nn.Linear, features: NDArray[Any]) -> torch.Tensor:
    """layer(its features) in blocks, since the features may be memory-mapped and large: (n, out_features)."""
    own = layer.in_features
    blocks = (np.ascontiguousarray(features[start : start + 512, :own]) for start in range(0, len(features), 512))
    device = layer.weight.device
    return torch.cat([layer(torch.tensor(block, device=device)).cpu() for block in blocks])
