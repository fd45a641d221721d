"""May a method be trusted on this very model? Every method is checked before it is offered, and refused with the reason."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from torch import nn

from xgaze.explanation.attribution.attribution import Attribution
from xgaze.explanation.attribution.completeness import objection, unexplained_percent
from xgaze.explanation.attribution.method import Effort, Method, Question, attribute, known_methods
from xgaze.explanation.attribution.prepared import analysis_copy, on_device
from xgaze.explanation.trust.gradient_check import gradient_errors
from xgaze.explanation.trust.randomisation import similarity, with_random_weights
from xgaze.report.claims import MOST_UNEXPLAINED_PERCENT

MOST_SIMILAR = 0.8
"""Above this |Spearman| between the maps of the model and of random weights, a map shows the picture rather than the model."""
RANDOMISED_SAMPLES = 2
RANDOM_SEED = 810_038_921
"""Far from any seed of a recipe: a model begun with the same seed would be compared with its own beginning."""


@dataclass(frozen=True)
class Verdict:
    """A method on a model. completeness_percent: what its maps leave unexplained of the output's change, summed over samples;
    None where the method claims no sum. randomised_similarity: see `similarity`. reason: why it is not offered. target: the
    number that it was asked about."""

    name: str
    role: str
    offered: bool
    completeness_percent: float | None = None
    randomised_similarity: float | None = None
    reason: str | None = None
    milliseconds: float | None = None
    target: str | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Judged:
    """What is judged, against a twin with random weights. known: answers of some methods to `questions`, found before."""

    model: nn.Module
    twin: nn.Module
    questions: Sequence[Question]
    effort: Effort
    methods: Mapping[str, Method]
    known: Mapping[str, Sequence[Attribution]]


Answered = tuple[Verdict, Sequence[Attribution]]
"""A verdict, and the attributions it rests on, of the first questions; none where there are none."""


def judged_answers(
    model: nn.Module,
    role: str,
    questions: Sequence[Question],
    effort: Effort | None = None,
    methods: Mapping[str, Method] | None = None,
    known: Mapping[str, Sequence[Attribution]] | None = None,
) -> list[Answered]:
    """One verdict per method, over a few samples of one model ("teacher", "student"), and its attributions. known: those by
    method, one for each question, that need not be computed again; the time told is then that of the twin with random weights."""
    wrong = wrong_gradients(model, questions[0])
    twin, target = with_random_weights(model, RANDOM_SEED), target_of(questions)
    methods = known_methods() if methods is None else methods
    judged = Judged(model, twin, questions, effort or Effort(), methods, known or {})
    return [
        (Verdict(name, role, offered=False, reason=wrong, target=target), ())
        if wrong and method.by_gradient
        else _judge(Verdict(name, role, offered=False, target=target), method, judged)
        for name, method in methods.items()
    ]


def wrong_gradients(model: nn.Module, question: Question) -> str | None:
    """What is wrong with the gradients of the model's custom layers, in words; None if nothing is."""
    inputs, baseline = (on_device(model, one) for one in (question.inputs, question.baseline))
    errors = gradient_errors(analysis_copy(model), inputs, baseline=baseline)
    bad = {name: error for name, error in errors.items() if not error <= MOST_UNEXPLAINED_PERCENT}
    if not bad:
        return None
    name = max(bad, key=bad.__getitem__)
    kind = type(model.get_submodule(name)).__name__
    remedy = " Use nn.LocalResponseNorm instead." if kind == "CrossMapLRN2d" else " Correct its backward pass."
    return f"the gradient of layer '{name}' ({kind}) is wrong by {bad[name]:.0f} %, measured by finite differences.{remedy}"


def target_of(questions: Sequence[Question]) -> str:
    """The number asked about; samples of different classes are each asked about their own."""
    names = {one.target.name for one in questions}
    return names.pop() if len(names) == 1 else "predicted class"


def not_computed(error: Exception) -> str:
    """Why a method that raised is not offered."""
    words = (str(error).splitlines() or [type(error).__name__])[0]
    return f"it cannot be computed on this model: {words}"


def _judge(verdict: Verdict, method: Method, judged: Judged) -> Answered:
    name = verdict.name
    asked = judged.questions if method.complete else judged.questions[:RANDOMISED_SAMPLES]
    try:
        blind, took = _answers(name, judged.twin, asked[:RANDOMISED_SAMPLES], judged)
        if name in judged.known:
            found = judged.known[name][: len(asked)]
        else:
            found, took = _answers(name, judged.model, asked, judged)
        similar = float(np.mean([similarity(one.maps, other.maps) for one, other in zip(found, blind, strict=False)]))
    except Exception as error:  # Captum and the user's code run here: they may raise anything
        return replace(verdict, reason=not_computed(error)), ()
    sums = [one.attributed for one in found], [one.explained for one in found]
    unexplained = unexplained_percent(*sums) if method.complete else None
    reason = _objection(unexplained, similar)
    told = replace(
        verdict,
        offered=reason is None,
        completeness_percent=unexplained,
        randomised_similarity=similar,
        reason=reason,
        milliseconds=took,
    )
    return told, found


def _answers(
    name: str, model: nn.Module, questions: Sequence[Question], judged: Judged
) -> tuple[Sequence[Attribution], float]:
    """Attributions of all questions, and the milliseconds that one takes."""
    start = time.perf_counter()
    found = [attribute(name, model, one, judged.effort, judged.methods) for one in questions]
    return found, 1000 * (time.perf_counter() - start) / len(questions)


def _objection(unexplained: float | None, similar: float) -> str | None:
    if unexplained is not None and (reason := objection("its maps", unexplained)):
        return reason
    if similar > MOST_SIMILAR:
        return (
            f"its maps hardly change when the weights are random (similarity {similar:.2f}, at most {MOST_SIMILAR:.2f}): "
            "they show the picture, not what the model has learnt."
        )
    return None
