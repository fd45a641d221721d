"""Teacher and student over many test samples: agreement of their maps, perturbation curves, and anatomy."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor, nn

from xgaze.artifacts import STUDENT, TEACHER
from xgaze.data.contract import Batch, Recording, Sample, collate
from xgaze.explanation.attribution.attribution import integrated_gradients
from xgaze.explanation.attribution.completeness import FEWEST_STEPS, with_enough_steps
from xgaze.explanation.attribution.parts import Parts, baseline_of, only_pictures, parts_of
from xgaze.explanation.attribution.readout import coordinates, predicted_class
from xgaze.explanation.attribution.targets import Target, targets_for
from xgaze.explanation.human.picture_scores import human_figures, human_rows, human_section
from xgaze.explanation.human.references import People
from xgaze.explanation.test_set.agreement import RANDOM, agreement_figures, agreement_section
from xgaze.explanation.test_set.anatomy import anatomy_figures, anatomy_section
from xgaze.explanation.test_set.chunks import measured_table
from xgaze.explanation.test_set.perturbation import Perturbed, perturbation_curves, places_by_strength, random_places
from xgaze.progress import progress_bar
from xgaze.recipe import Explain
from xgaze.recorded_targets import BY_TEACHER

FIGURES_VERSION = 3
"""To be raised when the meaning of a figure changes, so that figures on disk are measured again."""


@dataclass(frozen=True, eq=False)
class Over:
    """sections: "agreement", "anatomy" and "human". pictures: the figures of every picture that "human" is of, one row each; None
    without that section."""

    sections: dict[str, Any]
    pictures: pd.DataFrame | None = None


def measure_over(
    recording: Recording,
    models: Mapping[str, nn.Module],
    rows: Sequence[int],
    baseline: Sequence[Tensor],
    settings: Explain,
    seed: int,
    folder: Path,
    afresh: bool = False,
    looked: People | None = None,
) -> Over:
    """The sections that need many samples (None where the recording knows no regions, or no maps of where people looked, or there
    is one person only).

    models: "teacher" and, where there are any, "student", "untrained student" (the floor) and "second teacher" (the
    ceiling). folder: named by all that the figures depend on but the rows; see `measured_table`. afresh: figures that lie
    there are measured again. looked: what people looked at.
    """
    people = recording.table["group"].astype(str).to_numpy()[list(rows)]
    if len(np.unique(people)) < 2:
        return Over({"agreement": None, "anatomy": None, "human": None})
    if afresh:
        shutil.rmtree(folder, ignore_errors=True)
    with progress_bar("comparing over the test set") as advance:
        table = measured_table(
            folder, rows, lambda row: figures_of(recording, models, row, baseline, settings, seed, looked), advance
        )
    asked = targets_for(recording.spec, 0)[-1]
    target = {"target": "class" if recording.spec.kind == "class" else asked.name, "unit": asked.unit}
    kind = {"groups": recording.spec.groups, "pixels": only_pictures(recording.spec)}
    size: dict[str, Any] = {"samples": len(rows), "participants": len(np.unique(people)), **target}
    judged = [name for name in (TEACHER, STUDENT) if name in models]
    anatomy = anatomy_section(table, people, recording.regions, judged)
    human, pictures = _human(recording, table, rows, looked) if looked else (None, None)
    sections = {
        "agreement": {**size, **kind, **agreement_section(table, people)},
        "anatomy": anatomy and {**size, **anatomy},
        "human": human,
    }
    return Over(sections, pictures)


def _human(
    recording: Recording, table: pd.DataFrame, rows: Sequence[int], looked: People
) -> tuple[dict[str, Any] | None, pd.DataFrame | None]:
    """The section, and its figures of every picture."""
    own = recording.table.iloc[list(rows)]
    ids, groups = (own[name].astype(str).to_numpy() for name in ("id", "group"))
    side = max(recording.spec.inputs[looked.place].picture[1:])
    section = human_section(table, groups, looked, side)
    if not section:
        return None, None
    return {"groups": recording.spec.groups, **section}, human_rows(table, list(ids), list(groups))


def figures_of(
    recording: Recording,
    models: Mapping[str, nn.Module],
    row: int,
    baseline: Sequence[Tensor],
    settings: Explain,
    seed: int,
    looked: People | None = None,
) -> dict[str, float]:
    """All figures of one sample: maps of the error, or of the margin of the class that the teacher names (logit)."""
    sample = recording[row]
    batch = collate([sample], recording.spec)
    chosen = predicted_class(recording, models[TEACHER], sample)
    parts = parts_of(recording.spec, batch.inputs, sample.missing)
    there = baseline_of(parts, batch.inputs, baseline)
    target = targets_for(recording.spec, chosen)[-1]
    maps = _maps(models, target, batch, there, parts, settings)
    figures = agreement_figures(maps)
    if looked is not None:
        figures |= human_figures(recording, row, models, target, batch, maps, looked)
    for name in (TEACHER, STUDENT):
        if name not in models:
            continue
        read = coordinates(recording.spec, chosen)
        subject = Perturbed(models[name], batch.inputs, there, read, settings.internal_batch_size, parts)
        figures |= _curves(name, subject, maps[name], seed + row)
        figures |= _anatomy(recording, sample, name, subject, maps[name])
    return figures


Maps = dict[str, tuple[NDArray[np.float32], ...]]


def _maps(
    models: Mapping[str, nn.Module],
    target: Target,
    batch: Batch,
    baseline: Sequence[Tensor],
    parts: Parts,
    settings: Explain,
) -> Maps:
    maps: Maps = {}
    steps = max(FEWEST_STEPS, settings.steps // 2)  # a mean over samples forgives more than a map that is shown
    for name, model in models.items():
        ask = partial(integrated_gradients, model, target, batch.inputs, batch.target, baseline, parts=parts)
        maps[name] = with_enough_steps(ask, steps, settings.internal_batch_size)[0].maps
    return maps


def _curves(name: str, subject: Perturbed, maps: Sequence[NDArray[np.float32]], seed: int) -> dict[str, float]:
    random = RANDOM if name == TEACHER else f"{RANDOM}, {name}"
    figures: dict[str, float] = {}
    for order, places in ((name, places_by_strength(maps)), (random, random_places(maps, seed))):
        areas = perturbation_curves(subject, places).areas()
        figures |= {f"curve/{order}/{kind}": area for kind, area in zip(("deletion", "insertion"), areas, strict=True)}
    return figures


def _anatomy(
    recording: Recording, sample: Sample, name: str, subject: Perturbed, maps: Sequence[NDArray[np.float32]]
) -> dict[str, float]:
    names = recording.regions
    if not names or "regions" not in sample.aux:
        return {}
    known = recording.spec.kind == "gaze" and recording.spec.truth != BY_TEACHER
    truth = sample.target.astype(np.float64) if known else None
    return anatomy_figures(name, subject, maps, sample.aux["regions"], names, truth)
