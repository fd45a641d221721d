"""Participants drawn anew, or left out one at a time, as weights: a score that takes one weight per participant and draw is
resampled all at once."""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float64]
"""(draws, participants): how often each participant was drawn."""


def draw_participants(strata: Sequence[Hashable], draws: int, seed: int = 0) -> Weights:
    """Draw as many participants as there are, with replacement, within strata (one hashable entry per participant)."""
    rng = np.random.default_rng(seed % 2**63)
    weights = np.zeros((draws, len(strata)))
    for members in members_of(strata):
        size = len(members)
        drawn = rng.integers(0, size, (draws, size)) + size * np.arange(draws)[:, None]
        weights[:, members] = np.bincount(drawn.ravel(), minlength=draws * size).reshape(draws, size)
    return weights


def members_of(strata: Sequence[Hashable]) -> list[NDArray[np.int64]]:
    """Places of the participants of every stratum, in the order of their first."""
    return [np.array([k for k, own in enumerate(strata) if own == one]) for one in dict.fromkeys(strata)]


def merged_strata(strata: Sequence[Hashable]) -> list[int]:
    """Strata by number, so that each has two participants or more: those of one are put together, or a single one with the
    most frequent. A single participant in all stays alone."""
    numbers = {one: k for k, one in enumerate(dict.fromkeys(strata))}
    places = [numbers[one] for one in strata]
    sizes = np.bincount(places)
    alone = np.flatnonzero(sizes == 1)
    home = int(sizes.argmax()) if len(alone) == 1 else int(alone[0]) if len(alone) else -1
    return [home if sizes[one] == 1 else one for one in places]


def jackknife(
    without_each: NDArray[np.float64], strata: Sequence[Hashable], by_tails: bool = False
) -> tuple[float, float]:
    """(variance, degrees of freedom after Satterthwaite) of a score from its values without each participant (n,).

    Per stratum (n - 1) / n times the sum of squares about the stratum's mean, and n - 1 degrees of freedom; by_tails: fewer where
    few participants make most of the spread, since a variance is known the worse the heavier the tails (their kurtosis) are.
    """
    parts, freedoms = [], []
    for members in members_of(strata):
        off = without_each[members] - without_each[members].mean()
        n = len(members)
        parts.append((n - 1) / n * float((off**2).sum()))
        freedoms.append(1 / (1 / max(n - 1, 1) + (_excess(off) / (2 * n) if by_tails else 0)))
    variance = sum(parts)
    if variance == 0:
        return 0.0, float(sum(freedoms))
    return variance, variance**2 / sum(part**2 / one for part, one in zip(parts, freedoms, strict=True))


def _excess(off: NDArray[np.float64]) -> float:
    """Kurtosis beyond a normal distribution's, whose mean over samples of n is -6 / (n + 1); not below zero."""
    n, squares = len(off), float((off**2).sum())
    if n < 4 or squares == 0:
        return 0.0
    return max(0.0, n * float((off**4).sum()) / squares**2 - 3 + 6 / (n + 1))
