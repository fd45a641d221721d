"""Remove layers that do next to nothing, such as a local response normalisation at alpha 1e-4, which still costs latency."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from xgaze.compression.kept import lies_in
from xgaze.compression.surgeries.base import Probe
from xgaze.compression.surgeries.proof import Proof, checked, outputs_of
from xgaze.compression.surgeries.surgery_kinds import SurgeryKind
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead

NO_OP_LIMIT = 0.5
"""Largest change of the output that passes for none: far below what any eye tracker resolves, in px."""

# A ReLU may look idle on one sample because nothing there is negative; it is no candidate all the same.
_NEVER = ("torch.nn.modules.activation", "torch.nn.modules.pooling")


@dataclass(frozen=True)
class RemoveNoOp:
    """Each of `layers`, without parameters, becomes the identity; no output may move by more than `limit` (in `unit`)."""

    layers: tuple[str, ...]
    unit: str = "px"
    limit: float = NO_OP_LIMIT
    kind: Literal["no_op"] = "no_op"

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))  # JSON knows lists only

    def reshape(self, model: FeatureHead) -> None:
        """All that the surgery does: no weight changes."""
        self._modules(model)
        _replace(model, _idle(self.layers))

    @torch.no_grad()
    def apply(self, model: FeatureHead, probe: Probe) -> Proof:
        """Remove in place, having measured the largest change of any output on the probe's inputs.

        Raises InputError naming the layers, the model untouched, if it passes the limit.
        """
        self._modules(model)
        expected = outputs_of(model, *probe.inputs)
        with _without(model, self.layers):
            change = _largest(expected, outputs_of(model, *probe.inputs))
        proof = checked(Proof("largest change of the output", change, self.limit, self.unit), ", ".join(self.layers))
        self.reshape(model)
        return proof

    def _modules(self, model: FeatureHead) -> None:
        if not self.layers:
            raise InputError("removing layers without effect: no layer is named.")
        for path in self.layers:
            try:
                module = model.get_submodule(path)
            except AttributeError:
                raise InputError(f"removing '{path}': the model has no such layer.") from None
            if not path or _has_tensors(module):
                raise InputError(f"removing '{path}': a {type(module).__name__} has weights, so it is no idle layer.")


@torch.no_grad()
def plan_no_ops(
    model: FeatureHead, probe: Probe, unit: str = "px", limit: float = NO_OP_LIMIT, keep: Collection[str] = ()
) -> RemoveNoOp | None:
    """The removal of every layer without parameters that together move no output by more than `limit`; None if there is none.

    Candidates keep their input's shape on the probe; activations, pooling and what lies in `keep` never are. `unit`: of the
    model's output.
    """
    expected, found = _candidates(model, probe)
    candidates = [name for name in found if not lies_in(name, keep)]

    def change(layers: Iterable[str]) -> float:
        with _without(model, layers):
            return _largest(expected, outputs_of(model, *probe.inputs))

    kept = tuple(candidates)
    if kept and not change(kept) <= limit:
        kept = ()
        for _, name in sorted((change([name]), name) for name in candidates):
            kept = (*kept, name) if change([*kept, name]) <= limit else kept
    return RemoveNoOp(kept, unit, limit) if kept else None


def _candidates(model: FeatureHead, probe: Probe) -> tuple[Tensor, list[str]]:
    """The model's output, and the layers that are read in this forward and may turn out to do nothing."""
    leaves = {
        name: module
        for name, module in model.named_modules(remove_duplicate=False)
        if name and not _has_tensors(module) and not list(module.children()) and not _excluded(module)
    }
    same: dict[nn.Module, bool] = {}

    def look(module: nn.Module, read: tuple[Tensor, ...], out: Tensor) -> None:
        alike = len(read) == 1 and isinstance(out, Tensor) and out.shape == read[0].shape
        same[module] = alike and same.get(module, True)

    handles = [module.register_forward_hook(look) for module in set(leaves.values())]
    try:
        output = outputs_of(model, *probe.inputs)
    finally:
        for handle in handles:
            handle.remove()
    return output, [name for name, module in leaves.items() if same.get(module, False)]


def _excluded(module: nn.Module) -> bool:
    return (
        isinstance(module, nn.Identity)
        or type(module).__module__ in _NEVER
        or isinstance(module, nn.modules.dropout._DropoutNd)
    )


def _has_tensors(module: nn.Module) -> bool:
    return any(True for _ in module.parameters()) or any(True for _ in module.buffers())


@contextmanager
def _without(model: FeatureHead, layers: Iterable[str]) -> Iterator[None]:
    """The model with these layers taken out, put back afterwards."""
    originals = {path: model.get_submodule(path) for path in layers}
    _replace(model, _idle(originals))
    try:
        yield
    finally:
        _replace(model, originals)


def _idle(layers: Iterable[str]) -> dict[str, nn.Module]:
    return {path: nn.Identity() for path in layers}


def _replace(model: FeatureHead, modules: dict[str, nn.Module]) -> None:
    for path, module in modules.items():
        model.set_submodule(path, module)


def _largest(before: Tensor, after: Tensor) -> float:
    return float((after - before).abs().max())


SURGERY = SurgeryKind("no_op", RemoveNoOp)
