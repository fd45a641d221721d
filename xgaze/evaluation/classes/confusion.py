"""Confusion matrices per participant, and what follows from them. Truth in rows, prediction in columns."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def participant_confusions(
    truth: ArrayLike, predicted: ArrayLike, participants: ArrayLike, classes: int
) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    """(participants, sorted as text; their matrices (participants, classes, classes)) of class indices (n,)."""
    names, person = np.unique(np.asarray(participants, dtype=str), return_inverse=True)
    place = (person * classes + np.asarray(truth)) * classes + np.asarray(predicted)
    counts = np.bincount(place, minlength=len(names) * classes * classes)
    return names, counts.reshape(len(names), classes, classes)


def f1_per_class(matrix: ArrayLike) -> NDArray[np.float64]:
    """2 x right / (true + predicted) per class: (..., classes, classes) -> (..., classes); 0 where a class has neither."""
    counts = np.asarray(matrix, np.float64)
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    scores: NDArray[np.float64] = 2 * right / np.maximum(counts.sum(axis=-1) + counts.sum(axis=-2), 1e-12)
    return scores


def weighted_f1(matrix: ArrayLike) -> NDArray[np.float64]:
    """F1 averaged over classes by how many samples each truly has: (..., classes, classes) -> (...)."""
    counts = np.asarray(matrix, np.float64)
    support = counts.sum(axis=-1)
    average: NDArray[np.float64] = (f1_per_class(counts) * support).sum(axis=-1) / support.sum(axis=-1)
    return average


def macro_f1(matrix: ArrayLike) -> NDArray[np.float64]:
    """F1 averaged over the classes that are true or predicted anywhere: (..., classes, classes) -> (...)."""
    counts = np.asarray(matrix, np.float64)
    there = counts.sum(axis=-1) + counts.sum(axis=-2) > 0
    average: NDArray[np.float64] = f1_per_class(counts).sum(axis=-1) / there.sum(axis=-1)
    return average


def accuracy_of(matrix: ArrayLike) -> NDArray[np.float64]:
    """Share of right answers: (..., classes, classes) -> (...)."""
    counts = np.asarray(matrix, np.float64)
    share: NDArray[np.float64] = np.trace(counts, axis1=-2, axis2=-1) / counts.sum(axis=(-2, -1))
    return share
