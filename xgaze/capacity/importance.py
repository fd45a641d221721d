"""How much each variable of an embedding matters to the model's output: four measures, and whether they agree.

Each is in the unit of the output (px, or logits) and judged on samples that no part of the measure was fitted on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Protocol

import numpy as np
import torch
from captum.attr import IntegratedGradients
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance
from torch import nn

from xgaze.capacity.refit import predictions_from_others

Array = NDArray[np.float64]
REPEATS = 5
STEPS = 32
TIE = 1e-9
"""Values closer than this share of the largest are equal."""


class Seen(Protocol):
    """Codes of n samples and what the model says of them: embedding (n, width), outputs (n, outputs)."""

    @property
    def embedding(self) -> NDArray[Any]: ...

    @property
    def outputs(self) -> NDArray[Any]: ...


@dataclass(frozen=True)
class ForestSettings:
    """Size of the random forest, and how often and on how many held-out samples each variable is shuffled."""

    trees: int = 60
    repeats: int = 2
    samples: int = 500


def tail_outputs(tail: nn.Module) -> Callable[[NDArray[Any]], Array]:
    """The tail on numpy arrays: (n, width) -> (n, outputs)."""

    @torch.no_grad()
    def outputs(embedding: NDArray[Any]) -> Array:
        found: Array = tail(torch.tensor(np.asarray(embedding, np.float32))).double().numpy()
        return found

    return outputs


def permutation_movement(tail: nn.Module, embedding: NDArray[Any], seed: int = 0) -> Array:
    """How far the output moves on average when one variable is shuffled over samples, the others held: (width,)."""
    outputs, rng = tail_outputs(tail), np.random.default_rng(seed)
    whole = outputs(embedding)
    orders = [rng.permutation(len(embedding)) for _ in range(REPEATS)]

    def moved(k: int, order: NDArray[np.int64]) -> float:
        shuffled = np.array(embedding)
        shuffled[:, k] = shuffled[order, k]
        return _movement(outputs(shuffled), whole)

    return np.array([np.mean([moved(k, order) for order in orders]) for k in range(embedding.shape[1])])


def ablation_movement(tail: nn.Module, reference: NDArray[Any], embedding: NDArray[Any]) -> Array:
    """How far the output moves on average when one variable is left out and the next linear map refitted on `reference` to do
    without it: (width,). Near zero where the other variables say the same."""
    outputs = tail_outputs(tail)
    whole, predicted = outputs(embedding), predictions_from_others(reference, embedding)

    def moved(k: int) -> float:
        without = np.array(embedding, np.float64)
        without[:, k] = predicted[:, k]
        return _movement(outputs(without), whole)

    return np.array([moved(k) for k in range(embedding.shape[1])])


def integrated_movement(tail: nn.Module, reference: NDArray[Any], embedding: NDArray[Any]) -> Array:
    """Integrated gradients of every output from the mean of `reference`; the length over outputs, averaged over samples:
    (width,). Sundararajan et al. 2017, by Captum."""
    points = torch.tensor(np.asarray(embedding, np.float32))
    baseline = torch.tensor(np.asarray(reference, np.float32).mean(axis=0, keepdims=True))
    method = IntegratedGradients(tail)
    with torch.no_grad():
        count = int(tail(points[:1]).shape[1])
    parts = [
        method.attribute(points, baseline, target=k, n_steps=STEPS, internal_batch_size=8192).detach()
        for k in range(count)
    ]
    lengths: Array = torch.stack(parts).double().norm(dim=0).mean(dim=0).numpy()
    return lengths


def forest_importance(
    reference: NDArray[Any],
    reference_outputs: NDArray[Any],
    embedding: NDArray[Any],
    outputs: NDArray[Any],
    settings: ForestSettings,
    seed: int = 0,
) -> Array:
    """A random forest learns the model's outputs from `reference`; how much worse it predicts them on held-out samples when a
    variable is shuffled: (width,). Not impurity, which favours what splits the training samples."""
    forest = RandomForestRegressor(
        settings.trees, max_features=1 / 3, min_samples_leaf=2, random_state=seed, n_jobs=1
    ).fit(reference, _column(reference_outputs))

    def closeness(model: Any, codes: NDArray[Any], truth: NDArray[Any]) -> float:
        return -_movement(model.predict(codes).reshape(truth.shape), truth)

    held = np.random.default_rng(seed).permutation(len(embedding))[: settings.samples]
    found = permutation_importance(
        forest, embedding[held], outputs[held], scoring=closeness, n_repeats=settings.repeats, random_state=seed
    )
    means: Array = found["importances_mean"]
    return means


def importance_measures(
    tail: nn.Module, known: Seen, here: Seen, forest: ForestSettings, seed: int = 0
) -> dict[str, Array]:
    """All four measures by name, (width,) each: fitted on `known`, judged on `here`."""
    return {
        "permutation": permutation_movement(tail, here.embedding, seed),
        "ablation with refit": ablation_movement(tail, known.embedding, here.embedding),
        "integrated gradients": integrated_movement(tail, known.embedding, here.embedding),
        "random forest": forest_importance(known.embedding, known.outputs, here.embedding, here.outputs, forest, seed),
    }


def rank_agreement(measures: Mapping[str, Array]) -> list[dict[str, Any]]:
    """{"a", "b", "spearman"} for every pair of measures; None where one of them is the same for all variables."""
    return [{"a": a, "b": b, "spearman": _spearman(measures[a], measures[b])} for a, b in combinations(measures, 2)]


def count_ties(values: Array) -> int:
    """Variables that share their value with another one: their order is arbitrary."""
    _, counts = np.unique(_rounded(values), return_counts=True)
    return int(counts[counts > 1].sum())


def strongest_first(values: Array) -> list[int]:
    """Variables by descending value; ties in order of the variables."""
    return [int(k) for k in np.argsort(-_rounded(values), kind="stable")]


def _rounded(values: Array) -> Array:
    largest = float(np.abs(values).max())
    return np.round(values / largest / TIE) if largest > 0 else np.zeros_like(values)


def _spearman(a: Array, b: Array) -> float | None:
    first, second = _rounded(a), _rounded(b)
    if len(first) < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(spearmanr(first, second).statistic)


def _column(outputs: NDArray[Any]) -> NDArray[Any]:
    """As scikit-learn wants a single output: (n,)."""
    return outputs[:, 0] if outputs.shape[1] == 1 else outputs


def _movement(outputs: Array, whole: Array) -> float:
    return float(np.linalg.norm(outputs - whole, axis=1).mean())
