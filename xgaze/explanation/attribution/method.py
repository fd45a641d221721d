"""What an attribution method is: all asked and answering alike; each a file in `methods`, or registered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from torch import Tensor, nn

from xgaze.catalogue import Catalogue
from xgaze.errors import InputError, nearest
from xgaze.explanation.attribution.attribution import Attribution, attribution_of
from xgaze.explanation.attribution.parts import WHOLE, Parts
from xgaze.explanation.attribution.prepared import analysis_copy, on_device
from xgaze.explanation.attribution.targets import Scalar, Target

LAST = 100


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
    whether it is made for pictures alone. place: in the order of display."""

    attribute: Attribute
    complete: bool
    by_gradient: bool = True
    pictures: bool = False
    name: str = ""
    place: int = LAST


METHODS: Catalogue[Method] = Catalogue("attribution method", "xgaze.explanation.attribution.methods", "METHOD")


def known_methods() -> Mapping[str, Method]:
    """All methods by name, in the order of display: those registered from outside last."""
    ordered = sorted(METHODS.values(), key=lambda one: (one.place, one.name))
    return MappingProxyType({one.name: one for one in ordered})


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
    known = known_methods() if methods is None else methods
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


def watched(inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Copies that gather gradients."""
    return tuple(one.detach().clone().requires_grad_() for one in inputs)
