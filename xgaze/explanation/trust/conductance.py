"""Conductance of a layer's variables (Dhamdhere et al. 2018): how much of the target's change flows through each."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from captum.attr import LayerConductance
from numpy.typing import NDArray
from torch import nn

from xgaze.errors import InputError, nearest
from xgaze.explanation.attribution.completeness import (
    completeness_percent,
    objection,
    unexplained_percent,
    with_enough_steps,
)
from xgaze.explanation.attribution.method import Question
from xgaze.explanation.attribution.prepared import analysis_copy, on_device
from xgaze.explanation.attribution.targets import Scalar
from xgaze.explanation.trust.gate import Verdict, not_computed, target_of, wrong_gradients

CONDUCTANCE = "conductance"


@dataclass(frozen=True)
class Conductance:
    """values (width,) signed, in the target's unit; explained: output here less output at the baseline. Where everything goes
    through the layer, the values sum to it."""

    values: NDArray[np.float32]
    explained: float

    @property
    def attributed(self) -> float:
        return float(self.values.sum(dtype=np.float64))

    @property
    def completeness_percent(self) -> float:
        return completeness_percent(self.attributed, self.explained)

    @property
    def refused(self) -> str | None:
        """Why this sample's values may not be shown."""
        return objection("its values", self.completeness_percent)


def conductance(
    model: nn.Module, layer: str, question: Question, steps: int = 50, internal_batch_size: int = 10
) -> Conductance:
    """Of the output of the module at path `layer`, flattened. Raises InputError if there is no such module."""
    twin = analysis_copy(model)
    modules = dict(twin.named_modules())
    if layer not in modules:
        raise InputError(f"the model has no module '{layer}'; {nearest(layer, modules)}")
    inputs, baseline, truth = (on_device(model, one) for one in (question.inputs, question.baseline, (question.truth,)))
    scalar = Scalar(twin, question.target)
    found: torch.Tensor = LayerConductance(scalar, modules[layer]).attribute(
        tuple(one.requires_grad_() for one in inputs),
        baselines=baseline,
        additional_forward_args=truth,
        n_steps=steps,
        method="riemann_trapezoid",  # from end to end; Captum's default leaves out both ends of the path
        internal_batch_size=internal_batch_size,
    )
    with torch.no_grad():
        explained = float(scalar(*inputs, *truth) - scalar(*baseline, *truth))
    return Conductance(found[0].detach().flatten().cpu().numpy().astype(np.float32), explained)


def judged_conductance(
    model: nn.Module, role: str, layer: str, questions: Sequence[Question], steps: int, internal_batch_size: int
) -> tuple[Verdict, list[Conductance]]:
    """The gate for conductance: a verdict over all questions, and what was found for each; nothing where it cannot be computed.

    More steps are taken where fewer do not add up.
    """
    target = target_of(questions)
    wrong = wrong_gradients(model, questions[0])
    if wrong:
        return Verdict(CONDUCTANCE, role, offered=False, reason=wrong, target=target), []
    try:
        start = time.perf_counter()
        found = [
            with_enough_steps(partial(conductance, model, layer, one), steps, internal_batch_size, fewer=True)[0]
            for one in questions
        ]
        milliseconds = 1000 * (time.perf_counter() - start) / len(questions)
    except Exception as error:  # Captum and the user's code run here: they may raise anything
        return Verdict(CONDUCTANCE, role, offered=False, reason=not_computed(error), target=target), []
    unexplained = unexplained_percent([one.attributed for one in found], [one.explained for one in found])
    reason = objection("its values", unexplained)
    return Verdict(CONDUCTANCE, role, reason is None, unexplained, None, reason, milliseconds, target), found
