"""The search for the smallest student within the budget: first the head on cached embeddings, then whole models by bisection."""

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

from xgaze.capacity.layer_capacity import LayerCapacity
from xgaze.compression.plan import Plan
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead
from xgaze.recipe import Distill

Tried = TypeVar("Tried")

FEW_RANKS = 4
RANK_MARGIN = 1.5
THIN_RANKS = (1.5, 0.75, 0.5)
"""Times the rank that capacity expects. Three, so that bisection tries two: each takes as long as training the teacher."""
TERMS = (1, 2, 3)


def head_plans(capacity: LayerCapacity, model: FeatureHead, wanted: Distill) -> list[Plan]:
    """Every rank worth trying, with whole and with separable filters. Raises InputError for what was asked and cannot be."""
    whole = [Plan(rank=rank) for rank in ranks_to_try(capacity, wanted.ranks)]
    ranks, terms = separable_ranks(capacity, wanted.ranks), terms_to_try(model, wanted.separable_terms)
    return whole + [Plan(rank=rank, terms=one) for rank in ranks for one in terms]


def head_trials(plans: Sequence[Plan], asked: bool) -> list[Plan]:
    """Those of the heads that are tuned: the thin ones. Whole filters say what no training costs; tuned, they are larger than
    thin ones that do as well. All of them where ranks were asked for or there is one kind only."""
    thin = [plan for plan in plans if plan.terms is not None]
    return list(plans) if asked or len(thin) in (0, len(plans)) else thin


def is_bisected(wanted: Distill) -> bool:
    """Whether not every head is tuned: a quick search that may choose the ranks itself wants the smallest that holds, soon."""
    return wanted.effort == "quick" and wanted.ranks is None


def heads_tuned(plans: Sequence[Plan], wanted: Distill) -> int:
    """How many of these a search tunes, at most."""
    tuned = head_trials(plans, wanted.ranks is not None)
    return bisections(len(tuned)) if is_bisected(wanted) else len(tuned)


def bisections(plans: int) -> int:
    """Of so many, how many are tried one at a time until the smallest that holds is known, at most."""
    return math.ceil(math.log2(plans + 1))


def by_thinness(plans: Sequence[Plan]) -> list[Plan]:
    """Heads of one layer from large to small: rank times terms; of as much, the one of more terms first, which does better."""
    return sorted(plans, key=lambda plan: (-(plan.rank or 0) * (plan.terms or 1), plan.rank or 0))


def ranks_to_try(capacity: LayerCapacity, asked: Sequence[int] | None) -> list[int]:
    """Ranks around the one that capacity expects, ascending, of those that save parameters where any does; or those asked for.
    Raises InputError for one that the layer cannot have."""
    most = min(capacity.in_features, capacity.out_features)
    if asked is not None:
        if unfit := [rank for rank in asked if not 1 <= rank <= most]:
            raise InputError(
                f"distill.ranks: {', '.join(map(str, unfit))} cannot be; '{capacity.layer}' can have ranks from 1 to {most}."
            )
        return sorted(asked)
    fitting = list(range(max(1, capacity.expected_rank - 1), min(most, 2 * capacity.expected_rank) + 1))
    inputs, outputs = capacity.in_features, capacity.out_features
    return [rank for rank in fitting if rank * (inputs + outputs) < inputs * outputs] or fitting


def separable_ranks(capacity: LayerCapacity, asked: Sequence[int] | None) -> list[int]:
    """Those asked for; else one to four times the expected one, since tuning many thin filters gives more than few whole ones,
    and all where the layer has few outputs."""
    if asked is not None:
        return sorted(asked)
    most = min(capacity.in_features, capacity.out_features)
    few = most <= FEW_RANKS
    return list(range(1, most + 1)) if few else sorted({min(k * capacity.expected_rank, most) for k in (1, 2, 3, 4)})


def terms_to_try(model: FeatureHead, asked: Sequence[int] | None) -> list[int]:
    """Terms of separable filters, ascending, that save something on maps of this size, none where the first FC layer reads no
    maps; or those asked for. Raises InputError for those that save nothing."""
    _, height, width = model.feature_shape or (0, 0, 0)
    saving = [one for one in sorted(TERMS if asked is None else asked) if one * (height + width) < height * width]
    if asked is not None and len(saving) < len(asked):
        most = (height * width - 1) // (height + width) if height * width else 0
        read = f"maps of {height}x{width}" if height * width else "no maps"
        remedy = f"give terms from 1 to {most}, or [] for whole filters only" if most else "give [], or leave it out"
        raise InputError(
            f"distill.separable_terms: {', '.join(str(one) for one in asked if one not in saving)} save nothing: the first "
            f"fully connected layer reads {read}; {remedy}."
        )
    return saving


def thinnest(model: FeatureHead, wanted: Distill) -> int | None:
    """Terms of the thinnest separable filters to try; None: whole filters."""
    return min(terms_to_try(model, wanted.separable_terms), default=None)


def whole_plan(capacity: LayerCapacity, model: FeatureHead, share: float, coarse: bool, wanted: Distill) -> Plan:
    """Towers of this share, and a head somewhat wider than capacity expects (of the ranks asked for, the nearest to that) with
    thin filters: tuning makes up the rest."""
    most = min(capacity.in_features, capacity.out_features)
    rank = min(most, math.ceil(RANK_MARGIN * capacity.expected_rank))
    if wanted.ranks is not None:
        rank = min(ranks_to_try(capacity, wanted.ranks), key=lambda one: (abs(one - rank), -one))
    return Plan(
        share=share, coarse=coarse, rank=rank, terms=thinnest(model, wanted), by_cost=wanted.widths == "by-cost"
    )


def thin_plans(capacity: LayerCapacity, model: FeatureHead, wanted: Distill) -> list[Plan]:
    """Thin heads on whole towers, from large to small, of the ranks asked for; else from somewhat more directions than capacity
    expects to half of them: tuned end to end, the towers come to say in fewer what they said in many."""
    most = min(capacity.in_features, capacity.out_features)
    ranks = [min(most, math.ceil(times * capacity.expected_rank)) for times in THIN_RANKS]
    if wanted.ranks is not None:
        ranks = ranks_to_try(capacity, wanted.ranks)[::-1]
    return [Plan(rank=rank, terms=thinnest(model, wanted)) for rank in dict.fromkeys(ranks)]


def bisect(plans: Sequence[Tried], width: int, holds: Callable[[list[Tried]], list[bool]]) -> None:
    """Narrow down the smallest that holds, `width` at a time, taking it that larger ones hold too.

    plans: from large to small. holds: tries some and says of each whether it held.
    """
    low, high = 0, len(plans)  # everything before `low` holds, everything from `high` on does not
    while low < high:
        picks = sorted({low + (high - low) * (k + 1) // (width + 1) for k in range(width)} & set(range(low, high)))
        for pick, held in zip(picks, holds([plans[pick] for pick in picks]), strict=True):
            low, high = (max(low, pick + 1), high) if held else (low, min(high, pick))
