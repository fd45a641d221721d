"""What a student may cost, and which one is chosen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xgaze.compression.judge import Judge
from xgaze.compression.trial import Result
from xgaze.errors import InputError
from xgaze.evaluation.participants import Interval
from xgaze.recipe import Distill

Size = Callable[[Result], int]


@dataclass(frozen=True)
class Judged:
    """A finished trial, judged. latency_ms: None where it was not measured."""

    result: Result
    score: float
    worse_percent: Interval
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
    return Judged(result, judge.score(result.outputs), worse, judge.name, latency_ms)


def fits(one: Judged, wanted: Distill) -> bool:
    """Whether it keeps the budgets of size and time."""
    limits = (
        (one.result.parameters, wanted.max_parameters),
        (one.result.bytes, wanted.max_bytes),
        (one.latency_ms, wanted.max_latency_ms),
    )
    return all(limit is None or (value is not None and value <= limit) for value, limit in limits)


def has_size_budget(wanted: Distill) -> bool:
    return any(limit is not None for limit in (wanted.max_parameters, wanted.max_bytes, wanted.max_latency_ms))


def choose(candidates: Sequence[Judged], wanted: Distill, judge: Judge, size: Size) -> Choice:
    """Within budgets of size: the one least worse, by its upper bound. Else the smallest whose upper bound holds the budget.

    Where none does, the smallest whose estimate holds it and whose upper bound holds it against the best student tried, since
    the reference was tuned apart and the noise of that is common to all students; failing that, the nearest. Raises InputError
    where no student fits the budgets of size.
    """
    fitting = [one for one in candidates if fits(one, wanted)]
    if not fitting:
        raise InputError(_nothing_fits(candidates, wanted, size))
    budget = wanted.max_worse_percent
    if has_size_budget(wanted):
        best = min(fitting, key=lambda one: one.worse_percent.high)
        return Choice(best, best.worse_percent.high <= budget, "the least worse within the budget of size")
    holding = [one for one in fitting if one.worse_percent.high <= budget]
    if holding:
        return Choice(_smallest(holding, size), True, f"the smallest whose upper bound is at most {budget:g} %")
    nearest = min(fitting, key=lambda one: one.worse_percent.high)
    best = min(fitting, key=lambda one: one.worse_percent.mean)
    beside = judge.against("best student", {"best student": best.result.outputs})
    likely = [
        one
        for one in fitting
        if one.worse_percent.mean <= budget and beside.worse_percent(one.result.outputs).high <= budget
    ]
    if likely:
        words = (
            f"no upper bound is at most {budget:g} %; the smallest whose estimate is, as good as the best student tried"
        )
        return Choice(_smallest(likely, size), False, f"{words}; the nearest is {_named(nearest)}")
    return Choice(nearest, False, f"no upper bound is at most {budget:g} %; the nearest")


def _named(one: Judged) -> str:
    return f"{one.result.trial.plan.name} with {one.result.parameters:,} parameters ({one.worse_percent} % worse)"


def _smallest(candidates: Sequence[Judged], size: Size) -> Judged:
    return min(candidates, key=lambda one: (size(one.result), one.worse_percent.mean))


def _nothing_fits(candidates: Sequence[Judged], wanted: Distill, size: Size) -> str:
    asked = {
        "--max-params": wanted.max_parameters,
        "--max-bytes": wanted.max_bytes,
        "--max-latency-ms": wanted.max_latency_ms,
    }
    said = ", ".join(f"{key} {value:g}" for key, value in asked.items() if value is not None)
    least = min(candidates, key=lambda one: size(one.result)).result
    times = [one.latency_ms for one in candidates if one.latency_ms is not None]
    fastest = f", the fastest takes {min(times):.2f} ms" if times and wanted.max_latency_ms is not None else ""
    cut = wanted.towers and wanted.effort == "full"
    smaller = "give smaller distill.shares in the recipe" if cut else "go without --prune-fc and --effort quick"
    return (
        f"no student of {len(candidates)} tried keeps {said}; the smallest has {least.parameters:,} parameters in "
        f"{least.bytes:,} bytes{fastest}. Allow more, or {smaller}."
    )
