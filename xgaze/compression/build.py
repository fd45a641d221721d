"""Make the student that a plan describes: surgeries in order, each proved on real training frames."""

import copy
from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import nn

from xgaze.compression.channels import plan_channels
from xgaze.compression.coarse_input import CoarseInput
from xgaze.compression.fold import plan_fold
from xgaze.compression.head import first_linear
from xgaze.compression.low_rank import LowRank, Weighting
from xgaze.compression.no_op import plan_no_ops
from xgaze.compression.plan import Plan, widths_of
from xgaze.compression.proof import outputs_of
from xgaze.compression.separable import Separable
from xgaze.compression.surgery import Probe, Step, Surgery
from xgaze.models.layers import FeatureHead

NO_OP_LIMITS: Mapping[str, tuple[str, float]] = MappingProxyType(
    {"gaze": ("px", 0.5), "class": ("logits", 0.01), "value": ("of the value's unit", 0.01)}
)
MakeProbe = Callable[[FeatureHead], Probe]
"""Features of the training samples through the towers as they are now."""


def build_student(
    teacher: FeatureHead, plan: Plan, make_probe: MakeProbe, kind: str = "gaze"
) -> tuple[FeatureHead, list[Step]]:
    """A copy of the teacher after the plan's surgeries; `kind` of the recording's target gives outputs their unit. Raises
    InputError where a surgery cannot be proved."""
    student, steps = copy.deepcopy(teacher).eval(), []

    def do(surgery: Surgery | None, probe: Probe) -> None:
        if surgery is not None:
            steps.append(Step(surgery, surgery.apply(student, probe)))

    probe = make_probe(teacher)
    unit, limit = NO_OP_LIMITS[kind]
    do(plan_no_ops(student, probe, unit, limit), probe)
    if not plan.keeps_towers:
        do(plan_channels(student, probe, widths_of(student, plan.share, plan.multiple)), probe)
        for layer in first_convolutions(student, probe) if plan.coarse else []:
            do(CoarseInput(layer), probe)
        probe = make_probe(student)
    layer = first_linear(student)
    while fold := plan_fold(student, layer, probe):
        do(fold, probe)
    if plan.rank is not None:
        do(LowRank(layer, plan.rank, closer_weighting(student, layer, plan.rank, probe)), probe)
        if plan.terms is not None and student.feature_shape is not None:
            do(Separable(f"{layer}.reduce", plan.terms, *student.feature_shape), probe)
    if plan.hidden is not None:
        do(plan_channels(student, probe, {f"{layer}.expand" if plan.rank is not None else layer: plan.hidden}), probe)
    return student, steps


def closer_weighting(model: FeatureHead, layer: str, rank: int, probe: Probe) -> Weighting:
    """The weighting whose factored head stays closer to the whole one, before any training."""
    whole = outputs_of(model.head, probe.features)

    def lost(weighting: Weighting) -> float:
        head = copy.deepcopy(model.head)
        bare = _HeadOnly(head)
        LowRank(layer, rank, weighting).apply(bare, probe)
        return float((outputs_of(head, probe.features) - whole).square().mean())

    weightings: tuple[Weighting, ...] = ("variance", "sensitivity")
    return min(weightings, key=lost)


class _HeadOnly(FeatureHead):
    """A head without its towers, so that trying a surgery on it copies little."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head


@torch.no_grad()
def first_convolutions(model: FeatureHead, probe: Probe) -> list[str]:
    """Paths of the convolutions that read the model's inputs themselves and allow half the stride."""
    inputs = {id(x) for x in probe.inputs}
    found: list[str] = []

    def look(name: str, module: nn.Conv2d, read: tuple[torch.Tensor, ...]) -> None:
        if id(read[0]) in inputs and all(step % 2 == 0 for step in module.stride) and module.padding == (0, 0):
            found.append(name)

    handles = [
        module.register_forward_pre_hook(lambda module, read, name=name: look(name, module, read))
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d) and module.groups == 1
    ]
    try:
        model.eval()(*probe.inputs)
    finally:
        for handle in handles:
            handle.remove()
    return list(dict.fromkeys(found))
