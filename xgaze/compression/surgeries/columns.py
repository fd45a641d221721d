"""Keep some columns of the head's first linear layer, and let their weights take over what the others told.

Every column that goes is predicted from those that stay (ridge regression on real features) and its weights are carried over:
W_S + W_D C[D,S] (C[S,S] + ridge)^-1, which without the ridge is W C[:,S] C[S,S]^-1, the least-squares refit. Where the sample
cannot tell, the old weights stay. Only columns that stay are ever inverted, and no more numbers than there are samples.

No search tries this surgery; it is for scripts of your own. The plain slice (`refit=False`) is one of the other ways that
`--baselines` sets beside a student.
"""

from collections import OrderedDict
from dataclasses import dataclass
from operator import index
from typing import Any, Literal

import torch
from torch import Tensor, nn

from xgaze.compression.head import entrance, rows_read
from xgaze.compression.surgeries.base import Probe, untouched_if_refused
from xgaze.compression.surgeries.proof import Proof, prove_equal, prove_predicted
from xgaze.compression.surgeries.surgery_kinds import SurgeryKind
from xgaze.errors import InputError
from xgaze.models.layers import EachBlock, FeatureHead, SelectColumns

Score = Literal["least_squares", "deviation_norm", "weight_norm"]
RIDGE = 1e-2
"""Of the mean variance of a column: the best of 1e-6 to 1e-1 on unseen people, from 256 to 3000 columns of 6144."""


@dataclass(frozen=True)
class Columns:
    """`layer` (in -> out) becomes a sequence `select` (in -> len(keep)), `linear` (len(keep) -> out).

    refit False: the plain slice of the weights, for comparison.
    """

    layer: str
    keep: tuple[int, ...]
    refit: bool = True
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
        small = nn.Linear(len(self.keep), layer.out_features, bias=self.refit or layer.bias is not None)
        pair = OrderedDict[str, nn.Module](select=SelectColumns(self.keep), linear=small)
        model.set_submodule(self.layer, nn.Sequential(pair).to(layer.weight.device))

    @torch.no_grad()
    def apply(self, model: FeatureHead, probe: Probe) -> Proof:
        """Keep the columns, in place. Proof: with the refit, that the loss is the one its moments predict; without, that the
        pruned layer equals the one whose other columns are zero. Raises InputError, the model untouched, if it fails."""
        layer = linear_at(model, self.layer)
        features = _read_features(model, layer, self.layer, probe)
        with untouched_if_refused(model, self.layer):
            self.reshape(model)
            proof = self._refit(model, layer, features) if self.refit else self._slice(model, layer, features)
        return proof

    def _slice(self, model: FeatureHead, layer: nn.Linear, features: Tensor) -> Proof:
        small = self._small(model)
        small.weight.copy_(layer.weight[:, list(self.keep)])
        if layer.bias is not None:
            small.bias.copy_(layer.bias)
        masked = torch.zeros_like(features)
        masked[:, list(self.keep)] = features[:, list(self.keep)]
        return prove_equal(layer(masked), model.get_submodule(self.layer)(features), self.layer)

    def _refit(self, model: FeatureHead, layer: nn.Linear, features: Tensor) -> Proof:
        keep, before = list(self.keep), layer(features)
        mean, output_mean = features.double().mean(dim=0)[keep], before.double().mean(dim=0)
        kept = features[:, keep].double() - mean
        weight = layer.weight.double()[:, keep]
        missing = before.double() - output_mean - kept @ weight.T
        carried, left = ridge_fit(kept, missing)
        small = self._small(model)
        small.weight.copy_(weight + carried.T)
        small.bias.copy_(output_mean - (weight + carried.T) @ mean)
        lost = (before - model.get_submodule(self.layer)(features)).double().square().sum(dim=1).mean()
        total = (before.double() - output_mean).square().sum(dim=1).mean()
        return prove_predicted(float(lost), left, float(total), self.layer)

    def _small(self, model: FeatureHead) -> nn.Linear:
        return linear_at(model, f"{self.layer}.linear")


def ridge_fit(x: Tensor, y: Tensor, ridge: float = RIDGE) -> tuple[Tensor, float]:
    """B (columns, outputs) minimising |y - x B|^2 / n + r |B|^2, and |y - x B|^2 / n in closed form.

    x (n, columns) and y (n, outputs) are centred and double; r is `ridge` times the mean variance of a column. The loss is
    tr(C_yy - 2 B' C_xy + B' C_xx B), or with fewer samples than columns r^2 n |(K + n r)^-1 y|^2, K the samples' products.
    """
    n, columns = x.shape
    r = max(ridge * float(x.square().sum()) / x.numel(), torch.finfo(x.dtype).tiny)
    if columns > n:
        dual = torch.linalg.solve(x @ x.T + n * r * torch.eye(n, dtype=x.dtype), y)
        return x.T @ dual, float(n * r * r * dual.square().sum())
    gram, cross = x.T @ x / n, x.T @ y / n
    fit = torch.linalg.solve(gram + r * torch.eye(columns, dtype=x.dtype), cross)
    return fit, float(y.square().sum() / n - 2 * (fit * cross).sum() + (fit * (gram @ fit)).sum())


@torch.no_grad()
def plan_columns(
    model: FeatureHead, layer: str, count: int, probe: Probe, score: Score = "least_squares", refit: bool = True
) -> Columns:
    """The `count` best columns of `layer`, ascending. Scores: `least_squares` counts on the refit (see `explaining_columns`);
    `weight_norm` and `deviation_norm` (the norm times the feature's standard deviation) look at each column alone."""
    linear = linear_at(model, layer)
    if not 1 <= count <= linear.in_features:
        raise InputError(f"columns of '{layer}': {count} is outside 1..{linear.in_features}.")
    features = _read_features(model, linear, layer, probe)
    weight = linear.weight.double()
    if score == "least_squares":
        return Columns(layer, tuple(sorted(explaining_columns(features, weight, count))), refit)
    each = weight.norm(dim=0)
    if score == "deviation_norm":
        each = each * features.double().std(dim=0)
    return Columns(layer, tuple(sorted(each.topk(count).indices.tolist())), refit)


def explaining_columns(features: Tensor, weight: Tensor, count: int) -> list[int]:
    """Columns of `features` (n, width), best first, that explain features @ weight.T (n, outputs) by least squares.

    Each next one is the one that lowers the squared loss most once all chosen are refitted: orthogonal least squares (Chen,
    Billings & Luo 1989), as a pivoted Cholesky factorisation of the covariance that builds only the chosen columns of it.
    """
    x = features.double() - features.double().mean(dim=0)
    unexplained = x.square().sum(dim=0)
    cross = x.T @ (x @ weight.T)
    floor = RIDGE * float(unexplained.mean()) + torch.finfo(x.dtype).tiny
    factor = torch.zeros(count, x.shape[1], dtype=x.dtype)
    chosen: list[int] = []
    for step in range(count):
        gain = cross.square().sum(dim=1) / (unexplained + floor)
        gain[chosen] = -1.0
        pivot = int(gain.argmax())
        chosen.append(pivot)
        row = x.T @ x[:, pivot] - factor[:step].T @ factor[:step, pivot]
        row = row / (unexplained[pivot] + floor).sqrt()
        cross -= torch.outer(row, cross[pivot] / (unexplained[pivot] + floor).sqrt())
        factor[step] = row
        unexplained = (unexplained - row.square()).clamp_min(0)
    return chosen


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
    does not read the head's features themselves, and so cannot be refitted on them."""
    read = rows_read(model, path, probe.features[:2])
    blocks = holder.blocks if isinstance(holder := model.get_submodule(entrance(path)), EachBlock) else 1
    own = probe.features.reshape(-1, probe.features.shape[1] // blocks)[:, : layer.in_features]
    if not torch.equal(read, own[: len(read)]):
        raise InputError(
            f"columns of '{path}': it does not read the model's features, so it cannot be refitted on them."
        )
    return own


SURGERY = SurgeryKind("columns", Columns)
