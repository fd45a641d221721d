"""Make the student that a plan describes: surgeries in order, each proved on real training frames."""

import copy
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

from torch import nn

from xgaze.compression.head import first_linear, further_large
from xgaze.compression.kept import lies_in
from xgaze.compression.plan import Plan, widths_of
from xgaze.compression.surgeries.base import Probe, Surgery
from xgaze.compression.surgeries.channels import Going, plan_going
from xgaze.compression.surgeries.coarse_input import plan_coarse_input
from xgaze.compression.surgeries.fold import plan_fold
from xgaze.compression.surgeries.low_rank import plan_low_rank, plan_thinner
from xgaze.compression.surgeries.no_op import RemoveNoOp, plan_no_ops
from xgaze.compression.surgeries.plain_weights import plan_plain_weights
from xgaze.compression.surgeries.separable import plan_separable, terms_allowed
from xgaze.compression.surgeries.surgery_kinds import SURGERIES, Step, layers_of
from xgaze.compression.width_allocation import allocated
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead
from xgaze.units import NOTHING

NO_OP_LIMITS: Mapping[str, tuple[str, float]] = MappingProxyType(
    {unit: (unit, change) for unit, change in NOTHING.items()}
    | {"gaze": ("px", NOTHING["px"]), "class": ("logits", 0.01), "value": ("of the value's unit", 0.01)}
)
"""By the unit of gaze, or the kind of another target: the largest change that passes for none."""
MakeProbe = Callable[[FeatureHead], Probe]
"""Features of the training samples through the towers as they are now."""
FindNoOps = Callable[[FeatureHead, Probe, str, float, Collection[str]], RemoveNoOp | None]
"""As `plan_no_ops`: of one teacher and probe the answer is always the same, and dear."""


@dataclass
class Built:
    """A student in the making, the surgeries done, and why which layers kept all their channels, in words."""

    student: FeatureHead
    steps: list[Step] = field(default_factory=list)
    uncut: dict[str, str] = field(default_factory=dict)

    def do(self, surgery: Surgery | None, probe: Probe) -> None:
        if surgery is not None:
            self.steps.append(Step(surgery, surgery.apply(self.student, probe)))


def build_student(
    teacher: FeatureHead, plan: Plan, make_probe: MakeProbe, kind: str = "gaze"
) -> tuple[FeatureHead, list[Step]]:
    """A copy of the teacher after the plan's surgeries, as far as they can be done and make it smaller; `kind` of the target,
    or unit of gaze, gives outputs their unit. Raises InputError where a surgery cannot be proved."""
    built = build(teacher, plan, make_probe, kind)
    return built.student, built.steps


def build(
    teacher: FeatureHead, plan: Plan, make_probe: MakeProbe, kind: str = "gaze", find_no_ops: FindNoOps = plan_no_ops
) -> Built:
    """As `build_student`. A layer that cannot be cut keeps its channels, and does not refuse the others' cut."""
    built = Built(copy.deepcopy(teacher).eval())
    student, probe = built.student, make_probe(teacher)
    unit, limit = NO_OP_LIMITS[kind]
    built.do(plan_plain_weights(student, plan.keep), probe)
    built.do(find_no_ops(student, probe, unit, limit, plan.keep), probe)
    if not plan.keeps_towers:
        _rewire(built, plan, probe)
        _cut_channels(built, plan, probe)
        for surgery in plan_coarse_input(student, probe) if plan.coarse else []:
            if not lies_in(surgery.layer, plan.keep):
                built.do(surgery, probe)
        probe = make_probe(student)
    layer = first_linear(student)
    while (fold := plan_fold(student, layer, probe)) and not any(
        lies_in(one, plan.keep) for one in (fold.layer, fold.into)
    ):
        built.do(fold, probe)
    _thin(built, plan, layer, probe)
    for name, value in (one for one in plan.others if one not in plan.wiring):
        built.do(SURGERIES[name].planned(student, layer, value, probe), probe)
    return built


def cut_further(student: FeatureHead, plan: Plan, widths: Mapping[str, int], probe: Probe) -> list[Step]:
    """Cut the channels of a student that was tuned to `widths`, in place. Layers that have no width keep their channels."""
    built = Built(student)
    going = plan_going(student, probe, widths, plan.keep, plan.uncut, plan.importance, None)
    _cut(built, going, probe)
    return built.steps


def _rewire(built: Built, plan: Plan, probe: Probe) -> None:
    """Raises InputError where the wiring cannot be changed, or a layer that shall stay as it is would change with it."""
    for name, value in plan.wiring:
        surgery = SURGERIES[name].planned(built.student, first_linear(built.student), value, probe)
        kept = [layer for layer in layers_of(surgery) if lies_in(layer, plan.keep)]
        if kept:
            raise InputError(f"{name.replace('_', ' ')}: distill.keep leaves '{kept[0]}' as it is")
        built.do(surgery, probe)


def _cut_channels(built: Built, plan: Plan, probe: Probe) -> None:
    student = built.student
    widths = widths_of(student, plan.share, plan.multiple)
    by_cost = partial(allocated, multiple=plan.multiple, planned=_planned(student, plan)) if plan.by_cost else None
    _cut(built, plan_going(student, probe, widths, plan.keep, plan.uncut, plan.importance, by_cost), probe)


def _cut(built: Built, going: Going, probe: Probe) -> None:
    """Cut all at once; where that is refused, layer by layer whatever can be proved."""
    built.uncut |= going.uncut
    try:
        built.do(going.cut(), probe)
    except InputError:
        provable = _provable(built.student, going, probe)
        built.uncut |= provable.uncut
        built.do(provable.cut(), probe)


def _planned(student: FeatureHead, plan: Plan) -> dict[str, int]:
    """Weights of the first FC layer once it is thin."""
    layer = first_linear(student)
    linear = student.get_submodule(layer)
    terms = plan.terms if terms_allowed(student.feature_shape, plan.terms) else None
    if plan.rank is None or not isinstance(linear, nn.Linear) or lies_in(layer, plan.keep):
        return {}
    return {layer: min(linear.weight.numel(), thinned(linear, student.feature_shape, plan.rank, terms))}


def _provable(student: FeatureHead, going: Going, probe: Probe) -> Going:
    """What can go together, taken layer by layer."""
    proved = Going({}, going.uncut)
    for layer, units in going.units.items():
        more = Going({**proved.units, layer: units}, proved.uncut)
        cut = more.cut()
        assert cut is not None
        try:
            cut.apply(copy.deepcopy(student), probe)
            proved = more
        except InputError as error:
            proved = proved.without(layer, str(error))
    return proved


def _thin(built: Built, plan: Plan, layer: str, probe: Probe) -> None:
    """Low rank of the first FC layer and of further large ones, with separable filters where the maps allow them; each only
    where it is smaller than the layer itself."""
    student = built.student
    linear = student.get_submodule(layer)
    if plan.rank is None or not isinstance(linear, nn.Linear):
        return
    further = further_large(student, layer)
    terms = plan.terms if terms_allowed(student.feature_shape, plan.terms) else None
    if not lies_in(layer, plan.keep) and saves(linear, student.feature_shape, plan.rank, terms):
        built.do(plan_low_rank(student, layer, plan.rank, probe), probe)
        if terms is not None:
            built.do(plan_separable(student, f"{layer}.reduce", terms), probe)
    for path in further:
        if not lies_in(path, plan.keep):
            built.do(plan_thinner(student, path, plan.rank, probe), probe)


def saves(linear: nn.Linear, shape: tuple[int, int, int] | None, rank: int, terms: int | None) -> bool:
    """Whether the layer at this rank, its filters in so many terms (None: whole) of maps of this shape, holds fewer numbers."""
    return thinned(linear, shape, rank, terms) < linear.weight.numel()


def thinned(linear: nn.Linear, shape: tuple[int, int, int] | None, rank: int, terms: int | None) -> int:
    """Its weights then."""
    reads = linear.in_features
    if terms is not None and shape is not None:
        channels, height, width = shape
        reads = channels * terms * (height + width)
    return rank * (reads + linear.out_features)
