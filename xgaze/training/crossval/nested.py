"""Nested cross validation of one outer fold: inner trainings choose how long to train, a refit on all is tested once."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.contract import Recording, rows_of
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead
from xgaze.processes import is_helper
from xgaze.recipe import Recipe
from xgaze.stored import read_table
from xgaze.training.crossval.fold import Trained, fresh_model, seed_of, split_of_outer
from xgaze.training.crossval.folds import InnerFold, OuterFold
from xgaze.training.fit import HISTORY_FILE, epochs_fitted, fit_epochs
from xgaze.training.task import monitored
from xgaze.training.teacher_folder import HEAD
from xgaze.training.tuning import tune_own_head
from xgaze.training.varied.augmentation import training_loader
from xgaze.training.whole import task_for, tune_model

DONE = "inner.csv"


def train_nested(recipe: Recipe, recording: Recording, fold: OuterFold, work: Path, seed: int) -> Trained:
    """Every inner training starts from fresh weights and is judged, epoch by epoch, on its own validation participants; the model
    is then trained afresh on all outer training participants for as many epochs as were best on average, and its head alone for
    as many as the recipe says. No one tested has a say."""
    trainings = [
        _inner_history(recipe, recording, one, work / f"inner-{number}", seed_of(seed, number))
        for number, one in enumerate(fold.inner, start=1)
    ]
    figures = [history[monitored(recording.spec)].to_numpy(float) for history in trainings]
    best, epochs = [best_epoch(one) for one in figures], refit_epochs(figures)
    model, refit = _refit(recipe, recording, fold, work / "refit", seed_of(seed, 0), epochs)
    names = [*(f"inner {number}" for number in range(1, len(trainings) + 1)), "refit"]
    history = pd.concat([one.assign(training=name) for name, one in zip(names, [*trainings, refit], strict=True)])
    return Trained(model, history, {"epochs": epochs, "best_epochs": best})


def best_epoch(figures: Sequence[float] | NDArray[np.float64]) -> int:
    """How many epochs give the lowest figure; the first of equals: (epochs,) -> 1..epochs. An epoch of NaN is never best."""
    values = np.asarray(figures, np.float64)
    return int(np.argmin(np.where(np.isnan(values), np.inf, values))) + 1


def refit_epochs(figures: Sequence[Sequence[float] | NDArray[np.float64]]) -> int:
    """How many epochs give the lowest mean over the inner trainings, (epochs,) each; one that stopped keeps its last figure.

    Few participants validate each training, so that its own best epoch is mostly noise; together they are everyone who trains.
    """
    longest = max(map(len, figures))
    filled = [np.pad(np.asarray(one, np.float64), (0, longest - len(one)), mode="edge") for one in figures]
    return best_epoch(np.mean(filled, axis=0))


def _inner_history(recipe: Recipe, recording: Recording, fold: InnerFold, folder: Path, seed: int) -> pd.DataFrame:
    """One row per epoch. A training once done is only read; one that was stopped starts anew."""
    if not _is_done(folder) and not is_helper():
        shutil.rmtree(folder, ignore_errors=True)
    if not (folder / DONE).is_file():
        view = recording.resplit(dict.fromkeys(fold.train, "train") | dict.fromkeys(fold.validation, "validation"))
        model = fresh_model(recipe, view, seed)
        tune_model(model, view, recipe.training, folder, seed, f"cross validation, {folder.name}")
        for state in folder.glob("*.safetensors"):  # only its history is needed from now on
            state.unlink()
        (folder / HISTORY_FILE).replace(folder / DONE)
    return read_table(folder / DONE, ["epoch", monitored(recording.spec)], f"Delete {folder}: it is done again.")


def _is_done(folder: Path) -> bool:
    """Whether a whole table lies there."""
    try:
        return len(pd.read_csv(folder / DONE)) == epochs_fitted(folder)
    except (InputError, OSError, ValueError):  # missing, empty, or no table
        return False


def _refit(
    recipe: Recipe, recording: Recording, fold: OuterFold, folder: Path, seed: int, epochs: int
) -> tuple[FeatureHead, pd.DataFrame]:
    view = recording.resplit(split_of_outer(fold))
    settings = recipe.training
    model = fresh_model(recipe, view, seed)
    with task_for(model, view, settings, seed) as task:
        loader = training_loader(view, rows_of(view, "train"), settings, seed)
        fit_epochs(task, loader, settings, folder, epochs, "cross validation, refit")
    if settings.head_epochs:
        tune_own_head(model, view, settings, folder / HEAD, seed, "cross validation, head of the refit")
    return model, pd.read_csv(folder / HISTORY_FILE)
