"""Every plan of a search is built once before anything is tuned: what cannot be built, or would be no smaller, is never tried."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch

from xgaze.compression.build import Built
from xgaze.compression.kept import as_author_says
from xgaze.compression.plan import Plan
from xgaze.compression.search.bench import Bench
from xgaze.compression.surgeries.base import Probe, surgery_to_json
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead, evaluated
from xgaze.models.size import count_fc_parameters, count_macs, count_parameters
from xgaze.progress import tracked
from xgaze.training.distillation import hint_loss

SHOWN = 3


@dataclass
class Rehearsal:
    """plans: as they turn out, each made by other surgeries and smaller than the teacher, in the order they were asked for.
    words: for people, what is left as it is and what is not tried. macs: multiply-accumulates of each plan's student. slow: plans
    that cannot keep the budget of time, with what their untrained students take, in ms."""

    plans: list[Plan] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    macs: dict[Plan, int] = field(default_factory=dict)
    slow: dict[Plan, float] = field(default_factory=dict)


def rehearse(bench: Bench, plans: Iterable[Plan], tuned_whole: bool = False) -> Rehearsal:
    """Build each; students with other towers on few calibration frames. Nothing is trained and nothing is written.

    tuned_whole: they will be tuned end to end. Raises InputError for a hint that one of them could not be given then: at its turn
    others would have been tuned for minutes.
    """
    found, seen = Rehearsal(), set[str]()
    teacher_size = size_of_model(bench, bench.teacher)
    asked = [replace(plan, keep=bench.keep, importance=bench.recipe.distill.importance) for plan in plans]
    for plan in tracked(asked, "building candidates"):
        try:
            built = bench.build(plan, lambda model: few_frames(bench, model))
        except InputError as error:
            found.words.append(f"Not tried: {plan.in_words} ({error}).")
            continue
        found.words += uncut_in_words(built.uncut)
        key = json.dumps([surgery_to_json(step.surgery) for step in built.steps])
        if size_of_model(bench, built.student) >= teacher_size:
            if bench.recipe.distill.ranks is not None:
                found.words.append(f"Not tried: {plan.in_words} (no smaller than the teacher).")
        elif key not in seen:
            if tuned_whole:
                require_hints(bench, built.student)
            found.plans.append(done := as_built(plan, built))
            found.macs[done] = count_macs(built.student, bench.recording.spec)
        seen.add(key)
    found.words = list(dict.fromkeys(found.words))
    return found


def require_hints(bench: Bench, student: FeatureHead) -> None:
    """Raises InputError unless every hint of the recipe finds its module in this student, whose output can be compared."""
    wanted = bench.recipe.distill
    hints = wanted.hints if wanted.hint_weight > 0 else ()
    hint_loss(hints, student, bench.teacher, bench.recording, bench.recipe.seed)


def few_frames(bench: Bench, model: FeatureHead) -> Probe:
    """The bench's own probe of the teacher; of other towers, only the frames that surgeries on towers are proved on."""
    whole = bench.probe(bench.teacher)
    if model is bench.teacher:
        return whole
    with torch.no_grad(), evaluated(model):
        return replace(whole, features=model.features(*(x.clone() for x in whole.inputs)))


def as_built(plan: Plan, built: Built) -> Plan:
    """The plan, less what was not done: its words are those of the surgeries that made the student."""
    kinds = {step.surgery.kind for step in built.steps}
    return replace(
        plan,
        share=plan.share if "channels" in kinds else 1.0,
        by_cost=plan.by_cost and "channels" in kinds,
        coarse=plan.coarse and "coarse_input" in kinds,
        rank=plan.rank if "low_rank" in kinds else None,
        terms=plan.terms if "separable" in kinds else None,
        uncut=tuple(dict.fromkeys([*plan.uncut, *built.uncut])) if "channels" in kinds else (),
        others=tuple((name, value) for name, value in plan.others if name in kinds),
    )


def size_of_model(bench: Bench, model: FeatureHead) -> int:
    """What shall shrink: all parameters, or those in FC layers where only these do."""
    return count_parameters(model) if bench.recipe.distill.towers else count_fc_parameters(model)


def uncut_in_words(uncut: Mapping[str, str]) -> list[str]:
    """For people: which layers keep their channels, those for one reason together, and why."""
    together: dict[str, list[str]] = {}
    reasons: dict[str, str] = {}
    for layer, why in uncut.items():
        reason = re.split(r"cannot be traced: |refused: |': ", why, maxsplit=1)[-1].removesuffix(" Nothing was saved.")
        key = re.sub(r"'.*?'|\d+", "", reason)
        together.setdefault(key, []).append(f"'{as_author_says(layer)}'")
        reasons.setdefault(key, reason.replace("features_net.", ""))
    return [f"{_listed(names)} cannot be cut and keep all channels: {reasons[key]}" for key, names in together.items()]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more layers" if len(names) > SHOWN else "")
