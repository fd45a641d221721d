"""Grad-CAM of the last convolution, spread over the input."""

from torch import Tensor

from xgaze.explanation.attribution.grad_cam import grad_cam
from xgaze.explanation.attribution.method import Effort, Method, Question
from xgaze.explanation.attribution.targets import Scalar


def _grad_cam(scalar: Scalar, asked: Question, _: Effort) -> tuple[Tensor, ...]:
    return grad_cam(scalar, asked.inputs, asked.truth)


METHOD = Method(_grad_cam, complete=False, pictures=True, name="Grad-CAM", place=4)
