"""Input times gradient."""

from captum.attr import InputXGradient
from torch import Tensor

from xgaze.explanation.attribution.method import Effort, Method, Question, watched
from xgaze.explanation.attribution.targets import Scalar


def _input_x_gradient(scalar: Scalar, asked: Question, _: Effort) -> tuple[Tensor, ...]:
    inputs = watched(asked.inputs)
    found: tuple[Tensor, ...] = InputXGradient(scalar).attribute(inputs, additional_forward_args=(asked.truth,))
    return found


METHOD = Method(_input_x_gradient, complete=False, name="input x gradient", place=1)
