"""Separable filters: each output's filter on each feature map becomes a sum of few height x width outer products.

On a large map this goes far below low rank alone: a 12x16 filter holds 192 numbers, one outer product 28.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from xgaze.compression.surgeries.base import Probe, untouched_if_refused
from xgaze.compression.surgeries.proof import Proof, prove_predicted
from xgaze.compression.surgeries.surgery_kinds import SurgeryKind
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead, SeparableLinear


@dataclass(frozen=True)
class Separable:
    """`layer`, a linear layer without bias on flattened maps (channels, height, width), becomes a `SeparableLinear`."""

    layer: str
    terms: int
    channels: int
    height: int
    width: int
    kind: Literal["separable"] = "separable"

    def reshape(self, model: FeatureHead) -> None:
        """Structure only, weights undefined: what rebuilding a stored student needs."""
        layer = self._linear(model)
        shape = (self.channels, self.height, self.width)
        model.set_submodule(self.layer, SeparableLinear(shape, layer.out_features, self.terms).to(layer.weight.device))

    @torch.no_grad()
    def apply(self, model: FeatureHead, probe: Probe) -> Proof:  # noqa: ARG002
        """Truncate every filter's singular value decomposition, in place, and prove that the weight lost is the one that
        the discarded singular values predict. Raises InputError, the model untouched, if it is not."""
        weight = self._linear(model).weight.double()
        filters = weight.unflatten(1, (self.channels, self.height, self.width))
        left, singular, right = torch.linalg.svd(filters, full_matrices=False)
        root = singular[..., : self.terms].sqrt()
        predicted = float(singular[..., self.terms :].square().sum())
        with untouched_if_refused(model, self.layer):
            self.reshape(model)
            separable = model.get_submodule(self.layer)
            assert isinstance(separable, SeparableLinear)
            separable.rows.copy_(left[..., : self.terms] * root[..., None, :])
            separable.columns.copy_(right[..., : self.terms, :] * root[..., None])
            lost = float((weight - separable.weight.double()).square().sum())
            proof = prove_predicted(lost, predicted, float(weight.square().sum()), self.layer)
        return proof

    def _linear(self, model: FeatureHead) -> nn.Linear:
        layer = model.get_submodule(self.layer)
        size = self.channels * self.height * self.width
        if not isinstance(layer, nn.Linear) or layer.bias is not None or layer.in_features != size:
            shape = f"{self.channels}x{self.height}x{self.width}"
            raise InputError(f"separable '{self.layer}': expected a linear layer without bias on {shape} maps.")
        if not 1 <= self.terms < min(self.height, self.width):
            raise InputError(
                f"separable '{self.layer}': {self.terms} terms; a {self.height}x{self.width} filter allows "
                f"1..{min(self.height, self.width) - 1}."
            )
        return layer


def plan_separable(model: FeatureHead, layer: str, terms: int) -> Separable | None:
    """The layer's filters as sums of `terms` outer products; None where the model's features are no flattened maps. Raises
    InputError for a layer that does not read them all, or terms that the maps do not allow."""
    if model.feature_shape is None:
        return None
    plan = Separable(layer, terms, *model.feature_shape)
    plan._linear(model)
    return plan


def terms_allowed(shape: tuple[int, int, int] | None, terms: int | None) -> bool:
    """Whether so many terms make filters on maps (channels, height, width) smaller than whole ones: never on 1 x 1 maps."""
    if shape is None or terms is None:
        return False
    _, height, width = shape
    return 1 <= terms * (height + width) < height * width


SURGERY = SurgeryKind("separable", Separable, lambda one: f"separable in {one.terms} term{'s' * (one.terms > 1)}")
