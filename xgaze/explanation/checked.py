"""All attribution methods on chosen samples: each checked on the very model first, and shown only where it passes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from xgaze.data.contract import Recording, collate
from xgaze.explanation.conductance import conductance
from xgaze.explanation.gate import judge_methods
from xgaze.explanation.methods import Effort, Question, attribute
from xgaze.explanation.parts import baseline_of, moved_names, parts_of
from xgaze.explanation.reading import predicted_class
from xgaze.explanation.shapley import shapley
from xgaze.explanation.targets import Target, targets_for
from xgaze.progress import progress_bar
from xgaze.recipe import Explain

JUDGED_SAMPLES = 3
SHOWN_ELSEWHERE = "integrated gradients"
Models = Mapping[str, nn.Module]
Maps = dict[str, NDArray[Any]]


def questions_of(
    recording: Recording, teacher: nn.Module, rows: Sequence[int], baseline: tuple[Tensor, ...]
) -> list[Question]:
    """What every method is asked of each sample: the error in px, or the margin of the class that the teacher predicts."""
    return [_question(recording, row, _targets(recording, teacher, row)[-1], baseline) for row in rows]


def check_methods(
    recording: Recording,
    models: Models,
    rows: Sequence[int],
    baseline: tuple[Tensor, ...],
    settings: Explain,
    seed: int,
) -> tuple[list[dict[str, Any]], Maps]:
    """Section "methods", and the maps "{place}/{model}/{target}/{input}/{method}" of those offered, on `rows`.

    Integrated gradients are left out of the maps: they are kept for every target elsewhere.
    """
    effort = Effort(settings.steps, internal_batch_size=settings.internal_batch_size, seed=seed)
    questions = questions_of(recording, models["teacher"], rows, baseline)
    verdicts, maps = [], Maps()
    with progress_bar("checking attribution methods") as advance:
        for k, (role, model) in enumerate(models.items()):
            judged = judge_methods(model, role, questions[:JUDGED_SAMPLES], effort)
            verdicts += [one.to_json() for one in judged]
            offered = [one.name for one in judged if one.offered and one.name != SHOWN_ELSEWHERE]
            for place, question in enumerate(questions):
                maps |= _maps(recording, place, role, model, question, offered, effort)
            advance(k + 1, len(models))
    return verdicts, maps


def inside_samples(
    recording: Recording,
    models: Models,
    rows: Sequence[int],
    baseline: tuple[Tensor, ...],
    layer: str,
    settings: Explain,
) -> list[dict[str, Any]]:
    """Per sample "shapley" {model: {target: {input: value}}} and "conductance" {model: [value per variable of `layer`]}."""
    found = []
    for row in rows:
        targets = _targets(recording, models["teacher"], row)
        question = _question(recording, row, targets[-1], baseline)
        by_input = {role: _shapley(recording, model, targets, question) for role, model in models.items()}
        flowing = {
            role: conductance(
                model, layer, question, settings.steps, max(1, settings.internal_batch_size // 2)
            ).tolist()
            for role, model in models.items()
        }
        found.append({"shapley": by_input if all(by_input.values()) else {}, "conductance": flowing})
    return found


def _shapley(
    recording: Recording, model: nn.Module, targets: Sequence[Target], question: Question
) -> dict[str, dict[str, float]]:
    """{target: {input: value}}; nothing where there is one input only, which makes all the difference."""
    names, parts = moved_names(recording.spec), question.parts
    if len(names) < 2:
        return {}
    inputs, baseline = parts.moved(question.inputs), parts.moved(question.baseline)
    found = shapley(parts.model(model, question.inputs), targets, inputs, question.truth, baseline)
    return {target: dict(zip(names, values[0].tolist(), strict=True)) for target, values in found.items()}


def _targets(recording: Recording, teacher: nn.Module, row: int) -> list[Target]:
    return targets_for(recording.spec, predicted_class(recording, teacher, recording[row]))


def _question(recording: Recording, row: int, target: Target, baseline: tuple[Tensor, ...]) -> Question:
    batch = collate([recording[row]], recording.spec)
    parts = parts_of(recording.spec, batch.inputs)
    return Question(target, batch.inputs, batch.target, baseline_of(parts, batch.inputs, baseline), parts)


def _maps(
    recording: Recording,
    place: int,
    role: str,
    model: nn.Module,
    question: Question,
    offered: Sequence[str],
    effort: Effort,
) -> Maps:
    names = moved_names(recording.spec)
    return {
        f"{place}/{role}/{question.target.name}/{name}/{method}": np.asarray(one, np.float32)
        for method in offered
        for name, one in zip(names, attribute(method, model, question, effort).maps, strict=True)
    }
