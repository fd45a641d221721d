"""Leaving variables of an embedding out, with what follows refitted to do without them.

The best the next linear layer W can do from the variables that stay is its least-squares fit on them. Whatever W, that fit is W
itself after each variable that left has been replaced by its own least-squares prediction from those that stay. So no layer is
touched: the embedding is filled in.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Error = Callable[[Array], float]
"""An embedding (n, width), perhaps filled in -> the error of what the model makes of it."""

RIDGE = 1e-9
"""Of the mean variance: variables that are sums of others leave their prediction undetermined."""


def filled_in(reference: NDArray[Any], embedding: NDArray[Any], kept: Sequence[int]) -> Array:
    """`embedding` (n, width) with all variables but `kept` predicted from these, by least squares on `reference` (m, width)."""
    known = np.asarray(reference, np.float64)
    mean, out = known.mean(axis=0), np.array(embedding, np.float64)
    left = np.setdiff1d(np.arange(known.shape[1]), kept)
    stay = np.asarray(kept, np.int64)
    centred = known - mean
    weights = np.linalg.lstsq(centred[:, stay], centred[:, left], rcond=None)[0]
    out[:, left] = mean[left] + (out[:, stay] - mean[stay]) @ weights
    return out


def predictions_from_others(reference: NDArray[Any], embedding: NDArray[Any]) -> Array:
    """Each variable of `embedding` (n, width) predicted from all the others, by least squares on `reference` (m, width).

    One inversion for all of them: the residual of variable j is (P (e - mean))_j / P_jj with P the inverse covariance.
    """
    known, here = np.asarray(reference, np.float64), np.asarray(embedding, np.float64)
    mean = known.mean(axis=0)
    covariance = np.atleast_2d(np.cov(known, rowvar=False))
    scale = np.trace(covariance) / len(covariance) + np.finfo(float).tiny
    precision = np.linalg.inv(covariance + RIDGE * scale * np.eye(len(covariance)))
    predicted: Array = here - (here - mean) @ precision / np.diag(precision)
    return predicted


def keep_curves(
    orders: Mapping[str, Sequence[int] | NDArray[np.int64]],
    counts: Sequence[int],
    reference: NDArray[Any],
    embedding: NDArray[Any],
    error: Error,
) -> list[dict[str, Any]]:
    """{"kept", "order", "error"}: the error with only the first `counts` variables of each order, the others filled in."""
    return [
        {"kept": count, "order": name, "error": error(filled_in(reference, embedding, list(order[:count])))}
        for name, order in orders.items()
        for count in counts
    ]


def random_curve(
    draws: int, counts: Sequence[int], reference: NDArray[Any], embedding: NDArray[Any], error: Error, seed: int
) -> list[dict[str, Any]]:
    """As `keep_curves`, averaged over random orders; "lowest" and "highest" are those of the draws."""
    rng = np.random.default_rng(seed)
    orders = {str(k): rng.permutation(embedding.shape[1]) for k in range(draws)}
    found = keep_curves(orders, counts, reference, embedding, error)
    rows = []
    for count in counts:
        errors = [row["error"] for row in found if row["kept"] == count]
        rows.append(
            {
                "kept": count,
                "order": "random",
                "error": float(np.mean(errors)),
                "lowest": min(errors),
                "highest": max(errors),
            }
        )
    return rows
