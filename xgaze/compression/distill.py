"""Distil a teacher into the smallest student within the budget. The test participants are seen once, at the end."""

import copy
import shutil
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from xgaze.artifacts import CARD_FILE, ModelCard, read_card, write_csv, write_json
from xgaze.capacity.embeddings import collect_embeddings
from xgaze.capacity.layer import LayerCapacity, layer_capacity
from xgaze.compression.fold import plan_fold
from xgaze.compression.head import first_linear, tail_of
from xgaze.compression.result import Outcome, Step, write_student
from xgaze.compression.search import Candidate, Judge, calibration_rows, choose, factorise, ranks_to_try, tuned
from xgaze.data.contract import Recording, Spec, rows_of, targets_of
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead
from xgaze.models.size import count_fc_parameters
from xgaze.progress import progress_bar
from xgaze.recipe import Recipe
from xgaze.training.fit import fresh_folder
from xgaze.training.tuning import Features, tune_head, tuning_settings

STUDENT = "student"


@dataclass(frozen=True)
class Bench:
    """Everything a trial needs: cached features of training and validation people, and how heads are tuned."""

    recipe: Recipe
    spec: Spec
    train: Features
    validation: Features
    folder: Path

    def tune(self, head: nn.Module, name: str, teacher_weight: float) -> None:
        """Tune `head` in place, the same number of epochs for whoever comes; resumes from a killed run."""
        wanted = self.recipe.distill
        settings = tuning_settings(self.recipe.training, wanted.tuning_epochs, wanted.learning_rate, wanted.batch_size)
        run = self.folder / name
        tune_head(head, self.spec, self.train, self.validation, settings, run, self.recipe.seed, teacher_weight)

    def calibration(self) -> torch.Tensor:
        rows = calibration_rows(len(self.train), self.recipe.distill.calibration_samples, self.recipe.seed)
        return torch.from_numpy(self.train.values[rows])


def finished_student(recipe: Recipe, folder: Path) -> ModelCard | None:
    """The card in `folder` if it is this recipe's finished student."""
    card = student_of_teacher(recipe, folder)
    return card if card and card.recipe_hash == recipe.student_hash() else None


def student_of_teacher(recipe: Recipe, folder: Path) -> ModelCard | None:
    """The card in `folder` if it is a finished student of this recipe's teacher, whatever its own budget."""
    if not (folder / CARD_FILE).is_file():
        return None
    card = read_card(folder)
    return card if Recipe.model_validate(card.recipe).teacher_hash() == recipe.teacher_hash() else None


def discard_student(folder: Path) -> None:
    """Forget a student, finished or not."""
    shutil.rmtree(folder, ignore_errors=True)


def distill(
    recipe: Recipe, recording: Recording, teacher: FeatureHead, teacher_card: ModelCard, folder: Path
) -> ModelCard:
    """Fold, factor, tune and choose on validation participants; score teacher, control and student once on test."""
    layer = first_linear(teacher)
    bench = open_bench(recipe, recording, teacher, layer, folder)
    control = tuned_teacher(teacher, bench)
    judge, reference = reference_judge(recording, bench, teacher, control)
    folded, steps = fold_head(teacher, layer, bench)
    linear = folded.get_submodule(layer)
    assert isinstance(linear, nn.Linear)
    capacity = layer_capacity(layer, linear, tail_of(folded, layer), bench.calibration().numpy())
    candidates = search(folded, capacity, bench, judge)
    student, held = choose([one for one in candidates if one.stage == "head tuned"], recipe.distill.max_worse_percent)
    write_frontier(folder, candidates, student, count_fc_parameters(teacher))
    write_json(folder / "capacity.json", {**capacity.to_json(), "chosen_rank": student.surgery.rank})
    steps = [*steps, Step(student.surgery, student.proof)]
    outcome = Outcome(student.model, steps, control, reference, held)
    return write_student(recipe, recording, teacher, teacher_card, outcome, folder)


def open_bench(recipe: Recipe, recording: Recording, teacher: FeatureHead, layer: str, folder: Path) -> Bench:
    """Collect what enters `layer` for training and validation people, and what the teacher makes of it."""
    run = fresh_folder(folder / "tuning", recipe.student_hash())
    parts = {}
    for split in ("train", "validation"):
        rows = rows_of(recording, split)
        file = folder / "embeddings" / f"{layer}.input.{split}.npy"
        with progress_bar(f"collecting embeddings ({split})") as advance:
            values = collect_embeddings(teacher, layer, recording, rows, file, "input", advance)
        parts[split] = Features(values, targets_of(recording, rows))
    train = parts["train"]
    plain = Judge(recording.spec, train, train.targets, train.targets)
    return Bench(recipe, recording.spec, replace(train, teacher=plain.outputs(teacher.head)), parts["validation"], run)


def tuned_teacher(teacher: FeatureHead, bench: Bench) -> FeatureHead:
    """The control: the teacher with its own head tuned on labels, exactly as long as any student's."""
    control = copy.deepcopy(teacher)
    bench.tune(control.head, "control", 0.0)
    return control


def reference_judge(
    recording: Recording, bench: Bench, teacher: FeatureHead, control: FeatureHead
) -> tuple[Judge, str]:
    """A judge against the better of teacher and control on validation participants, so that no student wins by tuning."""
    people = recording.table["participant"].to_numpy()[rows_of(recording, "validation")]
    judge = Judge(bench.spec, bench.validation, people, bench.validation.targets)
    outputs = {"teacher": judge.outputs(teacher.head), "control": judge.outputs(control.head)}
    name = judge.better(outputs)
    return replace(judge, reference=outputs[name]), name


def fold_head(teacher: FeatureHead, layer: str, bench: Bench) -> tuple[FeatureHead, list[Step]]:
    """A copy of the teacher whose first FC has swallowed every linear layer that directly follows it."""
    folded, steps = copy.deepcopy(teacher).eval(), []
    features = bench.calibration()
    while plan := plan_fold(folded, layer, folded.head, features):
        steps.append(Step(plan, plan.apply(folded, folded.head, features)))
    return folded, steps


def search(folded: FeatureHead, capacity: LayerCapacity, bench: Bench, judge: Judge) -> list[Candidate]:
    """Every rank without training and with its head tuned."""
    calibration = bench.calibration()
    tune = partial(bench.tune, teacher_weight=bench.recipe.distill.teacher_weight)
    candidates = []
    for rank in ranks_to_try(capacity, bench.recipe.distill.ranks):
        raw = factorise(folded, capacity.layer, rank, calibration, judge)
        candidates += [raw, tuned(raw, judge, tune)]
    if not candidates:
        most = min(capacity.in_features, capacity.out_features)
        raise InputError(f"distill.ranks: none lies within 1..{most}, the ranks that '{capacity.layer}' can have.")
    return candidates


def write_frontier(folder: Path, candidates: list[Candidate], student: Candidate, teacher_fc_parameters: int) -> None:
    """budget.csv: every student tried."""
    rows: list[dict[str, Any]] = [{**one.row(teacher_fc_parameters), "chosen": one is student} for one in candidates]
    write_csv(folder / "budget.csv", pd.DataFrame(rows))
