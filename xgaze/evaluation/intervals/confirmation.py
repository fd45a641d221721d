"""Will other people confirm it? Of many students the smallest that holds a budget by a hair has luck in it, and every second time
new people say otherwise."""

import math

from scipy import stats

from xgaze.evaluation.intervals.participants import LEVEL, Interval

CONFIRMED = 0.9
"""How often new people are to say the same."""


def confirmed_below(found: Interval, people: int, further: int) -> float:
    """What the upper end of an interval of `further` new people stays below in `CONFIRMED` of all cases, going by the one `found`
    of `people`; infinite where that has no ends.

    Both estimates err, each by its own people: mean + z (new upper end) + z (the difference of two means). For as many new people
    as known ones it lies 1.9 half widths above the mean, where the upper end lies one.
    """
    if found.high is None or further < 1:
        return math.inf
    upper, often = stats.norm.ppf((1 + LEVEL) / 2), stats.norm.ppf(CONFIRMED)
    error, ratio = (found.high - found.mean) / upper, math.sqrt(people / further)
    return float(found.mean + error * (upper * ratio + often * math.hypot(1.0, ratio)))
