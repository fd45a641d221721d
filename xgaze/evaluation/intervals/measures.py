"""Every score of a classifier as a function of how often each participant counts: one definition for estimate and interval.

Weights are of the participants, in the order of their names, and then of one chance participant per class: as many samples as
those with the class have of it on average, answered as by chance. They count in intervals only (`class_intervals`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.data.contract import Spec
from xgaze.evaluation.classes.classification import probabilities
from xgaze.evaluation.classes.confusion import accuracy_of, f1_per_class, macro_f1, participant_confusions, weighted_f1
from xgaze.evaluation.intervals.pairs import Pairs, pairs_of, with_chance
from xgaze.evaluation.intervals.resampling import Weights, merged_strata

FEWEST = 3
"""People that a class needs for an interval: two say nothing of how people differ (97 to 100 % of theirs held the truth)."""
PEOPLE_AUC = "AUC of participants"

Measure = Callable[[Weights], NDArray[np.float64]]
"""Weights (draws, participants + classes) -> a score per draw; NaN where it is not defined."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Outputs (m, outputs), targets (m,), participants (m,) and which model said so (m,): scores of two models, as those of two
    folds, are not compared with each other."""

    outputs: NDArray[Any]
    targets: NDArray[Any]
    participants: NDArray[Any]
    model: NDArray[np.int64]

    @cached_property
    def names(self) -> NDArray[np.str_]:
        """Of the participants, sorted."""
        return np.unique(np.asarray(self.participants, dtype=str))

    @cached_property
    def person(self) -> NDArray[np.int64]:
        """Place of every sample's participant among the names."""
        return np.searchsorted(self.names, np.asarray(self.participants, dtype=str))

    @cached_property
    def class_sets(self) -> list[tuple[int, ...]]:
        """The classes of every participant, in the order of their names."""
        owned: list[set[int]] = [set() for _ in self.names]
        for place, label in zip(self.person.tolist(), self.targets.tolist(), strict=True):
            owned[place].add(label)
        return [tuple(sorted(one)) for one in owned]

    @property
    def strata(self) -> list[int]:
        """Within what participants are drawn: those with the same set of classes."""
        return merged_strata(self.class_sets)

    def people_of_class(self, label: int) -> int:
        """How many participants have a sample of it."""
        return sum(label in one for one in self.class_sets)

    @property
    def has_intervals(self) -> bool:
        """Whether every class there has people enough, so that no single one stands for it."""
        there = {label for one in self.class_sets for label in one}
        return all(self.people_of_class(label) >= FEWEST for label in there)

    @property
    def grain(self) -> float:
        """What one answer more or less changes in a score in which classes count alike: finer, nothing is known."""
        return _grain(np.bincount(self.targets))

    @property
    def independent_grain(self) -> float:
        """The same of one answer that no other of its participant resembles: those of one person to one class count as fewer the
        more they are right or wrong together (Kish's design effect)."""
        place, counts, label = self._sizes_of_people
        alike = likeness(self.outputs.argmax(axis=1) == self.targets, place, counts, label)
        return _grain(np.bincount(label, counts / (1 + (counts - 1) * alike)))

    @cached_property
    def _sizes_of_people(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Which set of one participant's samples of one class each sample is of, and the sizes and classes of these sets."""
        many = int(self.targets.max()) + 1
        keys, place, counts = np.unique(self.person * many + self.targets, return_inverse=True, return_counts=True)
        return place, counts, keys % many

    @property
    def units(self) -> float:
        """As how many answers people count, each as one, in a score in which classes count alike: those of a rare class alone
        say how it is answered."""
        people = np.array([self.people_of_class(label) for label in np.unique(self.targets).tolist()])
        return float(min(len(self.names), len(people) ** 2 / (1 / people).sum()))


def _grain(answers: NDArray[Any]) -> float:
    """answers: how many there are of each class."""
    there = answers[answers > 0]
    return float(1 / (len(there) * there.min()))


def likeness(
    right: NDArray[np.bool_], place: NDArray[np.int64], counts: NDArray[np.int64], label: NDArray[np.int64]
) -> float:
    """Intraclass correlation (one-way analysis of variance) of answers right (m,) in sets (m,) of these sizes and classes
    (sets,), about the mean of their class, within 0..1; 1 where all are right or all wrong, since nobody knows."""
    total, sets, within_class = len(right), len(counts), label[place]
    free = sets - len(np.unique(label))
    if free < 1 or sets == total:
        return 1.0
    mean = np.bincount(place, right) / counts
    of_class = np.bincount(within_class, right)
    sizes = np.bincount(within_class)
    centre = np.divide(of_class, sizes, out=np.zeros(len(sizes)), where=sizes > 0)
    between = float((counts * (mean - centre[label]) ** 2).sum()) / free
    within = float(((right - mean[place]) ** 2).sum()) / (total - sets)
    size = (total - float((counts**2 / sizes[label]).sum())) / free
    spread = between + (size - 1) * within
    return min(max((between - within) / spread, 0.0), 1.0) if spread > 0 else 1.0


def samples_of(outputs: NDArray[Any], targets: NDArray[Any], participants: NDArray[Any]) -> Samples:
    """Of one model."""
    return Samples(outputs, targets, participants, np.zeros(len(targets), np.int64))


def measures_of(spec: Spec, samples: Samples) -> dict[str, Measure]:
    """Name -> score of weighted participants. The AUC of participants takes the mean probability of each, and is there
    where everyone has one class; both AUCs need two classes."""
    many = len(spec.classes)
    measures: dict[str, Measure] = {}
    if many == 2:
        # The difference of logits is monotone in the probability, and does not saturate to ties as the probability does.
        lean = samples.outputs[:, 1] - samples.outputs[:, 0]
        measures["AUC"] = _auc(lambda: _pairs(samples, lean, samples.targets, samples.person, samples.model))
        if all(len(classes) == 1 for classes in samples.class_sets):
            measures[PEOPLE_AUC] = _auc(lambda: _pairs(samples, *_mean_probabilities(samples)))
    summed = _confusions(samples, many)
    measures["accuracy"] = lambda weights: accuracy_of(summed(weights))
    measures["weighted F1"] = lambda weights: weighted_f1(summed(weights))
    measures["macro F1"] = lambda weights: macro_f1(summed(weights))
    for k, name in enumerate(spec.classes):
        measures[f"F1 of {name}"] = lambda weights, k=k: f1_per_class(summed(weights))[:, k]  # type: ignore[misc]
    return measures


def _confusions(samples: Samples, many: int) -> Measure:
    """Weights -> summed confusion matrices (draws, classes, classes)."""
    _, own = participant_confusions(samples.targets, samples.outputs.argmax(axis=1), samples.participants, many)
    counts = np.bincount(samples.targets, minlength=many)
    people = np.array([max(samples.people_of_class(label), 1) for label in range(many)])
    chance = np.eye(many)[:, :, None] * (counts / people / many)[:, None, None]
    flat = np.concatenate([own, np.broadcast_to(chance, (many, many, many))]).reshape(len(own) + many, -1)

    def summed(weights: Weights) -> NDArray[np.float64]:
        sums: NDArray[np.float64] = (weights @ flat).reshape(-1, many, many)
        return sums

    return summed


def _auc(pairs: Callable[[], Pairs]) -> Measure:
    """The pairs are counted once, and only if somebody asks."""
    counted = cache(pairs)
    return lambda weights: counted().auc(weights)


def _pairs(
    samples: Samples, values: NDArray[Any], labels: NDArray[Any], person: NDArray[np.int64], model: NDArray[np.int64]
) -> Pairs:
    pairs = pairs_of(values, labels == 1, person, len(samples.names), model)
    return with_chance(pairs, (samples.people_of_class(0), samples.people_of_class(1)))


def _mean_probabilities(
    samples: Samples,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    """Mean probability of class 1, class, participant and model, of every participant and model."""
    people = len(samples.names)
    keys, place = np.unique(samples.model * people + samples.person, return_inverse=True)
    mean = np.bincount(place, probabilities(samples.outputs)[:, 1]) / np.bincount(place)
    labels = np.zeros(len(keys), np.int64)
    labels[place] = samples.targets
    return mean, labels, keys % people, keys // people
