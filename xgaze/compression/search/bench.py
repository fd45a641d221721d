"""The bench that all trials share: teacher, cached embeddings, what students learn from, and how long they may."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xgaze.artifacts import TEACHER, atomic_path
from xgaze.capacity.embeddings import readable_embeddings
from xgaze.compression.build import Built, MakeProbe, build
from xgaze.compression.head import entrance, first_linear
from xgaze.compression.kept import kept_modules
from xgaze.compression.plan import Plan
from xgaze.compression.surgeries.base import Probe, probe_of
from xgaze.compression.surgeries.no_op import RemoveNoOp, plan_no_ops
from xgaze.data.contract import Recording, rows_of
from xgaze.data.unlabelled import open_unlabelled
from xgaze.models.inference import head_outputs, predict
from xgaze.models.layers import FeatureHead
from xgaze.progress import progress_bar
from xgaze.recipe import Recipe
from xgaze.training.distillation import Lesson, distil_model
from xgaze.training.left_embeddings import left_embeddings
from xgaze.training.lightning.divergence import Diverged
from xgaze.training.losses import loss_of
from xgaze.training.teacher_folder import HEAD
from xgaze.training.tuning import Features, features_of, kept_embeddings, tune_head, tune_own_head, tuning_settings
from xgaze.training.whole import end_to_end_settings
from xgaze.units import told_in

SHOWN = 64


@dataclass(frozen=True)
class Bench:
    """train and validation: what enters the teacher's head, of as many training samples as heads are tuned on.
    lesson: what whole students learn from. unlabelled: see `Lesson`."""

    recipe: Recipe
    recording: Recording
    teacher: FeatureHead
    layer: str
    train: Features
    validation: Features
    lesson: Lesson
    folder: Path
    probes: dict[int, Probe] = field(default_factory=dict, compare=False)
    idle: dict[tuple[str, ...], RemoveNoOp | None] = field(default_factory=dict, compare=False)

    @property
    def keep(self) -> tuple[str, ...]:
        """Paths of the teacher's modules that are left as they are."""
        return kept_modules(self.teacher, self.recipe.distill.keep)

    def build(self, plan: Plan, make_probe: MakeProbe | None = None) -> Built:
        """The student of this plan. Which of the teacher's layers do nothing is measured once."""

        def no_ops(
            student: FeatureHead, probe: Probe, unit: str, limit: float, keep: Collection[str]
        ) -> RemoveNoOp | None:
            kept = tuple(keep)
            if kept not in self.idle:
                self.idle[kept] = plan_no_ops(student, probe, unit, limit, kept)
            return self.idle[kept]

        spec = self.recording.spec
        return build(self.teacher, plan, make_probe or self.probe, told_in(spec.kind, spec.unit), no_ops)

    def tune_head(self, model: FeatureHead, folder: Path, seed: int, by_teacher: bool) -> None:
        """Tune the head on cached embeddings, in place, as long as whoever comes."""
        wanted = self.recipe.distill
        settings = tuning_settings(self.recipe.training, wanted.tuning_epochs, wanted.learning_rate, wanted.batch_size)
        weight = wanted.teacher_weight if by_teacher else 0.0
        tune_head(model.head, self.recording.spec, self.train, self.validation, settings, folder, seed, weight)

    def tune_whole(
        self,
        model: FeatureHead,
        folder: Path,
        seed: int,
        what: str,
        by_teacher: bool,
        epochs: int | None = None,
        anew: bool = False,
    ) -> None:
        """Tune from end to end, in place, for as many epochs as the recipe says or as are asked for. by_teacher: with the
        teacher's outputs, unlabelled recordings and hints of the recipe; else from labels alone, as the control is. anew: its
        weights are random, and it learns at the teacher's rate."""
        wanted = self.recipe.distill
        length = epochs or wanted.end_to_end_epochs
        rate = self.recipe.training.learning_rate if anew else wanted.end_to_end_learning_rate
        settings = end_to_end_settings(self.recipe, length, rate)
        lesson = self.lesson if by_teacher else self.lesson.labels_only()
        distil_model(
            model,
            lesson,
            self.recording,
            settings,
            folder,
            seed,
            f"tuning {what}",
            teacher_weight=wanted.whole_teacher_weight if by_teacher else 0.0,
            unlabelled_weight=wanted.unlabelled_weight,
            hints=wanted.hints if by_teacher else (),
            hint_weight=wanted.hint_weight if wanted.hints else 0.0,
            teacher=self.teacher,
            known=not anew,
        )
        if self.recipe.training.head_epochs:  # as the teacher's was
            self._tune_last(model, folder / HEAD, seed, f"tuning the head of {what}", by_teacher)

    def _tune_last(self, model: FeatureHead, folder: Path, seed: int, what: str, by_teacher: bool) -> None:
        """The head alone, on as many samples as heads are tuned on anywhere; what was embedded for it goes again, since that of
        every trial would fill the disk."""
        rows, every = head_rows(self.recipe, self.recording, "train"), rows_of(self.recording, "train")
        weight = self.recipe.distill.whole_teacher_weight if by_teacher else 0.0
        teacher = self.lesson.outputs[np.searchsorted(every, rows)] if weight else None
        try:
            tune_own_head(model, self.recording, self.recipe.training, folder, seed, what, rows, teacher, weight)
        except Diverged:  # and is not tuned again
            _forget_embedded(folder)
            raise
        _forget_embedded(folder)

    def probe(self, model: FeatureHead) -> Probe:
        """Calibration frames through the towers of `model`; the teacher's own are kept."""
        if model is self.teacher and 0 in self.probes:
            return self.probes[0]
        rows = rows_of(self.recording, "train")
        chosen = rows[calibration_rows(len(rows), self.recipe.distill.calibration_samples, self.recipe.seed)]
        probe = probe_of(model, self.recording, chosen, SHOWN, loss_of(self.recipe.training.loss, self.recording.spec))
        if model is self.teacher:
            self.probes[0] = probe
        return probe


def open_bench(recipe: Recipe, recording: Recording, teacher: FeatureHead, folder: Path) -> Bench:
    """Collect what enters the head for training and validation people and what the teacher says, or find it in `folder`."""
    layer = first_linear(teacher)
    with progress_bar("preparing the unlabelled recording") as advance:
        unlabelled = open_unlabelled(recipe.data, recording.spec, advance)
    parts = {split: _features(recipe, recording, teacher, layer, split, folder) for split in ("train", "validation")}
    outputs = head_outputs(teacher.head, parts["train"].values)
    taught = (
        outputs if len(outputs) == len(rows_of(recording, "train")) else _taught(recipe, recording, teacher, folder)
    )
    lesson = make_lesson(taught, unlabelled, teacher, folder)
    train = Features(parts["train"].values, parts["train"].targets, outputs)
    return Bench(recipe, recording, teacher, layer, train, parts["validation"], lesson, folder)


def _forget_embedded(folder: Path) -> None:
    for file in folder.glob("*.npy"):
        file.unlink()


def head_rows(recipe: Recipe, recording: Recording, split: str) -> NDArray[np.int64]:
    """The samples whose embeddings are cached: all, but of training people no more than heads are tuned on."""
    rows, most = rows_of(recording, split), recipe.distill.head_samples
    if split != "train" or most is None or most >= len(rows):
        return rows
    return rows[calibration_rows(len(rows), most, recipe.seed)]


def _features(
    recipe: Recipe, recording: Recording, teacher: FeatureHead, layer: str, split: str, folder: Path
) -> Features:
    rows = head_rows(recipe, recording, split)
    values = _left_by_training(recording, teacher, layer, split, rows, folder)
    if values is None:
        file = folder / "embeddings" / f"{layer}.input.{split}.npy"
        values = kept_embeddings(teacher, entrance(layer), recording, rows, file)
    return features_of(recording, rows, values)


def _left_by_training(
    recording: Recording, teacher: FeatureHead, layer: str, split: str, rows: NDArray[np.int64], folder: Path
) -> NDArray[np.float32] | None:
    """What the teacher's training left of it, where its head begins with that layer."""
    if len(rows) < len(rows_of(recording, split)):
        return None
    if teacher.get_submodule(entrance(layer)) is not next(teacher.head.children(), None):
        return None
    file = left_embeddings(folder.parent / TEACHER, recording, split)
    return None if file is None else readable_embeddings(file, len(rows))


def _taught(recipe: Recipe, recording: Recording, teacher: FeatureHead, folder: Path) -> NDArray[np.float32]:
    """What the teacher says of all training samples; of none where nobody is going to ask."""
    wanted = recipe.distill
    asked = wanted.effort == "full" and (wanted.whole_teacher_weight > 0 or wanted.hints or recipe.data.unlabelled)
    rows = rows_of(recording, "train") if asked else np.array([], np.int64)
    if not len(rows):
        return np.empty((0, recording.spec.outputs), np.float32)
    return _kept(teacher, recording, rows, folder / "embeddings" / "teacher.train.npy")


def make_lesson(
    outputs: NDArray[np.float32], unlabelled: Recording | None, teacher: FeatureHead, folder: Path
) -> Lesson:
    """The teacher's outputs on training people, and on unlabelled ones: these computed once and kept in `folder`."""
    if unlabelled is None:
        return Lesson(outputs)
    rows = np.arange(len(unlabelled.table))
    return Lesson(
        outputs, unlabelled, _kept(teacher, unlabelled, rows, folder / "embeddings" / "teacher.unlabelled.npy")
    )


def calibration_rows(samples: int, wanted: int, seed: int) -> NDArray[np.int64]:
    """Which training samples surgeries are computed and proved on: spread over all, reproducible, in order."""
    chosen = np.random.default_rng(seed).choice(samples, min(samples, wanted), replace=False)
    return np.sort(chosen)


def _kept(teacher: FeatureHead, recording: Recording, rows: NDArray[np.int64], file: Path) -> NDArray[np.float32]:
    kept = readable_embeddings(file, len(rows))
    if kept is None:
        with progress_bar("asking the teacher") as advance, atomic_path(file) as temporary:
            kept = predict(teacher, recording, rows, advance=advance)
            np.save(temporary, kept)
    return np.array(kept)
