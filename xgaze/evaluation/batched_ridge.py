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
Columns = slice | NDArray[np.int64]


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

    def of(self, part: Columns) -> "_Moments":
        """Of some of the features."""
        return _Moments(self.count, self.mean[part], self.target_mean, self.gram[part][:, part], self.cross[part])


def fit_ridge(batches: Batches, penalties: Sequence[float] | Values) -> Ridge:
    """The fit of the penalty with the least mean squared leave-one-out error over all targets; of equals the first."""
    return fit_ridges(batches, penalties, [slice(None)])[0]


def fit_ridges(batches: Batches, penalties: Sequence[float] | Values, parts: Sequence[Columns]) -> list[Ridge]:
    """A fit of each part of the features alone, all from the same two passes over the batches."""
    whole = _moments(batches())
    tried = [_fits(whole.of(part), penalties) for part in parts]
    errors = np.zeros((len(parts), len(penalties)))
    for features, targets in batches():
        rows, left = np.asarray(features, np.float64), np.asarray(targets, np.float64) - whole.target_mean
        for k, (part, one) in enumerate(zip(parts, tried, strict=True)):
            errors[k] += one.left_out(rows[:, part], left)
    return [one.ridge(int(np.argmin(own))) for one, own in zip(tried, errors, strict=True)]


@dataclass(frozen=True, eq=False)
class _Fits:
    """Of one set of features for all penalties. values, vectors: of their Gram matrix; solved: weights along these, (p, t)."""

    found: _Moments
    scale: Values
    values: Values
    vectors: Values
    solved: Sequence[Values]
    penalties: Sequence[float] | Values

    def left_out(self, features: Values, left: Values) -> Values:
        """Squared errors of these rows (n, p) by penalty, each row by the fit without it; left: targets around their mean."""
        turned, errors = ((features - self.found.mean) / self.scale) @ self.vectors, []
        for penalty, fit in zip(self.penalties, self.solved, strict=True):
            leverage = 1 / self.found.count + turned**2 @ (1 / (self.values + penalty))
            errors.append((((left - turned @ fit) / (1 - leverage).clip(np.finfo(float).eps)[:, None]) ** 2).sum())
        return np.array(errors)

    def ridge(self, which: int) -> Ridge:
        """With this penalty."""
        weights, found = self.vectors @ self.solved[which], self.found
        return Ridge(found.mean, self.scale, weights, found.target_mean, float(self.penalties[which]))


def _fits(found: _Moments, penalties: Sequence[float] | Values) -> _Fits:
    scale = _scale(found)
    values, vectors = np.linalg.eigh(found.gram / np.outer(scale, scale))
    values = values.clip(0)
    rotated = vectors.T @ (found.cross / scale[:, None])
    solved = [rotated / (values + penalty)[:, None] for penalty in penalties]
    return _Fits(found, scale, values, vectors, solved, penalties)


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
