"""Every model's attributions of one picture, and what stands beside them, scored against where people looked."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor, nn

from xgaze.artifacts import STUDENT, TEACHER
from xgaze.data.contract import Batch, Recording, collate
from xgaze.errors import InputError
from xgaze.evaluation.intervals.participants import ANY, SHARES
from xgaze.evaluation.looking.saliency_scores import WITHIN
from xgaze.explanation.attribution.grad_cam import grad_cam_of
from xgaze.explanation.attribution.prepared import analysis_copy, on_device
from xgaze.explanation.attribution.targets import Scalar, Target
from xgaze.explanation.human.attention_scores import (
    FIXATION_METRICS,
    GRAD_CAM,
    GRADIENTS,
    METRICS,
    PARTS,
    Map,
    attention_of,
    ceiling,
    scores,
)
from xgaze.explanation.human.references import People, map_of
from xgaze.explanation.test_set.agreement import SECOND, UNTRAINED
from xgaze.explanation.test_set.stored_intervals import stored_interval

START = "human/"
CENTRE, UNIFORM, VIEWERS = "centre bias", "uniform", "other viewers"
BESIDE = {CENTRE: "baseline", UNIFORM: "baseline", VIEWERS: "ceiling"}
BETWEEN = {**WITHIN, "pointing": SHARES}
"""What values scores can lie between."""
MODELS = (TEACHER, STUDENT, SECOND, UNTRAINED)
PAIRS = ((STUDENT, TEACHER), (SECOND, TEACHER), (TEACHER, CENTRE), (STUDENT, CENTRE))
Gradients = Mapping[str, Sequence[NDArray[np.float32]]]


def attentions(
    models: Mapping[str, nn.Module], target: Target, batch: Batch, gradients: Gradients, people: People
) -> dict[tuple[str, str], Map]:
    """(model, method) -> map of looking (H, W) on the photograph. gradients: the models' maps by integrated gradients, one per
    input. A model without convolutions of its own for the photograph has no Grad-CAM."""
    found = {}
    for name in [one for one in MODELS if one in models]:
        found[name, GRADIENTS] = attention_of(gradients[name][people.place], GRADIENTS, people.sigma_px)
        seen = _grad_cam(models[name], target, batch.inputs, batch.target, people.place)
        if seen is not None:
            found[name, GRAD_CAM] = attention_of(seen, GRAD_CAM, people.sigma_px)
    return found


def human_figures(
    recording: Recording,
    row: int,
    models: Mapping[str, nn.Module],
    target: Target,
    batch: Batch,
    gradients: Gradients,
    people: People,
) -> dict[str, float]:
    """Figures "human/{model}/{method}/{metric}" of one picture; none where nobody is known to have looked at it."""
    human = map_of(recording, row)
    if human is None or row not in people.places:
        return {}
    against = (human, people.places[row], people.others(row))
    maps = attentions(models, target, batch, gradients, people)
    maps |= {(CENTRE, ""): people.centre, (UNIFORM, ""): np.full(human.shape, 1 / human.size)}
    told = {key: scores(one, *against) for key, one in maps.items()}
    told[VIEWERS, ""] = ceiling(people.viewers.get(row, ()), human.shape, people.sigma_px, against[2])
    return {f"{START}{name}/{method}/{one}": value for (name, method), by in told.items() for one, value in by.items()}


def example_maps(
    recording: Recording,
    place: int,
    row: int,
    models: Mapping[str, nn.Module],
    target: Target,
    maps: Mapping[str, NDArray[Any]],
    people: People,
) -> dict[str, NDArray[Any]]:
    """To be shown of the sample at `place` of those explained: "{place}/people" and "{place}/people/{model}/{method}", 0..1.
    maps: as `explain_samples` names them."""
    human = map_of(recording, row)
    if human is None:
        return {}
    names = [one.name for one in recording.spec.inputs]
    own = {name: [maps[f"{place}/{name}/{target.name}/{one}"] for one in names] for name in models}
    found = attentions(models, target, collate([recording[row]], recording.spec), own, people)
    shown = {f"{place}/people/{name}/{method}": one / max(one.max(), 1e-30) for (name, method), one in found.items()}
    return {name: one.astype(np.float32) for name, one in ({f"{place}/people": human} | shown).items()}


def human_section(table: pd.DataFrame, groups: NDArray[Any], people: People, side: int) -> dict[str, Any] | None:
    """Section "human" from one line of figures per picture, with 95 % intervals over `groups` (n,), and paired differences."""
    if not any(str(name).startswith(START) for name in table):
        return None

    def over(values: dict[str, Any], within: Mapping[str, tuple[float, float]] = BETWEEN) -> dict[str, Any]:
        return {
            metric: None if one is None else stored_interval(one, groups, within.get(metric, ANY))
            for metric, one in values.items()
        }

    there = [(name, method) for name in MODELS for method in PARTS if _column(table, name, method, "cc") is not None]
    rows = [
        {"model": name, "method": method, "role": "result", **over(_columns(table, name, method))}
        for name, method in there
    ]
    rows += [
        {"model": one, "method": "", "role": role, **over(_columns(table, one, ""))} for one, role in BESIDE.items()
    ]
    known = table[[name for name in table if str(name).startswith(START)]].notna().any(axis=1)
    return {
        "samples": int(known.sum()),
        "sigma_px": people.sigma_px,
        "side_px": side,
        "fixations": "recorded" if people.viewers else "drawn from the maps",
        "map_is_input": people.map_is_input,
        "parts": dict(PARTS),
        "rows": [row for row in rows if any(row[metric] for metric in METRICS)],
        "differences": [
            {"first": first, "second": second, "method": method, **over(_differences(table, first, second, method), {})}
            for first, second in PAIRS
            for method in PARTS
            if (first, method) in there and ((second, method) in there or second == CENTRE)
        ],
    }


def human_rows(table: pd.DataFrame, ids: Sequence[str], groups: Sequence[str]) -> pd.DataFrame:
    """One line per picture, model, method and metric: id, group, model, method, metric, value."""
    own = table[[name for name in table if str(name).startswith(START)]]
    wide = own.assign(id=list(ids), group=list(groups))
    long = wide.melt(["id", "group"], var_name="figure", value_name="value").dropna(subset="value")
    parts = long["figure"].str.removeprefix(START).str.split("/", expand=True)
    named = dict(zip(("model", "method", "metric"), (parts[k] for k in range(3)), strict=True)) if len(long) else {}
    return long[["id", "group", "value"]].assign(**named)


def _differences(table: pd.DataFrame, first: str, second: str, method: str) -> dict[str, Any]:
    ours, theirs = _columns(table, first, method), _columns(table, second, "" if second in BESIDE else method)
    return {
        metric: None if ours[metric] is None or theirs[metric] is None else ours[metric] - theirs[metric]
        for metric in METRICS
    }


def _columns(table: pd.DataFrame, name: str, method: str) -> dict[str, Any]:
    wanted = FIXATION_METRICS if name == VIEWERS else METRICS
    return {metric: _column(table, name, method, metric) if metric in wanted else None for metric in METRICS}


def _column(table: pd.DataFrame, name: str, method: str, metric: str) -> Any:
    column = f"{START}{name}/{method}/{metric}"
    return table[column].to_numpy(np.float64) if column in table else None


def _grad_cam(
    model: nn.Module, target: Target, inputs: Sequence[Tensor], truth: Tensor, place: int
) -> NDArray[np.float64] | None:
    scalar = Scalar(analysis_copy(model), target)
    try:
        found = grad_cam_of(scalar, on_device(model, tuple(inputs)), on_device(model, (truth,))[0], place)
    except InputError:
        return None
    return found[0, 0].cpu().numpy().astype(np.float64)
