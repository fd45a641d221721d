"""Cross validation over participants: plan the folds, run them anywhere, pool what they predicted, write what it means."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from xgaze.artifacts import FILE_HASHES, library_versions, write_csv, write_json
from xgaze.code_version import source_hash
from xgaze.data.contract import Recording, targets_of
from xgaze.data.open import open_recording
from xgaze.data.teacher_truth import require_one_target
from xgaze.errors import InputError
from xgaze.evaluation.pooled import pooled_figures, score_of
from xgaze.evaluation.predictions import prediction_table
from xgaze.jobs import Fan, run_elsewhere
from xgaze.recipe import Recipe, fingerprint
from xgaze.report.schemas import Crossval
from xgaze.scorings import log_scoring
from xgaze.stored import read_mapping, read_table
from xgaze.training.crossval.fold import (
    AGAIN,
    TEACHER,
    Protocol,
    is_finished,
    read_fold,
    read_outputs,
    run_fold,
    seed_of,
)
from xgaze.training.crossval.folds import OuterFold, Person, nested_folds, paper_folds, people_of
from xgaze.training.crossval.nested import train_nested
from xgaze.training.crossval.paper import NOT_CLEAN, train_paper
from xgaze.training.fit import HISTORY_FILE, fresh_folder
from xgaze.training.teacher import check_loss

RESULT_FILE, SPLITS_FILE, PREDICTIONS_FILE = "crossval.json", "splits.json", "predictions.csv"
PROTOCOLS: Mapping[str, Protocol] = MappingProxyType({"nested": train_nested, "paper": train_paper})
FOLDERS: Mapping[str, str] = MappingProxyType({"nested": "crossval", "paper": "crossval-paper"})
CLEAN = "clean: all {groups} are tested once per seed, by a model that was neither trained nor selected on them"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """Outer and inner folds, how often all of it is done from other seeds, and whose protocol."""

    outer: int = 8
    inner: int = 7
    seeds: int = 1
    protocol: Literal["nested", "paper"] = "nested"


@dataclass(frozen=True)
class Unit:
    """One outer fold of one seed (0-based): what runs and resumes as a whole."""

    seed: int
    number: int

    def folder(self, root: Path) -> Path:
        return root / f"seed-{self.seed}" / f"fold-{self.number + 1}"


def finished_crossval(recipe: Recipe, asked: Asked, folder: Path) -> dict[str, Any] | None:
    """What lies in `folder` if it is finished. Raises InputError if it belongs to other settings; more seeds may follow."""
    if not (folder / RESULT_FILE).is_file():
        return None
    stored = read_mapping(folder / RESULT_FILE, Crossval, AGAIN)
    ours = {"recipe_hash": recipe.teacher_hash(), **asdict(asked)}
    if any(stored["settings"][key] != value for key, value in ours.items() if key != "seeds"):
        told = ", ".join(f"{key} {value}" for key, value in stored["settings"].items())
        raise InputError(
            f"{folder}: holds a cross validation of other settings ({told}). Give these, or --set name=NEW to keep both, or "
            "--force to replace it."
        )
    return stored if stored["settings"]["seeds"] == asked.seeds else None


def cross_validate(
    recipe: Recipe, recording: Recording, asked: Asked, folder: Path, fan: Fan, say: Say, command: str = ""
) -> dict[str, Any]:
    """Everything `crossval.json` holds. Folds finished before are only read; a stopped one starts anew, but for the inner
    trainings it had finished. command: what was typed, kept with it. Raises InputError before anything is written."""
    check_loss(recipe, recording.spec)
    require_one_target(recording, "a cross validation")
    people = people_of(recording.table["group"], class_names(recording))
    plans = [plan_folds(people, asked, recipe.seed + seed, recording.spec.groups) for seed in range(asked.seeds)]
    stored = {**{key: value for key, value in asdict(asked).items() if key != "seeds"}, "people": _told(people)}
    fresh_folder(folder, fingerprint({"recipe": recipe.teacher_hash(), "source": source_hash(), **stored}))
    write_json(folder / SPLITS_FILE, [[asdict(fold) for fold in plan] for plan in plans])
    units = [Unit(seed, number) for seed in range(asked.seeds) for number in range(asked.outer)]
    _run_all(recipe, recording, plans, asked, folder, fan, units, say)
    return _pool(recipe, recording, people, asked, folder, units, command)


def class_names(recording: Recording) -> list[str] | None:
    """The class of every sample by name; None where the target is no class."""
    spec = recording.spec
    return [spec.classes[label] for label in targets_of(recording)] if spec.kind == "class" else None


def plan_folds(people: list[Person], asked: Asked, seed: int, groups: str = "participants") -> tuple[OuterFold, ...]:
    """The folds of one seed. Raises InputError for folds that cannot be."""
    if asked.protocol == "paper":
        return paper_folds(people, asked.outer, asked.inner, groups)
    return nested_folds(people, asked.outer, asked.inner, seed, groups)


def run_unit(recipe: Recipe, asked: Asked, folder: Path, threads: int, fold: OuterFold, unit: Unit) -> None:
    """In another process: open the recording again and run one fold; its files are the result."""
    torch.set_num_threads(threads)
    _run(recipe, open_recording(recipe.data), asked, folder, fold, unit)


def _run(recipe: Recipe, recording: Recording, asked: Asked, folder: Path, fold: OuterFold, unit: Unit) -> None:
    seed = seed_of(recipe.seed + unit.seed, unit.number)
    run_fold(recipe, recording, fold, PROTOCOLS[asked.protocol], unit.folder(folder), seed)


def _run_all(
    recipe: Recipe,
    recording: Recording,
    plans: list[tuple[OuterFold, ...]],
    asked: Asked,
    folder: Path,
    fan: Fan,
    units: list[Unit],
    say: Say,
) -> None:
    waiting = [unit for unit in units if not is_finished(unit.folder(folder))]
    if len(waiting) < len(units):
        say(f"{len(units) - len(waiting)} of {len(units)} folds were finished before.")
    folds = [plans[unit.seed][unit.number] for unit in waiting]
    if not fan.alone:
        fixed = (recipe, asked, folder.resolve(), fan.threads(len(waiting)))
        jobs = [(*fixed, fold, unit) for fold, unit in zip(folds, waiting, strict=True)]
        run_elsewhere(fan, run_unit, jobs, f"{len(jobs)} folds")
        return
    for fold, unit in zip(folds, waiting, strict=True):
        _run(recipe, recording, asked, folder, fold, unit)
        told = read_fold(unit.folder(folder))
        say(f"Fold {unit.number + 1} of {asked.outer}, seed {unit.seed + 1}: {told['seconds']:.0f} s.")


def _pool(
    recipe: Recipe,
    recording: Recording,
    people: list[Person],
    asked: Asked,
    folder: Path,
    units: list[Unit],
    command: str,
) -> dict[str, Any]:
    rows, outputs, tested_in = _pooled_outputs(folder, units, asked)
    targets, names = targets_of(recording, rows), recording.table["group"].to_numpy(str)[rows]
    figures = pooled_figures(recording.spec, outputs, targets, names, recipe.seed, tested_in)
    _write_predictions(recording, rows, outputs[TEACHER], units, folder)
    told = [read_fold(unit.folder(folder)) for unit in units]
    tested = sorted(set(names.tolist()))
    never = sorted({person.id for person in people} - set(tested))
    clean, groups = asked.protocol == "nested" and not never, recording.spec.groups
    result = {
        "recipe": recipe.name,
        "settings": {"recipe_hash": recipe.teacher_hash(), **asdict(asked)},
        "clean": clean,
        "estimate": CLEAN.format(groups=groups) if clean else NOT_CLEAN,
        "folds": asked.outer,
        "participants_tested": len(tested),
        "participants": len(people),
        "never_tested": never,
        "samples": len(rows),
        "rendered": recording.spec.rendered,
        "groups": groups,
        **figures,
        "per_fold": [_fold_row(recording, folder, unit, one) for unit, one in zip(units, told, strict=True)],
        "history": _history(folder, units),
        "seconds": sum(one["seconds"] for one in told),
        "versions": library_versions(),
        "command": command,
    }
    log_scoring(folder.parent, "cross validation", command)
    write_json(folder / RESULT_FILE, result)
    return result


def _pooled_outputs(
    folder: Path, units: list[Unit], asked: Asked
) -> tuple[NDArray[np.int64], dict[str, NDArray[Any]], NDArray[np.int64]]:
    """(rows tested, in order; name -> outputs (seeds, rows, outputs); fold that tested them (seeds, rows)). Every seed tests the
    same rows, once each."""
    pooled: dict[str, list[NDArray[Any]]] = {}
    folds = []
    rows = np.zeros(0, np.int64)
    for seed in range(asked.seeds):
        read = [read_outputs(unit.folder(folder)) for unit in units if unit.seed == seed]
        tested = np.concatenate([own for own, _ in read])
        order = np.argsort(tested)
        rows = tested[order]
        folds.append(np.repeat(np.arange(len(read)), [len(own) for own, _ in read])[order])
        for name in read[0][1]:
            pooled.setdefault(name, []).append(np.concatenate([one[name] for _, one in read])[order])
    return rows, {name: np.stack(each) for name, each in pooled.items()}, np.stack(folds)


def _write_predictions(
    recording: Recording, rows: NDArray[np.int64], outputs: NDArray[Any], units: list[Unit], folder: Path
) -> None:
    """One row per seed and sample, with the fold that tested it."""
    tables = []
    for seed, own in enumerate(outputs):
        fold_of = {
            row: unit.number + 1
            for unit in units
            if unit.seed == seed
            for row in read_outputs(unit.folder(folder))[0].tolist()
        }
        table = prediction_table(recording, rows, own).assign(split="test")
        table.insert(2, "fold", [fold_of[row] for row in rows.tolist()])
        table.insert(2, "seed", seed)
        tables.append(table)
    write_csv(folder / PREDICTIONS_FILE, pd.concat(tables))


def _fold_row(recording: Recording, folder: Path, unit: Unit, told: dict[str, Any]) -> dict[str, Any]:
    rows, outputs = read_outputs(unit.folder(folder))
    names = recording.table["group"].to_numpy(str)[rows]
    score = score_of(recording.spec, outputs[TEACHER], targets_of(recording, rows), names)
    figures = {key: value for key, value in told.items() if key != FILE_HASHES}
    return {"seed": unit.seed, "fold": unit.number + 1, **figures, "score": score}


def _history(folder: Path, units: list[Unit]) -> list[dict[str, Any]]:
    """Per fold and epoch the mean over its inner trainings, as long as any of them lasted."""
    rows: list[dict[str, Any]] = []
    for unit in units:
        table = read_table(unit.folder(folder) / HISTORY_FILE, ["epoch"], AGAIN, ["training"])
        inner = table[table["training"] != "refit"].drop(columns=["training", "inner"], errors="ignore")
        for line in inner.groupby("epoch", as_index=False).mean().to_dict("records"):
            figures = {str(key): float(value) for key, value in line.items() if np.isfinite(value)}
            rows.append({"seed": unit.seed, "fold": unit.number + 1, **figures, "epoch": int(line["epoch"]) + 1})
    return rows


def _told(people: list[Person]) -> list[list[Any]]:
    return [[person.id, sorted(person.classes), person.samples] for person in people]
