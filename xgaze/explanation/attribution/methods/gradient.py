"""Saliency: the gradient at every pixel."""

from captum.attr import Saliency
from torch import Tensor

from xgaze.explanation.attribution.method import Effort, Method, Question, watched
from xgaze.explanation.attribution.targets import Scalar


def _saliency(scalar: Scalar, asked: Question, _: Effort) -> tuple[Tensor, ...]:
    inputs = watched(asked.inputs)
    found: tuple[Tensor, ...] = Saliency(scalar).attribute(inputs, abs=False, additional_forward_args=(asked.truth,))
    return found


METHOD = Method(_saliency, complete=False, name="saliency", place=0)
