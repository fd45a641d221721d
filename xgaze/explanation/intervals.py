"""Intervals over participants as the explanation stores them."""

from dataclasses import asdict

import numpy as np
from numpy.typing import ArrayLike

from xgaze.evaluation.participants import ANY, mean_interval

Stored = dict[str, float | None]


def stored_interval(values: ArrayLike, participants: ArrayLike, within: tuple[float, float] = ANY) -> Stored | None:
    """{"mean", "low", "high"} of `values` (n,), NaN left out, which can lie `within`; None with fewer than two participants: no
    interval then."""
    figures, people = np.asarray(values, np.float64), np.asarray(participants, dtype=str)
    known = np.isfinite(figures)
    if len(np.unique(people[known])) < 2:
        return None
    return asdict(mean_interval(figures[known], people[known], within=within))
