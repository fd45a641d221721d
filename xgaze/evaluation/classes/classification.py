"""Scores of classifiers from logits, through scikit-learn."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score


def probabilities(logits: ArrayLike) -> NDArray[np.float64]:
    """Softmax over classes: (n, classes) -> (n, classes)."""
    out: NDArray[np.float64] = softmax(np.asarray(logits, np.float64), axis=1)
    return out


def auc(logits: ArrayLike, labels: ArrayLike) -> float:
    """Area under the ROC curve of class 1 against class 0; ties count one half. Raises ValueError for other than two classes."""
    values = np.asarray(logits, np.float64)
    if values.shape[1] != 2:
        raise ValueError(f"AUC needs two classes, found {values.shape[1]}")
    # The difference of logits is monotone in the probability, and does not saturate to ties as the probability does.
    return float(roc_auc_score(np.asarray(labels), values[:, 1] - values[:, 0]))


def accuracy(logits: ArrayLike, labels: ArrayLike) -> float:
    """Share of samples whose largest logit is at their class."""
    return float(accuracy_score(np.asarray(labels), np.asarray(logits).argmax(axis=1)))


def f1(logits: ArrayLike, labels: ArrayLike, average: str = "weighted") -> float:
    """F1 averaged over classes: "weighted" by support, or "macro"."""
    return float(f1_score(np.asarray(labels), np.asarray(logits).argmax(axis=1), average=average, zero_division=0))
