"""Tune a head on cached features: towers frozen, so an epoch takes a second. Labels and the teacher's outputs are mixed."""

import copy
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from xgaze.capacity.embeddings import collect_embeddings, readable_embeddings
from xgaze.data.batches import EpochShuffle
from xgaze.data.contract import Recording, Spec, participants_of, rows_of, targets_of
from xgaze.models.layers import FeatureHead
from xgaze.processes import is_helper
from xgaze.progress import progress_bar
from xgaze.recipe import Training
from xgaze.training.fit import fit, fit_epochs, fresh_folder
from xgaze.training.losses import loss_of
from xgaze.training.task import make_optimiser, make_schedule, monitored, participant_weights, validation_figure
from xgaze.training.teacher_folder import HEAD

Quadruple = tuple[Tensor, Tensor, Tensor, Tensor]
HEAD_BATCH_SIZE = 256
BLOCK = 4096


@dataclass(frozen=True)
class Features:
    """Cached features (n, width), targets (n, ...) and, where there is a teacher, its outputs (n, outputs). weights (n,): how
    much each sample counts in validation, one if not given; see `participant_weights`."""

    values: NDArray[np.float32]
    targets: NDArray[Any]
    teacher: NDArray[np.float32] | None = None
    weights: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.values)


def features_of(recording: Recording, rows: NDArray[np.int64], values: NDArray[np.float32]) -> Features:
    """Features of these rows, with their targets; every participant counts the same in validation."""
    people = participants_of(recording, rows)
    by_name = participant_weights(people)
    return Features(
        values, targets_of(recording, rows), weights=np.array([by_name[str(one)] for one in people], np.float32)
    )


def kept_embeddings(
    model: FeatureHead, path: str, recording: Recording, rows: NDArray[np.int64], file: Path
) -> NDArray[np.float32]:
    """What enters the module at `path`, (rows, width), from `file`; collected first where no whole one of so many rows lies. Of
    no rows nothing is kept."""
    if not len(rows):
        return np.zeros((0, 0), np.float32)
    kept = readable_embeddings(file, len(rows))
    if kept is not None:
        return kept
    with progress_bar(f"collecting embeddings ({file.stem.rpartition('.')[2]})") as advance:
        return collect_embeddings(model, path, recording, rows, file, "input", advance)


class FeatureRows(Dataset[int]):
    """Row numbers; `gather` turns many into one batch, so that a memory-mapped file is read in order."""

    def __init__(self, features: Features) -> None:
        self.features = features

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, index: int) -> int:
        return index

    def gather(self, rows: list[int]) -> Quadruple:
        order = np.sort(np.array(rows))
        teacher = self.features.teacher
        outputs = np.zeros((len(order), 0), np.float32) if teacher is None else teacher[order]
        own = self.features.weights
        weights = np.ones(len(order), np.float32) if own is None else own[order]
        arrays = (self.features.values[order], self.features.targets[order], outputs, weights)
        return tuple(map(torch.from_numpy, arrays))  # type: ignore[return-value]


class HeadTask(pl.LightningModule):
    """(1 - teacher_weight) x loss to the labels + teacher_weight x loss to the teacher's outputs."""

    def __init__(self, head: nn.Module, spec: Spec, training: Training, seed: int, teacher_weight: float) -> None:
        super().__init__()
        self.head = head
        self.spec = spec
        self.training_settings = training
        self.seed = seed
        self.teacher_weight = teacher_weight
        self.loss = loss_of(training.loss, spec)

    def on_train_epoch_start(self) -> None:
        torch.manual_seed(self.seed * 100_003 + self.current_epoch)

    def training_step(self, batch: Quadruple, _: int) -> Tensor:
        features, target, teacher, _weight = batch
        output = self.head(features)
        loss: Tensor = self.loss(output, target)
        if self.teacher_weight and teacher.shape[1]:
            loss = (1 - self.teacher_weight) * loss + self.teacher_weight * self.loss(output, teacher)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(features))
        return loss

    def validation_step(self, batch: Quadruple, _: int) -> None:
        features, target, _teacher, weight = batch
        figure = validation_figure(self.spec, self.training_settings, self.head(features), target, weight)
        self.log(monitored(self.spec), figure, on_epoch=True, batch_size=len(features))

    def configure_optimizers(self) -> Any:
        optimiser = make_optimiser(self.head, self.training_settings)
        steps = int(self.trainer.estimated_stepping_batches)
        return {"optimizer": optimiser, "lr_scheduler": make_schedule(optimiser, self.training_settings, steps)}


def tune_head(
    head: nn.Module,
    spec: Spec,
    train: Features,
    validation: Features,
    settings: Training,
    folder: Path,
    seed: int,
    teacher_weight: float = 0.0,
    rate: str = "distill.learning_rate",
    what: str = "",
) -> None:
    """Tune `head` in place and leave it with the weights that validation participants select; where there are none, with the
    last; one that does not learn (constants) stays. Resumes from `folder`. rate: the key to lower should it diverge."""
    if not any(one.requires_grad for one in head.parameters()):
        return
    task = HeadTask(head, spec, settings, seed, teacher_weight)
    loader = _loader(FeatureRows(train), settings.batch_size, EpochShuffle(len(train), seed))
    what = what or f"tuning {folder.parent.name}"
    if len(validation):
        selecting = _loader(FeatureRows(validation), 256, None)
        fit(task, loader, selecting, settings, folder, monitored(spec), what, rate)
    else:
        fit_epochs(task, loader, settings, folder, settings.epochs, what)
    head.eval()


def tune_own_head(
    model: FeatureHead,
    recording: Recording,
    settings: Training,
    folder: Path,
    seed: int,
    what: str,
    rows: NDArray[np.int64] | None = None,
    teacher: NDArray[np.float32] | None = None,
    teacher_weight: float = 0.0,
    rate: str = "training.learning_rate",
) -> None:
    """Train the head alone for `settings.head_epochs` on what the trained towers make of the recording, in place; it stays as it
    was where that is better on validation participants. Resumes from `folder`, unless other towers were there before.

    rows: training samples, all unless given. teacher: its outputs for these, see `HeadTask`.
    """
    if not is_helper():
        fresh_folder(folder, _digest(model))
    own = tuning_settings(settings, settings.head_epochs, settings.learning_rate, HEAD_BATCH_SIZE)
    splits = {split: rows_of(recording, split) for split in ("train", "validation")}
    splits["train"] = splits["train"] if rows is None else rows
    train, validation = (
        features_of(recording, some, kept_embeddings(model, HEAD, recording, some, folder / f"{split}.npy"))
        for split, some in splits.items()
    )
    before = copy.deepcopy(model.head)
    train = replace(train, teacher=teacher)
    tune_head(model.head, recording.spec, train, validation, own, folder, seed, teacher_weight, rate, what)
    if len(validation) and _figure(before, validation, recording, own) < _figure(
        model.head, validation, recording, own
    ):
        model.head.load_state_dict(before.state_dict())


@torch.no_grad()
def _figure(head: nn.Module, validation: Features, recording: Recording, settings: Training) -> float:
    """Less is better: what selects among epochs, of this head."""
    head.eval()
    rows = FeatureRows(validation)
    found = 0.0
    for start in range(0, len(validation), BLOCK):
        features, target, _, weight = rows.gather(list(range(start, min(start + BLOCK, len(validation)))))
        figure = validation_figure(recording.spec, settings, head(features), target, weight)
        found += float(figure) * len(features)
    return found / len(validation)


def _digest(model: nn.Module) -> str:
    """Of its numbers."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().flatten().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:24]


def _loader(rows: FeatureRows, batch_size: int, shuffle: EpochShuffle | None) -> DataLoader[int]:
    return DataLoader(rows, batch_size, sampler=shuffle, collate_fn=rows.gather)


def tuning_settings(training: Training, epochs: int, learning_rate: float, batch_size: int) -> Training:
    """The recipe's loss with the tuning's own schedule; on the CPU in float32, since heads are small."""
    return Training(
        epochs=epochs,
        learning_rate=learning_rate,
        batch_size=batch_size,
        loss=training.loss,
        patience=epochs,
        precision="32-true",
        channels_last=False,
        accelerator="cpu",
        devices=1,
    )
