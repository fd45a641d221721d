"""Every score of a classifier as a function of how often each participant counts: one definition for estimate and interval."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.data.contract import Spec
from xgaze.evaluation.classification import probabilities
from xgaze.evaluation.confusion import accuracy_of, f1_per_class, macro_f1, participant_confusions, weighted_f1
from xgaze.evaluation.resampling import Weights, weighted_auc

DRAWS_AT_ONCE = 100
PEOPLE_AUC = "AUC of participants"

Measure = Callable[[Weights], NDArray[np.float64]]
"""Weights of participants (draws, participants) -> a score per draw."""


@dataclass(frozen=True)
class Samples:
    """All seeds' samples in a row: outputs (m, outputs), targets (m, ...), participants (m,) and which seed (m,)."""

    outputs: NDArray[Any]
    targets: NDArray[Any]
    participants: NDArray[Any]
    seed: NDArray[np.int64]


def measures_of(spec: Spec, samples: Samples) -> dict[str, Measure]:
    """Name -> score of weighted participants. The AUC of participants takes the mean probability of each, and is there
    where everyone has one class; both AUCs need two classes."""
    predicted = samples.outputs.argmax(axis=1)
    many = len(spec.classes)
    names, matrices = participant_confusions(samples.targets, predicted, samples.participants, many)
    flat = matrices.reshape(len(names), -1).astype(float)

    def summed(weights: Weights) -> NDArray[np.float64]:
        sums: NDArray[np.float64] = (weights @ flat).reshape(-1, many, many)
        return sums

    measures: dict[str, Measure] = {}
    if many == 2:
        person = np.searchsorted(names, samples.participants)
        # The difference of logits is monotone in the probability, and does not saturate to ties as the probability does.
        measures["AUC"] = _auc(samples.outputs[:, 1] - samples.outputs[:, 0], samples.targets, person)
        if all(len(set(stratum)) == 1 for stratum in strata_of(samples)):
            measures[PEOPLE_AUC] = _auc(*_mean_probabilities(samples, person, len(names)))
    measures["accuracy"] = lambda weights: accuracy_of(summed(weights))
    measures["weighted F1"] = lambda weights: weighted_f1(summed(weights))
    measures["macro F1"] = lambda weights: macro_f1(summed(weights))
    for k, name in enumerate(spec.classes):
        measures[f"F1 of {name}"] = lambda weights, k=k: f1_per_class(summed(weights))[:, k]  # type: ignore[misc]
    return measures


def _auc(values: NDArray[Any], labels: NDArray[Any], person: NDArray[np.int64]) -> Measure:
    def area(weights: Weights) -> NDArray[np.float64]:
        blocks = (weights[k : k + DRAWS_AT_ONCE] for k in range(0, len(weights), DRAWS_AT_ONCE))
        return np.concatenate([weighted_auc(values, labels == 1, block[:, person]) for block in blocks])

    return area


def _mean_probabilities(
    samples: Samples, person: NDArray[np.int64], people: int
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    """Mean probability of class 1, class and participant, of every participant and seed."""
    keys, place = np.unique(samples.seed * people + person, return_inverse=True)
    mean = np.bincount(place, probabilities(samples.outputs)[:, 1]) / np.bincount(place)
    labels = np.zeros(len(keys), np.int64)
    labels[place] = samples.targets
    return mean, labels, keys % people


def strata_of(samples: Samples) -> list[tuple[int, ...]]:
    """The classes of every participant, in the order of their names."""
    owned: dict[str, set[int]] = {}
    for name, label in zip(samples.participants.tolist(), samples.targets.tolist(), strict=True):
        owned.setdefault(name, set()).add(label)
    return [tuple(sorted(owned[name])) for name in sorted(owned)]
