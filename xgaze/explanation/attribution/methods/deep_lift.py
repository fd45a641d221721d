"""DeepLift, by Captum."""

import warnings

from captum.attr import DeepLift
from torch import Tensor

from xgaze.explanation.attribution.method import Effort, Method, Question, watched
from xgaze.explanation.attribution.targets import Scalar


def _deep_lift(scalar: Scalar, asked: Question, _: Effort) -> tuple[Tensor, ...]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that hooks are set, and gradients required
        found: tuple[Tensor, ...] = DeepLift(scalar).attribute(
            watched(asked.inputs), baselines=asked.baseline, additional_forward_args=(asked.truth,)
        )
    return tuple(one.detach() for one in found)


METHOD = Method(_deep_lift, complete=True, name="DeepLift", place=6)
