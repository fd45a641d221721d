"""Trivial baselines that stand beside every score. Each predicts the test rows from the training rows alone."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from xgaze.data.batches import ordered_batches
from xgaze.data.contract import Recording, rows_of, targets_of
from xgaze.data.sources.fixation_table import FixationRecording
from xgaze.evaluation.fixation_features import summary_features
from xgaze.evaluation.learned import NAMES, trivial_outputs

RIDGE_SIDE = 8
FOREST_SIDE = 16
TREES = 500


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
    trivial = {NAMES[recording.spec.kind]: trivial_outputs(recording.spec, known, len(test))}
    if recording.spec.kind == "gaze":
        return {
            **trivial,
            f"pixel ridge {RIDGE_SIDE}x{RIDGE_SIDE}": _ridge(recording, train, test, known),
        }
    if recording.spec.kind == "value":
        return trivial | _value_forest(recording, train, test, known, seed)
    name, shown, unseen = _described(recording, train, test)
    forest = _forest(shown, unseen, known, len(recording.spec.classes), seed)
    return {**trivial, f"random forest on {name}": forest}


def _described(
    recording: Recording, train: NDArray[np.int64], test: NDArray[np.int64]
) -> tuple[str, NDArray[np.float32], NDArray[np.float32]]:
    """Plain features of training and test rows, and their name: of scanpaths where there are any, else pixels."""
    if isinstance(recording, FixationRecording):
        features = summary_features(recording.shown.scanpaths).to_numpy(np.float32)
        return "fixation features", features[train], features[test]
    shown, unseen = (pooled_pixels(recording, rows, FOREST_SIDE) for rows in (train, test))
    return f"{FOREST_SIDE}x{FOREST_SIDE} pixels", shown, unseen


def _ridge(
    recording: Recording, train: NDArray[np.int64], test: NDArray[np.int64], known: NDArray[Any]
) -> NDArray[Any]:
    model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(0, 5, 11)))
    model.fit(pooled_pixels(recording, train, RIDGE_SIDE), known)
    predicted: NDArray[Any] = model.predict(pooled_pixels(recording, test, RIDGE_SIDE))
    return predicted


def _forest(
    shown: NDArray[np.float32], unseen: NDArray[np.float32], known: NDArray[Any], classes: int, seed: int
) -> NDArray[Any]:
    """Log-probabilities per class; a class that training never showed gets a probability of nearly zero."""
    forest = RandomForestClassifier(TREES, random_state=seed, n_jobs=-1)
    forest.fit(shown, known)
    chances = np.full((len(unseen), classes), 1e-6)
    chances[:, forest.classes_] += forest.predict_proba(unseen)
    logs: NDArray[Any] = np.log(chances)
    return logs


def _value_forest(
    recording: Recording, train: NDArray[np.int64], test: NDArray[np.int64], known: NDArray[Any], seed: int
) -> dict[str, NDArray[Any]]:
    """Only of scanpaths: no other recording has a value to tell."""
    if not isinstance(recording, FixationRecording):
        return {}
    name, shown, unseen = _described(recording, train, test)
    forest = RandomForestRegressor(TREES, random_state=seed, n_jobs=-1, max_features=1 / 3, min_samples_leaf=5)
    forest.fit(shown, known.ravel())
    return {f"random forest on {name}": forest.predict(unseen)[:, None]}
