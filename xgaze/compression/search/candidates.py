"""What a search will try, rehearsed before anything is tuned; and the refusal where nothing can shrink."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from xgaze.capacity.layer_capacity import LayerCapacity
from xgaze.compression.plan import Plan, widths_of
from xgaze.compression.search.bench import Bench
from xgaze.compression.search.rehearsal import Rehearsal, rehearse
from xgaze.compression.search.smallest import bisections, head_plans, thin_plans, thinnest, whole_plan
from xgaze.compression.search.widths import latency_of_plan
from xgaze.compression.search.wirings import epochs_of, most_asked, part_of, rungs, wirings
from xgaze.compression.surgeries.surgery_kinds import SURGERIES
from xgaze.errors import InputError
from xgaze.progress import tracked
from xgaze.recipe import Recipe
from xgaze.training.pace import FORWARD

KEPT = "distill.keep"
"""In the reason why something is not done: because the recipe asked for it, which is no news."""
NOISE = 0.1
"""By how much of a budget of time one measurement may exceed it, before anything is tuned."""


@dataclass(frozen=True)
class Candidates:
    """heads: tuned on cached embeddings; wholes: tuned end to end, from large to small. wired: one plan of each other wiring,
    all of one width. words: for people, what is left as it is and what is not tried. macs: of each plan's student."""

    heads: Sequence[Plan]
    wholes: Sequence[Plan]
    words: Sequence[str]
    wired: Sequence[Plan] = ()
    macs: Mapping[Plan, int] = field(default_factory=dict)


def candidates(bench: Bench, capacity: LayerCapacity) -> Candidates:
    """All that can be built and is smaller than the teacher. Raises InputError where nothing is, saying why and what to do."""
    heads = in_time(bench, rehearse(bench, _head_plans(bench, capacity)))
    wholes = in_time(bench, _wholes(bench, capacity)) if bench.recipe.distill.effort == "full" else Rehearsal()
    narrow = min(bench.recipe.distill.shares)
    wired = in_time(bench, _wired(bench, capacity), narrow) if bench.recipe.distill.effort == "full" else Rehearsal()
    words = list(dict.fromkeys([*heads.words, *wholes.words, *wired.words]))
    if not (heads.plans or wholes.plans or wired.plans):
        slow = heads.slow | wholes.slow | wired.slow
        raise InputError(_too_slow(bench, slow) if slow else _nothing(bench, capacity, words))
    return Candidates(heads.plans, wholes.plans, words, wired.plans, heads.macs | wholes.macs | wired.macs)


def in_time(bench: Bench, found: Rehearsal, share: float | None = None) -> Rehearsal:
    """Those whose untrained student keeps the budget of time, where there is one; why others are not tried. share: the narrowest
    that will be tried of them, by which they are judged. One that computes more than another on the same towers, which is too
    slow, is too slow without being measured."""
    limit = bench.recipe.distill.max_latency_ms
    if limit is None:
        return found
    kept: set[Plan] = set()
    slow: dict[Plan, float] = {}
    told: list[str] = []
    ascending = sorted(found.plans, key=lambda plan: found.macs.get(plan, 0))
    for plan, fastest in tracked([(plan, _narrowest(bench, plan, share)) for plan in ascending], "timing candidates"):
        beside = [took for one, took in slow.items() if _towers_of(one) == _towers_of(fastest)]
        if beside:
            told.append(
                f"Not tried: {fastest.in_words} (a smaller head on these towers already takes {beside[0]:.3g} ms)."
            )
            continue
        took = latency_of_plan(bench, fastest)
        if took <= limit * (1 + NOISE):
            kept.add(plan)
        else:
            slow[fastest] = took
            told.append(f"Not tried: {fastest.in_words} (untrained it already takes {took:.3g} ms).")
    return Rehearsal([plan for plan in found.plans if plan in kept], [*found.words, *told], found.macs, slow)


def _towers_of(plan: Plan) -> Plan:
    """The plan without what is done to the head."""
    return replace(plan, rank=None, terms=None, others=plan.wiring)


def _narrowest(bench: Bench, plan: Plan, share: float | None) -> Plan:
    """The plan with this share of the channels, where that can be built."""
    narrow = [] if share is None else rehearse(bench, [replace(plan, share=share)]).plans
    return narrow[0] if narrow else plan


def epochs_ahead(recipe: Recipe, tried: Candidates, teacher_macs: int, own: int) -> float:
    """How long students and their control are tuned end to end, at most, in epochs of the teacher: a student's are shorter, since
    it computes less. own: of the control. Halvings and bisections take the mean student; towers apart are counted too, should
    no wiring hold. Where heads are trained alone in the end, what they read is collected for it."""
    collected = FORWARD if recipe.training.head_epochs else 0.0

    def length(plan: Plan) -> int:
        return epochs_of(recipe, plan, own, tried.macs[plan] / teacher_macs)

    def mean(plans: Sequence[Plan], epochs: Callable[[Plan], int]) -> float:
        return sum((epochs(plan) + collected) * tried.macs[plan] / teacher_macs for plan in plans) / len(plans)

    ahead = own + collected if tried.wholes or tried.wired else 0.0
    if tried.wholes:
        ahead += mean(tried.wholes, lambda _: own) * bisections(len(tried.wholes))
    if tried.wired:
        for rung in rungs(most_asked(tried.wired)):
            ahead += rung.candidates * mean(
                tried.wired,
                lambda plan, share=rung.share: part_of(length(plan), share),  # type: ignore[misc]
            )
        longest = max(epochs_of(recipe, plan, own) for plan in tried.wired)  # of the control's computing
        ahead += (longest + collected) * bisections(1 + len(recipe.distill.shares))  # all channels, too
        if recipe.distill.cut_in_steps:  # one step, and its control
            ahead += longest + 2 * own + 2 * collected
    if tried.wholes or tried.wired:
        ahead += (recipe.distill.seeds - 1) * 2 * (own + collected)  # a student computes no more than its control
    return ahead


def wholes_ahead(recipe: Recipe, tried: Candidates) -> int:
    """How many models are tuned end to end, at most, the control among them."""
    if not (tried.wholes or tried.wired):
        return 0
    halving = sum(rung.candidates for rung in rungs(most_asked(tried.wired)))
    widths = bisections(1 + len(recipe.distill.shares)) + 2 * recipe.distill.cut_in_steps if tried.wired else 0
    return 1 + bisections(len(tried.wholes)) + halving + widths + 2 * (recipe.distill.seeds - 1)


def _head_plans(bench: Bench, capacity: LayerCapacity) -> list[Plan]:
    """Where students are tuned end to end too, only the thinnest filters, to fall back on."""
    wanted = bench.recipe.distill
    plans = head_plans(capacity, bench.teacher, wanted)
    if wanted.effort == "full" and wanted.ranks is None:
        least = thinnest(bench.teacher, wanted)
        plans = [plan for plan in plans if plan.terms == least]
    return [*plans, *others_to_try(on_towers=False)]


def others_to_try(on_towers: bool) -> list[Plan]:
    """The values of every kind of surgery that brings its own, each alone."""
    kinds = [one for one in SURGERIES.values() if one.on_towers == on_towers and not one.wiring]
    return [Plan(others=((one.name, value),)) for one in kinds for value in one.values]


def _wholes(bench: Bench, capacity: LayerCapacity) -> Rehearsal:
    """From large to small: ever thinner heads where only these shrink, or where no channels can go; else shares of the towers'
    channels, and before them a thin head on whole towers, should no share hold."""
    wanted, teacher = bench.recipe.distill, bench.teacher
    thin = thin_plans(capacity, teacher, wanted)
    if not (wanted.towers and widths_of(teacher, 1.0)):
        return rehearse(bench, thin, tuned_whole=True)
    shares = sorted(wanted.shares, reverse=True)
    cut = [whole_plan(capacity, teacher, share, wanted.coarse_input, wanted) for share in shares]
    plans = [whole_plan(capacity, teacher, 1.0, False, wanted), *cut, *others_to_try(on_towers=True)]
    found = rehearse(bench, plans, tuned_whole=True)
    if any(not plan.keeps_towers for plan in found.plans):
        return found
    thinner = rehearse(bench, thin, tuned_whole=True)
    return Rehearsal(thinner.plans, [*found.words, *thinner.words], thinner.macs)


def _wired(bench: Bench, capacity: LayerCapacity) -> Rehearsal:
    """Every other wiring in the middle one of the shares; why a kind of wiring cannot be, once."""
    wanted, teacher = bench.recipe.distill, bench.teacher
    if not (wanted.towers and wanted.wiring and widths_of(teacher, 1.0)):
        return Rehearsal()
    shares = sorted(wanted.shares)
    plan = whole_plan(capacity, teacher, shares[len(shares) // 2], False, wanted)
    alone = {
        others[0][0]: rehearse(bench, [replace(plan, others=others)]) for others in wirings()[::-1] if len(others) == 1
    }
    can = {kind for kind, found in alone.items() if found.plans}
    refused = {kind: why(found.words) for kind, found in alone.items() if not found.plans}
    words = [f"Not tried: {kind.replace('_', ' ')} {reason}." for kind, reason in refused.items() if KEPT not in reason]
    plans = [replace(plan, others=others) for others in wirings() if {kind for kind, _ in others} <= can]
    found = rehearse(bench, plans, tuned_whole=True)
    return Rehearsal(found.plans, words, found.macs)


def why(words: Sequence[str]) -> str:
    """The reason in brackets, of what a rehearsal did not try."""
    refused = [one for one in words if one.startswith("Not tried: ")]
    return f"({refused[0].partition(' (')[2].rstrip('.').removesuffix(')').rstrip('.')})" if refused else "(no smaller)"


def _too_slow(bench: Bench, slow: Mapping[Plan, float]) -> str:
    """That time rules out every plan, and what the fastest takes."""
    fastest = min(slow, key=lambda plan: slow[plan])
    return (
        f"--max-latency-ms {bench.recipe.distill.max_latency_ms:g}: no student that can be built is so fast; the fastest, "
        f"{fastest.in_words}, takes {slow[fastest]:.3g} ms here before it is trained. Allow more."
    )


def _nothing(bench: Bench, capacity: LayerCapacity, words: Sequence[str]) -> str:
    """Why no student is smaller, and the way out."""
    wanted = bench.recipe.distill
    if not wanted.towers:
        remedy = "Go without --prune-fc, so that the towers shrink."
    elif wanted.effort == "quick":
        remedy = "Go without --effort quick, so that the towers shrink."
    elif wanted.keep:
        remedy = "Name fewer modules in distill.keep."
    else:
        remedy = "xgaze cannot shrink this model."
    what = "all parameters" if wanted.towers else "parameters of fully connected layers"
    told = " ".join(
        [
            f"nothing to shrink: no student would have fewer {what} than the teacher; '{capacity.layer}' "
            f"({capacity.in_features:,} -> {capacity.out_features}) is smaller than any two factors of it that were tried.",
            *words,
        ]
    )
    return f"{told} {remedy}"
