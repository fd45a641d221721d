"""People are the unit of evidence: intervals over participants for means and paired differences of errors.

Every participant counts the same, however many frames they gave. An interval is the union of three, each of which is too narrow
somewhere: the percentile bootstrap over participants (few people), the t-interval widened to the side to which people are skewed
(Johnson 1978), and, for what cannot fall below zero, the same of its logarithm. `benchmarks/coverage.py` measures how often they
hold the truth. Scores of classes are pooled over samples and have their own file, `class_intervals`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from xgaze.errors import InputError
from xgaze.report.drawing.format import NOT_DEFINED as NOT_DEFINED

LEVEL = 0.95
TAILS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
RESAMPLES, BLOCKS = 5000, 25
MOST_UNDEFINED = 0.1
"""Of all draws: where a score is not defined in more of them, it has no interval."""
ANY, ERRORS, SHARES = (-np.inf, np.inf), (0.0, np.inf), (0.0, 1.0)
"""Between which values a mean can lie."""
WIDEST_LOG = 2.0
"""Half widths of the logarithm: with two or three people it knows no end, and the plain t-interval is wide enough."""


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval over participants; None where too few of them leave it without ends."""

    mean: float
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return f"{self.mean:.1f} [{NOT_DEFINED}]"
        return f"{self.mean:.1f} [{self.low:.1f}, {self.high:.1f}]"

    @property
    def upper(self) -> float:
        """The upper end, infinite where there is none: no budget holds by an end that is not there."""
        return np.inf if self.high is None else self.high

    def times(self, factor: float) -> "Interval":
        """In another unit; factor > 0."""
        low, high = (None if end is None else factor * end for end in (self.low, self.high))
        return Interval(factor * self.mean, low, high)


def participant_means(values: ArrayLike, participants: ArrayLike) -> NDArray[np.float64]:
    """Mean of `values` (n,) per participant, in the sorted order of participant ids. Raises ValueError if empty."""
    values = np.asarray(values, np.float64)
    if values.size == 0:
        raise ValueError("no samples: an interval needs at least one participant")
    _, index = np.unique(np.asarray(participants, dtype=str), return_inverse=True)
    means: NDArray[np.float64] = np.bincount(index, values) / np.bincount(index)
    return means


def mean_interval(
    values: ArrayLike, participants: ArrayLike, seed: int = 0, within: tuple[float, float] = ANY
) -> Interval:
    """Mean over participants of each participant's mean; `within` what values it can lie. One participant has no ends."""
    means = participant_means(values, participants)
    if len(means) < 2:
        return Interval(float(means.mean()))
    (resampled,) = _resampled_means(means, seed=seed)
    return _union(float(means.mean()), resampled, means, within)


def difference_percent(student: ArrayLike, reference: ArrayLike, participants: ArrayLike, seed: int = 0) -> Interval:
    """Paired difference of mean errors, 100 (student - reference) / reference; worse is positive. One participant has no ends.

    student and reference (n,) are errors of the same samples. The t part takes the jackknife of the ratio. Draws in which the
    reference makes no error are left out. Raises InputError where it makes none at all, and the student does.
    """
    ours, theirs = participant_means(student, participants), participant_means(reference, participants)
    if not theirs.any():
        return _against_none(ours)
    found = _ratio(ours, theirs, seed, ERRORS)
    low, high = (None if end is None else 100 * (end - 1) for end in (found.low, found.high))
    return Interval(100 * (found.mean - 1), low, high)


def share_percent(part: ArrayLike, whole: ArrayLike, participants: ArrayLike, seed: int = 0) -> Interval:
    """100 mean(part) / mean(whole), both (n,) of the same samples, whole >= 0, every participant counting the same. Intervals as
    those of `difference_percent`; no end lies below 0 where no part does. Raises InputError where the whole is 0 throughout."""
    ours, theirs = participant_means(part, participants), participant_means(whole, participants)
    if not theirs.any():
        raise InputError(
            "what is said of each person is the same for all of their samples, so that there is no spread to measure by. Does "
            "the teacher see these pictures as it was trained (mean and std of the inputs)?"
        )
    return _ratio(ours, theirs, seed, ERRORS if (ours >= 0).all() else ANY).times(100)


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64], seed: int, within: tuple[float, float]) -> Interval:
    """Of two means over participants (participants,), which are drawn together."""
    ratio = float(part.mean() / whole.mean())
    if len(part) < 2:
        return Interval(ratio)
    part_means, whole_means = _resampled_means(part, whole, seed=seed)
    with np.errstate(invalid="ignore", divide="ignore"):
        resampled = part_means / whole_means
        without_each = (part.sum() - part) / (whole.sum() - whole)
    if not np.isfinite(without_each).all():
        return Interval(ratio)
    deviations = (len(part) - 1) * (without_each - without_each.mean())
    return _union(ratio, resampled, -deviations, within)


def percentiles(drawn: NDArray[np.float64]) -> tuple[float, float] | None:
    """Ends of the bootstrap; draws that are not finite are left out, and with too many of them there are no ends."""
    defined = drawn[np.isfinite(drawn)]
    if len(defined) < (1 - MOST_UNDEFINED) * len(drawn):
        return None
    low, high = np.quantile(defined, TAILS)
    return float(low), float(high)


def _against_none(ours: NDArray[np.float64]) -> Interval:
    if ours.any():
        raise InputError(
            "the reference makes no error on any of these samples, so that no loss in percent of it is defined. Does an input "
            "tell the target?"
        )
    return Interval(0.0, *((0.0, 0.0) if len(ours) > 1 else ()))


def _resampled_means(*means: NDArray[np.float64], seed: int) -> list[NDArray[np.float64]]:
    """Of each (participants,), over the same draws: (RESAMPLES,). In blocks, so that thousands of people take no memory."""
    rng, people = np.random.default_rng(seed), len(means[0])
    found: list[list[NDArray[np.float64]]] = [[] for _ in means]
    for _ in range(BLOCKS):
        drawn = rng.integers(0, people, (RESAMPLES // BLOCKS, people))
        for own, values in zip(found, means, strict=True):
            own.append(values[drawn].mean(axis=1))
    return [np.concatenate(own) for own in found]


def _union(
    mean: float, resampled: NDArray[np.float64], each: NDArray[np.float64], within: tuple[float, float]
) -> Interval:
    """each: the participants' values, of whose mean the spread is `mean`'s."""
    bootstrap = percentiles(resampled)
    if bootstrap is None:
        return Interval(mean)
    below, above = _t_widths(each)
    lows, highs = [bootstrap[0], mean - below], [bootstrap[1], mean + above]
    if within[0] == 0 and mean > 0:
        lows.append(mean * np.exp(-below / mean))
        highs.append(mean * np.exp(min(above / mean, WIDEST_LOG)))
    return Interval(mean, float(max(min(lows), within[0])), float(min(max(highs), within[1])))


def _t_widths(each: NDArray[np.float64]) -> tuple[float, float]:
    """(below, above) the mean of few values: a t-interval, wider to the side of their long tail, since a sample that lacks its
    rare large values has too small a mean and too small a spread at once. It is not made narrower on the other side."""
    many, t = len(each), float(stats.t.ppf(TAILS[1], len(each) - 1))
    error = float(each.std(ddof=1) / np.sqrt(many))
    tail = error * (1 + 2 * t**2) / (6 * np.sqrt(many)) * _skewness(each)
    return t * error + max(-tail, 0.0), t * error + max(tail, 0.0)


def _skewness(each: NDArray[np.float64]) -> float:
    """Not biased for normal values; two of them, or equal ones, have none."""
    off, many = each - each.mean(), len(each)
    spread = float((off**2).mean())
    if many < 3 or spread <= (1e-12 * np.abs(each).max()) ** 2:
        return 0.0
    return float((off**3).mean() / spread**1.5 * np.sqrt(many * (many - 1)) / (many - 2))
