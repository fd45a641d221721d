"""Attribution methods by name, all through Captum, all asked and answering alike. Adding one is a function and a line here."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from captum.attr import DeepLift, GradientShap, InputXGradient, Occlusion, Saliency
from torch import Tensor, nn

from xgaze.errors import InputError, nearest
from xgaze.explanation.attribution.attribution import Attribution, attribution_of
from xgaze.explanation.attribution.grad_cam import grad_cam
from xgaze.explanation.attribution.parts import WHOLE, Parts
from xgaze.explanation.attribution.path_gradients import integrate
from xgaze.explanation.attribution.prepared import analysis_copy, on_device
from xgaze.explanation.attribution.targets import Scalar, Target


@dataclass(frozen=True)
class Question:
    """Which number, of which sample, against what: inputs and baseline (1, channels, H, W) each, truth (1, ...).

    parts: inputs to be held (their baseline is their own value), and rows that are real.
    """

    target: Target
    inputs: tuple[Tensor, ...]
    truth: Tensor
    baseline: tuple[Tensor, ...]
    parts: Parts = WHOLE


@dataclass(frozen=True)
class Effort:
    """steps: of integrated gradients. shap_samples: of GradientShap, drawn with `seed`. occlusion_windows: along each side, half
    overlapping. internal_batch_size: pictures per input in memory at once."""

    steps: int = 50
    shap_samples: int = 50
    occlusion_windows: int = 6
    internal_batch_size: int = 10
    seed: int = 0


Attribute = Callable[[Scalar, Question, Effort], tuple[Tensor, ...]]


@dataclass(frozen=True)
class Method:
    """complete: whether its maps claim to sum to the output's change. by_gradient: whether wrong gradients spoil it. pictures:
    whether it is made for pictures alone."""

    attribute: Attribute
    complete: bool
    by_gradient: bool = True
    pictures: bool = False


def attribute(
    name: str,
    model: nn.Module,
    question: Question,
    effort: Effort | None = None,
    methods: Mapping[str, Method] | None = None,
) -> Attribution:
    """Maps of one method. The model is left as it is, and the same question gives the same maps.

    All maps are signed, in the target's unit per pixel; saliency alone is in the target's unit per standardised grey level.
    Raises InputError for an unknown method, one that this model does not allow, or several samples at once: some of Captum's
    methods let a sample's map depend on its batch-mates. Whether a method may be trusted says `gate`.
    """
    known = METHODS if methods is None else methods
    if name not in known:
        raise InputError(f"attribution method '{name}' is not known; {nearest(name, known)}")
    if len(question.truth) != 1:
        raise InputError(f"attributions are asked of one sample at a time, not of {len(question.truth)} at once.")
    parts, inputs = question.parts, on_device(model, question.inputs)
    placed = Question(
        question.target,
        parts.moved(inputs),
        on_device(model, (question.truth,))[0],
        parts.moved(on_device(model, question.baseline)),
    )
    if known[name].pictures and any(one.dim() != 4 for one in placed.inputs):
        raise InputError("it is made for pictures alone, and this model reads more, or other, than pictures.")
    scalar = Scalar(parts.model(analysis_copy(model), inputs), question.target)
    found = known[name].attribute(scalar, placed, effort or Effort())
    return attribution_of(scalar, found, placed.inputs, placed.truth, placed.baseline, parts)


def _saliency(scalar: Scalar, asked: Question, _: Effort) -> tuple[Tensor, ...]:
    inputs = _watched(asked.inputs)
    found: tuple[Tensor, ...] = Saliency(scalar).attribute(inputs, abs=False, additional_forward_args=(asked.truth,))
    return found


def _input_x_gradient(scalar: Scalar, asked: Question, _: Effort) -> tuple[Tensor, ...]:
    inputs = _watched(asked.inputs)
    found: tuple[Tensor, ...] = InputXGradient(scalar).attribute(inputs, additional_forward_args=(asked.truth,))
    return found


def _integrated_gradients(scalar: Scalar, asked: Question, effort: Effort) -> tuple[Tensor, ...]:
    return integrate(scalar, asked.inputs, asked.truth, asked.baseline, effort.steps, effort.internal_batch_size)


def _gradient_shap(scalar: Scalar, asked: Question, effort: Effort) -> tuple[Tensor, ...]:
    """In portions, since Captum holds all samples at once."""
    method, left = GradientShap(scalar), effort.shap_samples
    sums = [torch.zeros_like(one) for one in asked.inputs]
    with _seeded(effort.seed):
        while left:
            count = min(left, effort.internal_batch_size)
            portion = method.attribute(
                _watched(asked.inputs),
                baselines=asked.baseline,
                n_samples=count,
                additional_forward_args=(asked.truth,),
            )
            sums = [total + count * one.detach() for total, one in zip(sums, portion, strict=True)]
            left -= count
    return tuple(one / effort.shap_samples for one in sums)


def _grad_cam(scalar: Scalar, asked: Question, _: Effort) -> tuple[Tensor, ...]:
    return grad_cam(scalar, asked.inputs, asked.truth)


@torch.no_grad()
def _occlusion(scalar: Scalar, asked: Question, effort: Effort) -> tuple[Tensor, ...]:
    """A pixel's mean effect over the windows that cover it, divided among the window's pixels."""
    sides = [tuple(-(-side // effort.occlusion_windows) for side in one.shape[2:]) for one in asked.inputs]
    windows = tuple((one.shape[1], *side) for one, side in zip(asked.inputs, sides, strict=True))
    strides = tuple((one.shape[1], *(-(-s // 2) for s in side)) for one, side in zip(asked.inputs, sides, strict=True))
    found = Occlusion(scalar).attribute(
        asked.inputs,
        sliding_window_shapes=windows,
        strides=strides,
        baselines=asked.baseline,
        additional_forward_args=(asked.truth,),
        perturbations_per_eval=effort.internal_batch_size,
    )
    return tuple(one / float(np.prod(window)) for one, window in zip(found, windows, strict=True))


def _deep_lift(scalar: Scalar, asked: Question, _: Effort) -> tuple[Tensor, ...]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that hooks are set, and gradients required
        found: tuple[Tensor, ...] = DeepLift(scalar).attribute(
            _watched(asked.inputs), baselines=asked.baseline, additional_forward_args=(asked.truth,)
        )
    return tuple(one.detach() for one in found)


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "saliency": Method(_saliency, complete=False),
        "input x gradient": Method(_input_x_gradient, complete=False),
        "integrated gradients": Method(_integrated_gradients, complete=True),
        "GradientShap": Method(_gradient_shap, complete=True),
        "Grad-CAM": Method(_grad_cam, complete=False, pictures=True),
        "occlusion": Method(_occlusion, complete=False, by_gradient=False, pictures=True),
        "DeepLift": Method(_deep_lift, complete=True),
    }
)


def _watched(inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(one.detach().clone().requires_grad_() for one in inputs)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Captum draws from the global generators; they are left as they were."""
    state = np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(state)  # noqa: NPY002
