"""Intervals over participants for scores of classes, which are pooled over samples: AUC, accuracy, F1, and their differences.

A jackknife t that leaves out one participant at a time, within strata (their set of classes), its degrees of freedom after
Satterthwaite and fewer where few people make the spread. With few people, or near the ceiling, it sees too little spread:
everyone who was there was right. So it counts a third of a participant of every class that was answered by chance. A score has
Wilson's interval (1927) of as many independent answers as have this variance (as Franco et al. 2019 do for surveys), from the
score without these participants down or up and from that with them. Where all was right, or wrong, nobody knows whether people
differ in their answers or as a whole, and each counts as one answer. A difference counts a part of a chance participant for each
model alone, is known no more finely than one answer changes it (where nobody makes a difference: one answer that no other of the
same person resembles), and is the union with the percentile bootstrap.
`benchmarks/coverage.py` measures how often these intervals hold the truth. There is none where a class has fewer than three
participants: nothing is known of how two differ.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from xgaze.evaluation.intervals.measures import Measure, Samples
from xgaze.evaluation.intervals.participants import TAILS, Interval, percentiles
from xgaze.evaluation.intervals.resampling import Weights, draw_participants, jackknife

DRAWS = 1000
ROUNDING = 1e-12
CHANCE_WEIGHT, ALONE = 1 / 3, 1 / 2
"""How much a chance participant counts, and of that how much where one of two models alone meets it: with both it cancels."""


@dataclass(frozen=True, eq=False)
class Resampling:
    """The same for all scores of the same samples, so that differences are paired. Weights (draws, participants + classes) of
    everyone once, of people drawn anew, of everyone and the chance participants, and of these without each; strata of the
    participants. has_intervals: whether there are people enough; grain, independent_grain and units: as `Samples` has them."""

    once: Weights
    drawn: Weights
    with_chance: Weights
    without_each: Weights
    strata: list[int]
    has_intervals: bool
    grain: float
    independent_grain: float
    units: float

    @property
    def people(self) -> int:
        return len(self.strata)


def resampling_of(samples: Samples, classes: int, seed: int = 0, draws: int = DRAWS) -> Resampling:
    """Of the participants of `samples`."""
    strata, people = samples.strata, len(samples.names)
    everyone = np.concatenate([np.ones(people), np.full(classes, CHANCE_WEIGHT)])
    return Resampling(
        once=np.pad(np.ones((1, people)), ((0, 0), (0, classes))),
        drawn=np.pad(draw_participants(strata, draws, seed), ((0, 0), (0, classes))),
        with_chance=everyone[None],
        without_each=everyone * (1 - np.eye(people + classes)),
        strata=strata,
        has_intervals=samples.has_intervals,
        grain=samples.grain,
        independent_grain=samples.independent_grain,
        units=samples.units,
    )


def score_interval(measure: Measure, among: Resampling) -> Interval:
    """A score within 0..1 with its interval; without ends where there are too few people, or it is not defined without one."""
    point, centre = (float(measure(weights)[0]) for weights in (among.once, among.with_chance))
    each = measure(among.without_each)
    spread, freedom = jackknife(each[: among.people], among.strata, by_tails=True)
    half = _half(spread + _of_chance(each, centre, among), freedom)
    if not (among.has_intervals and 0 < centre < 1 and np.isfinite(half)):
        return Interval(point)
    doubt = half**2 / (centre * (1 - centre))
    # Chance pulls the centre towards the middle: the interval must not lose what is beyond the score on the other side.
    low, high = wilson(min(point, centre), doubt)[0], wilson(max(point, centre), doubt)[1]
    if min(point, 1 - point) < ROUNDING:
        alone = wilson(point, _t(among.people - len(set(among.strata))) ** 2 / among.units)
        low, high = min(low, alone[0]), max(high, alone[1])
    return Interval(point, low, high)


def wilson(share: float, doubt: float) -> tuple[float, float]:
    """The shares between which `share` is no further away than their own errors allow. doubt: t squared / number of answers."""
    share = min(max(share, 0.0), 1.0)
    centre, half = share + doubt / 2, np.sqrt(doubt * share * (1 - share) + doubt**2 / 4)
    return max(0.0, float((centre - half) / (1 + doubt))), min(1.0, float((centre + half) / (1 + doubt)))


def difference_interval(first: Measure, second: Measure, among: Resampling, same: bool = False) -> Interval:
    """First minus second, within -1..1, on the same draws. same: of two models that say the same everywhere, and so everywhere
    else."""

    def both(weights: Weights) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return first(weights), second(weights)

    def difference(weights: Weights) -> NDArray[np.float64]:
        return np.subtract(*both(weights))

    point = float(difference(among.once)[0])
    if same:
        return Interval(0.0, *((0.0, 0.0) if among.has_intervals else ()))
    bootstrap = percentiles(difference(among.drawn)) if among.has_intervals else None
    centres, each = both(among.with_chance), both(among.without_each)
    apart = np.subtract(*each)
    spread, freedom = jackknife(apart[: among.people], among.strata, by_tails=True)
    chance = _of_chance(apart, float(np.subtract(*centres)[0]), among)
    alone = sum(_of_chance(own, float(centre[0]), among) for own, centre in zip(each, centres, strict=True))
    grain = among.grain if spread > 0 else among.independent_grain
    half = max(_half(spread + chance + ALONE**2 * alone, freedom), _half(grain**2, freedom))
    if bootstrap is None or not np.isfinite(half):
        return Interval(point)
    low, high = min(point - half, bootstrap[0]), max(point + half, bootstrap[1])
    return Interval(point, max(low, -1.0), min(high, 1.0))


def _of_chance(without_each: NDArray[np.float64], centre: float, among: Resampling) -> float:
    """Variance that the chance participants add."""
    return float(((without_each[among.people :] - centre) ** 2).sum())


def _half(variance: float, freedom: float) -> float:
    """Of the width of a t-interval."""
    return float(_t(freedom) * np.sqrt(variance))


def _t(freedom: float) -> float:
    return float(stats.t.ppf(TAILS[1], freedom))
