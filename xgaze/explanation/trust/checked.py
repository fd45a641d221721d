"""All attribution methods on chosen samples: each checked on the very model first, and shown only where it passes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from xgaze.data.contract import Recording, collate
from xgaze.explanation.attribution.method import Effort, Question, attribute
from xgaze.explanation.attribution.parts import baseline_of, moved_names, parts_of
from xgaze.explanation.attribution.readout import predicted_class
from xgaze.explanation.attribution.shapley import shapley
from xgaze.explanation.attribution.targets import asked_targets, targets_for
from xgaze.explanation.explain import stored_attribution
from xgaze.explanation.trust.conductance import Conductance, judged_conductance
from xgaze.explanation.trust.gate import Answered, Verdict, judged_answers
from xgaze.progress import progress_bar
from xgaze.recipe import Explain

JUDGED_SAMPLES = 3
SHOWN_ELSEWHERE = "integrated gradients"
Models = Mapping[str, nn.Module]
Maps = dict[str, NDArray[Any]]
Asked = list[Question]
"""What can be asked of one sample: every target, last the error or the margin of the class that the teacher predicts."""


@dataclass(frozen=True)
class Given:
    """What `explain_samples` found by integrated gradients: its section's "samples", and its maps."""

    samples: Sequence[Mapping[str, Any]]
    maps: Maps


def questions_of(
    recording: Recording, teacher: nn.Module, rows: Sequence[int], baseline: tuple[Tensor, ...]
) -> list[Asked]:
    """Per sample one question for each target."""
    return [list(_questions(recording, teacher, row, baseline)) for row in rows]


def _questions(recording: Recording, teacher: nn.Module, row: int, baseline: tuple[Tensor, ...]) -> Iterator[Question]:
    sample = recording[row]
    batch = collate([sample], recording.spec)
    parts = parts_of(recording.spec, batch.inputs, sample.missing)
    there = baseline_of(parts, batch.inputs, baseline)
    for target in targets_for(recording.spec, predicted_class(recording, teacher, sample)):
        yield Question(target, batch.inputs, batch.target, there, parts)


def check_methods(
    recording: Recording,
    models: Models,
    questions: Sequence[Asked],
    given: Given,
    settings: Explain,
    seed: int,
    wanted: str | None = None,
) -> tuple[list[dict[str, Any]], Maps]:
    """Section "methods", and the maps "{place}/{model}/{target}/{input}/{method}" of those offered.

    wanted: targets to answer, see `asked_targets`. Integrated gradients are not computed again but judged as `given`, and left
    out of the maps.
    """
    effort = Effort(settings.steps, internal_batch_size=settings.internal_batch_size, seed=seed)
    names = moved_names(recording.spec)
    rounds = [(role, asked) for role in models for asked in _by_target(questions, wanted)]
    verdicts, maps = [], Maps()
    with progress_bar("checking attribution methods") as advance:
        for k, (role, asked) in enumerate(rounds):
            known = {
                SHOWN_ELSEWHERE: [
                    stored_attribution(given.samples[place], given.maps, place, role, one.target.name, names)
                    for place, one in enumerate(asked[:JUDGED_SAMPLES])
                ]
            }
            judged = judged_answers(models[role], role, asked[:JUDGED_SAMPLES], effort, known=known)
            verdicts += [one.to_json() for one, _ in judged]
            maps |= _maps(role, models[role], asked, judged, names, effort)
            advance(k + 1, len(rounds))
    return verdicts, maps


def shapley_of(models: Models, questions: Sequence[Asked], names: Sequence[str]) -> list[dict[str, Any]]:
    """Per sample {model: {target: {input: exact Shapley value}}}; nothing for one input only, which makes all the difference."""
    if len(names) < 2:
        return [{} for _ in questions]
    return [{role: _shapley(model, asked, names) for role, model in models.items()} for asked in questions]


def _shapley(model: nn.Module, asked: Asked, names: Sequence[str]) -> dict[str, dict[str, float]]:
    one, targets = asked[0], [each.target for each in asked]
    inputs, baseline = one.parts.moved(one.inputs), one.parts.moved(one.baseline)
    found = shapley(one.parts.model(model, one.inputs), targets, inputs, one.truth, baseline)
    for values in found.values():
        values[:, list(one.parts.nothing)] = 0  # but for rounding they are
    return {target: dict(zip(names, values[0].tolist(), strict=True)) for target, values in found.items()}


def check_conductance(
    models: Models, questions: Sequence[Asked], layer: str, settings: Explain
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Verdicts as in section "methods", and per sample "conductance" {model: [value per variable of `layer`]} of the last target
    where the values add up, else "conductance_refused" {model: reason}."""
    verdicts: list[dict[str, Any]] = []
    samples: list[dict[str, Any]] = [{"conductance": {}, "conductance_refused": {}} for _ in questions]
    last, batch_size = [asked[-1] for asked in questions], max(1, settings.internal_batch_size // 2)
    with progress_bar("following what flows through the embedding") as advance:
        for k, (role, model) in enumerate(models.items()):
            verdict, found = judged_conductance(model, role, layer, last, settings.steps, batch_size)
            verdicts.append(verdict.to_json())
            for place, sample in enumerate(samples):
                _keep(sample, role, verdict, found[place] if found else None)
            advance(k + 1, len(models))
    return verdicts, samples


def _keep(sample: dict[str, Any], role: str, verdict: Verdict, found: Conductance | None) -> None:
    reason = verdict.reason or (found.refused if found else None)
    if reason is None and found is not None:
        sample["conductance"][role] = found.values.tolist()
    else:
        sample["conductance_refused"][role] = reason


def _by_target(questions: Sequence[Asked], wanted: str | None) -> list[list[Question]]:
    """Per target that is wanted, its question of every sample."""
    chosen = []
    for asked in questions:
        targets = asked_targets([one.target for one in asked], wanted)
        chosen.append([one for one in asked if one.target in targets])
    return [list(same) for same in zip(*chosen, strict=True)]


def _maps(
    role: str,
    model: nn.Module,
    asked: Sequence[Question],
    judged: Sequence[Answered],
    names: Sequence[str],
    effort: Effort,
) -> Maps:
    """What was answered for the judgement is not computed again."""
    maps = Maps()
    for verdict, answers in judged:
        if not verdict.offered or verdict.name == SHOWN_ELSEWHERE:
            continue
        rest = [attribute(verdict.name, model, one, effort) for one in asked[len(answers) :]]
        for place, (question, one) in enumerate(zip(asked, [*answers, *rest], strict=True)):
            start = f"{place}/{role}/{question.target.name}"
            maps |= {
                f"{start}/{name}/{verdict.name}": np.asarray(m, np.float32)
                for name, m in zip(names, one.maps, strict=True)
            }
    return maps
