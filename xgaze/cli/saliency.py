"""`xgaze saliency`"""

from pathlib import Path
from typing import Any

import click

from xgaze.artifacts import STUDENT, TEACHER
from xgaze.cli.common import (
    emit,
    ends_in_words,
    invocation,
    next_command,
    open_data,
    read_recipe,
    recipe_faults_first,
    run_folder,
)
from xgaze.compression.reproduction import require_predictions
from xgaze.compression.student import load_model
from xgaze.compression.student_folder import student_of_teacher
from xgaze.data.contract import Recording
from xgaze.errors import InputError
from xgaze.evaluation.intervals.participants import NOT_DEFINED
from xgaze.models.layers import FeatureHead
from xgaze.progress import progress_bar
from xgaze.recipe import Recipe
from xgaze.scorings import log_scoring
from xgaze.training.saliency_test import FIGURES, TABLE, require_looked_at, score_saliency
from xgaze.training.teacher_folder import finished_teacher
from xgaze.writing import one_writer

SHOWN = {"shuffled_auc": "shuffled AUC", "nss": "NSS", "information_gain": "bits"}


@click.command("saliency")
@click.argument("recipe", default="mrcnn")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of the recipe.")
@click.option("--pictures", type=click.IntRange(2), metavar="N", help="Only so many test photographs, drawn by seed.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; everything else goes to stderr.")
def saliency(recipe: str, overrides: tuple[str, ...], pictures: int | None, as_json: bool) -> None:
    """Where will people look in a photograph? Maps of RECIPE's teacher and student, scored on photographs they never saw.

    Beside them: the centre bias (where people look whatever the picture), and other people, who are the ceiling. Shuffled AUC
    is 0.5 for a map that knows the centre bias only.

    \b
    Example:
      xgaze saliency mrcnn --set data.path=osie --pictures 40
    """
    settings = read_recipe(recipe, overrides)
    with recipe_faults_first(settings):
        roles = roles_of(settings, next_command("train-teacher", recipe, overrides))
    recording = open_data(settings)
    require_looked_at(recording)
    models = {role: loaded(settings, recording, role) for role in roles}
    folders = [run_folder(settings) / role for role in models]
    with one_writer(run_folder(settings)):
        with progress_bar("looking at test photographs") as advance:
            scores = score_saliency(models, recording, pictures, settings.seed, advance)
        for folder in folders:
            scores.write(folder)
        log_scoring(run_folder(settings), "saliency", invocation())
    figures = {"recipe": settings.name, "model_dirs": [str(one) for one in folders], **scores.figures}
    emit(figures, in_words(figures, folders[-1], next_command("distill --prune-fc", recipe, overrides)), as_json)


def roles_of(recipe: Recipe, train_first: str) -> list[str]:
    """The teacher, and the student where there is one. Raises InputError without a teacher."""
    folder = run_folder(recipe)
    if finished_teacher(recipe, folder / TEACHER) is None:
        raise InputError(f"{folder / TEACHER}: no finished teacher of this recipe. Run `{train_first}` first.")
    return [TEACHER, *([STUDENT] if student_of_teacher(recipe, folder / STUDENT) else [])]


def loaded(recipe: Recipe, recording: Recording, role: str) -> FeatureHead:
    """The model, which predicts what it did when it was stored. Raises InputError."""
    folder = run_folder(recipe) / role
    model, card = load_model(folder, recipe.model)
    require_predictions(model, card, recording, folder)
    return model


def in_words(figures: dict[str, Any], folder: Path, next_step: str) -> list[str]:
    """A table of the main scores, and what the comparisons say."""
    rows = [
        f"  {model:24s}" + "  ".join(f"{words} {_told(scores[metric])}" for metric, words in SHOWN.items())
        for model, scores in figures["scores"].items()
    ]
    compared = [
        f"  {one['first']} against {one['second']}, {SHOWN[one['metric']]}: {_difference(one)}."
        for one in figures["differences"]
        if one["metric"] in ("shuffled_auc", "nss")
    ]
    return [
        f"{figures['test_pictures']} test photographs, {figures['viewers']} viewers; means [95 % interval over photographs]:",
        *rows,
        "Differences [over photographs] [over viewers]:",
        *compared,
        f"All scores: {folder / TABLE}, {folder / FIGURES}",
        f"Next:    {next_step}",
    ]


def _told(score: dict[str, Any]) -> str:
    found = score["over_pictures"]
    return NOT_DEFINED if found is None else f"{found['mean']:.3f} {ends_in_words(found, '.3f')}"


def _difference(one: dict[str, Any]) -> str:
    found = one["over_pictures"]
    if found is None:
        return NOT_DEFINED
    over_viewers = one["over_viewers"]
    beside = f" {ends_in_words(over_viewers, '+.3f')}" if over_viewers else ""
    return f"{found['mean']:+.3f} {ends_in_words(found, '+.3f')}{beside}"
