"""What the pooled predictions of a cross validation say: scores with intervals over participants, baselines beside."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from xgaze.data.contract import Spec
from xgaze.evaluation.confusion import participant_confusions
from xgaze.evaluation.measures import Samples, measures_of, strata_of
from xgaze.evaluation.participants import Interval, mean_interval
from xgaze.evaluation.permutation import permutation_test
from xgaze.evaluation.resampling import draw_participants, interval_of
from xgaze.evaluation.score import pooled_score, sample_errors, score_unit, summarise

DRAWS = 1000


def pooled_figures(
    spec: Spec, outputs: Mapping[str, NDArray[Any]], targets: NDArray[Any], participants: NDArray[Any], seed: int = 0
) -> dict[str, Any]:
    """JSON of {score, baselines, measures, per_participant, confusion, permutation, scores_of_seeds}.

    outputs: name -> (seeds, n, outputs), the first name the model, the others its baselines. targets and participants: (n, ...).
    Samples of all seeds are pooled; participants are drawn whole, with everything they gave. measures: one row per measure,
    {measure, name: interval, "against <baseline>": interval of the paired difference}.
    """
    pooled = {name: _flat(one, targets, participants) for name, one in outputs.items()}
    model, *others = pooled
    classes = spec.kind == "class"
    measures = _class_measures(spec, pooled, seed) if classes else [_error_measure(spec, pooled)]
    own = next(one for one in measures if one["measure"] == score_unit(spec)) if classes else measures[0]
    scores = {name: {"unit": score_unit(spec), **own[name]} for name in pooled}
    return {
        "score": scores[model],
        "baselines": {name: scores[name] for name in others},
        "measures": measures,
        "scores_of_seeds": [score_of(spec, one, targets) for one in outputs[model]],
        "per_participant": _people_rows(spec, pooled[model]),
        "confusion": _confusion(spec, pooled[model]) if classes else None,
        "permutation": _permutation(spec, outputs[model], targets, participants, seed) if classes else None,
    }


def score_of(spec: Spec, outputs: NDArray[Any], targets: NDArray[Any]) -> float | None:
    """The one score of some samples, (n, outputs) and (n, ...); None where it is not defined, as the AUC of one class."""
    if spec.kind == "class" and len(spec.classes) == 2 and len(np.unique(targets)) < 2:
        return None
    return pooled_score(spec, outputs, targets)


def _flat(outputs: NDArray[Any], targets: NDArray[Any], participants: NDArray[Any]) -> Samples:
    seeds, n = outputs.shape[:2]
    return Samples(
        outputs.reshape(seeds * n, -1),
        np.concatenate([targets] * seeds),
        np.tile(np.asarray(participants, dtype=str), seeds),
        np.repeat(np.arange(seeds), n),
    )


def _error_measure(spec: Spec, pooled: Mapping[str, Samples]) -> dict[str, Any]:
    """Mean error with interval, and paired differences from the baselines; lower is better."""
    model, *others = pooled
    row: dict[str, Any] = {"measure": f"error, {score_unit(spec)}"}
    for name, one in pooled.items():
        summary = summarise(spec, one.outputs, one.targets, one.participants)
        row[name] = _ends(Interval(summary.mean, summary.low, summary.high))
    ours = pooled[model]
    own = sample_errors(spec, ours.outputs, ours.targets)
    for name in others:
        theirs = sample_errors(spec, pooled[name].outputs, pooled[name].targets)
        row[f"against {name}"] = _ends(mean_interval(own - theirs, ours.participants))
    return row


def _class_measures(spec: Spec, pooled: Mapping[str, Samples], seed: int) -> list[dict[str, Any]]:
    """Every measure of every model on the same draws, so that differences are paired."""
    model, *others = pooled
    strata = strata_of(pooled[model])
    draws, once = draw_participants(strata, DRAWS, seed), np.ones((1, len(strata)))
    found = {name: measures_of(spec, one) for name, one in pooled.items()}
    rows = []
    for measure in found[model]:
        point = {name: float(found[name][measure](once)[0]) for name in pooled}
        drawn = {name: found[name][measure](draws) for name in pooled}
        row: dict[str, Any] = {"measure": measure}
        row |= {name: _ends(interval_of(point[name], drawn[name])) for name in pooled}
        for name in others:
            change = interval_of(point[model] - point[name], drawn[model] - drawn[name])
            row[f"against {name}"] = _ends(change)
        rows.append(row)
    return rows


def _people_rows(spec: Spec, samples: Samples) -> list[dict[str, Any]]:
    """Per participant: samples, and mean error in the target's unit or the share of right answers in percent."""
    if spec.kind == "class":
        name, figures = "right_percent", 100.0 * (samples.outputs.argmax(axis=1) == samples.targets)
    else:
        name, figures = "error", sample_errors(spec, samples.outputs, samples.targets)
    seeds = int(samples.seed.max()) + 1
    rows = []
    for person in sorted(set(samples.participants.tolist())):
        own = samples.participants == person
        rows.append({"participant": person, "samples": int(own.sum()) // seeds, name: float(figures[own].mean())})
    return rows


def _confusion(spec: Spec, samples: Samples) -> dict[str, Any]:
    """Counts of all seeds together: the sum, and every participant's."""
    predicted = samples.outputs.argmax(axis=1)
    names, matrices = participant_confusions(samples.targets, predicted, samples.participants, len(spec.classes))
    people = [{"participant": str(name), "matrix": own.tolist()} for name, own in zip(names, matrices, strict=True)]
    return {"classes": list(spec.classes), "sum": matrices.sum(axis=0).tolist(), "participants": people}


def _permutation(
    spec: Spec, outputs: NDArray[Any], targets: NDArray[Any], participants: NDArray[Any], seed: int
) -> dict[str, Any]:
    """Of the score, over all seeds."""
    if len(spec.classes) == 2:
        ranks = rankdata(outputs[..., 1] - outputs[..., 0], axis=1).mean(axis=0)  # the mean of AUCs is linear in ranks
        return _tested("AUC", lambda labels: _auc_of_ranks(ranks, labels), targets, participants, seed)
    predicted = outputs.argmax(axis=2)
    return _tested("accuracy", lambda labels: float((predicted == labels).mean()), targets, participants, seed)


def _auc_of_ranks(ranks: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """The Mann-Whitney form, ties one half: ranks from 1, of samples of class 0 and 1."""
    positive = int(labels.sum())
    return float((ranks[labels == 1].sum() - positive * (positive + 1) / 2) / (positive * (len(labels) - positive)))


def _tested(
    name: str,
    score: Callable[[NDArray[Any]], float],
    targets: NDArray[Any],
    participants: NDArray[Any],
    seed: int,
) -> dict[str, Any]:
    return {"score": name, **asdict(permutation_test(score, targets, participants, seed=seed))}


def _ends(interval: Interval) -> dict[str, float]:
    return {"mean": interval.mean, "low": interval.low, "high": interval.high}
