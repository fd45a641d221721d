"""What a student may cost, and which one is chosen."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from xgaze.compression.search.judge import Judge
from xgaze.compression.search.trial import Result
from xgaze.errors import InputError
from xgaze.evaluation.intervals.participants import Interval
from xgaze.recipe import Distill
from xgaze.report.drawing.format import told_apart

Size = Callable[[Result], int]


class Limit(NamedTuple):
    """How a budget of size or time is asked for, and what it limits."""

    option: str
    what: str


LIMITS: Mapping[str, Limit] = MappingProxyType(
    {
        "max_parameters": Limit("--max-params", "parameters"),
        "max_bytes": Limit("--max-bytes", "bytes"),
        "max_latency_ms": Limit("--max-latency-ms", "ms"),
    }
)


@dataclass(frozen=True)
class Judged:
    """A finished trial, judged. bound: see `Judge.bound`. latency_ms: None where it was not measured."""

    result: Result
    score: float
    worse_percent: Interval
    bound: float
    against: str
    latency_ms: float | None = None


@dataclass(frozen=True)
class Choice:
    """held: whether the chosen student's upper 95 % bound holds the budget on validation participants. reason: in words."""

    chosen: Judged
    held: bool
    reason: str


def judge_result(judge: Judge, result: Result, latency_ms: float | None = None) -> Judged:
    """Score and paired difference on validation participants."""
    worse = judge.worse_percent(result.outputs)
    return Judged(result, judge.score(result.outputs), worse, judge.bound(worse), judge.name, latency_ms)


def fits(one: Judged, wanted: Distill) -> bool:
    """Whether it keeps the budgets of size and time."""
    return excess(one, wanted) <= 1


def excess(one: Judged, wanted: Distill) -> float:
    """The largest share that it takes of any budget of size or time; infinite where its time was asked for and not measured."""
    spent = {
        "max_parameters": one.result.parameters,
        "max_bytes": one.result.bytes,
        "max_latency_ms": math.inf if one.latency_ms is None else one.latency_ms,
    }
    return max((spent[key] / limit for key, limit in limits_of(wanted).items()), default=0.0)


def limits_of(wanted: Distill) -> dict[str, float]:
    """The budgets of size and time that were asked for."""
    every = {key: getattr(wanted, key) for key in LIMITS}
    return {key: limit for key, limit in every.items() if limit is not None}


def has_cost_budget(wanted: Distill) -> bool:
    """Whether size or time is limited, so that the least worse student within is wanted."""
    return bool(limits_of(wanted))


def verdict_of(one: Judged, wanted: Distill) -> str:
    """Whether it keeps the budgets of size and time, or else that of error, in a word or two."""
    if has_cost_budget(wanted):
        return "fits" if fits(one, wanted) else "too large or slow"
    if one.bound <= wanted.max_worse_percent:
        return "holds"
    return "holds by a hair" if one.worse_percent.upper <= wanted.max_worse_percent else "does not hold"


_ALL_DIVERGED = (
    "every candidate diverged, so that there is none to choose: lower distill.learning_rate (of heads) and "
    "distill.end_to_end_learning_rate (of whole models) in the recipe."
)


def choose(candidates: Sequence[Judged], wanted: Distill, judge: Judge, size: Size) -> Choice:
    """Within budgets of size or time: the one least worse, by its bound. Else the smallest that holds the budget of error
    so that test people should confirm it; where some hold it by their upper bounds alone, the one most likely to be confirmed.

    Where none does, the smallest whose estimate holds it and whose upper bound holds it against the best student tried, since
    the reference was tuned apart and the noise of that is common to all students; failing that, the nearest. Where no upper bound
    is defined none holds, and the least worse by its estimate is taken. Raises InputError naming the nearest where no student
    fits the budgets of size or time.
    """
    if not candidates:
        raise InputError(_ALL_DIVERGED)
    fitting = [one for one in candidates if fits(one, wanted)]
    if not fitting:
        raise InputError(_nothing_fits(candidates, wanted))
    budget, unit = wanted.max_worse_percent, judge.unit
    nearest = min(fitting, key=_by_bound)
    if has_cost_budget(wanted):
        within = " and ".join(f"{limit:,.15g} {LIMITS[key].what}" for key, limit in limits_of(wanted).items())
        said = f"the least worse of those with at most {within}{_unbounded(nearest, judge)}"
        return Choice(nearest, nearest.worse_percent.upper <= budget, said)
    holding = [one for one in fitting if one.worse_percent.upper <= budget]
    if holding:
        return _held(holding, budget, judge, size)
    if nearest.worse_percent.high is None:
        return Choice(nearest, False, f"the least worse{_unbounded(nearest, judge)}")
    best = min(fitting, key=lambda one: one.worse_percent.mean)
    beside = judge.against("best student", {"best student": best.result.outputs})
    likely = [
        one
        for one in fitting
        if one.worse_percent.mean <= budget and beside.worse_percent(one.result.outputs).upper <= budget
    ]
    none = f"no upper bound is at most {budget:g} {unit}"
    if likely:
        words = f"{none}; the smallest whose estimate is, as good as the best student tried"
        return Choice(_smallest(likely, size), False, f"{words}; the nearest is {_named(nearest, unit)}")
    return Choice(nearest, False, f"{none}; the nearest")


def _held(holding: Sequence[Judged], budget: float, judge: Judge, size: Size) -> Choice:
    """Of those whose upper bounds hold the budget, the smallest that test people should confirm, or the likeliest."""
    sure = [one for one in holding if one.bound <= budget]
    within, who = f"upper bound is at most {budget:g} {judge.unit}", f"test {judge.spec.groups}"
    if sure:
        more = f", and {who} should confirm it nine times in ten" if judge.further else ""
        return Choice(_smallest(sure, size), True, f"the smallest whose {within}{more}")
    doubt = f"so near to it that {who} need not confirm it; of those tried they most likely will this one"
    return Choice(min(holding, key=_by_bound), True, f"its {within}, but {doubt}")


def next_question(
    candidates: Sequence[Judged], choice: Choice, wanted: Distill, judge: Judge, size: Size, teacher_size: int
) -> str:
    """Which larger budget of error would allow a smaller student, of those tried; and which the chosen one holds, where it does
    not hold its own. Empty where size or time was limited, or nothing can be said."""
    if has_cost_budget(wanted) or not math.isfinite(choice.chosen.bound):
        return ""
    told = []
    if not choice.held:
        told.append(f"It would hold a budget of {_allowing(choice.chosen)} {judge.unit}.")
    smaller = [one for one in candidates if size(one.result) < size(choice.chosen.result)]
    allowed = [one for one in smaller if max(wanted.max_worse_percent, 0.0) < one.bound < math.inf]
    if allowed:
        nearest = min(allowed, key=_by_bound)
        times = teacher_size / size(nearest.result)
        told.append(f"{_allowing(nearest)} {judge.unit} would allow {times:.3g}x: {_named(nearest, judge.unit)}.")
    return " ".join(told)


def _allowing(one: Judged) -> str:
    """The least budget that its bound holds, rounded up to tenths."""
    return f"{math.ceil(round(10 * one.bound, 6)) / 10:g}"


def _by_bound(one: Judged) -> tuple[float, float]:
    """Bounds that are equal, or not defined, leave it to the estimate."""
    return one.bound, one.worse_percent.mean


def _unbounded(one: Judged, judge: Judge) -> str:
    """Why an estimate decided, or nothing."""
    if one.worse_percent.high is not None:
        return ""
    people = len(set(judge.participants.tolist()))
    return (
        f" by its estimate alone: too few validation {judge.spec.groups} ({people}) for an upper bound, so that no budget can "
        "be said to hold"
    )


def _named(one: Judged, unit: str) -> str:
    return f"{one.result.trial.in_words} with {one.result.parameters:,} parameters ({one.worse_percent} {unit} worse)"


def _smallest(candidates: Sequence[Judged], size: Size) -> Judged:
    return min(candidates, key=lambda one: (size(one.result), one.worse_percent.mean))


def _nothing_fits(candidates: Sequence[Judged], wanted: Distill) -> str:
    said = ", ".join(f"{LIMITS[key].option} {limit:.15g}" for key, limit in limits_of(wanted).items())
    nearest = min(candidates, key=lambda one: (excess(one, wanted), one.worse_percent.mean))
    result = nearest.result
    limit = wanted.max_latency_ms or math.inf
    time = "" if nearest.latency_ms is None else f" and takes {told_apart(nearest.latency_ms, limit, 2)[0]} ms"
    cut = wanted.towers and wanted.effort == "full"
    smaller = "give smaller distill.shares in the recipe" if cut else "go without --prune-fc and --effort quick"
    return (
        f"no student of {len(candidates)} tried keeps {said}; the nearest, {result.trial.in_words}, has "
        f"{result.parameters:,} parameters in {result.bytes:,} bytes{time}. Allow more, or {smaller}."
    )
