"""Explore: what is tried, in which order, and how each model found is judged on validation participants."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.artifacts import CONTROL, TEACHER
from xgaze.capacity.layer_capacity import LayerCapacity
from xgaze.compression.plan import Plan
from xgaze.compression.search.bench import Bench, open_bench
from xgaze.compression.search.budget import Judged, fits, has_cost_budget, judge_result, verdict_of
from xgaze.compression.search.candidates import Candidates, in_time
from xgaze.compression.search.expectation import capacity_of, sensitivity_curves
from xgaze.compression.search.judge import Judge, open_judge
from xgaze.compression.search.rehearsal import rehearse
from xgaze.compression.search.rivals import kirigami_installed
from xgaze.compression.search.smallest import bisect, by_thinness, head_trials, is_bisected
from xgaze.compression.search.trial import DivergedTrial, Ended, Result, Trial, Tuning, latency_ms
from xgaze.compression.search.trial_jobs import run_all
from xgaze.compression.search.trial_methods import SCRATCH, SCRATCH_HEAD, UNTOUCHED
from xgaze.compression.search.widths import rounded_as_fast
from xgaze.compression.search.wirings import Standing, best_wiring, epochs_of, part_of
from xgaze.data.contract import Recording
from xgaze.errors import InputError
from xgaze.jobs import Fan, jobs_at_once
from xgaze.models.inference import head_outputs
from xgaze.models.layers import FeatureHead
from xgaze.models.size import count_macs
from xgaze.recipe import Recipe
from xgaze.recorded_targets import BY_TEACHER

Say = Callable[[str], None]


@dataclass
class Search:
    """What a search has at hand and has found so far. teacher_outputs: for validation participants. width: trials at a time.
    control_fault: why a teacher given the tuning of students came to nothing, empty where it did not. epochs: of the control,
    end to end, and with it of students. macs: of plans, as far as they were counted. longer: further controls, tuned as long as
    students that were cut in steps, against which only these are judged."""

    bench: Bench
    capacity: LayerCapacity
    curves: list[dict[str, Any]]
    fan: Fan
    teacher_folder: Path
    judge: Judge
    teacher_outputs: NDArray[np.float32]
    width: int = 1
    controls: dict[str, Result] = field(default_factory=dict)
    found: list[Judged] = field(default_factory=list)
    control_fault: str = ""
    epochs: int = 1
    macs: dict[Plan, int] = field(default_factory=dict)
    longer: dict[str, Result] = field(default_factory=dict)

    def length(self, plan: Plan) -> int:
        """Epochs that a student is tuned end to end."""
        bench = self.bench
        if plan.wiring and plan not in self.macs:
            self.macs[plan] = count_macs(bench.build(plan).student, bench.recording.spec)
        share = self.macs[plan] / count_macs(bench.teacher, bench.recording.spec) if plan.wiring else 1.0
        return epochs_of(bench.recipe, plan, self.epochs, share)

    def whole_trial(self, plan: Plan, **how: Any) -> Trial:
        """Tuned end to end as long as the control, or as it takes a student that begins anew."""
        recipe = self.bench.recipe
        length = self.length(plan)
        epochs = None if length == recipe.distill.end_to_end_epochs else length
        return Trial(plan, "whole", seed=recipe.seed, epochs=epochs, **how)

    @property
    def has_labels(self) -> bool:
        """Whether anybody but the teacher says what is true: only then it has an error, and can become better by tuning."""
        return self.bench.recording.spec.truth != BY_TEACHER

    def run(self, trials: Sequence[Trial]) -> list[Ended]:
        return run_all(self.bench, trials, self.fan, self.teacher_folder)

    def add_controls(self, controls: dict[str, Result]) -> None:
        """From now on judge against the best of the teacher and all controls, what was found before too."""
        self.controls |= controls
        outputs = {name: one.outputs for name, one in self.controls.items()}
        self.judge = self.judge.against_best({TEACHER: self.teacher_outputs, **outputs})
        self.found = [judge_result(self.judge, one.result, one.latency_ms) for one in self.found]

    def judged(self, ended: Sequence[Ended]) -> list[Judged]:
        """Judge those that did not diverge, and remember."""
        results = [one for one in ended if isinstance(one, Result)]
        new = [judge_result(self._judge_of(one.trial), one, latency_ms(self.bench, one)) for one in results]
        self.found += new
        return new

    def _judge_of(self, trial: Trial) -> Judge:
        """Who was cut in steps was tuned longer, and so were its controls."""
        if not (trial.steps and self.longer):
            return self.judge
        every = {TEACHER: self.teacher_outputs, **{name: one.outputs for name, one in self._every_control.items()}}
        return self.judge.against_best(every)

    @property
    def _every_control(self) -> dict[str, Result]:
        return self.controls | self.longer

    def refer_to(self, chosen: Judged) -> None:
        """From now on the reference is that of the chosen student."""
        if chosen.against in self.longer:
            self.controls = self._every_control
            self.judge = self.judge.against(chosen.against, {chosen.against: self.longer[chosen.against].outputs})

    def told(self, one: Judged) -> str:
        """Its size, time and loss in words, and whether it keeps what was asked for."""
        time = [] if one.latency_ms is None else [f"{one.latency_ms:.2f} ms"]
        parts = [f"{one.result.parameters:,} parameters", *time, f"{one.worse_percent} {self.judge.unit} worse"]
        return f"{', '.join(parts)}: {verdict_of(one, self.bench.recipe.distill)}"


def open_search(recipe: Recipe, recording: Recording, teacher: FeatureHead, folder: Path, fan: Fan) -> Search:
    """Bench, capacity of the folded first FC layer, and a judge who so far knows the teacher only. Raises InputError, before
    anything is computed, for a cluster that does not answer or has no workers."""
    width = jobs_at_once(fan)
    bench = open_bench(recipe, recording, teacher, folder)
    alone = recording.spec.truth == BY_TEACHER  # it is never further from itself than rounding puts it
    own = bench.validation.targets if alone else head_outputs(teacher.head, bench.validation.values)
    judge = open_judge(recording, own, TEACHER, recipe.distill.after_calibration)
    folded = bench.build(Plan(keep=bench.keep)).student
    capacity = capacity_of(bench, folded)
    curves = sensitivity_curves(bench, folded, capacity)
    epochs = recipe.distill.end_to_end_epochs
    return Search(bench, capacity, curves, fan, folder.parent / TEACHER, judge, own, width, epochs=epochs)


def control_with(search: Search, name: str, ended: Ended, say: Say) -> None:
    """Judge against this control too. For one that diverged the untuned teacher stands in."""
    if isinstance(ended, Result):
        search.add_controls({name: ended})
        return
    search.control_fault = ended.reason
    say(f"The teacher given the same tuning ({name}) is left out, and students are judged without it: {ended.reason}")


def tell_power(search: Search, control: Ended, say: Say) -> None:
    """Which differences the validation people can tell, going by the teacher and this control."""
    judge = search.judge
    least = judge.least_told(search.teacher_outputs, control.outputs) if isinstance(control, Result) else None
    if least is not None:
        people = len(set(judge.participants.tolist()))
        say(
            f"With {people} validation {judge.spec.groups} no difference of less than about {least:.1f} {judge.unit} can be "
            f"told, going by the teacher and its control.{_people_wanted(search, least, people)}"
        )


def _people_wanted(search: Search, least: float, people: int) -> str:
    """How many more it takes until students as good as their reference are safely within the budget."""
    judge, wanted = search.judge, search.bench.recipe.distill
    needed = None if has_cost_budget(wanted) else judge.people_to_confirm(least, wanted.max_worse_percent)
    if needed is None:
        return ""
    test = math.ceil(judge.further * needed / people)
    return (
        f" Until a student that is just as good is safely within {wanted.max_worse_percent:g} {judge.unit} it takes about "
        f"{needed:,} of them, and {test:,} to test."
    )


def tell_diverged(ended: Sequence[Ended], say: Say) -> None:
    """Say which candidates are left out."""
    for one in ended:
        if isinstance(one, DivergedTrial):
            say(f"  {one.trial.in_words}: left out: {one.reason}")


def search_heads(search: Search, plans: Sequence[Plan], say: Say) -> None:
    """Every rank: with whole filters without training, with separable ones and the head tuned on cached embeddings; both ways
    where ranks were asked for. A quick search that may choose the ranks tunes only those that bisection asks for."""
    recipe = search.bench.recipe
    asked = recipe.distill.ranks is not None
    # By its own outputs too, where these teach students.
    controls = [Trial(Plan(), "head", UNTOUCHED, seed=recipe.seed)] * search.has_labels
    tuned = head_trials(plans, asked)
    whole = list(plans) if len(tuned) == len(plans) else [plan for plan in plans if plan not in tuned]
    chain = by_thinness([plan for plan in tuned if plan.rank is not None]) if is_bisected(recipe.distill) else []
    ways: list[tuple[Tuning, list[Plan]]] = [("none", whole), ("head", [plan for plan in tuned if plan not in chain])]
    results = search.run([*controls, *(Trial(plan, how, seed=recipe.seed) for how, some in ways for plan in some)])
    students = results[len(controls) :]
    for control in results[: len(controls)]:
        control_with(search, CONTROL, control, say)
    search.judged(students)
    tell_diverged(students, say)
    bisect(
        chain, search.width, lambda some: holding(search, [Trial(one, "head", seed=recipe.seed) for one in some], say)
    )


def search_wholes(search: Search, tried: Candidates, say: Say) -> None:
    """Tune students end to end, and the teacher as their control as long. Other wirings come first: where one holds the budget, a
    student with towers apart would be larger, and none is tried."""
    if not (tried.wholes or tried.wired):
        return
    if search.has_labels:
        (control,) = search.run([search.whole_trial(Plan(), method=UNTOUCHED, teaching="labels")])
        tell_power(search, control, say)
        control_with(search, "control, end to end", control, say)
    if tried.wired and search_wired(search, tried.wired, say):
        return
    bisect(tried.wholes, search.width, lambda plans: wholes_holding(search, plans, say))


def search_wired(search: Search, plans: Sequence[Plan], say: Say) -> bool:
    """The best of several wirings by successive halving, then its widths. Returns whether any student holds the budget of error;
    within budgets of size and time towers apart may be less worse."""
    recipe = search.bench.recipe

    def standings(plans: Sequence[Plan], share: float) -> list[Standing]:
        lengths = [part_of(search.length(plan), share) for plan in plans]
        tried = [Trial(plan, "whole", seed=recipe.seed, epochs=own) for plan, own in zip(plans, lengths, strict=True)]
        ended = search.run(tried)
        done = search.judged(ended)
        for one in done:
            own = one.result.trial.epochs or 0
            length = f"{own} epoch{'s' * (own > 1)}"
            say(f"  {one.result.trial.plan.in_words}, {length}: {search.told(one)}.")
        tell_diverged(ended, say)
        found = {one.result.trial: standing_of(one, recipe) for one in done}
        return [found.get(one.trial, Standing(math.inf, math.inf)) for one in ended]

    best = best_wiring(plans, standings, recipe.distill.max_worse_percent)
    shares = widths_to_try(recipe)
    widths = rehearse(search.bench, [replace(best, share=share) for share in shares], tuned_whole=True)
    chain = in_time(search.bench, widths).plans
    held: list[bool] = []

    def holds(some: list[Plan]) -> list[bool]:
        held.extend(told := wholes_holding(search, some, say))
        return told

    bisect(chain, search.width, holds)
    if any(held) and recipe.distill.cut_in_steps and not has_cost_budget(recipe.distill):
        search_steps(search, chain, say)
    return any(held) and not has_cost_budget(recipe.distill)


def search_steps(search: Search, chain: Sequence[Plan], say: Say) -> None:
    """What does not hold when cut at once may when cut in steps: of the smallest that holds, tuned as long again, and so on.
    Before each step the control is tuned for as many times longer as its student will have been. chain: from large to small."""
    allowed = search.bench.recipe.distill.max_worse_percent
    whole = {plan: search.whole_trial(plan) for plan in chain}
    held = {one.result.trial for one in search.found if one.bound <= allowed}
    last = max((k for k, plan in enumerate(chain) if whole[plan] in held), default=len(chain))
    tuned = whole[chain[last]] if last < len(chain) else None
    for times, plan in enumerate(chain[last + 1 :], start=2):
        longer_control(search, times, say)
        trial = search.whole_trial(plan, after=tuned)
        if not holding(search, [trial], say)[0]:
            return
        tuned = trial


def longer_control(search: Search, times: int, say: Say) -> None:
    """The teacher tuned for so many times the control's epochs, where anybody says what is true."""
    epochs = times * search.epochs
    control = Trial(Plan(), "whole", UNTOUCHED, "labels", search.bench.recipe.seed, epochs=epochs)
    for ended in search.run([control] * search.has_labels):
        if isinstance(ended, Result):
            search.longer[f"control, end to end, {epochs} epochs"] = ended
            told = f"{search.judge.worse_percent(ended.outputs)} {search.judge.unit} worse"
            say(f"  The control tuned for {epochs} epochs, against which students cut in steps are judged: {told}.")
        else:
            say(
                f"The teacher tuned for {epochs} epochs is left out, and students are judged without it: {ended.reason}"
            )


def widths_to_try(recipe: Recipe) -> list[float]:
    """Of the best wiring, from large to small: all channels first, since they alone may hold."""
    return [1.0, *sorted(recipe.distill.shares, reverse=True)]


def holding(search: Search, trials: list[Trial], say: Say) -> list[bool]:
    """Tune these, say how they do, and whether each lets the search go on to smaller ones."""
    wanted = search.bench.recipe.distill
    ended = search.run(trials)
    done = search.judged(ended)
    for one in done:
        say(f"  {one.result.trial.in_words}: {search.told(one)}.")
    tell_diverged(ended, say)
    if has_cost_budget(wanted):
        held = {one.result.trial: not fits(one, wanted) for one in done}  # too large: go on to smaller ones
    else:
        held = {one.result.trial: one.bound <= wanted.max_worse_percent for one in done}
    return [held.get(one.trial, False) for one in ended]


def wholes_holding(search: Search, plans: list[Plan], say: Say) -> list[bool]:
    """The same of whole students, with as many channels more as cost no time."""
    wanted = search.bench.recipe.distill
    if wanted.max_latency_ms is not None and wanted.towers:
        plans = [rounded_as_fast(search.bench, plan) for plan in plans]
    return holding(search, [search.whole_trial(plan) for plan in plans], say)


def search_baselines(search: Search, chosen: Result, say: Say) -> None:
    """Other ways to the chosen student's size, tuned exactly as it was. One that breaks down is reported and left out."""
    own_epochs = search.bench.recipe.distill.end_to_end_epochs
    for one in rivals(chosen, search.capacity.in_features, own_epochs):
        try:
            ended = search.run([one])
            for done in search.judged(ended):
                say(f"  {one.method}: {search.told(done)}.")
            for left in ended:
                if isinstance(left, DivergedTrial):
                    say(f"  {one.method}: left out: {left.reason}")
        except InputError as error:
            say(f"  {one.method}: left out: {error}")


def rivals(ours: Result, in_features: int, own_epochs: int) -> list[Trial]:
    """Trials of other methods at the size of `ours`, as near as each can come, tuned as long in all. own_epochs: the
    recipe's."""
    plan, tuning = ours.trial.plan, ours.trial.tuning
    method = SCRATCH if tuning == "whole" else SCRATCH_HEAD
    epochs = ours.trial.epochs if ours.trial.after is None else ours.trial.epochs_in_all(own_epochs)
    same = Trial(plan, tuning, method, "labels", ours.trial.seed, epochs=epochs)
    if plan.keeps_towers:
        rank = max(1, ours.fc_parameters // in_features)
        columns = replace(same, plan=Plan(), method="columns", parameters=ours.fc_parameters)
        return [same, replace(same, plan=Plan(rank=rank), method="svd"), columns]
    sized = replace(same, plan=Plan(), parameters=ours.parameters)
    tools = ("magnitude", "taylor", *(["kirigami"] if kirigami_installed() else []))
    return [same, *(replace(sized, method=method) for method in tools)]


def standing_of(one: Judged, recipe: Recipe) -> Standing:
    """Among wirings, by what it saves: time within a budget of time, which a student without a time cannot keep; else size."""
    if recipe.distill.max_latency_ms is None:
        return Standing(one.worse_percent.mean, size_of(recipe)(one.result))
    return Standing(math.inf, math.inf) if one.latency_ms is None else Standing(one.worse_percent.mean, one.latency_ms)


def size_of(recipe: Recipe) -> Callable[[Result], int]:
    """What "smallest" means: all parameters, or those in FC layers where only these shrink."""
    return (lambda one: one.parameters) if recipe.distill.towers else (lambda one: one.fc_parameters)
