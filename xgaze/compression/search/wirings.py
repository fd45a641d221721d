"""Which wiring: sharing towers and coarser stems save more than cutting channels, so they are decided before any channel is cut.

Every wiring is tuned for a few epochs at one width, the better third for more of them (successive halving, Jamieson & Talwalkar
2016), and the best is searched in all widths. Those whose towers begin anew are tuned for as many epochs as the control has seen,
its training as a teacher included; all of them for more, up to the control's computing.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

from xgaze.compression.plan import Plan
from xgaze.compression.surgeries.surgery_kinds import SURGERIES
from xgaze.recipe import Recipe

REDUCTION = 3
"""Of candidates from one rung to the next, and of epochs from one rung to the one before."""
ANEW = "fresh"
MORE = 5

Others = tuple[tuple[str, int | float | str], ...]
Scores = Callable[[Sequence[Plan], int], Sequence[float]]
"""(plans, epochs that each is tuned) -> their scores, lower is better."""


@dataclass(frozen=True)
class Rung:
    """So many candidates are tuned for so many epochs."""

    candidates: int
    epochs: int


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


def rungs(candidates: int, epochs: int) -> list[Rung]:
    """From all candidates to one; the last is tuned elsewhere, for all epochs."""
    found: list[Rung] = []
    count = candidates
    while count > 1:
        found.append(Rung(count, 0))
        count = math.ceil(count / REDUCTION)
    return [replace(one, epochs=max(1, epochs // REDUCTION ** (len(found) - k))) for k, one in enumerate(found)]


def best_wiring(plans: Sequence[Plan], epochs: int, scores: Scores) -> Plan:
    """The plan left over by successive halving; the earlier one where scores are equal."""
    left = list(plans)
    for rung in rungs(len(left), epochs):
        told = scores(left, rung.epochs)
        order = sorted(range(len(left)), key=lambda k: told[k])
        left = [left[k] for k in order[: math.ceil(len(left) / REDUCTION)]]
    return left[0]
