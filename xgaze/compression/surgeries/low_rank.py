"""Data-aware low rank: a linear layer of the head replaced by reduce (in -> rank) and expand (rank -> out).

Truncating W C^1/2 = U S V' (C the covariance of the inputs) gives U_r U_r' W: the projection of the layer's *output* on its
leading principal components. So only the small output covariance is needed, never C. Weighted by the output's sensitivity
to the layer (E[J'J]), the same projection is taken in that metric.
"""

import copy
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from xgaze.capacity.projection import directions, sensitivity_metric
from xgaze.compression.head import rows_read, tail_reading
from xgaze.compression.surgeries.base import Probe, untouched_if_refused
from xgaze.compression.surgeries.proof import Proof, outputs_of, prove_predicted
from xgaze.compression.surgeries.surgery_kinds import SurgeryKind
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead

Weighting = Literal["variance", "sensitivity"]
WEIGHTINGS: tuple[Weighting, ...] = ("variance", "sensitivity")


@dataclass(frozen=True)
class LowRank:
    """`layer` (in -> out) becomes a sequence `reduce` (in -> rank, no bias), `expand` (rank -> out)."""

    layer: str
    rank: int
    weighting: Weighting = "variance"
    kind: Literal["low_rank"] = "low_rank"

    def reshape(self, model: FeatureHead) -> None:
        """Structure only, weights undefined: what rebuilding a stored student needs."""
        layer = self._linear(model)
        device = layer.weight.device
        reduce = nn.Linear(layer.in_features, self.rank, bias=False, device=device)
        expand = nn.Linear(self.rank, layer.out_features, device=device)
        model.set_submodule(self.layer, nn.Sequential(OrderedDict(reduce=reduce, expand=expand)))

    @torch.no_grad()
    def apply(self, model: FeatureHead, probe: Probe) -> Proof:
        """Factor a layer of the head in place and prove that the loss is the one the spectrum predicts. Raises InputError,
        the model untouched, if it is not."""
        layer = self._linear(model)
        read = rows_read(model, self.layer, probe.features)
        before, tail = layer(read), tail_reading(model, self.layer, probe.features)
        metric = sensitivity_metric(tail, before) if self.weighting == "sensitivity" else None
        plan = directions(before, metric).projection(self.rank)
        weight = layer.weight.double()
        bias = layer.bias.double() if layer.bias is not None else torch.zeros(len(weight), dtype=torch.float64)
        with untouched_if_refused(model, self.layer):
            self.reshape(model)
            pair = model.get_submodule(self.layer)
            pair.get_submodule("reduce").weight.copy_(plan.inward @ weight)  # type: ignore[operator]
            expand = pair.get_submodule("expand")
            expand.weight.copy_(plan.outward)  # type: ignore[operator]
            expand.bias.copy_(plan.mean + plan.outward @ (plan.inward @ (bias - plan.mean)))  # type: ignore[operator]
            lost = ((before - pair(read)).double() @ plan.metric.T).square().sum(dim=1).mean()
            proof = prove_predicted(float(lost), plan.discarded, plan.total, self.layer)
        return proof

    def _linear(self, model: FeatureHead) -> nn.Linear:
        layer = model.get_submodule(self.layer)
        if not isinstance(layer, nn.Linear):
            raise InputError(f"low rank of '{self.layer}': it is a {type(layer).__name__}, not a linear layer.")
        if not 1 <= self.rank <= min(layer.in_features, layer.out_features):
            raise InputError(f"low rank of '{self.layer}': rank {self.rank} is outside 1..{layer.out_features}.")
        return layer


def plan_low_rank(model: FeatureHead, layer: str, rank: int, probe: Probe) -> LowRank:
    """The factorisation of `layer` whose head stays closer to the whole one, before any training. Raises InputError for a rank
    that the layer cannot have."""
    whole = outputs_of(model.head, probe.features)

    def lost(surgery: LowRank) -> float:
        head = copy.deepcopy(model.head)
        surgery.apply(_HeadOnly(head), probe)
        return float((outputs_of(head, probe.features) - whole).square().mean())

    return min((LowRank(layer, rank, weighting) for weighting in WEIGHTINGS), key=lost)


def plan_thinner(model: FeatureHead, layer: str, rank: int, probe: Probe) -> LowRank | None:
    """As `plan_low_rank`; None where the two factors would hold no less than the layer."""
    linear = model.get_submodule(layer)
    assert isinstance(linear, nn.Linear)
    if rank * (linear.in_features + linear.out_features) >= linear.weight.numel():
        return None
    return plan_low_rank(model, layer, rank, probe)


class _HeadOnly(FeatureHead):
    """A head without its towers, so that trying a surgery on it copies little."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head


SURGERY = SurgeryKind("low_rank", LowRank, lambda one: f"low rank to rank {one.rank}")
