"""Fold two linear layers with nothing between them into one: exact."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from xgaze.compression.surgeries.base import Probe, untouched_if_refused
from xgaze.compression.surgeries.proof import Proof, outputs_of, prove_equal
from xgaze.compression.surgeries.surgery_kinds import SurgeryKind
from xgaze.models.layers import FeatureHead


@dataclass(frozen=True)
class Fold:
    """`into`(`layer`(x)) becomes one linear layer at `layer`'s place; `into` becomes the identity."""

    layer: str
    into: str
    kind: Literal["fold"] = "fold"

    def reshape(self, model: FeatureHead) -> None:
        """Structure only, weights undefined: what rebuilding a stored student needs."""
        first, second = _linear(model, self.layer), _linear(model, self.into)
        folded = nn.Linear(first.in_features, second.out_features, device=first.weight.device)
        model.set_submodule(self.layer, folded)
        model.set_submodule(self.into, nn.Identity())

    @torch.no_grad()
    def apply(self, model: FeatureHead, probe: Probe) -> Proof:
        """Fold in place and prove that the head's output has not changed. Raises InputError, the model untouched, if it has."""
        first, second = _linear(model, self.layer), _linear(model, self.into)
        before = outputs_of(model.head, probe.features)
        weight = second.weight.double() @ first.weight.double()
        bias = second.weight.double() @ _bias(first).double() + _bias(second).double()
        with untouched_if_refused(model, self.layer, self.into):
            self.reshape(model)
            folded = _linear(model, self.layer)
            folded.weight.copy_(weight)
            folded.bias.copy_(bias)
            proof = prove_equal(before, outputs_of(model.head, probe.features), f"{self.layer} and {self.into}")
        return proof


def plan_fold(model: FeatureHead, layer: str, probe: Probe) -> Fold | None:
    """The fold of `layer` with the linear layer that reads its very output tensor, if exactly one module does."""
    linear = _linear(model, layer)
    produced: list[Tensor] = []
    readers: list[str] = []
    names = {module: name for name, module in model.named_modules()}

    def reads(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if produced and inputs and inputs[0] is produced[0]:
            readers.append(names[module])

    leaves = [m for m in model.head.modules() if not list(m.children())]
    handles = [linear.register_forward_hook(lambda _module, _inputs, output: produced.append(output))]
    handles += [leaf.register_forward_pre_hook(reads) for leaf in leaves]
    try:
        outputs_of(model.head, probe.features[:2])
    finally:
        _remove(handles)
    if len(readers) == 1 and isinstance(model.get_submodule(readers[0]), nn.Linear):
        return Fold(layer, readers[0])
    return None


def _remove(handles: Iterable[torch.utils.hooks.RemovableHandle]) -> None:
    for handle in handles:
        handle.remove()


def _linear(model: nn.Module, path: str) -> nn.Linear:
    module = model.get_submodule(path)
    if not isinstance(module, nn.Linear):
        raise TypeError(f"{path} is a {type(module).__name__}, not a linear layer")
    return module


def _bias(layer: nn.Linear) -> Tensor:
    return layer.bias if layer.bias is not None else layer.weight.new_zeros(layer.out_features)


SURGERY = SurgeryKind("fold", Fold, where=lambda one: f"{one.layer} with {one.into}")
