"""Surgery on a network at hand: proved, and nothing trained."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from xgaze.api.outcomes import Told
from xgaze.compression.build import build
from xgaze.compression.group_importance import IMPORTANCES, OUTPUTS
from xgaze.compression.head import first_linear
from xgaze.compression.plan import Plan
from xgaze.compression.surgeries.base import Probe
from xgaze.compression.surgeries.proof import outputs_of
from xgaze.compression.surgeries.surgery_kinds import SURGERIES, Step
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead
from xgaze.models.own_networks.fidelity import require_function
from xgaze.models.own_networks.imported import require_same
from xgaze.models.own_networks.split import split
from xgaze.models.size import count_fc_parameters, count_parameters

SHOWN, BATCH = 64, 64
KIND = "value"


@dataclass(frozen=True, repr=False, eq=False)
class Compressed(Told):
    """A smaller network and how it was made. network: an nn.Module that reads what the original read. steps: surgeries in order,
    each with its proof. uncut: layers that kept all their channels, and why. change: root mean square of its outputs less the
    original's over the samples given, as a share of how the original's outputs spread (NaN where they do not)."""

    network: FeatureHead
    plan: Plan
    steps: tuple[Step, ...]
    uncut: Mapping[str, str]
    change: float
    parameters: tuple[int, int]
    fc_parameters: tuple[int, int]

    def title(self) -> str:
        return f"Compressed: {self.plan.in_words}"

    def rows(self) -> list[tuple[str, str]]:
        return [
            ("parameters", "{1:,} of {0:,}".format(*self.parameters)),
            ("in fully connected layers", "{1:,} of {0:,}".format(*self.fc_parameters)),
            ("change of the outputs", f"{100 * self.change:.2g} % of their spread"),
            *((f"surgery: {one.surgery.kind}", _proved(one)) for one in self.steps),
            *((f"uncut: {layer}", why) for layer, why in self.uncut.items()),
        ]


def compress(
    net: nn.Module,
    inputs: ArrayLike | Sequence[ArrayLike] | Mapping[str, ArrayLike],
    *,
    rank: int | None = None,
    terms: int | None = None,
    share: float = 1.0,
    coarse: bool = False,
    importance: str = OUTPUTS,
    keep: Sequence[str] = (),
) -> Compressed:
    """One plan of surgeries on a copy of `net`, each with its proof; nothing is trained, and `net` stays as it is.

    inputs: samples as the network reads them, float32 (n, ...): one array, or a tuple or mapping of them in the order in which it
    takes them. Weights are chosen for these samples: give some hundreds that are typical.
    rank: of the first fully connected layer and of further large ones; terms: outer products of which each of its filters on maps
    is made. share: of the channels of every convolution that stay; coarse: halve pictures before the first convolutions.
    importance: by which channels go: "outputs", how far these move without one, or "magnitude", of the weights that go with it.
    keep: paths of modules that stay as they are.
    Raises InputError for a network that cannot be parted in features and head, and where a surgery is not proved.
    """
    batch = _tensors(inputs)
    name, own = type(net).__name__, copy.deepcopy(net).cpu().float().eval()
    spread = torch.from_numpy(np.linspace(0, len(batch[0]) - 1, min(SHOWN, len(batch[0]))).astype(np.int64))
    shown = tuple(one[spread] for one in batch)
    require_function(own, shown)
    whole = split(own, shown).eval()
    require_same(name, own, whole, [shown])
    plan = Plan(share, coarse, _possible(rank, whole), terms, keep=tuple(keep), importance=_known(importance))
    built = build(whole, plan, lambda model: Probe(shown, _features(model, batch)), KIND)
    before, after = (_outputs(one, batch) for one in (whole, built.student))
    return Compressed(
        built.student,
        plan,
        tuple(built.steps),
        dict(built.uncut),
        _change(before, after),
        (count_parameters(whole), count_parameters(built.student)),
        (count_fc_parameters(whole), count_fc_parameters(built.student)),
    )


def _tensors(inputs: Any) -> tuple[Tensor, ...]:
    given = list(inputs.values()) if isinstance(inputs, Mapping) else inputs
    given = list(given) if isinstance(given, list | tuple) else [given]
    found = tuple(torch.as_tensor(np.asarray(one), dtype=torch.float32) for one in given)
    if len({len(one) for one in found}) != 1 or len(found[0]) < 2:
        raise InputError("inputs: give at least two samples, and equally many of each input.")
    if not all(bool(one.isfinite().all()) for one in found):
        raise InputError("inputs: some numbers are not finite.")
    return found


def _possible(rank: int | None, model: FeatureHead) -> int | None:
    """Raises InputError for a rank that the first fully connected layer cannot have."""
    layer = model.get_submodule(first_linear(model))
    if rank is not None and isinstance(layer, nn.Linear) and not 1 <= rank <= min(layer.weight.shape):
        raise InputError(f"rank {rank} is outside 1..{min(layer.weight.shape)} of the first fully connected layer.")
    return rank


def _known(importance: str) -> str:
    if importance not in IMPORTANCES:
        raise InputError(f"importance: there is no '{importance}'; there are {', '.join(IMPORTANCES)}.")
    return importance


def _parts(batch: Sequence[Tensor]) -> list[tuple[Tensor, ...]]:
    return [tuple(one[k : k + BATCH] for one in batch) for k in range(0, len(batch[0]), BATCH)]


def _outputs(model: FeatureHead, batch: Sequence[Tensor]) -> Tensor:
    return torch.cat([outputs_of(model, *part) for part in _parts(batch)])


@torch.no_grad()
def _features(model: FeatureHead, batch: Sequence[Tensor]) -> Tensor:
    return torch.cat([model.features(*(one.clone() for one in part)) for part in _parts(batch)])


def _change(before: Tensor, after: Tensor) -> float:
    spread = float((before - before.mean(dim=0)).square().sum().sqrt())
    return float((after - before).square().sum().sqrt()) / spread if spread else float("nan")


def _proved(step: Step) -> str:
    proof = step.proof
    where = SURGERIES[step.surgery.kind].where(step.surgery)
    return f"{where} {proof.kind} {proof.value:.1e}, limit {proof.limit:.0e} {proof.unit}".strip()
