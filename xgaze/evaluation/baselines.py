"""Trivial baselines that stand beside every score. Each predicts the test rows from the training rows alone."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from torch import Tensor

from xgaze.data.batches import ordered_batches
from xgaze.data.contract import Recording, rows_of, targets_of
from xgaze.evaluation.batched_ridge import Columns, fit_ridges
from xgaze.evaluation.learned import NAMES, trivial_outputs
from xgaze.evaluation.looking.fixation_features import summary_features

RIDGE_SIDE = 8
FOREST_SIDE = 16
TREES = 500
FOREST_ROWS = 20_000
BATCH = 256
PENALTIES = tuple(float(one) for one in np.logspace(0, 5, 11))


def pooled(values: Tensor, side: int) -> Tensor:
    """Pictures (n, ..., height, width) averaged down to side x side, sequences (n, steps, features) to `side` steps, vectors as
    they are: (n, features)."""
    if values.dim() > 3:
        return torch.nn.functional.adaptive_avg_pool2d(values.flatten(1, -3), side).flatten(1)
    if values.dim() == 3:
        return torch.nn.functional.adaptive_avg_pool1d(values.transpose(1, 2), side).flatten(1)
    return values.flatten(1)


def pooled_batches(recording: Recording, rows: NDArray[np.int64], side: int) -> Iterator[NDArray[np.float32]]:
    """Every input pooled, in batches: (batch, features)."""
    for batch in ordered_batches(recording, rows, BATCH):
        yield torch.cat([pooled(one, side) for one in batch.inputs], dim=1).numpy()


def pooled_pixels(recording: Recording, rows: NDArray[np.int64], side: int) -> NDArray[np.float32]:
    """Every input pooled: (rows, features)."""
    return np.concatenate(list(pooled_batches(recording, rows, side)))


def baselines(recording: Recording, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Name -> outputs (test rows, outputs) of every baseline for the recording's task."""
    train, test = rows_of(recording, "train"), rows_of(recording, "test")
    known = targets_of(recording, train)
    trivial = {NAMES[recording.spec.kind]: trivial_outputs(recording.spec, known, len(test))}
    if recording.spec.kind == "value" and recording.scanpaths is not None:
        return trivial | _value_forest(recording, train, test, known, seed)
    if recording.spec.kind != "class":
        return trivial | _ridges(recording, train, test, known)
    name, shown, features, unseen = _described(recording, train, test, seed)
    forest = _forest(features, unseen, known[shown], len(recording.spec.classes), seed)
    return {**trivial, f"random forest on {name}": forest}


def _described(
    recording: Recording, train: NDArray[np.int64], test: NDArray[np.int64], seed: int
) -> tuple[str, NDArray[np.int64], NDArray[np.float32], Iterable[NDArray[np.float32]]]:
    """Plain features of scanpaths where there are any, else of pixels: their name, which of `train` are shown to a forest, their
    features, and batches of those of `test`.

    A forest must hold what it is shown: of more than `FOREST_ROWS` pictures so many are drawn by seed, and the name says so.
    """
    everyone = np.arange(len(train))
    if recording.scanpaths is not None:
        features = summary_features(recording.scanpaths).to_numpy(np.float32)
        return "fixation features", everyone, features[train], [features[test]]
    name, shown = f"{FOREST_SIDE}x{FOREST_SIDE} pixels" if _has_pictures(recording) else "the inputs", everyone
    if len(train) > FOREST_ROWS:
        shown = np.sort(np.random.default_rng(seed % 2**63).permutation(len(train))[:FOREST_ROWS])
        name += f" of {FOREST_ROWS:,} samples"
    features = pooled_pixels(recording, train[shown], FOREST_SIDE)
    return name, shown, features, pooled_batches(recording, test, FOREST_SIDE)


def _ridge_name(recording: Recording) -> str:
    return f"pixel ridge {RIDGE_SIDE}x{RIDGE_SIDE}" if _has_pictures(recording) else "ridge on the inputs"


def _has_pictures(recording: Recording) -> bool:
    return any(len(one.shape) > 2 for one in recording.spec.inputs)


def _vectors_alone(recording: Recording) -> dict[str, NDArray[np.int64]]:
    """Name -> columns, among the pooled features, of all vectors, where there is something else, too: what can be told without
    any picture, as from the head's pose."""
    names, columns, start = [], list[int](), 0
    for one in recording.spec.inputs:
        width = int(pooled(torch.zeros(1, *one.shape), RIDGE_SIDE).shape[1])
        if len(one.shape) == 1:
            names.append(one.name)
            columns += range(start, start + width)
        start += width
    some = 0 < len(names) < len(recording.spec.inputs)
    return {f"ridge on {', '.join(names)}": np.array(columns)} if some else {}


def _ridges(
    recording: Recording, train: NDArray[np.int64], test: NDArray[np.int64], known: NDArray[Any]
) -> dict[str, NDArray[Any]]:
    """On all inputs, and on vectors alone."""
    parts: dict[str, Columns] = {_ridge_name(recording): slice(None), **_vectors_alone(recording)}

    def batches() -> Iterator[tuple[NDArray[np.float32], NDArray[Any]]]:
        starts = range(0, len(train), BATCH)
        for start, features in zip(starts, pooled_batches(recording, train, RIDGE_SIDE), strict=True):
            yield features, known[start : start + BATCH]

    fitted = fit_ridges(batches, PENALTIES, list(parts.values()))
    unseen = [
        [one.predict(features[:, part]) for one, part in zip(fitted, parts.values(), strict=True)]
        for features in pooled_batches(recording, test, RIDGE_SIDE)
    ]
    return {name: np.concatenate(own) for name, own in zip(parts, zip(*unseen, strict=True), strict=True)}


def _forest(
    features: NDArray[np.float32], unseen: Iterable[NDArray[np.float32]], known: NDArray[Any], classes: int, seed: int
) -> NDArray[Any]:
    """Log-probabilities per class; a class that training never showed gets a probability of nearly zero."""
    forest = RandomForestClassifier(TREES, random_state=seed, n_jobs=-1)
    forest.fit(features, known)
    told = np.concatenate([forest.predict_proba(batch) for batch in unseen])
    chances = np.full((len(told), classes), 1e-6)
    chances[:, forest.classes_] += told
    logs: NDArray[Any] = np.log(chances)
    return logs


def _value_forest(
    recording: Recording, train: NDArray[np.int64], test: NDArray[np.int64], known: NDArray[Any], seed: int
) -> dict[str, NDArray[Any]]:
    """Of scanpaths, whose features a straight line reads badly."""
    name, shown, features, unseen = _described(recording, train, test, seed)
    forest = RandomForestRegressor(TREES, random_state=seed, n_jobs=-1, max_features=1 / 3, min_samples_leaf=5)
    forest.fit(features, known[shown].ravel())
    return {f"random forest on {name}": np.concatenate([forest.predict(batch) for batch in unseen])[:, None]}
