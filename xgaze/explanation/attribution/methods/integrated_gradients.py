"""Integrated gradients, from the baseline to the input."""

from torch import Tensor

from xgaze.explanation.attribution.method import Effort, Method, Question
from xgaze.explanation.attribution.path_gradients import integrate
from xgaze.explanation.attribution.targets import Scalar


def _integrated_gradients(scalar: Scalar, asked: Question, effort: Effort) -> tuple[Tensor, ...]:
    return integrate(scalar, asked.inputs, asked.truth, asked.baseline, effort.steps, effort.internal_batch_size)


METHOD = Method(_integrated_gradients, complete=True, name="integrated gradients", place=2)
