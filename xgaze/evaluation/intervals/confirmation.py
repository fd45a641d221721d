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
    return float(found.mean + (found.high - found.mean) * _half_widths(math.sqrt(people / further)))


def people_to_confirm(half_width: float, people: int, further: int, allowed: float) -> int:
    """How many there must be, where `people` gave an interval of +-`half_width`, for a student that is exactly as good to be
    found at most `allowed` worse and confirmed: the bound of `confirmed_below` meets what is allowed. `further`: new people now;
    the share of both is kept."""
    return math.ceil(people * (half_width * _half_widths(math.sqrt(people / further)) / allowed) ** 2)


def _half_widths(ratio: float) -> float:
    """From the mean to the bound, in half widths of the interval of known people. ratio: root of known over new people."""
    upper, often = stats.norm.ppf((1 + LEVEL) / 2), stats.norm.ppf(CONFIRMED)
    return float(ratio + often / upper * math.hypot(1.0, ratio))
