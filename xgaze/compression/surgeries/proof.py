"""Proof of a surgery: a measured figure, its limit, and the refusal when the limit is passed."""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from xgaze.errors import InputError
from xgaze.models.layers import evaluated

EXACT_LIMIT = 1e-5


@dataclass(frozen=True)
class Proof:
    """kind says what was compared; value must not exceed limit, else the surgery is refused."""

    kind: str
    value: float
    limit: float
    unit: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def prove_equal(before: Tensor, after: Tensor, layers: str, limit: float = 1.0) -> Proof:
    """Outputs before and after an exact surgery, as a fraction of the largest output. `limit`: one below that of all such
    surgeries. Raises InputError if they differ."""
    kind, unit = "largest change of the output", "fraction of the largest output"
    return checked(Proof(kind, _largest_change(before, after), min(limit, EXACT_LIMIT), unit), layers)


def is_equal(before: Tensor, after: Tensor) -> bool:
    """Whether `prove_equal` would hold."""
    return _largest_change(before, after) <= EXACT_LIMIT


def _largest_change(before: Tensor, after: Tensor) -> float:
    return float((after - before).abs().max() / before.abs().max().clamp_min(1e-12))


def prove_predicted(measured: float, predicted: float, total: float, layers: str) -> Proof:
    """Measured loss of an approximation against its closed form, both as fractions of `total`."""
    value = abs(measured - predicted) / max(total, 1e-30)
    return checked(
        Proof("measured against predicted loss of variance", value, EXACT_LIMIT, "fraction of variance"), layers
    )


def checked(proof: Proof, layers: str) -> Proof:
    """The proof itself, or InputError naming the layers."""
    if not proof.value <= proof.limit:  # also refuses NaN
        raise InputError(
            f"surgery on {layers} refused: {proof.kind} is {proof.value:.2e} {proof.unit}, above {proof.limit:.0e}. "
            "Nothing was saved."
        )
    return proof


@torch.no_grad()
def outputs_of(module: nn.Module, *inputs: Tensor) -> Tensor:
    """module(*inputs) in evaluation mode, mode restored: of a head on features, or of a whole model. It gets copies, so that
    inputs stay what they are if its first layer works in place."""
    with evaluated(module):
        out: Tensor = module(*(x.clone() for x in inputs))
    return out
