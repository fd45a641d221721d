"""One outer fold: what every protocol shares, and the files it leaves in the fold's folder."""

import shutil
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pydantic import Field

from xgaze.artifacts import TEACHER as TEACHER
from xgaze.artifacts import (
    WEIGHTS_FILE,
    ModelCard,
    atomic_path,
    hashes_of,
    library_versions,
    require_written,
    write_card,
    write_csv,
    write_json,
    write_weights,
)
from xgaze.data.contract import Recording, rows_of
from xgaze.data.splits import split_summary
from xgaze.errors import InputError
from xgaze.evaluation.baselines import baselines
from xgaze.models.fingerprint import OUTPUTS_OF_PATTERNS, stored_outputs
from xgaze.models.inference import predict
from xgaze.models.layers import FeatureHead
from xgaze.recipe import Recipe
from xgaze.stored import Stored, read_arrays, read_mapping
from xgaze.training.crossval.folds import OuterFold
from xgaze.training.fit import HISTORY_FILE
from xgaze.training.start.start import started_model

FOLD_FILE, OUTPUTS_FILE = "fold.json", "outputs.npz"
ROWS = "rows"
AGAIN = "Delete this fold's folder, and it is done again, or cross-validate again with --force."


@dataclass(frozen=True)
class Trained:
    """A fold's model, the history of all its trainings (column `training`), and what selected it."""

    model: FeatureHead
    history: pd.DataFrame
    selection: dict[str, Any] = field(default_factory=dict)


Protocol = Callable[[Recipe, Recording, OuterFold, Path, int], Trained]
"""(recipe, recording, fold, folder for work in progress, seed) -> the model that is tested once."""


def split_of_outer(fold: OuterFold) -> dict[str, str]:
    """Participant -> split, when all who are not tested train."""
    return dict.fromkeys(fold.train, "train") | dict.fromkeys(fold.test, "test")


def fresh_model(recipe: Recipe, recording: Recording, seed: int) -> FeatureHead:
    """New weights that depend on `seed` alone (and, if scaled, on the recording's training samples), or those that the recipe
    names."""
    torch.manual_seed(seed)
    return started_model(recipe, recording)


def seed_of(seed: int, *place: int) -> int:
    """A seed for a place among folds and trainings, 32 bits."""
    return int(np.random.SeedSequence([seed % 2**63, *place]).generate_state(1)[0])


def run_fold(
    recipe: Recipe, recording: Recording, fold: OuterFold, protocol: Protocol, folder: Path, seed: int
) -> None:
    """Train as `protocol` says, test once on the outer participants, baselines on the same people beside; all into `folder`."""
    start = time.perf_counter()
    trained = protocol(recipe, recording, fold, folder / "training", seed)
    view = recording.resplit(split_of_outer(fold))
    rows = rows_of(view, "test")
    outputs = {TEACHER: predict(trained.model, view, rows), **baselines(view, recipe.seed)}
    write_csv(folder / HISTORY_FILE, trained.history)
    _write_outputs(folder / OUTPUTS_FILE, rows, outputs)
    write_weights(folder / WEIGHTS_FILE, trained.model.state_dict())
    says = {OUTPUTS_OF_PATTERNS: stored_outputs(trained.model, view.spec)}
    write_card(folder, _card(recipe, view, seed, trained.selection | says))
    shutil.rmtree(folder / "training", ignore_errors=True)
    told = {"participants": list(fold.test), "samples": len(rows), **trained.selection}
    told |= hashes_of(folder, [HISTORY_FILE])
    write_json(folder / FOLD_FILE, {**told, "seconds": time.perf_counter() - start})  # last: marks the fold as finished


class _Told(Stored):
    participants: list[str]
    samples: int
    seconds: float
    file_hashes: dict[str, str] = Field(default_factory=dict)


def is_finished(folder: Path) -> bool:
    """Whether the fold in `folder` was tested, and what it left is whole. A damaged one is done again."""
    try:
        told = read_fold(folder)
        require_written(folder, told)
        (rows, _), history = read_outputs(folder), pd.read_csv(folder / HISTORY_FILE)
    except (InputError, OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error):
        return False
    return {"seconds", "samples"} <= set(told) and len(rows) == told["samples"] and len(history) > 0


def read_fold(folder: Path) -> dict[str, Any]:
    """What `run_fold` told about a finished fold."""
    return read_mapping(folder / FOLD_FILE, _Told, AGAIN)


def read_outputs(folder: Path) -> tuple[NDArray[np.int64], dict[str, NDArray[Any]]]:
    """(rows of the recording that were tested, name -> outputs (rows, outputs)) of the model and of every baseline."""
    stored = read_arrays(folder / OUTPUTS_FILE, AGAIN)
    rows = stored.pop(ROWS, None)
    if (
        rows is None
        or rows.dtype.kind != "i"
        or TEACHER not in stored
        or {len(one) for one in stored.values()} != {len(rows)}
    ):
        raise InputError(f"{folder / OUTPUTS_FILE}: damaged: rows and outputs do not belong together. {AGAIN}")
    return rows, stored


def _write_outputs(path: Path, rows: NDArray[np.int64], outputs: dict[str, NDArray[Any]]) -> None:
    with atomic_path(path) as temporary:
        np.savez(temporary, allow_pickle=False, **{ROWS: rows}, **outputs)


def _card(recipe: Recipe, view: Recording, seed: int, selection: dict[str, Any]) -> ModelCard:
    """So that a fold's model can be loaded like any other."""
    return ModelCard(
        role="fold",
        architecture=recipe.model.model_dump(mode="json"),
        spec=view.spec.to_json(),
        recipe=recipe.model_dump(mode="json"),
        recipe_hash=recipe.teacher_hash(),
        seed=seed,
        metrics={"participants": split_summary(view.table)["test"]["participants"], **selection},
        versions=library_versions(),
    )
