"""Write out weights that are computed anew at every forward (weight norm, spectral norm), so that they can be cut: exact."""

import copy
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn
from torch.nn.utils import parametrize
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from xgaze.compression.kept import lies_in
from xgaze.compression.surgeries.base import Probe
from xgaze.compression.surgeries.proof import Proof, outputs_of, prove_equal
from xgaze.compression.surgeries.surgery_kinds import SurgeryKind
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead, evaluated
from xgaze.models.torch_internals import pre_hooks, pruned_weight, rebuilt

PARTS = ("g", "v", "u", "orig", "mask")
"""What hooks of the older kind name the tensors from which they compute a weight: `weight_g`, ..."""


@dataclass(frozen=True)
class PlainWeights:
    """The weights of `layers` become plain parameters, with the values they have in use."""

    layers: tuple[str, ...]
    kind: Literal["plain_weights"] = "plain_weights"

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))  # JSON knows lists only

    def reshape(self, model: FeatureHead) -> None:
        """All that the surgery does."""
        modules = dict(model.named_modules(remove_duplicate=False))
        plain: dict[nn.Module, nn.Module] = {}  # layers that several paths share stay shared
        for path in self.layers:
            module = modules.get(path)
            if module is None or not _computed(module):
                raise InputError(f"weights of '{path}': it is no layer whose weights are computed.")
            plain.setdefault(module, _written_out(module))
            model.set_submodule(path, plain[module])

    @torch.no_grad()
    def apply(self, model: FeatureHead, probe: Probe) -> Proof:
        """Write out in place, having proved on a copy that the output does not change. Raises InputError if it does."""
        plain = copy.deepcopy(model)
        self.reshape(plain)
        proof = prove_equal(outputs_of(model, *probe.inputs), outputs_of(plain, *probe.inputs), ", ".join(self.layers))
        self.reshape(model)
        return proof


def plan_plain_weights(model: nn.Module, keep: Collection[str] = ()) -> PlainWeights | None:
    """For every layer whose weights are computed but those in `keep`; None if there is none."""
    modules = model.named_modules(remove_duplicate=False)
    found = [name for name, one in modules if _computed(one) and not lies_in(name, keep)]
    return PlainWeights(tuple(found)) if found else None


def _computed(module: Any) -> set[str]:
    """Names of the weights that a parametrisation computes, or a hook of the older kind."""
    by_hook = {name for one in pre_hooks(module).values() if (name := _computed_by(one))}
    return by_hook | (set(module.parametrizations) if parametrize.is_parametrized(module) else set())


def _computed_by(hook: Any) -> str | None:
    """The weight that a hook of `weight_norm`, `spectral_norm` or `prune` computes before every forward; None of any other."""
    if isinstance(hook, BasePruningMethod):
        return pruned_weight(hook)
    return str(hook.name) if isinstance(hook, WeightNorm | SpectralNorm) else None


@torch.no_grad()
def _written_out(module: Any) -> nn.Module:
    """A layer of the class it was before, that holds as parameters what was computed. torch's own `remove_parametrizations` takes
    the weights from all copies of the layer at once, since they share a class."""
    names = _computed(module)
    hooks = {key: one for key, one in pre_hooks(module).items() if _computed_by(one)}
    with evaluated(module):
        for hook in hooks.values():
            hook(module, ())
        computed = {key: nn.Parameter(getattr(module, key).detach().clone()) for key in names}
    kind: Any = parametrize.type_before_parametrizations(module)
    made_of = {f"{name}_{part}" for name in names for part in PARTS}
    return rebuilt(module, kind, computed, {*names, *made_of, "parametrizations"}, hooks)


SURGERY = SurgeryKind("plain_weights", PlainWeights)
