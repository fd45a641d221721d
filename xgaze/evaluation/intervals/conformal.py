"""How far from its prediction one frame of a new person lies: a radius of split-conformal prediction over people.

People are exchangeable, frames are not: those of one person resemble each other. So the radius is the quantile of the validation
frames' errors in which every one of the K people weighs 1 / (K + 1), shared among the person's frames, and the rest of the weight
lies at infinity: hierarchical conformal prediction (Lee, Barber and Willett 2023, arXiv:2306.06342; Dunn, Wasserman and Ramdas
2018, arXiv:1809.07441). A frame drawn from a new person's lies within it at least as often as promised, whatever the errors are:
taken with the new person, the mixture of all K + 1 has its quantile at most there; people being exchangeable, the new one's
expected share within that quantile is the mean of all shares, which is the level.

The promise is of people for whom nothing was chosen. Weights and students are chosen on validation people, whose errors may so be
a little small: coverage on test people is measured, and told beside the promise.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xgaze.evaluation.intervals.participants import SHARES, Interval, mean_interval, participant_means

LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
ROUNDING = 1e-9
"""Sums of weights are known no finer."""


def radius(errors: ArrayLike, participants: ArrayLike, level: float) -> float | None:
    """The smallest error at which the weights of `errors` (n,) at most as large reach `level`, in their unit. None where
    level > K / (K + 1) for K people: so few promise nothing. Raises ValueError if empty."""
    own = np.asarray(errors, np.float64)
    if own.size == 0:
        raise ValueError("no samples: a radius needs at least one participant")
    _, person, frames = np.unique(np.asarray(participants, dtype=str), return_inverse=True, return_counts=True)
    weights = 1.0 / ((len(frames) + 1) * frames[person])
    order = np.argsort(own, kind="stable")
    reached = np.cumsum(weights[order]) >= level - ROUNDING
    return float(own[order[int(reached.argmax())]]) if reached.any() else None


def coverage(errors: ArrayLike, participants: ArrayLike, within: float) -> Interval:
    """Share of a person's frames whose error is at most `within`, mean over people, 0..1."""
    return mean_interval(np.asarray(errors) <= within, participants, within=SHARES)


def frame_radii(
    known: ArrayLike, known_people: ArrayLike, unseen: ArrayLike, unseen_people: ArrayLike
) -> list[dict[str, Any]]:
    """For each of LEVELS, in percent: the radius from validation errors `known` (n,), and on test errors `unseen` (m,) how many
    frames of a person lie within it, mean over people with its interval, and those of the person with the fewest. None where
    there is no radius."""
    return [_row(level, radius(known, known_people, level), unseen, unseen_people) for level in LEVELS]


def _row(level: float, found: float | None, unseen: ArrayLike, people: ArrayLike) -> dict[str, Any]:
    row: dict[str, Any] = {
        "level_percent": 100 * level,
        "radius": found,
        "coverage_percent": None,
        "least_percent": None,
    }
    if found is None:
        return row
    shares: NDArray[np.float64] = participant_means(np.asarray(unseen) <= found, people)
    measured = coverage(unseen, people, found).times(100)
    return {**row, "coverage_percent": vars(measured), "least_percent": 100 * float(shares.min())}
