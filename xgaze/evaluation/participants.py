"""People are the unit of evidence: intervals over participants for means, paired differences and pooled scores.

Every participant counts the same, however many frames they gave. An interval is the union of the percentile bootstrap
over participants and the t-interval: with few people the bootstrap is too narrow, with skewed errors the t-interval is.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

LEVEL = 0.95
RESAMPLES = 5000

Score = Callable[[NDArray[np.int64]], float]
"""A score of the samples at the given rows."""


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval over participants."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.1f} [{self.low:.1f}, {self.high:.1f}]"


def participant_means(values: ArrayLike, participants: ArrayLike) -> NDArray[np.float64]:
    """Mean of `values` (n,) per participant, in the sorted order of participant ids. Raises ValueError if empty."""
    values = np.asarray(values, np.float64)
    if values.size == 0:
        raise ValueError("no samples: an interval needs at least one participant")
    _, index = np.unique(np.asarray(participants, dtype=str), return_inverse=True)
    means: NDArray[np.float64] = np.bincount(index, values) / np.bincount(index)
    return means


def mean_interval(values: ArrayLike, participants: ArrayLike, seed: int = 0) -> Interval:
    """Mean over participants of each participant's mean. One participant gives an interval of infinite width: (-inf, inf)."""
    means = participant_means(values, participants)
    draws = _draws(len(means), seed)
    return _union(float(means.mean()), means[draws].mean(axis=1), _standard_error(means), len(means))


def difference_percent(student: ArrayLike, reference: ArrayLike, participants: ArrayLike, seed: int = 0) -> Interval:
    """Paired difference of mean errors, 100 (student - reference) / reference; worse is positive.

    student and reference (n,) are errors of the same samples. The t part uses the linearised ratio.
    """
    ours, theirs = participant_means(student, participants), participant_means(reference, participants)
    ratio = ours.mean() / theirs.mean()
    draws = _draws(len(ours), seed)
    resampled = 100 * (ours[draws].mean(axis=1) / theirs[draws].mean(axis=1) - 1)
    linearised = 100 * (ours - ratio * theirs) / theirs.mean()
    return _union(float(100 * (ratio - 1)), resampled, _standard_error(linearised), len(ours))


def score_interval(
    score: Score, participants: ArrayLike, strata: ArrayLike, seed: int = 0, resamples: int = 1000
) -> Interval:
    """Percentile bootstrap of a score pooled over samples, participants drawn whole and within strata (their class)."""
    ids = np.asarray(participants, dtype=str)
    rows = {person: np.flatnonzero(ids == person) for person in np.unique(ids)}
    levels = np.asarray(strata)
    groups: dict[int, list[str]] = {}
    for person, own in rows.items():
        groups.setdefault(int(levels[own[0]]), []).append(person)
    rng = np.random.default_rng(seed)

    def draw() -> NDArray[np.int64]:
        people = [rng.choice(group, len(group)) for group in groups.values()]
        return np.concatenate([rows[person] for person in np.concatenate(people)])

    resampled = np.array([score(draw()) for _ in range(resamples)])
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(score(np.arange(len(ids))), float(low), float(high))


def _draws(participants: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, participants, (RESAMPLES, participants))


def _standard_error(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.inf


def _union(mean: float, resampled: NDArray[np.float64], standard_error: float, participants: int) -> Interval:
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    half = float(stats.t.ppf((1 + LEVEL) / 2, max(participants - 1, 1))) * standard_error
    return Interval(mean, min(float(low), mean - half), max(float(high), mean + half))
