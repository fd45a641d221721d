"""`xgaze distill`"""

import math
from pathlib import Path
from typing import Any

import click

from xgaze.artifacts import CARD_FILE, read_card
from xgaze.cli.common import (
    emit,
    fan_options,
    invocation,
    next_command,
    note,
    nothing_learned,
    open_data,
    read_recipe,
    recipe_faults_first,
    recipe_options,
    run_folder,
    scored_so_far,
)
from xgaze.cli.words.distilled import in_words
from xgaze.compression.distill import STUDENT, finished_student
from xgaze.compression.distill import distill as find_student
from xgaze.compression.reproduction import require_own, require_predictions
from xgaze.compression.student import load_model
from xgaze.errors import InputError
from xgaze.jobs import Fan
from xgaze.recipe import Recipe
from xgaze.recipe.student_sections import MOST_BYTES, MOST_LATENCY_MS, MOST_PARAMETERS, MOST_WORSE_PERCENT
from xgaze.report.remedies import DISTILL
from xgaze.report.schemas import StudentCard
from xgaze.stored import require, understood
from xgaze.training.lightning.devices import require_devices
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
        if percent > MOST_WORSE_PERCENT:
            self.fail(f"{value}: a budget is {MOST_WORSE_PERCENT:,.0f} % or less.", param, ctx)
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
@click.option("--max-params", type=click.IntRange(1, MOST_PARAMETERS), metavar="N", help="Budget: parameters in all.")
@click.option("--max-bytes", type=click.IntRange(1, MOST_BYTES), metavar="N", help="Budget: bytes of the weights file.")
@click.option(
    "--max-latency-ms",
    type=click.FloatRange(0, MOST_LATENCY_MS, min_open=True),
    metavar="MS",
    help="Budget: onnxruntime, 1 thread.",
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
    train_first = next_command("train-teacher", recipe, overrides)
    _make_student(settings, folder, train_first, Fan(workers, dask), baselines, force)
    card = read_card(folder)  # as it is stored, whether it was made now or long ago
    require(vars(card), StudentCard, folder / CARD_FILE, DISTILL)
    figures = {**{key: card.metrics.get(key) for key in FIGURES}, "model_dir": str(folder)}
    scored = scored_so_far(run_folder(settings), card.spec.get("groups", "participants"))
    with understood(folder / CARD_FILE, DISTILL):
        words = in_words(figures, card, next_command("explain --samples 3", recipe, overrides), scored)
    emit(figures, words, as_json)


def _make_student(settings: Recipe, folder: Path, train_first: str, fan: Fan, baselines: bool, force: bool) -> None:
    """Have a finished student in `folder`, found first where there is none, or by force."""
    with recipe_faults_first(settings):
        card = None if force else finished_student(settings, folder)
    if card is not None and not baselines:
        load_model(folder, settings.model)  # refuses weights whose class was edited since
        note(f"Already distilled; --force distils again. ({folder})")
        return
    with one_writer(run_folder(settings)):
        if not (force or baselines) and finished_student(settings, folder):
            return  # another process's, or one that was killed when all but the places of its files was done
        made = new_folder(folder) if force else folder
        _distill(settings, made, train_first, fan, baselines)
        if force:
            replace_folder(folder)


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


def _distill(recipe: Recipe, folder: Path, train_first: str, fan: Fan, baselines: bool) -> None:
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
    find_student(recipe, recording, teacher, card, folder, fan, note, baselines, invocation())
