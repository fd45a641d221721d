"""Tuned again with other seeds: how much worse are students of this kind, whichever seed they and their reference got?

An interval over people is about the very weights that were compared. What is said of a way to make students also hangs on the
draw of batches and of first weights. Every student is compared with every reference; people, seeds of students and seeds of
references are three random things that add their variances: that of people from the intervals of the pairs, those of seeds from
the spread of the means of rows and columns. How well each is known, with few seeds badly, enters as degrees of freedom
(Satterthwaite 1946), so that the interval holds the truth as often as it says with three seeds too (simulated in its test).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from xgaze.evaluation.intervals.participants import TAILS, Interval


@dataclass(frozen=True)
class OverSeeds:
    """worse: mean over all pairs, its ends over people and seeds. spreads: standard deviation of `worse` from seed to seed of
    students and of references; None where there is only one."""

    worse: Interval
    student_spread: float | None
    reference_spread: float | None


def over_seeds(pairs: Sequence[Sequence[Interval]], people: int) -> OverSeeds:
    """pairs[k][l]: how much worse the student of seed k is than the reference of seed l, each an interval over the same `people`.
    Without ends where the pairs have none."""
    means = np.array([[one.mean for one in row] for row in pairs])
    point, spreads = float(means.mean()), (_spread(means.mean(axis=1)), _spread(means.mean(axis=0)))
    every = [one for row in pairs for one in row]
    if any(one.low is None or one.high is None for one in every):
        return OverSeeds(Interval(point), *spreads)
    known = [(spread**2 / many, many - 1.0) for spread, many in zip(spreads, means.shape, strict=True) if spread]
    t = float(stats.t.ppf(TAILS[1], people - 1))
    # How far the ends are from the middle, of people alone.
    below = float(np.mean([one.mean - one.low for one in every if one.low is not None]))
    above = float(np.mean([one.high - one.mean for one in every if one.high is not None]))
    halves = [_half([((side / t) ** 2, people - 1.0), *known]) for side in (below, above)]
    return OverSeeds(Interval(point, point - halves[0], point + halves[1]), *spreads)


def _spread(means: NDArray[np.float64]) -> float | None:
    return float(means.std(ddof=1)) if len(means) > 1 else None


def _half(parts: Sequence[tuple[float, float]]) -> float:
    """Of the width of a t-interval whose variance is the sum of parts, each with its degrees of freedom."""
    total = sum(variance for variance, _ in parts)
    if total == 0:
        return 0.0
    freedom = total**2 / sum(variance**2 / own for variance, own in parts)
    return float(stats.t.ppf(TAILS[1], freedom) * np.sqrt(total))
