"""How a trial's model is made: by xgaze's surgeries, not at all (the control), or as other tools would."""

import copy
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType

import torch
from torch import Tensor, nn

from xgaze.artifacts import TEACHER
from xgaze.compression.build import cut_further
from xgaze.compression.plan import Plan
from xgaze.compression.search.bench import SHOWN, Bench, calibration_rows
from xgaze.compression.search.rehearsal import few_frames
from xgaze.compression.search.rivals import (
    Loss,
    columns_by_norm,
    from_scratch,
    kirigami_pruned,
    plain_svd,
    torch_pruned,
)
from xgaze.compression.surgeries.surgery_kinds import SURGERIES, Step
from xgaze.data.batches import ordered_batches
from xgaze.data.contract import rows_of
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead
from xgaze.training.losses import loss_of
from xgaze.training.start.scaled_start import SAMPLES, scale_start

Made = tuple[FeatureHead, list[Step]]
Method = Callable[[Bench, Plan, int, int | None], Made]
"""(bench, plan, seed, parameters asked of another tool) -> model and the surgeries that made it, if they can be repeated."""
Start = Callable[[FeatureHead], None]


def nothing(_: FeatureHead) -> None:
    """Random weights as they are."""


def by_surgeries(bench: Bench, plan: Plan, seed: int, _parameters: int | None) -> Made:
    """xgaze's own. Where towers begin anew the rest does too: it has learned to read what other towers made."""
    built = bench.build(plan)
    anew = any(SURGERIES[step.surgery.kind].anew(step.surgery) for step in built.steps)
    return (begun_anew(built.student, seed, plan.keep, start_of(bench)) if anew else built.student), built.steps


def cut_of(bench: Bench, tuned: FeatureHead, plan: Plan) -> list[Step]:
    """Cut a tuned student, in place, to the widths that the plan gives when the teacher is cut at once."""
    at_once = bench.build(plan, lambda model: few_frames(bench, model)).student
    kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
    widths = {name: len(one.weight) for name, one in at_once.named_modules() if isinstance(one, kinds)}
    return cut_further(tuned.eval(), plan, widths, few_frames(bench, tuned))


def begun_anew(student: FeatureHead, seed: int, keep: Iterable[str], start: Start = nothing) -> FeatureHead:
    """Random weights, changed in place by `start`, but in the modules `keep`. Where a module beside the towers does not say how
    its weights begin, all but the towers stay the teacher's."""
    try:
        fresh = from_scratch(student, seed)
    except InputError:
        return student
    start(fresh)
    for path in keep:
        fresh.get_submodule(path).load_state_dict(student.get_submodule(path).state_dict())
    return fresh


def start_of(bench: Bench) -> Start:
    """What the recipe makes of random weights before the first step."""
    if not bench.recipe.training.scaled_start:
        return nothing
    return lambda fresh: scale_start(fresh, [x[:SAMPLES] for x in bench.probe(bench.teacher).inputs])


def untouched(bench: Bench, _plan: Plan, _seed: int, _parameters: int | None) -> Made:
    """The teacher itself: the control, which gets the tuning and no surgery."""
    return copy.deepcopy(bench.teacher), []


def same_from_scratch(bench: Bench, plan: Plan, seed: int, _parameters: int | None) -> Made:
    """The structure of xgaze's student with random weights."""
    student, steps = by_surgeries(bench, plan, seed, None)
    fresh = from_scratch(student, seed)
    start_of(bench)(fresh)
    return fresh, steps


def same_head_from_scratch(bench: Bench, plan: Plan, seed: int, _parameters: int | None) -> Made:
    """xgaze's student with random weights in its head, on the teacher's towers."""
    student, steps = by_surgeries(bench, plan, seed, None)
    student.head = from_scratch(student.head, seed)
    return student, steps


def svd(bench: Bench, plan: Plan, _seed: int, _parameters: int | None) -> Made:
    """Plain SVD of the first FC layer's weight, not folded, at the plan's rank."""
    return plain_svd(bench.teacher, bench.layer, plan.rank or 1), []


def columns(bench: Bench, _plan: Plan, _seed: int, parameters: int | None) -> Made:
    """As many of the first FC layer's columns as the size asked for allows, by weight norm."""
    layer = bench.teacher.get_submodule(bench.layer)
    count = max(1, (parameters or 0) // len(layer.weight))  # type: ignore[arg-type]
    return columns_by_norm(bench.teacher, bench.layer, count, bench.probe(bench.teacher)), []


def by_tool(pruned: Callable[[FeatureHead, tuple[Tensor, ...], Loss, int], FeatureHead]) -> Method:
    """Another tool as its user would call it: with real samples and their loss, and the size asked for."""

    def made(bench: Bench, _plan: Plan, _seed: int, parameters: int | None) -> Made:
        rows = rows_of(bench.recording, "train")
        shown = rows[calibration_rows(len(rows), SHOWN, bench.recipe.seed)]
        batch = next(iter(ordered_batches(bench.recording, shown, SHOWN)))
        loss = loss_of(bench.recipe.training.loss, bench.recording.spec)

        def of_outputs(outputs: Tensor) -> Tensor:
            return loss(outputs, batch.target)

        with torch.enable_grad():
            return pruned(bench.teacher, batch.inputs, of_outputs, parameters or 1), []

    return made


UNTOUCHED, SCRATCH, SCRATCH_HEAD = TEACHER, "scratch", "scratch head"
METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "xgaze": by_surgeries,
        UNTOUCHED: untouched,
        SCRATCH: same_from_scratch,
        SCRATCH_HEAD: same_head_from_scratch,
        "svd": svd,
        "columns": columns,
        "magnitude": by_tool(partial(torch_pruned, importance="magnitude")),
        "taylor": by_tool(partial(torch_pruned, importance="taylor")),
        "kirigami": by_tool(kirigami_pruned),
    }
)
