"""Which wiring: sharing towers and coarser stems save more than cutting channels, so they are decided before any channel is cut.

One kind of change after the other: each of its values is tuned for a part of its epochs beside the best so far, at one width,
and in the end the best without each of its changes. Half the size is worth as much error as the budget allows: towers that are
shared do about as well as towers apart, of four times the size, while coarser maps save hardly a parameter and may cost much.
The better third of all these are tuned for longer, and so on (successive halving, Jamieson & Talwalkar 2016); the best is
searched in all widths. Those whose towers begin anew are tuned for as many epochs as the control has seen, its training as a
teacher included; all of them for more, up to its computing.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from xgaze.compression.plan import Plan
from xgaze.compression.surgeries.surgery_kinds import SURGERIES
from xgaze.recipe import Recipe

REDUCTION = 3
"""Of candidates from one rung to the next, and of epochs from one rung to the one before."""
ANEW = "fresh"
MORE = 5

Others = tuple[tuple[str, int | float | str], ...]


class Standing(NamedTuple):
    """How much worse than a reference a plan's student is, and its size, or the time that it takes in ms."""

    worse: float
    size: float


Standings = Callable[[Sequence[Plan], float], Sequence[Standing]]
"""(plans, share of its epochs that each is tuned) -> how they stand."""


@dataclass(frozen=True)
class Rung:
    """So many candidates are tuned for this share of their epochs."""

    candidates: int
    share: float


def wirings() -> list[Others]:
    """Every combination of the values of all surgeries that change the wiring, in the order in which they are done."""
    kinds = sorted((one for one in SURGERIES.values() if one.wiring and one.values), key=lambda one: one.order)
    choices = [[None, *((kind.name, value) for value in kind.values)] for kind in kinds]
    combined = (tuple(one for one in some if one is not None) for some in product(*choices))
    return [one for one in combined if one]


def begins_anew(plan: Plan) -> bool:
    """Whether its towers keep nothing of the teacher's."""
    return any(str(value).startswith(ANEW) for _, value in plan.wiring)


def epochs_of(recipe: Recipe, plan: Plan, own: int, macs_share: float = 1.0) -> int:
    """How long a student is tuned end to end where the control is for `own` epochs: as long. One that begins anew also as long as
    the teacher was trained, or for as much of that as `own` is of the recipe's. One of another wiring, that computes only
    `macs_share` of what the control does, for more epochs, as long as both compute as much in all, up to MORE times as many:
    a small net learns more slowly."""
    anew = max(1, round(recipe.training.epochs * own / recipe.distill.end_to_end_epochs)) if begins_anew(plan) else 0
    more = min(MORE, max(1.0, 1 / macs_share)) if plan.wiring else 1.0
    return int((own + anew) * more)


def rungs(candidates: int) -> list[Rung]:
    """From all candidates to one; the last is tuned elsewhere, for all epochs."""
    counts: list[int] = []
    while candidates > 1:
        counts.append(candidates)
        candidates = math.ceil(candidates / REDUCTION)
    return [Rung(count, float(REDUCTION) ** (k - len(counts))) for k, count in enumerate(counts)]


def part_of(epochs: int, share: float) -> int:
    """Whole epochs, one at least."""
    return max(1, round(epochs * share))


def best_wiring(plans: Sequence[Plan], standings: Standings, allowed: float) -> Plan:
    """Of all that can be built, the plan left over. allowed: by how much worse one of half the size may be and still count as
    better."""
    if len(plans) == 1:
        return plans[0]
    first, *further = rungs(most_asked(plans))
    told = told_by_kind(plans, lambda some: standings(some, first.share), allowed)
    left = _better_third(told, allowed)
    for rung in further:
        left = _better_third(dict(zip(left, standings(left, rung.share), strict=True)), allowed)
    return left[0]


def ranked(told: Mapping[Plan, Standing], allowed: float) -> list[Plan]:
    """Best first, where one of half the size may be `allowed` worse; the earlier one where they are equal. Cutting channels to
    half the size costs about that much: a wiring that saves less for as much had better not be chosen."""

    def cost(plan: Plan) -> float:
        worse, size = told[plan]
        return worse + allowed * math.log2(size) if math.isfinite(worse) else math.inf

    return sorted(told, key=cost)


def told_by_kind(
    plans: Sequence[Plan], standings: Callable[[Sequence[Plan]], Sequence[Standing]], allowed: float
) -> dict[Plan, Standing]:
    """How those stand that are asked: every value of a kind beside the best of the kinds before it, in the order in which
    they are done; at last the best without each of its changes, since one may have been worth it only for want of a later one."""
    known, told = {plan.wiring: plan for plan in plans}, dict[Plan, Standing]()

    def ask(some: Sequence[Others]) -> None:
        asked = [known[one] for one in dict.fromkeys(some) if one in known and known[one] not in told]
        told.update(zip(asked, standings(asked) if asked else [], strict=True))

    best: Others = ()
    for kind in _kinds_of(plans):
        values = dict.fromkeys(value for plan in plans for name, value in plan.wiring if name == kind)
        options = [(*best, (kind, value)) for value in values]
        ask(options)
        beside = {known[one]: told[known[one]] for one in (best, *options) if one in known}
        best = ranked(beside, allowed)[0].wiring if beside else best
    ask([tuple(one for one in best if one != left_out) for left_out in best])
    return told


def most_asked(plans: Sequence[Plan]) -> int:
    """How many plans that takes, at most."""
    values = {one for plan in plans for one in plan.wiring}
    return min(len(plans), len(values) + max(0, len(_kinds_of(plans)) - 1))


def _kinds_of(plans: Sequence[Plan]) -> list[str]:
    """In the order in which they are done."""
    names = {name for plan in plans for name, _ in plan.wiring}
    return sorted(names, key=lambda name: SURGERIES[name].order)


def _better_third(told: Mapping[Plan, Standing], allowed: float) -> list[Plan]:
    return ranked(told, allowed)[: math.ceil(len(told) / REDUCTION)]
