"""May a method be trusted on this very model? Every method is checked before it is offered, and refused with the reason."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from torch import nn

from xgaze.explanation.attribution import SMALLEST_CHANGE, Attribution
from xgaze.explanation.gradient_check import gradient_errors
from xgaze.explanation.methods import METHODS, Effort, Method, Question, attribute
from xgaze.explanation.prepared import analysis_copy, on_device
from xgaze.explanation.randomisation import similarity, with_random_weights

MOST_UNEXPLAINED_PERCENT = 5.0
MOST_SIMILAR = 0.8
"""Above this |Spearman| between the maps of the model and of random weights, a map shows the picture rather than the model."""
RANDOMISED_SAMPLES = 2
RANDOM_SEED = 810_038_921
"""Far from any seed of a recipe: a model begun with the same seed would be compared with its own beginning."""


@dataclass(frozen=True)
class Verdict:
    """A method on a model. completeness_percent: what its maps leave unexplained of the output's change, summed over samples;
    None where the method claims no sum. randomised_similarity: see `similarity`. reason: why it is not offered."""

    name: str
    role: str
    offered: bool
    completeness_percent: float | None = None
    randomised_similarity: float | None = None
    reason: str | None = None
    milliseconds: float | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def judge_methods(
    model: nn.Module,
    role: str,
    questions: Sequence[Question],
    effort: Effort | None = None,
    methods: Mapping[str, Method] = METHODS,
) -> list[Verdict]:
    """One verdict per method, over a few samples of one model ("teacher", "student")."""
    wrong = wrong_gradients(model, questions[0])
    twin = with_random_weights(model, RANDOM_SEED)
    return [
        Verdict(name, role, offered=False, reason=wrong)
        if wrong and method.by_gradient
        else _judge(name, method, model, twin, role, questions, effort or Effort(), methods)
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


def _judge(
    name: str,
    method: Method,
    model: nn.Module,
    twin: nn.Module,
    role: str,
    questions: Sequence[Question],
    effort: Effort,
    methods: Mapping[str, Method],
) -> Verdict:
    asked = questions if method.complete else questions[:RANDOMISED_SAMPLES]
    try:
        start = time.perf_counter()
        found = [attribute(name, model, one, effort, methods) for one in asked]
        milliseconds = 1000 * (time.perf_counter() - start) / len(asked)
        similar = float(
            np.mean(
                [
                    similarity(mine.maps, attribute(name, twin, one, effort, methods).maps)
                    for one, mine in zip(questions[:RANDOMISED_SAMPLES], found, strict=False)
                ]
            )
        )
    except Exception as error:  # Captum and the user's code run here: they may raise anything
        words = (str(error).splitlines() or [type(error).__name__])[0]
        return Verdict(name, role, offered=False, reason=f"it cannot be computed on this model: {words}")
    unexplained = unexplained_percent(found) if method.complete else None
    verdict = Verdict(name, role, True, unexplained, similar, None, milliseconds)
    reason = _objection(unexplained, similar)
    return replace(verdict, offered=reason is None, reason=reason)


def unexplained_percent(found: Sequence[Attribution]) -> float:
    """What the maps do not add up to, as % of the outputs' changes, both summed over samples: one sample whose output hardly
    changes does not decide."""
    changes = np.array([one.explained for one in found])
    missed = np.array([sum(float(m.sum(dtype=np.float64)) for m in one.maps) for one in found]) - changes
    return float(100 * np.abs(missed).sum() / max(np.abs(changes).sum(), SMALLEST_CHANGE))


def _objection(unexplained: float | None, similar: float) -> str | None:
    if unexplained is not None and not unexplained <= MOST_UNEXPLAINED_PERCENT:
        return (
            f"its maps leave {unexplained:.0f} % of the prediction's change unexplained "
            f"(at most {MOST_UNEXPLAINED_PERCENT:.0f} % are allowed)."
        )
    if similar > MOST_SIMILAR:
        return (
            f"its maps hardly change when the weights are random (similarity {similar:.2f}, at most {MOST_SIMILAR:.2f}): "
            "they show the picture, not what the model has learnt."
        )
    return None
