"""Trivial baselines that stand beside every score. Each predicts the test rows from the training rows alone."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from xgaze.data.batches import ordered_batches
from xgaze.data.contract import Recording, rows_of, targets_of

RIDGE_SIDE = 8
FOREST_SIDE = 16


def pooled_pixels(recording: Recording, rows: NDArray[np.int64], side: int) -> NDArray[np.float32]:
    """Every input averaged down to side x side: (rows, inputs x channels x side x side)."""
    pool = torch.nn.AdaptiveAvgPool2d(side)
    pooled = [
        torch.cat([pool(x).flatten(1) for x in batch.inputs], dim=1) for batch in ordered_batches(recording, rows, 256)
    ]
    out: NDArray[np.float32] = torch.cat(pooled).numpy()
    return out


def baselines(recording: Recording, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Name -> outputs (test rows, outputs) of every baseline for the recording's task."""
    train, test = rows_of(recording, "train"), rows_of(recording, "test")
    known = targets_of(recording, train)
    if recording.spec.kind == "gaze":
        return {
            "mean gaze": np.tile(known.mean(axis=0), (len(test), 1)),
            f"pixel ridge {RIDGE_SIDE}x{RIDGE_SIDE}": _ridge(recording, train, test, known),
        }
    shares = np.bincount(known, minlength=len(recording.spec.classes)) / len(known)
    return {
        "majority class": np.tile(np.log(shares + 1e-12), (len(test), 1)),
        f"random forest on {FOREST_SIDE}x{FOREST_SIDE} pixels": _forest(recording, train, test, known, seed),
    }


def _ridge(
    recording: Recording, train: NDArray[np.int64], test: NDArray[np.int64], known: NDArray[Any]
) -> NDArray[Any]:
    model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(0, 5, 11)))
    model.fit(pooled_pixels(recording, train, RIDGE_SIDE), known)
    predicted: NDArray[Any] = model.predict(pooled_pixels(recording, test, RIDGE_SIDE))
    return predicted


def _forest(
    recording: Recording, train: NDArray[np.int64], test: NDArray[np.int64], known: NDArray[Any], seed: int
) -> NDArray[Any]:
    """Log-probabilities per class; a class that training never showed gets a probability of nearly zero."""
    forest = RandomForestClassifier(500, random_state=seed, n_jobs=-1)
    forest.fit(pooled_pixels(recording, train, FOREST_SIDE), known)
    chances = np.full((len(test), len(recording.spec.classes)), 1e-6)
    chances[:, forest.classes_] += forest.predict_proba(pooled_pixels(recording, test, FOREST_SIDE))
    logs: NDArray[Any] = np.log(chances)
    return logs
