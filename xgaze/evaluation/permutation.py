"""Could this score come about if participants' classes meant nothing? A permutation test over participants."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

PERMUTATIONS = 1000


@dataclass(frozen=True)
class Permutation:
    """p = (1 + permutations that score as high) / (1 + permutations): one-sided, never zero. mean: of the permuted scores."""

    p: float
    permutations: int
    statistic: float
    mean: float


def permutation_test(
    score: Callable[[NDArray[Any]], float],
    labels: ArrayLike,
    participants: ArrayLike,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> Permutation:
    """`score(labels)` of fixed predictions against labels permuted among participants; higher is better."""
    values = np.asarray(labels)
    observed = score(values)
    permuted = permute_labels(values, participants, permutations, seed)
    scores = np.array([score(one) for one in permuted])
    as_high = int((scores >= observed - 1e-12).sum())  # sums in another order must not hide a tie
    return Permutation((1 + as_high) / (1 + permutations), permutations, observed, float(scores.mean()))


def permute_labels(labels: ArrayLike, participants: ArrayLike, permutations: int, seed: int = 0) -> NDArray[Any]:
    """Labels (n,) -> (permutations, n). People of one class exchange their classes among each other, as a whole; people who
    gave samples of several classes have these shuffled among their own samples, since they differ in how many they gave."""
    values = np.asarray(labels)
    names, person = np.unique(np.asarray(participants, dtype=str), return_inverse=True)
    rows = [np.flatnonzero(person == k) for k in range(len(names))]
    single = np.array([k for k, own in enumerate(rows) if len(set(values[own].tolist())) == 1], np.int64)
    several = [own for k, own in enumerate(rows) if k not in set(single.tolist())]
    first = np.array([values[own[0]] for own in rows])
    rng = np.random.default_rng(seed % 2**63)
    out = np.tile(values, (permutations, 1))
    for line in out:
        classes = first.copy()
        classes[single] = rng.permutation(first[single])
        line[:] = classes[person]
        for own in several:
            line[own] = rng.permutation(values[own])
    return out
