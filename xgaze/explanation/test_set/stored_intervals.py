"""Intervals over participants as the explanation stores them."""

from dataclasses import asdict

import numpy as np
from numpy.typing import ArrayLike

from xgaze.evaluation.intervals.participants import ANY, mean_interval

Stored = dict[str, float | None]


def stored_interval(values: ArrayLike, participants: ArrayLike, within: tuple[float, float] = ANY) -> Stored | None:
    """{"mean", "low", "high"} of `values` (n,), NaN left out, which can lie `within`: without ends for one participant, None for
    nobody."""
    figures, people = np.asarray(values, np.float64), np.asarray(participants, dtype=str)
    known = np.isfinite(figures)
    if not known.any():
        return None
    return asdict(mean_interval(figures[known], people[known], within=within))
