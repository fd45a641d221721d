"""Make the student that a plan describes: surgeries in order, each proved on real training frames."""

import copy
from collections.abc import Callable, Mapping
from types import MappingProxyType

from xgaze.compression.channels import plan_channels
from xgaze.compression.coarse_input import plan_coarse_input
from xgaze.compression.fold import plan_fold
from xgaze.compression.head import first_linear, further_large
from xgaze.compression.low_rank import plan_low_rank, plan_thinner
from xgaze.compression.no_op import plan_no_ops
from xgaze.compression.plan import Plan, widths_of
from xgaze.compression.separable import plan_separable
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
        for surgery in plan_coarse_input(student, probe) if plan.coarse else []:
            do(surgery, probe)
        probe = make_probe(student)
    layer = first_linear(student)
    while fold := plan_fold(student, layer, probe):
        do(fold, probe)
    if plan.rank is not None:
        further = further_large(student, layer)
        do(plan_low_rank(student, layer, plan.rank, probe), probe)
        if plan.terms is not None:
            do(plan_separable(student, f"{layer}.reduce", plan.terms), probe)
        for path in further:
            do(plan_thinner(student, path, plan.rank, probe), probe)
    if plan.hidden is not None:
        do(plan_channels(student, probe, {f"{layer}.expand" if plan.rank is not None else layer: plan.hidden}), probe)
    return student, steps
