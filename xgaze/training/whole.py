"""Tune a whole model end to end on labels, towers included: what students and their control get."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from xgaze.data.batches import ordered_batches, ordered_loader
from xgaze.data.contract import Recording, participants_of, rows_of
from xgaze.recipe import Recipe, Training
from xgaze.training.fit import fit
from xgaze.training.folded_norm import fold_norms, put_norms
from xgaze.training.start.shared_start import shared_start
from xgaze.training.task import GazeTask, monitored, participant_weights
from xgaze.training.varied.augmentation import training_loader
from xgaze.training.varied.gaze_augmentation import task_of
from xgaze.training.varied.mirror_images import partners_of
from xgaze.training.varied.varied_pictures import require_pictures

SEEN = 64
"""Training samples by which known weights are normalised at first."""


def tune_model(
    model: nn.Module,
    recording: Recording,
    settings: Training,
    folder: Path,
    seed: int,
    what: str,
    rate: str = "training.learning_rate",
    known: bool = False,
) -> None:
    """Train `model` in place with `settings`, leave it on the CPU with the weights that validation participants select.

    Resumes an unfinished run in `folder`. rate: the key to lower should it diverge. known: see `normed`.
    """
    with task_for(model, recording, settings, seed, known) as task:
        train = training_loader(recording, rows_of(recording, "train"), settings, seed)
        rows = rows_of(recording, "validation")
        task.weights = participant_weights(participants_of(recording, rows))
        validation = ordered_loader(recording, rows, workers=settings.workers)
        fit(task, train, validation, settings, folder, monitored(recording.spec), what, rate)


@contextmanager
def task_for(
    model: nn.Module, recording: Recording, settings: Training, seed: int, known: bool = False
) -> Iterator[GazeTask]:
    """What trains the model, with what the settings add to it for so long and is gone afterwards; it comes `home` in the end."""
    if settings.varied_pictures is not None:
        require_pictures(recording)
    with normed(model, recording, settings, known):
        task = task_of(model.train(), recording.spec, settings, seed)  # Lightning keeps the mode a model comes in
        task.tied = shared_start(model, recording, settings.shared_start)
        task.partners = partners_of(recording) if settings.mirror_images else None
        yield task


@contextmanager
def normed(model: nn.Module, recording: Recording, settings: Training, known: bool) -> Iterator[None]:
    """Batches are normalised inside it for so long, where the settings say so. known: its weights mean something, and it begins
    with putting out what it puts out without."""
    if settings.batch_norm:
        rows = rows_of(recording, "train")
        some = rows[:: max(1, len(rows) // SEEN)][:SEEN] if known else rows[:1]
        put_norms(model, next(ordered_batches(recording, some, SEEN)).inputs, known)
    try:
        yield
    finally:
        fold_norms(model)
        home(model)


def home(model: nn.Module) -> None:
    """Back to the device on which everything after training reads the model; in the layout in which it was trained, as stored
    models are loaded: the pools of a plain one take ten times as long."""
    model.to(device="cpu")
    model.eval()


def end_to_end_settings(recipe: Recipe, epochs: int, learning_rate: float) -> Training:
    """The recipe's training once more, with its own length and rate, and with pictures mirrored and varied and weights averaged
    where that is asked of students or was of the teacher; of what is for random weights, only how batches are normalised."""
    training, wanted = recipe.training, recipe.distill
    changes: dict[str, Any] = {
        "epochs": epochs,
        "learning_rate": learning_rate,
        "patience": epochs,
        "schedule": "one-cycle",
    }
    changes["mirror_images"] = training.mirror_images or wanted.mirror_images
    changes["varied_pictures"] = wanted.varied_pictures or training.varied_pictures
    changes["weight_averaging"] = wanted.weight_averaging or training.weight_averaging
    if training.kernel_learning_rate is not None:  # as many times the others' as in training
        changes["kernel_learning_rate"] = learning_rate * training.kernel_learning_rate / training.learning_rate
    return training.for_known_weights().model_copy(update={**changes, "batch_norm": training.batch_norm})
