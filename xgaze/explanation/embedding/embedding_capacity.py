"""The embedding's section of the report: how much is used, what can be read from it, which variables matter."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from torch import nn

from xgaze.capacity.codes import Codes
from xgaze.capacity.importance import (
    ForestSettings,
    count_ties,
    importance_measures,
    rank_agreement,
    strongest_first,
    tail_outputs,
)
from xgaze.capacity.probes import ProbeTarget, probe
from xgaze.capacity.refit import keep_curves, random_curve
from xgaze.capacity.similarity import FEWEST, cka_without_each, linear_cka
from xgaze.data.contract import Spec
from xgaze.evaluation.intervals.participants import LEVEL, Interval, participant_means
from xgaze.evaluation.score import sample_errors
from xgaze.explanation.attribution.readout import output_unit
from xgaze.explanation.test_set.stored_intervals import Stored, stored_interval

KEPT = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class People:
    """Codes of one model on training and on test participants."""

    train: Codes
    test: Codes


def similarity(teacher: Codes, student: Codes) -> Stored | float | None:
    """Unbiased CKA of teacher and student, with a jackknife interval over participants; without one where leaving a participant
    out leaves too few samples; None where there are too few to begin with."""
    _, counts = np.unique(teacher.participants, return_counts=True)
    if counts.sum() < FEWEST:
        return None
    pair = (teacher.embedding, student.embedding, teacher.ids, student.ids)
    whole, n = linear_cka(*pair), len(counts)
    if counts.sum() - counts.max() < FEWEST:
        return whole
    parts = cka_without_each(*pair, teacher.participants)
    error = np.sqrt((n - 1) / n * ((parts - parts.mean()) ** 2).sum())
    half = float(stats.t.ppf((1 + LEVEL) / 2, n - 1) * error)
    return asdict(Interval(whole, whole - half, min(whole + half, max(whole, 1.0))))


def probe_rows(models: Mapping[str, People], train: list[ProbeTarget], test: list[ProbeTarget]) -> list[dict[str, Any]]:
    """{"model", "what", "unit", "score": mean distance to the truth with its interval, "r2"} per model and thing to read."""
    rows = []
    for name, people in models.items():
        for fit, held in zip(train, test, strict=True):
            found = probe(people.train.embedding, fit, people.train.participants, people.test.embedding, held)
            if found is None:
                continue
            score = stored_interval(found.errors, people.test.participants)
            rows.append({"model": name, "what": fit.what, "unit": fit.unit, "score": score, "r2": found.r2})
    return rows


def importance_section(
    tail: nn.Module, people: People, truth: NDArray[Any], spec: Spec, forest: ForestSettings, draws: int, seed: int
) -> dict[str, Any]:
    """Four measures of every variable on test participants, their agreement and ties, and the error when only the first few of
    each order are kept, against random orders. truth: targets of the test samples."""
    known, here = people.train.embedding, people.test.embedding
    measures = importance_measures(tail, people.train, people.test, forest, seed)
    outputs = tail_outputs(tail)

    def error(embedding: NDArray[Any]) -> float:
        errors = sample_errors(spec, outputs(embedding), truth)
        return float(participant_means(errors, people.test.participants).mean())

    counts = [k for k in KEPT if k < here.shape[1]]
    orders = {name: strongest_first(values) for name, values in measures.items()}
    return {
        "methods": list(measures),
        "unit": output_unit(spec),
        "rows": _rows(measures),
        "agreement": rank_agreement(measures),
        "ties": {name: count_ties(values) for name, values in measures.items()},
        "refit": keep_curves(orders, counts, known, here, error)
        + random_curve(draws, counts, known, here, error, seed),
        "refit_unit": "1 - probability of the true class" if spec.kind == "class" else spec.measured,
        "whole_error": error(here),
    }


def _rows(measures: Mapping[str, NDArray[np.float64]]) -> list[dict[str, Any]]:
    width = len(next(iter(measures.values())))
    return [{"variable": k, **{name: float(values[k]) for name, values in measures.items()}} for k in range(width)]
