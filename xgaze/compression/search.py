"""The search for the smallest first FC layer within the budget: rank by rank, judged on validation participants."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from xgaze.capacity.layer import LayerCapacity
from xgaze.compression.low_rank import LowRank, Weighting
from xgaze.compression.proof import outputs_of
from xgaze.compression.separable import Separable
from xgaze.compression.surgery import Probe, Step
from xgaze.data.contract import Spec
from xgaze.evaluation.participants import Interval
from xgaze.evaluation.score import compare, higher_is_better, pooled_score
from xgaze.models.layers import FeatureHead
from xgaze.models.size import count_fc_parameters

FEW_RANKS = 4
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

    def against(self, name: str, outputs: dict[str, NDArray[Any]]) -> "Judge":
        """The same judge with another reference."""
        return replace(self, reference=outputs[name], name=name)

    def worse_percent(self, outputs: NDArray[Any]) -> Interval:
        return compare(self.spec, outputs, self.reference, self.truth, self.participants)


@dataclass(frozen=True)
class Candidate:
    """A student tried: its model, the surgeries that made it, and how it did on validation participants."""

    model: FeatureHead
    steps: list[Step]
    stage: str
    fc_parameters: int
    score: float
    worse_percent: Interval
    against: str
    outputs: NDArray[Any]

    def finished(self, judge: Judge, outputs: NDArray[Any]) -> "Candidate":
        """The same student after tuning end to end, judged by its new outputs."""
        return judged(self.model, self.steps, "tuned end to end", judge, outputs)

    @property
    def rank(self) -> int:
        return next(step.surgery.rank for step in self.steps if isinstance(step.surgery, LowRank))

    @property
    def terms(self) -> int | None:
        """Outer products per filter, None where filters are whole."""
        return next((step.surgery.terms for step in self.steps if isinstance(step.surgery, Separable)), None)

    def row(self, teacher_fc_parameters: int) -> dict[str, Any]:
        """One line of budget.csv."""
        return {
            "rank": self.rank,
            "terms": self.terms,
            "stage": self.stage,
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
    wanted = asked or range(max(1, capacity.expected_rank - 1), 2 * capacity.expected_rank + 1)
    return sorted({rank for rank in wanted if 1 <= rank <= most})


def separable_to_try(capacity: LayerCapacity, model: FeatureHead, terms: list[int]) -> list[tuple[int, int]]:
    """(rank, terms) of separable students: ranks of one to four times the expected one, since tuning many thin filters
    gives more than few whole ones (all ranks where the layer has few outputs); terms that save something on maps of this size."""
    if model.feature_shape is None:
        return []
    _, height, width = model.feature_shape
    most = min(capacity.in_features, capacity.out_features)
    few = most <= FEW_RANKS
    ranks = range(1, most + 1) if few else sorted({min(k * capacity.expected_rank, most) for k in (1, 2, 3, 4)})
    return [(rank, one) for rank in ranks for one in sorted(terms) if 1 <= one * (height + width) < height * width]


def factorise(
    folded: FeatureHead, layer: str, rank: int, probe: Probe, judge: Judge, features: NDArray[Any]
) -> Candidate:
    """The better of both weightings at this rank, without any training; `features` are those of validation people."""
    tried = []
    for weighting in WEIGHTINGS:
        model = copy.deepcopy(folded)
        surgery = LowRank(layer, rank, weighting)
        proof = surgery.apply(model, probe)
        outputs = head_outputs(model.head, features)
        tried.append(judged(model, [Step(surgery, proof)], "no training", judge, outputs))
    pick = max if higher_is_better(judge.spec) else min
    return pick(tried, key=lambda one: one.score)


def separated(
    candidate: Candidate, layer: str, terms: int, probe: Probe, judge: Judge, features: NDArray[Any]
) -> Candidate:
    """A low-rank candidate with its filters made separable, without any training."""
    model = copy.deepcopy(candidate.model)
    assert model.feature_shape is not None
    surgery = Separable(f"{layer}.reduce", terms, *model.feature_shape)
    steps = [*candidate.steps, Step(surgery, surgery.apply(model, probe))]
    return judged(model, steps, "no training", judge, head_outputs(model.head, features))


def tuned(candidate: Candidate, judge: Judge, features: NDArray[Any], tune: Tune) -> Candidate:
    """The candidate with its head tuned."""
    model = copy.deepcopy(candidate.model)
    tune(model.head, f"rank-{candidate.rank}" + (f"-terms-{candidate.terms}" if candidate.terms else ""))
    return judged(model, candidate.steps, "head tuned", judge, head_outputs(model.head, features))


def judged(model: FeatureHead, steps: list[Step], stage: str, judge: Judge, outputs: NDArray[Any]) -> Candidate:
    """Score outputs on validation participants."""
    size, score = count_fc_parameters(model), judge.score(outputs)
    return Candidate(model, steps, stage, size, score, judge.worse_percent(outputs), judge.name, outputs)


def head_outputs(head: torch.nn.Module, features: NDArray[Any]) -> NDArray[Any]:
    """head(features) in blocks, since features may be memory-mapped and large: (n, outputs)."""
    blocks = [np.ascontiguousarray(features[k : k + 512]) for k in range(0, len(features), 512)]
    return torch.cat([outputs_of(head, torch.tensor(block)) for block in blocks]).numpy()


def choose(candidates: list[Candidate], budget_percent: float, judge: Judge) -> tuple[Candidate, bool]:
    """The smallest whose upper 95 % bound against the reference holds the budget, and True.

    If none does, False and the smallest whose estimate holds it and whose upper bound holds it against the best student
    tried: the reference was tuned apart, and the noise of that is common to all students. Failing that, the nearest.
    """

    def size(one: Candidate) -> tuple[int, float]:
        return one.fc_parameters, one.worse_percent.mean

    holding = [one for one in candidates if one.worse_percent.high <= budget_percent]
    if holding:
        return min(holding, key=size), True
    best = min(candidates, key=lambda one: one.worse_percent.mean)
    beside = judge.against("best student", {"best student": best.outputs})
    likely = [
        one
        for one in candidates
        if one.worse_percent.mean <= budget_percent and beside.worse_percent(one.outputs).high <= budget_percent
    ]
    return (min(likely, key=size) if likely else min(candidates, key=lambda one: one.worse_percent.high)), False


def calibration_rows(samples: int, wanted: int, seed: int) -> NDArray[np.int64]:
    """Which training samples surgeries are computed and proved on: spread over all, reproducible, in order."""
    chosen = np.random.default_rng(seed).choice(samples, min(samples, wanted), replace=False)
    return np.sort(chosen)
