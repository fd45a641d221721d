"""The area under the ROC curve of weighted participants, from the pairs of samples that every two of them give."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xgaze.evaluation.intervals.resampling import Weights


@dataclass(frozen=True)
class Pairs:
    """(participants, participants): pairs of a positive sample of the row's and a negative one of the column's participant;
    `won`: of these, how many the positive wins, ties one half."""

    won: NDArray[np.float64]
    all: NDArray[np.float64]

    def auc(self, weights: Weights) -> NDArray[np.float64]:
        """Share of pairs won: (draws, participants) -> (draws,). NaN for a draw without a pair."""
        with np.errstate(invalid="ignore", divide="ignore"):
            area: NDArray[np.float64] = _weighted(self.won, weights) / _weighted(self.all, weights)
        return area


def pairs_of(values: ArrayLike, positive: ArrayLike, person: ArrayLike, people: int, fold: ArrayLike) -> Pairs:
    """Pairs of samples (n,) of one fold: values of two folds come from two models and cannot be ordered.

    person: 0..people - 1. An average of folds weighted by their numbers of pairs: a constant guess has exactly one half.
    """
    scores, folds = np.asarray(values, np.float64), np.asarray(fold)
    up, owner = np.asarray(positive, bool), np.asarray(person, np.int64)
    won, both = np.zeros((people, people)), np.zeros((people, people))
    for one in np.unique(folds):
        ups, downs = np.flatnonzero(up & (folds == one)), np.flatnonzero(~up & (folds == one))
        both += np.outer(_counts(owner[ups], people), _counts(owner[downs], people))
        for other in np.unique(owner[downs]):
            below = np.sort(scores[downs[owner[downs] == other]])
            beaten = (np.searchsorted(below, scores[ups], side) for side in ("left", "right"))
            won[:, other] += np.bincount(owner[ups], sum(beaten) / 2, people)
    return Pairs(won, both)


def with_chance(pairs: Pairs, people_of_class: tuple[int, int]) -> Pairs:
    """One participant more of the negative and one of the positive class, in this order: as many samples as theirs have on
    average, which win half of their pairs. people_of_class: how many have negative, and positive samples."""
    down, up = (1 / max(count, 1) for count in people_of_class)
    rows, columns = pairs.all.sum(axis=0), pairs.all.sum(axis=1)
    grown = np.pad(pairs.all, (0, 2))
    grown[-1, :-2], grown[:-2, -2], grown[-1, -2] = up * rows, down * columns, up * down * rows.sum()
    won = np.pad(pairs.won, (0, 2))
    won[-1], won[:-2, -2] = grown[-1] / 2, grown[:-2, -2] / 2
    return Pairs(won, grown)


def _counts(owner: NDArray[np.int64], people: int) -> NDArray[np.float64]:
    return np.bincount(owner, minlength=people).astype(float)


def _weighted(matrix: NDArray[np.float64], weights: Weights) -> NDArray[np.float64]:
    summed: NDArray[np.float64] = ((weights @ matrix) * weights).sum(axis=1)
    return summed
