"""Train a recipe's teacher and write its model folder."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from xgaze.artifacts import (
    BESIDE,
    SLICES_FILE,
    WEIGHTS_FILE,
    ModelCard,
    hashes_of,
    library_versions,
    write_card,
    write_csv,
    write_json,
    write_weights,
)
from xgaze.artifacts import SECOND_TEACHER as SECOND_TEACHER
from xgaze.artifacts import TEACHER as TEACHER
from xgaze.data.contract import Recording, Spec, distances_of, participants_of, rows_of, targets_of
from xgaze.data.splits import HELD_OUT, split_summary, write_splits
from xgaze.data.teacher_truth import TRUTH_FILE, judged_by, truth_table
from xgaze.errors import InputError
from xgaze.evaluation.baselines import baselines
from xgaze.evaluation.classes.class_calibration import CLASS_CALIBRATION, calibration_of
from xgaze.evaluation.classes.classification import accuracy, f1
from xgaze.evaluation.frame_radius import FRAME_RADII, radii_of
from xgaze.evaluation.learned import learned_of
from xgaze.evaluation.predictions import prediction_table
from xgaze.evaluation.score import own_spread, summarise
from xgaze.evaluation.scores_beside import scores_beside
from xgaze.evaluation.slices import slices_of
from xgaze.models.fingerprint import OUTPUTS_OF_PATTERNS, require_reproduced, stored_outputs, weights_hash
from xgaze.models.inference import predict
from xgaze.models.layers import FeatureHead
from xgaze.models.size import count_fc_parameters, count_macs, count_parameters
from xgaze.progress import progress_bar
from xgaze.recipe import Recipe
from xgaze.recorded_targets import BY_TEACHER
from xgaze.scorings import log_scoring
from xgaze.stored import Stored, read_mapping, read_table
from xgaze.training.fit import AGAIN, HISTORY_FILE, fresh_folder
from xgaze.training.left_embeddings import leave_embeddings
from xgaze.training.lightning.devices import device_of
from xgaze.training.seen.seen_pictures import SEEN_FILE, what_was_seen, write_seen
from xgaze.training.start.start import started_model
from xgaze.training.teacher_folder import HEAD, TRAINING, forget_training
from xgaze.training.tuning import tune_own_head
from xgaze.training.varied.mirror_images import partners_of
from xgaze.training.varied.varied_pictures import require_pictures
from xgaze.training.whole import tune_model

TABLES = ("splits.json", HISTORY_FILE, TRUTH_FILE, "predictions.csv", "baselines.json", SLICES_FILE, SEEN_FILE)


def train_teacher(
    recipe: Recipe,
    recording: Recording,
    folder: Path,
    notes: Sequence[str] = (),
    command: str = "",
    role: str = TEACHER,
) -> ModelCard:
    """Train on training participants, select on validation participants, score the test participants at the end.

    Resumes an unfinished run of the same recipe in `folder`; an epoch is lost at most. notes: what reading the recording
    left out; command: what was typed; both are kept with the model. role: TEACHER, or SECOND_TEACHER beside it.
    """
    check_loss(recipe, recording.spec)
    if recipe.training.mirror_images:
        partners_of(recording)
    if recipe.training.varied_pictures is not None:
        require_pictures(recording)
    torch.manual_seed(recipe.seed)
    model = started_model(recipe, recording)
    run = fresh_folder(folder / TRAINING, recipe.teacher_hash())
    _require_same_start(model, recipe, recording, run / "start.json")
    write_splits(folder / "splits.json", recording.table)
    wall, cpu = time.perf_counter(), time.process_time()
    tune_model(model, recording, recipe.training, run, recipe.seed, "training the teacher")
    if recipe.training.head_epochs:
        tune_own_head(model, recording, recipe.training, run / HEAD, recipe.seed, "training the teacher's head")
    seconds = {"train_seconds": time.perf_counter() - wall, "train_cpu_seconds": time.process_time() - cpu}
    write_csv(folder / HISTORY_FILE, _history(run))
    card = _finish(model, recipe, recording, folder, {**seconds, **_told(notes)}, command)
    if recipe.training.head_epochs and role == TEACHER:  # nobody distils a second one
        leave_embeddings(folder, recording)
    forget_training(folder)
    return card


def store_adopted(
    model: FeatureHead, recipe: Recipe, recording: Recording, folder: Path, notes: Sequence[str] = (), command: str = ""
) -> ModelCard:
    """A teacher that was trained elsewhere, finished as one that was trained here: scored once, beside its baselines. Nothing is
    trained. On a recording without labels it is not scored: what it puts out is kept as the truth of all samples. Raises
    InputError where that can be no truth."""
    check_loss(recipe, recording.spec)
    if recording.spec.truth == BY_TEACHER:
        recording = _judged_by(model, recording)
        write_csv(folder / TRUTH_FILE, truth_table(recording))
    write_splits(folder / "splits.json", recording.table)
    metrics = {"train_seconds": 0.0, "adopted": recipe.model.adopted, **_told(notes)}
    return _finish(model, recipe, recording, folder, metrics, command)


def _judged_by(model: FeatureHead, recording: Recording) -> Recording:
    """The recording with what the model puts out as its truth. Raises InputError where that does not vary within people."""
    with progress_bar("asking the teacher") as advance:
        judged = judged_by(recording, predict(model, recording, np.arange(len(recording.table)), advance=advance))
    for split in HELD_OUT:
        rows = rows_of(judged, split)
        if not own_spread(judged.spec, targets_of(judged, rows), participants_of(judged, rows)).any():
            raise InputError(
                f"the teacher puts out the same for all samples of each of the {split} {judged.spec.groups}: there is no spread "
                "to measure disagreement by. Does it see pictures as it was trained (mean and std of the inputs)?"
            )
    return judged


def _history(run: Path) -> pd.DataFrame:
    """Of every epoch, those of the head alone last."""
    files = [file for file in (run / HISTORY_FILE, run / HEAD / HISTORY_FILE) if file.is_file()]
    history = pd.concat([read_table(file, ["epoch"], AGAIN) for file in files])
    return history.assign(epoch=np.arange(len(history)))


def _told(notes: Sequence[str]) -> dict[str, Any]:
    return {"notes": list(notes)} if notes else {}


def _finish(
    model: FeatureHead, recipe: Recipe, recording: Recording, folder: Path, metrics: dict[str, Any], command: str
) -> ModelCard:
    """Store a teacher as it is and score it; its card is written last."""
    write_weights(folder / WEIGHTS_FILE, model.state_dict())
    write_seen(folder / SEEN_FILE, what_was_seen(model, recording))
    card = _scored_card(model, recipe, recording, folder, metrics, command)
    if recording.spec.truth != BY_TEACHER:
        log_scoring(folder.parent, TEACHER, command)
    write_card(folder, card)
    return card


def _scored_card(
    model: FeatureHead, recipe: Recipe, recording: Recording, folder: Path, metrics: dict[str, Any], command: str
) -> ModelCard:
    """The card of a trained model whose weights lie in `folder`, scored; metrics: further ones."""
    found = {
        **_sizes(model, recording),
        "bytes": (folder / WEIGHTS_FILE).stat().st_size,
        **weights_hash(model, folder / WEIGHTS_FILE),
        **evaluate(model, recording, folder, recipe.seed),
        OUTPUTS_OF_PATTERNS: stored_outputs(model, recording.spec),
        "device": device_of(recipe.training),
        # One that was adopted has no history.
        **hashes_of(folder, [name for name in TABLES if (folder / name).is_file()]),
    }
    return ModelCard(
        role=TEACHER,
        architecture=recipe.model.model_dump(mode="json"),
        spec=recording.spec.to_json(),
        recipe=recipe.model_dump(mode="json"),
        recipe_hash=recipe.teacher_hash(),
        seed=recipe.seed,
        metrics={**found, **metrics},
        versions=library_versions(),
        command=command,
    )


class _Start(Stored):
    outputs_of_patterns: list[list[float]] | None


def _require_same_start(model: FeatureHead, recipe: Recipe, recording: Recording, file: Path) -> None:
    """A run goes on with the code it began with. Raises InputError where the fresh model is another one than at its start."""
    if not file.is_file():
        write_json(file, {OUTPUTS_OF_PATTERNS: stored_outputs(model, recording.spec)})
    started = read_mapping(file, _Start, f"Remove {file.parent}: the training begins anew.")
    require_reproduced(model, recording.spec, started, recipe.model.model_dump(mode="json"))


def check_loss(recipe: Recipe, spec: Spec) -> None:
    """Raises InputError where loss and task do not fit."""
    loss, kind = recipe.training.loss, spec.kind
    if (loss == "cross-entropy") != (kind == "class"):
        fitting = "cross-entropy" if kind == "class" else "smooth-l1, euclidean or root-mse"
        raise InputError(f"training.loss '{loss}' does not fit a recording whose target is a {kind}; use {fitting}.")


def _sizes(model: FeatureHead, recording: Recording) -> dict[str, Any]:
    summary = split_summary(recording.table)
    return {
        "parameters": count_parameters(model),
        "fc_parameters": count_fc_parameters(model),
        "macs": count_macs(model, recording.spec),
        "participants": {split: len(one["participants"]) for split, one in summary.items()},
        "samples": {split: one["samples"] for split, one in summary.items()},
    }


def evaluate(model: FeatureHead, recording: Recording, folder: Path, seed: int) -> dict[str, Any]:
    """Score on validation and test participants, baselines beside; writes predictions.csv, baselines.json and
    slices.json. Where the model itself says what is true, only how far the baselines are from it."""
    spec = recording.spec
    rows = np.concatenate([rows_of(recording, "validation"), rows_of(recording, "test")])
    alone = spec.truth == BY_TEACHER
    outputs = targets_of(recording, rows) if alone else predict(model, recording, rows)
    write_csv(folder / "predictions.csv", prediction_table(recording, rows, outputs))
    test = rows_of(recording, "test")
    truth, people = targets_of(recording, test), participants_of(recording, test)
    far = distances_of(recording, test)
    beside = {
        name: summarise(spec, guess, truth, people, far).to_json() for name, guess in baselines(recording, seed).items()
    }
    write_json(folder / "baselines.json", beside)
    if alone:
        return {"error": summarise(spec, truth, truth, people, far).to_json(), "baselines": beside}
    write_json(folder / SLICES_FILE, {"slices": slices_of(recording, test, {TEACHER: outputs[-len(test) :]})})
    error = summarise(spec, outputs[-len(test) :], truth, people, far).to_json()
    known = targets_of(recording, rows_of(recording, "train"))
    learned = learned_of(spec, outputs[-len(test) :], known, truth, people)
    against = {"learned": learned.learned, "against_guessing": {TEACHER: learned.to_json()}}
    metrics: dict[str, Any] = {"error": error, **against, "baselines": beside}
    if spec.beside:
        metrics[BESIDE] = scores_beside(recording, {TEACHER: outputs[-len(test) :]})
    metrics[FRAME_RADII] = radii_of(recording, outputs[: -len(test)], outputs[-len(test) :])
    if spec.kind == "class":
        logits = outputs[-len(test) :]
        metrics[CLASS_CALIBRATION] = calibration_of(recording, logits)
        metrics["accuracy"] = accuracy(logits, truth)
        metrics["weighted_f1"], metrics["macro_f1"] = f1(logits, truth), f1(logits, truth, "macro")
    return metrics
