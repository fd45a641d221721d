"""Capacity of a teacher and its student, ready for the report: layers, embedding, sweep, and the decision."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from xgaze.artifacts import STUDENT, TEACHER
from xgaze.capacity.codes import Codes, collect_codes
from xgaze.capacity.directions import embedding_measures
from xgaze.capacity.importance import ForestSettings, tail_outputs
from xgaze.capacity.layer_costs import layer_costs
from xgaze.capacity.probe_targets import probe_targets
from xgaze.data.contract import Recording, collate, targets_of
from xgaze.data.turns import in_turns
from xgaze.explanation.attribution.prepared import analysis_copy
from xgaze.explanation.attribution.readout import output_unit
from xgaze.explanation.embedding.decision import decision
from xgaze.explanation.embedding.embedding_capacity import People, importance_section, probe_rows, similarity
from xgaze.explanation.embedding.meeting_point import at_linear_end, linear_end
from xgaze.explanation.embedding.sweep import (
    STRONGEST,
    Read,
    as_they_are,
    drawn,
    margins,
    path_of,
    reach_key,
    sweep_embedding,
)
from xgaze.explanation.test_set.stored_intervals import Stored
from xgaze.models.wiring import wiring
from xgaze.progress import progress_bar


@dataclass(frozen=True)
class CapacitySizes:
    """How much is measured; the defaults take about half a minute on one core for the default recipe."""

    train_samples: int = 1000
    test_samples: int = 960
    forwards: int = 15
    random_draws: int = 5
    sweep_samples: int = 64
    sweep_points: int = 11
    forest: ForestSettings = field(default_factory=ForestSettings)


DEFAULT_SIZES = CapacitySizes()


def explain_capacity(
    recording: Recording,
    models: Mapping[str, nn.Module],
    layer: str,
    tail: nn.Module,
    seed: int,
    frontier: pd.DataFrame | None = None,
    capacity: Mapping[str, Any] | None = None,
    sizes: CapacitySizes = DEFAULT_SIZES,
) -> dict[str, Any]:
    """Sections "layers", "wiring", "embedding", "sweep_mean" and "decision" of explanation.json.

    models: "teacher", and "student" if there is one. layer: path of the first fully connected layer, the same in both (after
    surgeries it may be a sequence); tail: what follows it in the teacher. frontier: rows of budget.csv; capacity: capacity.json.
    Fitted on training participants, scored on test participants. Similarity and probes look at both models where their linear
    layers end ("compared_at"), since folding joins such layers. The models stay as they are.
    """
    rows = {
        split: np.sort(in_turns(recording, split, seed)[:most])
        for split, most in (("train", sizes.train_samples), ("test", sizes.test_samples))
    }
    first = collate([recording[int(rows["test"][0])]], recording.spec).inputs
    people = _collect(recording, models, layer, rows, first)
    end = analysis_copy(tail).cpu()
    embedding = _embedding(recording, models, layer, end, people, rows, sizes, seed)
    who = "people" if recording.spec.groups == "participants" else recording.spec.groups
    gaze, read = drawn(recording.spec)
    sections = {
        "layers": _layer_rows(models, first, sizes.forwards),
        "wiring": _wiring_rows(models, first, [one.name for one in recording.spec.inputs]),
        "embedding": embedding,
        "sweep_mean": {
            "unit": output_unit(recording.spec),
            **mean_sweep(end, people[TEACHER], gaze, sizes, read),
        },
        "decision": decision(*_expected(embedding["measures"], capacity), frontier, who),
    }
    finite: dict[str, Any] = _finite(sections)
    return finite


def _embedding(
    recording: Recording,
    models: Mapping[str, nn.Module],
    layer: str,
    tail: nn.Module,
    people: Mapping[str, People],
    rows: Mapping[str, NDArray[np.int64]],
    sizes: CapacitySizes,
    seed: int,
) -> dict[str, Any]:
    """What the codes of `layer` hold, and whether the student's are like the teacher's."""
    alike, teacher = _alike(models, layer, people), people[TEACHER]
    truth = targets_of(recording, rows["test"])
    train, test = (probe_targets(recording, rows[split]) for split in ("train", "test"))
    return {
        "layer": layer,
        "train_samples": len(rows["train"]),
        "test_samples": len(rows["test"]),
        "test_participants": len(set(teacher.test.participants)),
        "measures": embedding_measures(tail, teacher.train.embedding),
        "compared_at": {name: linear_end(model, layer) for name, model in models.items()},
        "cka": _cka(alike),
        "probes": probe_rows(alike, train, test),
        "importance": importance_section(tail, teacher, truth, recording.spec, sizes.forest, sizes.random_draws, seed),
    }


def mean_sweep(
    tail: nn.Module, people: People, gaze: str, sizes: CapacitySizes, read: Read = as_they_are
) -> dict[str, Any]:
    """Each variable moved over its 1-99 % range among training samples, averaged over test samples, at most
    `sizes.sweep_samples`, spread over participants: "variables" with their reach, the largest first, and of the strongest the
    "paths": how far the prediction is then away from the sample's own. gaze, read: see `drawn`."""
    places = (
        np.linspace(0, len(people.test.ids) - 1, min(sizes.sweep_samples, len(people.test.ids))).round().astype(int)
    )
    found = [
        sweep_embedding(tail, people.test.embedding[k], people.train.embedding, sizes.sweep_points, read)
        for k in places
    ]
    mean = np.mean([one.reach() for one in found], axis=0)
    own = read(tail_outputs(tail)(people.test.embedding[places]))
    steps = [margins(one.outputs - here, int(here.argmax())) for one, here in zip(found, own, strict=True)]
    moved = np.mean(steps, axis=0)
    key = reach_key(gaze)
    order = np.argsort(-mean, kind="stable")
    return {
        "samples": len(places),
        "variables": [{"variable": int(k), key: float(mean[k])} for k in order],
        "paths": [
            {"variable": int(k), "values": found[0].values[k].tolist(), **path_of(moved[k], gaze)}
            for k in order[:STRONGEST]
        ],
    }


def _collect(
    recording: Recording,
    models: Mapping[str, nn.Module],
    layer: str,
    rows: Mapping[str, NDArray[np.int64]],
    first: Sequence[Tensor],
) -> dict[str, People]:
    """Teacher and student read the same pictures at the same time."""
    fast = [_fast(model, first) for model in models.values()]
    found: list[list[Codes]] = []
    for split in ("train", "test"):
        with progress_bar(f"collecting embeddings ({split})") as advance:
            found.append(collect_codes(fast, layer, recording, rows[split], advance))
    train, test = found
    return {name: People(*codes) for name, *codes in zip(models, train, test, strict=True)}


@torch.no_grad()
def _fast(model: nn.Module, inputs: Sequence[Tensor]) -> nn.Module:
    """A copy whose maps lie channels last, twice as fast on a CPU, unless the model cannot view such maps."""
    twin = analysis_copy(model).cpu()
    try:
        last: nn.Module = twin.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        last(*inputs)
        return last
    except RuntimeError:
        plain: nn.Module = twin.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        return plain


def _layer_rows(models: Mapping[str, nn.Module], inputs: Sequence[Tensor], forwards: int) -> list[dict[str, Any]]:
    return [
        {"model": name, **one.to_json()}
        for name, model in models.items()
        for one in layer_costs(analysis_copy(model).cpu(), inputs, forwards)
    ]


def _wiring_rows(
    models: Mapping[str, nn.Module], inputs: Sequence[Tensor], names: Sequence[str]
) -> list[dict[str, Any]]:
    return [
        {"model": name, **one.to_json(names)}
        for name, model in models.items()
        for one in wiring(analysis_copy(model).cpu(), inputs)
    ]


def _alike(models: Mapping[str, nn.Module], layer: str, people: Mapping[str, People]) -> dict[str, People]:
    """The codes of every model where they correspond."""
    twins = {name: analysis_copy(model).cpu() for name, model in models.items()}
    return {
        name: People(at_linear_end(twins[name], layer, one.train), at_linear_end(twins[name], layer, one.test))
        for name, one in people.items()
    }


def _cka(people: Mapping[str, People]) -> Stored | float | None:
    return similarity(people[TEACHER].test, people[STUDENT].test) if STUDENT in people else None


def _expected(measures: Mapping[str, float], capacity: Mapping[str, Any] | None) -> tuple[int, int]:
    """Expected rank and width of the layer: as distilling measured it, else of the teacher as it is."""
    if capacity is not None:
        return int(capacity["expected_rank"]), int(capacity["out_features"])
    return int(measures["active-subspace rank"]), int(measures["variables"])


def _finite(value: Any) -> Any:
    """JSON knows neither infinity nor NaN: an interval of one participant has no ends."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
