"""The search for the smallest student within the budget: first the head on cached embeddings, then whole models by bisection."""

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

from xgaze.capacity.layer import LayerCapacity
from xgaze.compression.plan import Plan
from xgaze.compression.separable import terms_allowed
from xgaze.models.layers import FeatureHead
from xgaze.recipe import Distill

Tried = TypeVar("Tried")

FEW_RANKS = 4
RANK_MARGIN = 1.5
THIN_RANKS = (1.5, 0.75, 0.5)
"""Times the rank that capacity expects. Three, so that bisection tries two: each takes as long as training the teacher."""


def head_plans(capacity: LayerCapacity, model: FeatureHead, wanted: Distill) -> list[Plan]:
    """Every rank worth trying, with whole and with separable filters."""
    whole = [Plan(rank=rank) for rank in ranks_to_try(capacity, wanted.ranks)]
    separable = separable_to_try(capacity, model, wanted.separable_terms)
    return whole + [Plan(rank=rank, terms=terms) for rank, terms in separable]


def ranks_to_try(capacity: LayerCapacity, asked: Sequence[int] | None) -> list[int]:
    """Ranks around the one that capacity expects, ascending, of those that save parameters where any does; those asked for, where
    they fit the layer."""
    most = min(capacity.in_features, capacity.out_features)
    wanted = asked or range(max(1, capacity.expected_rank - 1), 2 * capacity.expected_rank + 1)
    fitting = sorted({rank for rank in wanted if 1 <= rank <= most})
    inputs, outputs = capacity.in_features, capacity.out_features
    saving = [rank for rank in fitting if rank * (inputs + outputs) < inputs * outputs]
    return fitting if asked else saving or fitting


def separable_to_try(capacity: LayerCapacity, model: FeatureHead, terms: Sequence[int]) -> list[tuple[int, int]]:
    """(rank, terms) of separable students: ranks of one to four times the expected one, since tuning many thin filters
    gives more than few whole ones (all ranks where the layer has few outputs); terms that save something on maps of this size."""
    if model.feature_shape is None:
        return []
    most = min(capacity.in_features, capacity.out_features)
    few = most <= FEW_RANKS
    ranks = range(1, most + 1) if few else sorted({min(k * capacity.expected_rank, most) for k in (1, 2, 3, 4)})
    return [(rank, one) for rank in ranks for one in sorted(terms) if terms_allowed(model.feature_shape, one)]


def whole_plan(capacity: LayerCapacity, model: FeatureHead, share: float, coarse: bool) -> Plan:
    """Towers of this share, and a head somewhat wider than capacity expects with thin filters: tuning makes up the rest."""
    most = min(capacity.in_features, capacity.out_features)
    rank = min(most, math.ceil(RANK_MARGIN * capacity.expected_rank))
    return Plan(share=share, coarse=coarse, rank=rank, terms=thinnest_terms(model))


def thin_plans(capacity: LayerCapacity, model: FeatureHead) -> list[Plan]:
    """Thin heads on whole towers, from somewhat more directions than capacity expects to half of them: tuned end to end, the
    towers come to say in fewer what they said in many."""
    most = min(capacity.in_features, capacity.out_features)
    ranks = [min(most, math.ceil(times * capacity.expected_rank)) for times in THIN_RANKS]
    return [Plan(rank=rank, terms=thinnest_terms(model)) for rank in dict.fromkeys(ranks)]


def thinnest_terms(model: FeatureHead) -> int | None:
    """One outer product a filter where the model's maps allow it, else whole filters."""
    return 1 if terms_allowed(model.feature_shape, 1) else None


def bisect(plans: Sequence[Tried], width: int, holds: Callable[[list[Tried]], list[bool]]) -> None:
    """Narrow down the smallest that holds, `width` at a time, taking it that larger ones hold too.

    plans: from large to small. holds: tries some and says of each whether it held.
    """
    low, high = 0, len(plans)  # everything before `low` holds, everything from `high` on does not
    while low < high:
        picks = sorted({low + (high - low) * (k + 1) // (width + 1) for k in range(width)} & set(range(low, high)))
        for pick, held in zip(picks, holds([plans[pick] for pick in picks]), strict=True):
            low, high = (max(low, pick + 1), high) if held else (low, min(high, pick))
