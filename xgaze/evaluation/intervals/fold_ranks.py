"""The area under the ROC curve within folds from ranks, fast for many labellings of the same outputs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata


def ranks_within(values: NDArray[Any], folds: NDArray[np.int64]) -> NDArray[np.float64]:
    """Rank of every value (n,) among those of its fold, from 1; ties share their mean rank."""
    ranks = np.zeros(len(values))
    for one in np.unique(folds):
        own = folds == one
        ranks[own] = rankdata(values[own])
    return ranks


def auc_of_ranks(ranks: NDArray[np.float64], folds: NDArray[np.int64], labels: NDArray[Any]) -> float:
    """Folds' AUCs weighted by their numbers of pairs, as `pairs.Pairs`; NaN where no fold has both classes. Mann-Whitney's form,
    ties one half. labels: 0 or 1, all (n,)."""
    up = np.bincount(folds, labels)
    down = np.bincount(folds) - up
    won = np.bincount(folds, ranks * labels) - up * (up + 1) / 2
    pairs = float((up * down).sum())
    return float(won.sum()) / pairs if pairs else float("nan")
