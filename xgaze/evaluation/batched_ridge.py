"""Ridge regression on rows that are seen in batches: scikit-learn's StandardScaler and RidgeCV, without holding the rows.

The penalty is the one of least leave-one-out error, which follows from the eigenvalues of the features' Gram matrix and each
row's leverage: errors of all n fits without one row, from one fit.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = NDArray[np.float64]
Batches = Callable[[], Iterable[tuple[ArrayLike, ArrayLike]]]
"""Called twice: the same batches of features (n, p) and targets (n, t) again."""


@dataclass(frozen=True, eq=False)
class Ridge:
    """targets = (features - mean) / scale @ weights + intercept; mean and scale (p,), weights (p, t), intercept (t,)."""

    mean: Values
    scale: Values
    weights: Values
    intercept: Values
    penalty: float

    def predict(self, features: ArrayLike) -> Values:
        """Targets (n, t) of features (n, p)."""
        scaled = (np.asarray(features, np.float64) - self.mean) / self.scale
        predicted: Values = scaled @ self.weights + self.intercept
        return predicted


@dataclass(frozen=True, eq=False)
class _Moments:
    """Of features and targets around their means: count, means, products features x features and features x targets."""

    count: int
    mean: Values
    target_mean: Values
    gram: Values
    cross: Values


def fit_ridge(batches: Batches, penalties: Sequence[float] | Values) -> Ridge:
    """The fit of the penalty with the least mean squared leave-one-out error over all targets; of equals the first."""
    found = _moments(batches())
    scale = _scale(found)
    values, vectors = np.linalg.eigh(found.gram / np.outer(scale, scale))
    values = values.clip(0)
    rotated = vectors.T @ (found.cross / scale[:, None])
    fits = [rotated / (values + penalty)[:, None] for penalty in penalties]
    errors = np.zeros(len(fits))
    for features, targets in batches():
        turned = ((np.asarray(features, np.float64) - found.mean) / scale) @ vectors
        left = np.asarray(targets, np.float64) - found.target_mean
        for k, (penalty, fit) in enumerate(zip(penalties, fits, strict=True)):
            leverage = 1 / found.count + turned**2 @ (1 / (values + penalty))
            errors[k] += (((left - turned @ fit) / (1 - leverage).clip(np.finfo(float).eps)[:, None]) ** 2).sum()
    best = int(np.argmin(errors))
    return Ridge(found.mean, scale, vectors @ fits[best], found.target_mean, float(penalties[best]))


def _moments(batches: Iterable[tuple[ArrayLike, ArrayLike]]) -> _Moments:
    """Sums are taken around the means of the first batch, so that large means cost no digits."""
    count, near, sums, products = 0, np.empty(0), np.empty(0), np.empty((0, 0))
    width = 0
    for features, targets in batches:
        rows = np.concatenate([np.asarray(features, np.float64), np.asarray(targets, np.float64)], axis=1)
        if not count:
            width, near = np.shape(features)[1], rows.mean(axis=0)
            sums, products = np.zeros(len(near)), np.zeros((len(near), len(near)))
        count += len(rows)
        rows -= near
        sums += rows.sum(axis=0)
        products += rows.T @ rows
    products -= np.outer(sums, sums) / count
    means = near + sums / count
    return _Moments(count, means[:width], means[width:], products[:width, :width], products[:width, width:])


def _scale(found: _Moments) -> Values:
    """Standard deviations; 1 for features that are the same in every row, but for rounding."""
    variance = found.gram.diagonal().clip(0) / found.count
    rounding = np.finfo(float).eps * found.count
    constant = variance <= rounding * variance + (rounding * found.mean) ** 2
    scale: Values = np.where(constant, 1.0, np.sqrt(variance))
    return scale
