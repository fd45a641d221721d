"""The search for the smallest first FC layer within the budget: rank by rank, judged on validation participants."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from xgaze.capacity.layer import LayerCapacity
from xgaze.compression.head import tail_of
from xgaze.compression.low_rank import LowRank, Weighting
from xgaze.compression.proof import Proof, outputs_of
from xgaze.data.contract import Spec
from xgaze.evaluation.participants import Interval
from xgaze.evaluation.score import compare, higher_is_better, pooled_score
from xgaze.models.layers import FeatureHead
from xgaze.models.size import count_fc_parameters

WEIGHTINGS: tuple[Weighting, ...] = ("variance", "sensitivity")
Tune = Callable[[torch.nn.Module, str], None]
"""Tunes a head in place, under a name by which an interrupted run is found again."""


@dataclass(frozen=True)
class Judge:
    """Validation participants: truth, and the outputs of the reference called `name` that "worse" is measured against."""

    spec: Spec
    truth: NDArray[Any]
    participants: NDArray[Any]
    reference: NDArray[Any]
    name: str

    def score(self, outputs: NDArray[Any]) -> float:
        return pooled_score(self.spec, outputs, self.truth)

    def better(self, outputs: dict[str, NDArray[Any]]) -> str:
        """Name of the outputs that score best."""
        pick = max if higher_is_better(self.spec) else min
        return pick(outputs, key=lambda name: self.score(outputs[name]))

    def worse_percent(self, outputs: NDArray[Any]) -> Interval:
        return compare(self.spec, outputs, self.reference, self.truth, self.participants)


@dataclass(frozen=True)
class Candidate:
    """A student tried: its model, the surgery and proof that made it, and how it did on validation participants."""

    model: FeatureHead
    surgery: LowRank
    proof: Proof
    stage: str
    fc_parameters: int
    score: float
    worse_percent: Interval
    against: str

    def finished(self, stage: str, judge: Judge, outputs: NDArray[Any]) -> "Candidate":
        """The same student in its last form, judged by its outputs then."""
        return judged(self.model, self.surgery, self.proof, stage, judge, outputs)

    def row(self, teacher_fc_parameters: int) -> dict[str, Any]:
        """One line of budget.csv."""
        return {
            "rank": self.surgery.rank,
            "stage": self.stage,
            "weighting": self.surgery.weighting,
            "fc_parameters": self.fc_parameters,
            "fc_reduction": teacher_fc_parameters / self.fc_parameters,
            "against": self.against,
            "validation_score": self.score,
            "worse_percent_mean": self.worse_percent.mean,
            "worse_percent_low": self.worse_percent.low,
            "worse_percent_high": self.worse_percent.high,
        }


def ranks_to_try(capacity: LayerCapacity, asked: list[int] | None) -> list[int]:
    """Ranks around the one that capacity expects, ascending; those asked for, where they fit the layer."""
    most = min(capacity.in_features, capacity.out_features)
    wanted = asked or range(max(1, capacity.expected_rank - 1), 2 * capacity.expected_rank + 4)
    return sorted({rank for rank in wanted if 1 <= rank <= most})


def factorise(
    folded: FeatureHead, layer: str, rank: int, calibration: torch.Tensor, judge: Judge, features: NDArray[Any]
) -> Candidate:
    """The better of both weightings at this rank, without any training; `features` are those of validation people."""
    tried = []
    for weighting in WEIGHTINGS:
        model = copy.deepcopy(folded)
        surgery = LowRank(layer, rank, weighting)
        proof = surgery.apply(model, tail_of(model, layer), calibration)
        tried.append(judged(model, surgery, proof, "no training", judge, head_outputs(model.head, features)))
    pick = max if higher_is_better(judge.spec) else min
    return pick(tried, key=lambda one: one.score)


def tuned(candidate: Candidate, judge: Judge, features: NDArray[Any], tune: Tune) -> Candidate:
    """The candidate with its head tuned."""
    model = copy.deepcopy(candidate.model)
    tune(model.head, f"rank-{candidate.surgery.rank}")
    outputs = head_outputs(model.head, features)
    return judged(model, candidate.surgery, candidate.proof, "head tuned", judge, outputs)


def judged(
    model: FeatureHead, surgery: LowRank, proof: Proof, stage: str, judge: Judge, outputs: NDArray[Any]
) -> Candidate:
    """Score outputs on validation participants."""
    size, score = count_fc_parameters(model), judge.score(outputs)
    return Candidate(model, surgery, proof, stage, size, score, judge.worse_percent(outputs), judge.name)


def head_outputs(head: torch.nn.Module, features: NDArray[Any]) -> NDArray[Any]:
    """head(features) in blocks, since features may be memory-mapped and large: (n, outputs)."""
    blocks = [np.ascontiguousarray(features[k : k + 512]) for k in range(0, len(features), 512)]
    return torch.cat([outputs_of(head, torch.tensor(block)) for block in blocks]).numpy()


def choose(candidates: list[Candidate], budget_percent: float) -> tuple[Candidate, bool]:
    """The smallest whose upper 95 % bound holds the budget, or, if none does, the one that comes nearest (False)."""
    holding = [one for one in candidates if one.worse_percent.high <= budget_percent]
    if holding:
        return min(holding, key=lambda one: (one.fc_parameters, one.worse_percent.mean)), True
    return min(candidates, key=lambda one: one.worse_percent.high), False


def calibration_rows(samples: int, wanted: int, seed: int) -> NDArray[np.int64]:
    """Which training samples surgeries are computed and proved on: spread over all, reproducible, in order."""
    chosen = np.random.default_rng(seed).choice(samples, min(samples, wanted), replace=False)
    return np.sort(chosen)
