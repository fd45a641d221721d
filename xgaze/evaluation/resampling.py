"""Participants drawn anew, as weights: a score that takes one weight per participant and draw is bootstrapped all at once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xgaze.evaluation.participants import LEVEL, Interval

Weights = NDArray[np.float64]
"""(draws, participants): how often each participant was drawn."""


def draw_participants(strata: Sequence[Any], draws: int, seed: int = 0) -> Weights:
    """Draw as many participants as there are, with replacement, within strata (one hashable entry per participant)."""
    rng = np.random.default_rng(seed % 2**63)
    weights = np.zeros((draws, len(strata)))
    for stratum in dict.fromkeys(strata):
        members = np.array([k for k, own in enumerate(strata) if own == stratum])
        weights[:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), size=draws)
    return weights


def interval_of(point: float, drawn: NDArray[np.float64]) -> Interval:
    """Percentile interval of the scores of all draws; draws in which the score is not defined (NaN) are left out."""
    low, high = np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(point, float(low), float(high))


def weighted_auc(values: ArrayLike, positive: ArrayLike, weights: ArrayLike) -> NDArray[np.float64]:
    """Area under the ROC curve where sample i counts weights[:, i] times: (n,), (n,), (draws, n) -> (draws,).

    Ties count one half. NaN for a draw without a positive or without a negative. Equals scikit-learn's roc_auc_score with
    sample_weight.
    """
    _, place = np.unique(np.asarray(values, np.float64), return_inverse=True)
    order = np.argsort(place, kind="stable")
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))  # of every group of equal values
    ordered, is_positive = np.asarray(weights, np.float64)[:, order], np.asarray(positive, bool)[order]
    ups = np.add.reduceat(ordered * is_positive, starts, axis=1)
    downs = np.add.reduceat(ordered * ~is_positive, starts, axis=1)
    below = np.cumsum(downs, axis=1) - downs / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        area: NDArray[np.float64] = (ups * below).sum(axis=1) / (ups.sum(axis=1) * downs.sum(axis=1))
    return area
