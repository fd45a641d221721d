"""Keep some columns of the head's first linear layer, and leave out the features that the others read.

No search tries this surgery: it is one of the other ways that `--baselines` sets beside a student.
"""

from collections import OrderedDict
from dataclasses import dataclass
from operator import index
from typing import Any, Literal

import torch
from torch import Tensor, nn

from xgaze.compression.head import entrance, rows_read
from xgaze.compression.surgeries.base import Probe, untouched_if_refused
from xgaze.compression.surgeries.proof import Proof, prove_equal
from xgaze.compression.surgeries.surgery_kinds import SurgeryKind
from xgaze.errors import InputError
from xgaze.models.layers import EachBlock, FeatureHead, SelectColumns


@dataclass(frozen=True)
class Columns:
    """`layer` (in -> out) becomes a sequence `select` (in -> len(keep)), `linear` (len(keep) -> out), a slice of its weights."""

    layer: str
    keep: tuple[int, ...]
    kind: Literal["columns"] = "columns"

    def __post_init__(self) -> None:
        object.__setattr__(self, "keep", tuple(map(index, self.keep)))  # JSON knows lists only

    def reshape(self, model: FeatureHead) -> None:
        """Structure only, weights undefined: what rebuilding a stored student needs."""
        layer = linear_at(model, self.layer)
        if not self.keep or len(set(self.keep)) < len(self.keep):
            raise InputError(f"columns of '{self.layer}': the columns to keep are none, or named twice.")
        if min(self.keep) < 0 or max(self.keep) >= layer.in_features:
            raise InputError(
                f"columns of '{self.layer}': {min(self.keep)}..{max(self.keep)} is outside 0..{layer.in_features - 1}."
            )
        small = nn.Linear(len(self.keep), layer.out_features, bias=layer.bias is not None)
        pair = OrderedDict[str, nn.Module](select=SelectColumns(self.keep), linear=small)
        model.set_submodule(self.layer, nn.Sequential(pair).to(layer.weight.device))

    @torch.no_grad()
    def apply(self, model: FeatureHead, probe: Probe) -> Proof:
        """Keep the columns, in place. Proof: the pruned layer equals the one whose other columns are zero. Raises InputError, the
        model untouched, if it does not."""
        layer = linear_at(model, self.layer)
        features = _read_features(model, layer, self.layer, probe)
        keep, masked = list(self.keep), torch.zeros_like(features)
        with untouched_if_refused(model, self.layer):
            self.reshape(model)
            masked[:, keep] = features[:, keep]
            small = linear_at(model, f"{self.layer}.linear")
            small.weight.copy_(layer.weight[:, keep])
            if layer.bias is not None:
                small.bias.copy_(layer.bias)
            proof = prove_equal(layer(masked), model.get_submodule(self.layer)(features), self.layer)
        return proof


def plan_columns(model: FeatureHead, layer: str, count: int) -> Columns:
    """The `count` columns of `layer` whose weights have the largest norm, ascending."""
    linear = linear_at(model, layer)
    if not 1 <= count <= linear.in_features:
        raise InputError(f"columns of '{layer}': {count} is outside 1..{linear.in_features}.")
    each = linear.weight.detach().double().norm(dim=0)
    return Columns(layer, tuple(sorted(each.topk(count).indices.tolist())))


def linear_at(model: FeatureHead, path: str) -> nn.Linear:
    """The linear layer at `path`. Raises InputError if it is anything else."""
    layer: Any = dict(model.named_modules()).get(path)
    if not isinstance(layer, nn.Linear):
        raise InputError(f"columns of '{path}': it is {_what(layer)}, not a linear layer.")
    return layer


def _what(module: nn.Module | None) -> str:
    return "not in the model" if module is None else f"a {type(module).__name__}"


def _read_features(model: FeatureHead, layer: nn.Linear, path: str, probe: Probe) -> Tensor:
    """The features that the layer reads: all, the first of them, or block by block, (n, in). Raises InputError for a layer that
    does not read the head's features themselves."""
    read = rows_read(model, path, probe.features[:2])
    blocks = holder.blocks if isinstance(holder := model.get_submodule(entrance(path)), EachBlock) else 1
    own = probe.features.reshape(-1, probe.features.shape[1] // blocks)[:, : layer.in_features]
    if not torch.equal(read, own[: len(read)]):
        raise InputError(f"columns of '{path}': it does not read the model's features.")
    return own


SURGERY = SurgeryKind("columns", Columns)
