"""What the pooled predictions of a cross validation say: scores with intervals over participants, baselines beside.

Every fold has a model of its own, whose outputs are ordered among themselves only: AUCs are taken within folds and averaged.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.data.contract import Spec
from xgaze.evaluation.classes.confusion import participant_confusions
from xgaze.evaluation.intervals.class_intervals import difference_interval, resampling_of, score_interval
from xgaze.evaluation.intervals.fold_ranks import auc_of_ranks, ranks_within
from xgaze.evaluation.intervals.measures import Samples, measures_of
from xgaze.evaluation.intervals.participants import Interval, mean_interval, participant_means
from xgaze.evaluation.permutation import PERMUTATIONS, permutation_test
from xgaze.evaluation.score import sample_errors, score_unit, summarise


def pooled_figures(
    spec: Spec,
    outputs: Mapping[str, NDArray[Any]],
    targets: NDArray[Any],
    participants: NDArray[Any],
    seed: int = 0,
    folds: NDArray[np.int64] | None = None,
    permutations: int = PERMUTATIONS,
) -> dict[str, Any]:
    """JSON of {score, baselines, measures, per_participant, confusion, permutation, scores_of_seeds}.

    outputs: name -> (seeds, n, outputs), the first name the model, the others its baselines. targets and participants: (n, ...).
    folds: (seeds, n), which fold tested the sample; one for all if not given. Samples of all seeds are pooled; participants are
    drawn whole, with everything they gave. measures: one row per measure, {measure, name: interval, "against <baseline>":
    interval of the paired difference}.
    """
    own = next(iter(outputs.values()))
    placed = np.zeros(own.shape[:2], np.int64) if folds is None else folds
    pooled = {name: _flat(one, targets, participants, placed) for name, one in outputs.items()}
    model, *others = pooled
    classes = spec.kind == "class"
    measures = _class_measures(spec, pooled, seed) if classes else [_error_measure(spec, pooled)]
    unit = _unit(spec, measures)
    told = next(one for one in measures if one["measure"] == unit) if classes else measures[0]
    scores = {name: {"unit": unit, **told[name]} for name in pooled}
    return {
        "score": scores[model],
        "baselines": {name: scores[name] for name in others},
        "measures": measures,
        "scores_of_seeds": [
            score_of(spec, one, targets, participants, fold) for one, fold in zip(own, placed, strict=True)
        ],
        "per_participant": _people_rows(spec, pooled[model], len(own)),
        "confusion": _confusion(spec, pooled[model]) if classes else None,
        "permutation": _permutation(unit, own, targets, participants, placed, seed, permutations) if classes else None,
    }


def _unit(spec: Spec, measures: list[dict[str, Any]]) -> str:
    """Of the score; accuracy where no fold tests both of two classes, so that there is no AUC."""
    if spec.kind != "class":
        return score_unit(spec)
    return score_unit(spec) if any(one["measure"] == score_unit(spec) for one in measures) else "accuracy"


def score_of(
    spec: Spec,
    outputs: NDArray[Any],
    targets: NDArray[Any],
    participants: NDArray[Any],
    folds: NDArray[np.int64] | None = None,
) -> float | None:
    """The one score of some samples, (n, outputs) and (n, ...), AUCs within folds (n,); None where it is not defined, as the AUC
    of one class."""
    if spec.kind != "class":
        return float(participant_means(sample_errors(spec, outputs, targets), participants).mean())
    if len(spec.classes) > 2:
        return float((outputs.argmax(axis=1) == targets).mean())
    fold = np.zeros(len(targets), np.int64) if folds is None else folds
    area = auc_of_ranks(ranks_within(outputs[:, 1] - outputs[:, 0], fold), fold, targets)
    return float(area) if np.isfinite(area) else None


def _flat(
    outputs: NDArray[Any], targets: NDArray[Any], participants: NDArray[Any], folds: NDArray[np.int64]
) -> Samples:
    seeds, n = outputs.shape[:2]
    return Samples(
        outputs.reshape(seeds * n, -1),
        np.concatenate([targets] * seeds),
        np.tile(np.asarray(participants, dtype=str), seeds),
        models_of(folds).ravel(),
    )


def models_of(folds: NDArray[np.int64]) -> NDArray[np.int64]:
    """A number for the model of every seed and fold: (seeds, n) -> (seeds, n)."""
    numbers: NDArray[np.int64] = folds + (folds.max(initial=0) + 1) * np.arange(len(folds))[:, None]
    return numbers


def _error_measure(spec: Spec, pooled: Mapping[str, Samples]) -> dict[str, Any]:
    """Mean error with interval, and paired differences from the baselines; lower is better."""
    model, *others = pooled
    row: dict[str, Any] = {"measure": f"error, {score_unit(spec)}"}
    for name, one in pooled.items():
        summary = summarise(spec, one.outputs, one.targets, one.participants)
        row[name] = asdict(Interval(summary.mean, summary.low, summary.high))
    ours = pooled[model]
    own = sample_errors(spec, ours.outputs, ours.targets)
    for name in others:
        theirs = sample_errors(spec, pooled[name].outputs, pooled[name].targets)
        row[f"against {name}"] = asdict(mean_interval(own - theirs, ours.participants))
    return row


def _class_measures(spec: Spec, pooled: Mapping[str, Samples], seed: int) -> list[dict[str, Any]]:
    """Every measure of every model on the same draws, so that differences are paired; those that are not defined are left out."""
    model, *others = pooled
    among = resampling_of(pooled[model], len(spec.classes), seed)
    found = {name: measures_of(spec, one) for name, one in pooled.items()}
    same = {name: np.array_equal(pooled[name].outputs, pooled[model].outputs) for name in others}
    rows = []
    for measure, score in found[model].items():
        if not np.isfinite(score(among.once)).all():
            continue
        row: dict[str, Any] = {"measure": measure}
        row |= {name: asdict(score_interval(found[name][measure], among)) for name in pooled}
        for name in others:
            change = difference_interval(found[model][measure], found[name][measure], among, same[name])
            row[f"against {name}"] = asdict(change)
        rows.append(row)
    return rows


def _people_rows(spec: Spec, samples: Samples, seeds: int) -> list[dict[str, Any]]:
    """Per participant: samples, and mean error in the target's unit or the share of right answers in percent."""
    if spec.kind == "class":
        name, figures = "right_percent", 100.0 * (samples.outputs.argmax(axis=1) == samples.targets)
    else:
        name, figures = "error", sample_errors(spec, samples.outputs, samples.targets)
    rows = []
    for person in sorted(set(samples.participants.tolist())):
        own = samples.participants == person
        rows.append({"group": person, "samples": int(own.sum()) // seeds, name: float(figures[own].mean())})
    return rows


def _confusion(spec: Spec, samples: Samples) -> dict[str, Any]:
    """Counts of all seeds together: the sum, and every participant's."""
    predicted = samples.outputs.argmax(axis=1)
    names, matrices = participant_confusions(samples.targets, predicted, samples.participants, len(spec.classes))
    people = [{"group": str(name), "matrix": own.tolist()} for name, own in zip(names, matrices, strict=True)]
    return {"classes": list(spec.classes), "sum": matrices.sum(axis=0).tolist(), "participants": people}


def _permutation(
    unit: str,
    outputs: NDArray[Any],
    targets: NDArray[Any],
    participants: NDArray[Any],
    folds: NDArray[np.int64],
    seed: int,
    permutations: int,
) -> dict[str, Any]:
    """Of the score, over all seeds."""
    if unit == "AUC":
        models = models_of(folds)
        ranks = ranks_within((outputs[..., 1] - outputs[..., 0]).ravel(), models.ravel())

        def score(labels: NDArray[Any]) -> float:
            return auc_of_ranks(ranks, models.ravel(), np.tile(labels, len(outputs)))

        return {"score": "AUC", **asdict(permutation_test(score, targets, participants, permutations, seed))}
    predicted = outputs.argmax(axis=2)

    def right(labels: NDArray[Any]) -> float:
        return float((predicted == labels).mean())

    return {"score": "accuracy", **asdict(permutation_test(right, targets, participants, permutations, seed))}
