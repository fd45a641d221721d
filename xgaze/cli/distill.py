"""`xgaze distill`"""

import math
from pathlib import Path
from typing import Any

import click

from xgaze.artifacts import CARD_FILE, ModelCard
from xgaze.cli.common import (
    emit,
    ends_in_words,
    error_in_words,
    fan_options,
    invocation,
    next_command,
    note,
    nothing_learned,
    open_data,
    read_recipe,
    recipe_faults_first,
    recipe_options,
    rendered_warning,
    run_folder,
    scored_so_far,
)
from xgaze.compression.distill import STUDENT, finished_student
from xgaze.compression.distill import distill as find_student
from xgaze.compression.reproduced import require_own, require_predictions
from xgaze.compression.student import load_model
from xgaze.errors import InputError
from xgaze.recipe import Recipe
from xgaze.report.claims import budget_in_words, costs_in_words
from xgaze.report.format import changed
from xgaze.report.results import DISTILL
from xgaze.report.schemas import StudentCard
from xgaze.stored import require, understood
from xgaze.training.devices import require_devices
from xgaze.training.fan import Fan
from xgaze.training.teacher import TEACHER, finished_teacher
from xgaze.writing import new_folder, one_writer, replace_folder

FIGURES = (
    "teacher",
    "control",
    "student",
    "reference",
    "worse_unit",
    "difference_percent",
    "difference_from_teacher_percent",
    "control_difference_from_teacher_percent",
    "learned",
    "against_guessing",
    "budget_percent",
    "budget_met",
    "held_on_validation",
    "fc_reduction",
    "parameter_reduction",
    "latency_ratio",
    "reason",
    "limits",
    "labels_only",
    "macro_f1",
    "int8_file_reduction",
    "test_participants",
)
FEW_PARTICIPANTS = 8


class Percent(click.ParamType[float]):
    """`2%` or `2`."""

    name = "percent"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            percent = float(str(value).strip().removesuffix("%"))
        except ValueError:
            percent = math.nan
        if not math.isfinite(percent):
            self.fail(f"'{value}' is not a percentage; write for example 2%.", param, ctx)
        if percent < 0:
            self.fail(f"{value}: a budget is 0 % or more; 0 asks for a student that is not worse.", param, ctx)
        return percent


@click.command("distill")
@recipe_options
@click.option("--prune-fc", is_flag=True, help="Shrink the fully connected layers only, not the towers.")
@click.option(
    "--effort", type=click.Choice(["quick", "full"]), help="quick: heads on cached embeddings; full: end to end."
)
@click.option(
    "--max-worse",
    type=Percent(),
    metavar="PERCENT",
    help="Budget: how much worse the student may be; of classes, in points.",
)
@click.option("--max-params", type=click.IntRange(1), metavar="N", help="Budget: parameters in all.")
@click.option("--max-bytes", type=click.IntRange(1), metavar="N", help="Budget: bytes of the weights file.")
@click.option(
    "--max-latency-ms", type=click.FloatRange(0, min_open=True), metavar="MS", help="Budget: onnxruntime, 1 thread."
)
@click.option("--baselines", is_flag=True, help="Beside it: other ways to the same size, tuned as long.")
@fan_options("Trials")
def distill(
    recipe: str,
    overrides: tuple[str, ...],
    force: bool,
    as_json: bool,
    baselines: bool,
    workers: int,
    dask: str | None,
    **asked: Any,
) -> None:
    """Find the smallest student of RECIPE's teacher that is at most --max-worse worse (2 % unless the recipe says).

    Worse than the teacher, or than the teacher given the same extra tuning where that is better. Chosen on validation
    participants, scored on test participants at the end; each such scoring is counted. With a budget of size or time: the
    least worse student within it; where none keeps it, the nearest is named.
    A search that was stopped goes on where it was; trials once done serve other budgets too.

    \b
    Example:
      xgaze distill                                  the whole model, about 20 minutes on 2 cores
      xgaze distill --prune-fc --effort quick        the first fully connected layer only, 4 minutes
      xgaze distill --max-params 50000 --baselines   the best of this size, other tools' beside it
    """
    settings = read_recipe(recipe, overrides + budgets(asked))
    folder = run_folder(settings) / STUDENT
    with recipe_faults_first(settings):
        card = None if force else finished_student(settings, folder)
    if card is None or baselines:
        train_first = next_command("train-teacher", recipe, overrides)
        with one_writer(run_folder(settings)):
            made = new_folder(folder) if force else folder
            card = _distill(settings, made, train_first, Fan(workers, dask), baselines)
            if force:
                replace_folder(folder)
    else:
        load_model(folder, settings.model)  # refuses weights whose class was edited since
        note(f"Already distilled; --force distils again. ({folder})")
    require(vars(card), StudentCard, folder / CARD_FILE, DISTILL)
    figures = {**{key: card.metrics.get(key) for key in FIGURES}, "model_dir": str(folder)}
    scored = scored_so_far(run_folder(settings), card.spec.get("groups", "participants"))
    with understood(folder / CARD_FILE, DISTILL):
        words = in_words(figures, card, next_command("explain --samples 3", recipe, overrides), scored)
    emit(figures, words, as_json)


def budgets(asked: dict[str, Any]) -> tuple[str, ...]:
    """Options of the command as overrides of the recipe."""
    keys = {
        "max_worse": "max_worse_percent",
        "max_params": "max_parameters",
        "max_bytes": "max_bytes",
        "max_latency_ms": "max_latency_ms",
        "effort": "effort",
    }
    given = tuple(f"distill.{key}={asked[name]}" for name, key in keys.items() if asked[name] is not None)
    return (*given, "distill.towers=false") if asked["prune_fc"] else given


def _distill(recipe: Recipe, folder: Path, train_first: str, fan: Fan, baselines: bool) -> ModelCard:
    teacher_folder = run_folder(recipe) / TEACHER
    with recipe_faults_first(recipe):
        if finished_teacher(recipe, teacher_folder) is None:
            raise InputError(f"{teacher_folder}: no finished teacher of this recipe. Run `{train_first}` first.")
    require_devices(recipe.training)
    teacher, card = load_model(teacher_folder, recipe.model)
    recording = open_data(recipe)
    require_predictions(teacher, card, recording, teacher_folder)
    require_own(card, recording, teacher_folder)
    for line in nothing_learned(card.metrics, card.spec.get("groups", "participants")):
        note(line)
    return find_student(recipe, recording, teacher, card, folder, fan, note, baselines, invocation())


def in_words(figures: dict[str, Any], card: ModelCard, next_step: str, *scored: str) -> list[str]:
    """The lines for a person. scored: how often test participants were."""
    teacher, student, worse = figures["teacher"], figures["student"], figures["difference_percent"]
    against = {"teacher": "the teacher", "control": "the teacher given the same extra tuning"}[figures["reference"]]
    extra = figures["control_difference_from_teacher_percent"]["mean"]
    unit = figures.get("worse_unit") or "%"
    groups = card.spec.get("groups", "participants")
    return [
        *nothing_learned(figures, groups),
        f"Student: {student['fc_parameters']:,} parameters in fully connected layers, {fewer(figures['fc_reduction'])} than the "
        f"teacher ({student['parameters']:,} in all, {fewer(figures['parameter_reduction'])}; "
        f"{student['bytes'] / 1e6:.2f} MB).",
        f"  Student {error_in_words(student['error'], groups)}.",
        f"  Teacher {error_in_words(teacher['error'], groups)}; the same extra tuning makes it {change_in_words(extra, unit)}.",
        f"  Worse than {against}: {worse['mean']:+.1f} {unit} {ends_in_words(worse, '+.1f')}, 95 % interval over "
        f"{groups}. Budget of {figures['budget_percent']:g} {unit}: {verdict_in_words(figures)}.",
        *([f"  {told}"] if (told := costs_in_words(figures)) else []),
        *macro_f1_in_words(figures["macro_f1"]),
        *([] if figures["held_on_validation"] else [f"  On validation {groups}: {figures['reason']}."]),
        *labels_only_in_words(figures["labels_only"], unit),
        onnx_in_words(student, teacher),
        *int8_in_words(student, figures["int8_file_reduction"], unit),
        *few_participants(figures["test_participants"], groups),
        *scored,
        *rendered_warning(card.spec["rendered"]),
        f"Lies in: {figures['model_dir']}",
        f"Next:    {next_step}",
    ]


def verdict_in_words(figures: dict[str, Any]) -> str:
    """Whether the budget held, and what keeps it from it."""
    told = budget_in_words(figures)
    return "held by the upper bound" if told == "met" else told.replace("not met", "NOT held")


def fewer(ratio: float) -> str:
    """As "21.2x fewer", "1.3x more"."""
    return changed(ratio, "fewer", "more", style="{:.1f}x".format)


def change_in_words(worse: float, unit: str = "%") -> str:
    """As "1.2 % worse", "0.6 points better": positive is worse."""
    return f"{abs(worse):.1f} {unit} {'worse' if worse > 0 else 'better'}"


def macro_f1_in_words(lost: dict[str, Any] | None) -> list[str]:
    """Beside the one score of classes, the score in which every class counts the same."""
    if lost is None or "worse_points" not in lost:  # an older version told it in percent
        return []
    worse, whole = lost["worse_points"], lost["worse_than_teacher_points"]
    return [
        f"  Macro F1 {lost['student']:.3f} against {lost['reference']:.3f}: {worse['mean']:+.1f} points worse "
        f"{ends_in_words(worse, '+.1f')}; against the untuned teacher's {lost['teacher']:.3f}: "
        f"{whole['mean']:+.1f} points {ends_in_words(whole, '+.1f')}."
    ]


def labels_only_in_words(beside: dict[str, Any] | None, unit: str = "%") -> list[str]:
    """What the teacher's lessons gave, where it taught."""
    if beside is None:
        return []
    worse = beside["worse_than_student_percent"]
    return [
        f"  The same student from labels alone: {change_in_words(worse['mean'], unit)} than this one "
        f"{ends_in_words(worse, '+.1f')}."
    ]


def onnx_in_words(student: dict[str, Any], teacher: dict[str, Any]) -> str:
    """Time and parity of the ONNX file, or why there is none."""
    latency, before = student["latency_ms"], teacher["latency_ms"]
    if latency is None:
        return f"  No ONNX of it ({student['onnx_fault']}): time and 8 bits were not measured."
    beside = f"{before['median']:.2f} ms" if before else "not measured"
    one = " It takes one sample at a time." if student.get("onnx_batch") == "one" else ""
    return (
        f"  onnxruntime, 1 thread: {latency['median']:.2f} ms (95th percentile {latency['p95']:.2f}), teacher {beside}; "
        f"ONNX equals torch to {student['onnx_parity']:.0e}.{one}"
    )


def int8_in_words(student: dict[str, Any], times_smaller: float | None, unit: str = "%") -> list[str]:
    """The file in 8 bits, and a warning where it is slower; or why there is none."""
    int8 = student["int8"]
    if int8 is None:
        return [f"  int8: not available ({student['int8_fault']})."] if student["latency_ms"] else []
    worse = int8["worse_than_reference_percent"]
    smaller = changed(times_smaller, "smaller", "larger", "no smaller", "{:.0f}x".format) if times_smaller else ""
    beside = f", {smaller} than the teacher's file" if smaller else ""
    line = (
        f"  int8: {int8['bytes'] / 1e3:.0f} kB{beside}; "
        f"{worse['mean']:+.1f} {unit} {ends_in_words(worse, '+.1f')}; {int8['latency_ms']['median']:.2f} ms."
    )
    return [line, *([f"  Warning: {int8['warning']}"] if int8["warning"] else [])]


def few_participants(count: int, groups: str) -> list[str]:
    """A warning where an interval over people (or what else is kept apart) says little."""
    if count >= FEW_PARTICIPANTS:
        return []
    return [f"  Warning: only {count} test {groups}; with fewer than {FEW_PARTICIPANTS} the interval says little."]
