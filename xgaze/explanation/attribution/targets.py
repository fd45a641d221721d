"""What is attributed: one number per sample made from the model's output, in a unit a person knows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from xgaze.data.contract import Spec
from xgaze.errors import InputError
from xgaze.evaluation.angle import VECTOR, angles
from xgaze.explanation.askable import ALL_TARGETS
from xgaze.recorded_targets import BY_TEACHER

Reading = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Target:
    """`read`(outputs (n, outputs), truth (n, ...)) -> (n,) in `unit`."""

    name: str
    unit: str
    read: Reading


def targets_for(spec: Spec, predicted_class: int | None = None) -> list[Target]:
    """Gaze: x, y and the Euclidean error, in its unit. A direction: its numbers, and the angle in degrees. A value: itself, in
    its unit. Classes: the logit of `predicted_class` less the mean of the others.

    Where the teacher says what is true its own error is 0, and has no slope: in place of errors, how far gaze is from the middle
    of the scene (or straight ahead) towards where the teacher looks.
    """
    if spec.kind == "value":
        return [Target("value", spec.unit, lambda outputs, _: outputs[:, 0])]
    if spec.kind == "gaze":
        return [
            Target("gaze x", spec.unit, lambda outputs, _: outputs[:, 0]),
            Target("gaze y", spec.unit, lambda outputs, _: outputs[:, 1]),
            _eccentricity(spec)
            if spec.truth == BY_TEACHER
            else Target("error", spec.unit, lambda outputs, truth: (outputs - truth).norm(dim=1)),
        ]
    if spec.kind == "angle":
        return _of_direction(spec)
    assert predicted_class is not None
    return [Target(f"class {spec.classes[predicted_class]}", "logit", _logit_margin(predicted_class))]


def _of_direction(spec: Spec) -> list[Target]:
    unit = spec.unit
    names = ("gaze x", "gaze y", "gaze z") if unit == VECTOR else ("pitch", "yaw")
    own = [Target(name, unit, _number(k)) for k, name in enumerate(names)]
    if spec.truth == BY_TEACHER:
        return own if unit == VECTOR else [*own, _eccentricity(spec)]
    return [*own, Target("error", "degrees", lambda outputs, truth: angles(outputs, truth, unit))]


def _eccentricity(spec: Spec) -> Target:
    middle = torch.tensor(spec.scene or (0, 0)) / 2

    def read(outputs: Tensor, truth: Tensor) -> Tensor:
        here = middle.to(outputs)
        return ((outputs - here) * normalize(truth.to(outputs) - here, dim=1)).sum(dim=1)

    return Target("eccentricity", spec.unit, read)


def _number(k: int) -> Reading:
    return lambda outputs, _: outputs[:, k]


def asked_targets(targets: Sequence[Target], wanted: str | None) -> list[Target]:
    """The one of `ASKABLE`, all of them, or for None the last: the error (or eccentricity), or the class. Raises InputError if it
    is not there."""
    if wanted == ALL_TARGETS:
        return list(targets)
    found = [one for one in targets if one.name.replace(" ", "-") == wanted] if wanted else [targets[-1]]
    if not found:
        if targets[0].name.startswith("class "):
            raise InputError(f"--target {wanted}: this model names a class and no gaze point. Leave --target out.")
        known = ", ".join(one.name.replace(" ", "-") for one in targets)
        raise InputError(f"--target {wanted}: this model tells {known}. Leave --target out, or name one of these.")
    return found


def _logit_margin(chosen: int) -> Reading:
    def read(outputs: Tensor, _: Tensor) -> Tensor:
        others = (outputs.sum(dim=1) - outputs[:, chosen]) / max(outputs.shape[1] - 1, 1)
        return outputs[:, chosen] - others

    return read


class Scalar(nn.Module):
    """The model followed by a target: (*inputs, truth) -> (n,). This is what attribution methods are given."""

    def __init__(self, model: nn.Module, target: Target) -> None:
        super().__init__()
        self.model = model
        self.target = target

    def forward(self, *inputs_and_truth: Tensor) -> Tensor:
        *inputs, truth = inputs_and_truth
        out: Tensor = self.target.read(self.model(*inputs), truth)
        return out
