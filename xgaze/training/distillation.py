"""Teach a whole student: labels, the teacher's outputs weighted by how right the teacher is, unlabelled recordings, hints.

The weight of a teacher's output is the attentive imitation loss of Saputra et al. 2019, "Distilling knowledge from a deep pose
regressor network": phi = 1 - e / max(e), with e the teacher's own error on the sample. The maximum is taken at the 95th
percentile and phi clipped to [0, 1], so that one outlier does not make the teacher equally right everywhere else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from xgaze.artifacts import STUDENT
from xgaze.data.batches import Collate, EpochShuffle, ordered_batches, ordered_loader
from xgaze.data.contract import Batch, Recording, Sample, Spec, participants_of, rows_of, targets_of
from xgaze.data.splits import held_out_of
from xgaze.data.unlabelled import refuse_held_out
from xgaze.evaluation.score import sample_errors
from xgaze.recipe import Training
from xgaze.recipe.student_sections import Hint
from xgaze.recorded_targets import BY_TEACHER
from xgaze.training.fit import fit
from xgaze.training.hints import HintLoss, listening
from xgaze.training.losses import of_each, weighted_loss
from xgaze.training.task import GazeTask, monitored, participant_weights
from xgaze.training.varied.mirror_images import partners_of, turned, turned_gaze
from xgaze.training.whole import normed, tune_model

OUTLIER_QUANTILE = 0.95
HINT_SAMPLES = 64
RATE = "distill.end_to_end_learning_rate"


@dataclass(frozen=True)
class Lesson:
    """outputs: the teacher's, for every training sample in order (n, outputs). unlabelled: more people without labels, and the
    teacher's outputs for all their samples."""

    outputs: NDArray[np.float32]
    unlabelled: Recording | None = None
    unlabelled_outputs: NDArray[np.float32] | None = None

    def labels_only(self) -> "Lesson":
        """The same without the unlabelled people."""
        return Lesson(self.outputs)


def trust(spec: Spec, outputs: NDArray[Any], targets: NDArray[Any]) -> NDArray[np.float32]:
    """phi: how far each of the teacher's outputs is to be imitated, (n,), 1 where it is right and 0 where it is most wrong.
    All of them where they are the truth, whatever rounding makes of them."""
    if spec.truth == BY_TEACHER:
        return np.ones(len(outputs), np.float32)
    errors = sample_errors(spec, outputs, targets)
    worst = float(np.quantile(errors, OUTLIER_QUANTILE))
    if not worst > 0:
        return np.ones(len(errors), np.float32)
    return np.asarray(1 - np.clip(errors / worst, 0, 1), np.float32)


@dataclass(frozen=True)
class Taught:
    """A batch and, per sample, the teacher's output, the weight of the label and the weight of the teacher's output."""

    batch: Batch
    teacher: Tensor
    label_weight: Tensor
    teacher_weight: Tensor

    def to(self, device: torch.device | str, memory_format: torch.memory_format) -> "Taught":
        batch = self.batch.to(device, memory_format)
        return Taught(batch, self.teacher.to(device), self.label_weight.to(device), self.teacher_weight.to(device))


class TaughtRows(Dataset[int]):
    """Row numbers: labelled training samples first, then unlabelled ones; `gather` turns many into one batch."""

    def __init__(self, recording: Recording, lesson: Lesson, teacher_weight: float, unlabelled_weight: float) -> None:
        rows = rows_of(recording, "train")
        _require_equal("training samples", len(rows), len(lesson.outputs))
        phi = trust(recording.spec, lesson.outputs, targets_of(recording, rows))
        extra = _unlabelled_outputs(lesson)
        self.recording, self.rows, self.unlabelled = recording, rows, lesson.unlabelled
        self.outputs = np.concatenate([lesson.outputs, extra]).astype(np.float32)
        self.label_weight = _weights(np.full(len(rows), 1 - teacher_weight), np.zeros(len(extra)))
        self.teacher_weight = _weights(teacher_weight * phi, np.full(len(extra), unlabelled_weight))
        self.collate = Collate(recording.spec)

    def __len__(self) -> int:
        return len(self.outputs)

    def __getitem__(self, index: int) -> int:
        return index

    def sample(self, index: int) -> Sample:
        if index < len(self.rows):
            return self.recording[int(self.rows[index])]
        assert self.unlabelled is not None
        return self.unlabelled[index - len(self.rows)]

    def gather(self, indices: list[int]) -> Taught:
        batch = self.collate([self.sample(k) for k in indices])
        parts = (self.outputs, self.label_weight, self.teacher_weight)
        return Taught(batch, *(torch.from_numpy(one[indices]) for one in parts))


def _unlabelled_outputs(lesson: Lesson) -> NDArray[np.float32]:
    if lesson.unlabelled is None or lesson.unlabelled_outputs is None:
        return np.zeros((0, lesson.outputs.shape[1]), np.float32)
    _require_equal("unlabelled samples", len(lesson.unlabelled.table), len(lesson.unlabelled_outputs))
    return lesson.unlabelled_outputs


def _weights(labelled: NDArray[Any], unlabelled: NDArray[Any]) -> NDArray[np.float32]:
    return np.concatenate([labelled, unlabelled]).astype(np.float32)


def _require_equal(what: str, samples: int, outputs: int) -> None:
    if samples != outputs:
        raise ValueError(f"{samples} {what}, but {outputs} outputs of the teacher")


class DistillTask(GazeTask):
    """Batches of `Taught` in training, plain ones in validation.

    Loss per sample: label_weight x loss to the label + teacher_weight x loss to the teacher's output; and the hints' share.
    """

    def __init__(
        self,
        model: nn.Module,
        spec: Spec,
        training: Training,
        seed: int,
        hints: HintLoss | None = None,
        hint_weight: float = 0.0,
    ) -> None:
        super().__init__(model, spec, training, seed)
        self.hints = hints
        self.hint_weight = hint_weight

    def training_step(self, taught: Any, step: int) -> Tensor:
        batch, told = taught.batch, taught.teacher
        # What the teacher says of a mirror image is taken for the mirror image of what it says.
        if self.partners is not None:
            half = self.half_of(batch, step)
            batch, told = turned(self.spec, self.partners, batch, half), turned_gaze(self.spec, told, half)
        batch = self.varied(batch, step)
        output, hinted = self._outputs(batch)
        loss = self._weighted(output, batch.target, taught.label_weight)
        loss = loss + self._weighted(output, told, taught.teacher_weight) + self.hint_weight * hinted
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(batch.ids), sync_dist=True)
        return loss

    def _weighted(self, output: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        loss = partial(weighted_loss, self.training_settings.loss, weight=weight)
        return of_each(loss, output, target, self.spec)

    def _outputs(self, batch: Batch) -> tuple[Tensor, Tensor | float]:
        """The student's outputs, and what the hints lack."""
        if self.hints is None:
            return self.model(*batch.inputs).float(), 0.0
        with listening(self.model, self.hints.student_paths, STUDENT) as hear:
            output, ours = hear(batch.inputs)
        return output.float(), self.hints(batch.inputs, ours)


def distil_model(
    student: nn.Module,
    lesson: Lesson,
    recording: Recording,
    settings: Training,
    folder: Path,
    seed: int,
    what: str,
    *,
    teacher_weight: float = 0.0,
    unlabelled_weight: float = 1.0,
    hints: Sequence[Hint | str] = (),
    hint_weight: float = 0.0,
    teacher: nn.Module | None = None,
    known: bool = True,
) -> None:
    """Train `student` in place, leave it on the CPU with the weights that validation participants select.

    An epoch passes once over labelled and unlabelled samples, shuffled together by seed and epoch. teacher: needed for hints.
    known: whether its weights mean something. With nothing but labels it is `tune_model`. Resumes an unfinished run in `folder`.
    Raises InputError for unlabelled people who are validation or test participants, and for hints that name no module.
    """
    if lesson.unlabelled is not None:
        refuse_held_out(lesson.unlabelled, held_out_of(recording))
    hints = hints if hint_weight > 0 else ()
    lesson = lesson if unlabelled_weight > 0 else lesson.labels_only()
    if not (teacher_weight or hints or lesson.unlabelled):
        return tune_model(student, recording, settings, folder, seed, what, RATE, known)
    rows = TaughtRows(recording, lesson, teacher_weight, unlabelled_weight)
    lacking = hint_loss(hints, student, teacher, recording, seed)
    train = _loader(rows, settings, seed)
    selecting = rows_of(recording, "validation")
    validation = ordered_loader(recording, selecting, workers=settings.workers)
    with normed(student, recording, settings, known):
        task = DistillTask(student.train(), recording.spec, settings, seed, lacking, hint_weight)
        task.weights = participant_weights(participants_of(recording, selecting))
        task.partners = partners_of(recording) if settings.mirror_images else None
        fit(task, train, validation, settings, folder, monitored(recording.spec), what, RATE)


def _loader(rows: TaughtRows, settings: Training, seed: int) -> DataLoader[int]:
    shuffle = EpochShuffle(len(rows), seed)
    return DataLoader(rows, settings.batch_size, sampler=shuffle, collate_fn=rows.gather, num_workers=settings.workers)


def hint_loss(
    hints: Sequence[Hint | str], student: nn.Module, teacher: nn.Module | None, recording: Recording, seed: int
) -> HintLoss | None:
    """Measured on some training samples; None without hints. Raises InputError for hints that cannot be given."""
    if not hints:
        return None
    if teacher is None:
        raise ValueError("hints need the teacher")
    rows = rows_of(recording, "train")
    spread = rows[np.linspace(0, len(rows) - 1, min(len(rows), HINT_SAMPLES)).astype(int)]
    inputs = next(ordered_batches(recording, spread)).inputs
    return HintLoss(hints, student, teacher, inputs, seed)
