"""Distil a teacher into the smallest student within the budget. The test participants are seen once, at the end."""

import copy
import shutil
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import nn

from xgaze.artifacts import CARD_FILE, ModelCard, read_card, write_json
from xgaze.capacity.embeddings import collect_embeddings
from xgaze.capacity.layer import LayerCapacity, layer_capacity
from xgaze.compression.fold import plan_fold
from xgaze.compression.head import first_linear, tail_of
from xgaze.compression.result import Outcome, write_frontier, write_student
from xgaze.compression.search import (
    Candidate,
    Judge,
    Step,
    calibration_rows,
    choose,
    factorise,
    head_outputs,
    ranks_to_try,
    separable_to_try,
    separated,
    tuned,
)
from xgaze.data.contract import Recording, rows_of, targets_of
from xgaze.errors import InputError
from xgaze.models.inference import predict
from xgaze.models.layers import FeatureHead
from xgaze.models.size import count_fc_parameters
from xgaze.progress import progress_bar
from xgaze.recipe import Recipe, Training
from xgaze.training.fit import fresh_folder
from xgaze.training.tuning import Features, tune_head, tuning_settings
from xgaze.training.whole import tune_model

STUDENT = "student"


@dataclass(frozen=True)
class Bench:
    """Everything a trial needs: cached features of training and validation people, and how models are tuned."""

    recipe: Recipe
    recording: Recording
    train: Features
    validation: Features
    folder: Path

    def tune_head(self, head: nn.Module, name: str, teacher_weight: float) -> None:
        """Tune `head` in place on cached features, the same number of epochs for whoever comes."""
        wanted, spec = self.recipe.distill, self.recording.spec
        settings = tuning_settings(self.recipe.training, wanted.tuning_epochs, wanted.learning_rate, wanted.batch_size)
        run = self.folder / name
        tune_head(head, spec, self.train, self.validation, settings, run, self.recipe.seed, teacher_weight)

    def tune_whole(self, model: FeatureHead, name: str) -> None:
        """Tune `model` in place from end to end on labels; none if the recipe says so."""
        wanted = self.recipe.distill
        if wanted.end_to_end_epochs:
            settings = end_to_end_settings(
                self.recipe.training, wanted.end_to_end_epochs, wanted.end_to_end_learning_rate
            )
            run = self.folder / f"{name}-whole"
            tune_model(model, self.recording, settings, run, self.recipe.seed, f"tuning the {name} end to end")

    def calibration(self) -> torch.Tensor:
        """Features of the training samples that surgeries are computed and proved on."""
        rows = calibration_rows(len(self.train), self.recipe.distill.calibration_samples, self.recipe.seed)
        return torch.from_numpy(self.train.values[rows])


def end_to_end_settings(training: Training, epochs: int, learning_rate: float) -> Training:
    """The recipe's training, once more, shorter and gentler."""
    changes = {"epochs": epochs, "learning_rate": learning_rate, "patience": epochs, "schedule": "one-cycle"}
    return training.model_copy(update=changes)


def student_of_teacher(recipe: Recipe, folder: Path) -> ModelCard | None:
    """The card in `folder` if it is a finished student of this recipe's teacher, whatever its own budget."""
    if not (folder / CARD_FILE).is_file():
        return None
    card = read_card(folder)
    return card if Recipe.model_validate(card.recipe).teacher_hash() == recipe.teacher_hash() else None


def finished_student(recipe: Recipe, folder: Path) -> ModelCard | None:
    """The card in `folder` if it is this recipe's finished student."""
    card = student_of_teacher(recipe, folder)
    return card if card and card.recipe_hash == recipe.student_hash() else None


def discard_student(folder: Path) -> None:
    """Forget a student, finished or not."""
    shutil.rmtree(folder, ignore_errors=True)


def distill(
    recipe: Recipe, recording: Recording, teacher: FeatureHead, teacher_card: ModelCard, folder: Path
) -> ModelCard:
    """Fold, factor, tune and choose on validation participants; score teacher, control and student once on test.

    "Worse" is measured against the better of the teacher and its control, which has had all the tuning a student gets.
    """
    layer = first_linear(teacher)
    bench = open_bench(recipe, recording, teacher, layer, folder)
    folded, steps = fold_head(teacher, layer, bench)
    capacity = capacity_of(folded, layer, bench)
    control = tuned_teacher(teacher, bench)
    judge = judge_against_better(bench, teacher, control)
    candidates = search(folded, capacity, bench, judge)
    finalists = [one for one in candidates if one.stage == "head tuned"]
    chosen, held = choose(finalists, recipe.distill.max_worse_percent, judge)
    if recipe.distill.end_to_end_epochs:
        judge, chosen = tune_end_to_end(judge, bench, teacher, control, chosen)
        held = chosen.worse_percent.high <= recipe.distill.max_worse_percent
        candidates.append(chosen)
    write_frontier(folder, candidates, chosen, count_fc_parameters(teacher))
    write_json(
        folder / "capacity.json", {**capacity.to_json(), "chosen_rank": chosen.rank, "chosen_terms": chosen.terms}
    )
    outcome = Outcome(chosen.model, [*steps, *chosen.steps], control, judge.name, held)
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
    train = replace(parts["train"], teacher=head_outputs(teacher.head, parts["train"].values))
    return Bench(recipe, recording, train, parts["validation"], run)


def fold_head(teacher: FeatureHead, layer: str, bench: Bench) -> tuple[FeatureHead, list[Step]]:
    """A copy of the teacher whose first FC has swallowed every linear layer that directly follows it."""
    folded, steps = copy.deepcopy(teacher).eval(), []
    features = bench.calibration()
    while plan := plan_fold(folded, layer, folded.head, features):
        steps.append(Step(plan, plan.apply(folded, folded.head, features)))
    return folded, steps


def capacity_of(folded: FeatureHead, layer: str, bench: Bench) -> LayerCapacity:
    """How much of the folded layer is used."""
    linear = folded.get_submodule(layer)
    assert isinstance(linear, nn.Linear)
    return layer_capacity(layer, linear, tail_of(folded, layer), bench.calibration().numpy())


def tuned_teacher(teacher: FeatureHead, bench: Bench) -> FeatureHead:
    """The control: the teacher with its head tuned on labels exactly as long as any student's, but no surgery."""
    control = copy.deepcopy(teacher)
    bench.tune_head(control.head, "control", 0.0)
    return control


def judge_against_better(bench: Bench, teacher: FeatureHead, control: FeatureHead) -> Judge:
    """Judges on validation participants against the better of both, so that no student wins by tuning alone."""
    people = bench.recording.table["participant"].to_numpy()[rows_of(bench.recording, "validation")]
    both = {"teacher": teacher, "control": control}
    outputs = {name: head_outputs(model.head, bench.validation.values) for name, model in both.items()}
    judge = Judge(bench.recording.spec, bench.validation.targets, people, outputs["teacher"], "teacher")
    return judge.against(judge.better(outputs), outputs)


def search(folded: FeatureHead, capacity: LayerCapacity, bench: Bench, judge: Judge) -> list[Candidate]:
    """Every rank, with whole and with separable filters, without training and with its head tuned."""
    calibration, values = bench.calibration(), bench.validation.values
    tune = partial(bench.tune_head, teacher_weight=bench.recipe.distill.teacher_weight)
    wanted = bench.recipe.distill
    raw = [
        factorise(folded, capacity.layer, k, calibration, judge, values) for k in ranks_to_try(capacity, wanted.ranks)
    ]
    for rank, terms in separable_to_try(capacity, folded, wanted.separable_terms):
        whole = factorise(folded, capacity.layer, rank, calibration, judge, values)
        raw.append(separated(whole, capacity.layer, terms, judge, values))
    candidates = [one for start in raw for one in (start, tuned(start, judge, values, tune))]
    if not candidates:
        most = min(capacity.in_features, capacity.out_features)
        raise InputError(f"distill.ranks: none lies within 1..{most}, the ranks that '{capacity.layer}' can have.")
    return candidates


def tune_end_to_end(
    judge: Judge, bench: Bench, teacher: FeatureHead, control: FeatureHead, chosen: Candidate
) -> tuple[Judge, Candidate]:
    """Tune control and student as wholes, in place, and judge the student again by what both have become."""
    bench.tune_whole(control, "control")
    bench.tune_whole(chosen.model, "student")
    validation = rows_of(bench.recording, "validation")
    both = {"teacher": teacher, "control": control}
    outputs = {name: predict(model, bench.recording, validation) for name, model in both.items()}
    judge = judge.against(judge.better(outputs), outputs)
    return judge, chosen.finished(judge, predict(chosen.model, bench.recording, validation))
