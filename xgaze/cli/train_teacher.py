"""`xgaze train-teacher`"""

from pathlib import Path
from typing import Any

import click

from xgaze.artifacts import CARD_FILE, ModelCard, read_card
from xgaze.cli.common import (
    emit,
    error_in_words,
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
    short_error,
)
from xgaze.recipe import Recipe
from xgaze.report.remedies import TRAIN
from xgaze.report.schemas import TeacherCard
from xgaze.stored import require
from xgaze.writing import new_folder, one_writer, replace_folder


@click.command("train-teacher")
@recipe_options
@click.option("--second", is_flag=True, help="Train it again from another seed, for xgaze explain to compare with.")
def train_teacher(recipe: str, overrides: tuple[str, ...], force: bool, as_json: bool, second: bool) -> None:
    """Train the teacher of RECIPE (a built-in name or a YAML file; multi-eye by default).

    Weights are selected on validation participants; the test participants are scored at the end, and each such scoring is
    counted. A killed training goes on from its last epoch when the command is run again.

    \b
    Example:
      xgaze train-teacher recipes/heatmap-cnn.yaml --set data.path=my_heatmaps
      xgaze train-teacher --second                     beside the first, same data, seed + 1
    """
    settings = read_recipe(recipe, overrides)  # whose faults are said before anything heavy is imported
    from xgaze.compression.student import load_model
    from xgaze.training.teacher import SECOND_TEACHER, TEACHER, finished_teacher, forget_training, second_recipe

    folder = run_folder(settings) / (SECOND_TEACHER if second else TEACHER)
    settings = second_recipe(settings) if second else settings
    with recipe_faults_first(settings):
        card = None if force else finished_teacher(settings, folder)
    if card is None:
        with one_writer(run_folder(settings)):
            card = _train(settings, folder, force)
    else:
        load_model(folder, settings.model)  # refuses weights whose class was edited since
        forget_training(folder)
        note(f"Already trained; --force trains again. ({folder})")
    card = read_card(folder)  # as it is stored, whether it was made now or long ago
    require(vars(card), TeacherCard, folder / CARD_FILE, TRAIN)
    figures = figures_of(card, folder)
    scored = scored_so_far(folder.parent, card.spec.get("groups", "participants"))
    next_step = next_command("explain" if second else "distill", recipe, overrides)
    emit(figures, in_words(figures, card, next_step, scored), as_json)


def _train(recipe: Recipe, folder: Path, force: bool) -> ModelCard:
    """Train into `folder`, or, with force, beside it first: what lies there is replaced by what is finished."""
    from xgaze.training.lightning.devices import require_devices
    from xgaze.training.start import check_model
    from xgaze.training.teacher import finished_teacher
    from xgaze.training.teacher import train_teacher as train

    require_devices(recipe.training)
    recording = open_data(recipe)
    # Built once beforehand: a model that cannot be built must not cost minutes.
    check_model(recipe, recording)
    if not force:
        return finished_teacher(recipe, folder) or train(recipe, recording, folder, list(recording.notes), invocation())
    card = train(recipe, recording, new_folder(folder), list(recording.notes), invocation())
    replace_folder(folder)
    return card


def figures_of(card: ModelCard, folder: Path) -> dict[str, Any]:
    """The figures of `--json`."""
    metrics = card.metrics
    extra: dict[str, Any] = {key: metrics[key] for key in ("accuracy", "weighted_f1", "macro_f1") if key in metrics}
    return {
        "recipe": card.recipe["name"],
        "model_dir": str(folder),
        **{key: metrics[key] for key in ("parameters", "fc_parameters", "macs", "participants", "error")},
        **{key: metrics.get(key) for key in ("learned", "against_guessing")},
        **extra,
        "baselines": {name: one["mean"] for name, one in metrics["baselines"].items()},
        "train_seconds": metrics["train_seconds"],
        "train_cpu_seconds": metrics["train_cpu_seconds"],
    }


def in_words(figures: dict[str, Any], card: ModelCard, next_step: str, *scored: str) -> list[str]:
    """The lines for a person. scored: how often test participants were."""
    people, groups = figures["participants"], card.spec.get("groups", "participants")
    who = "people" if groups == "participants" else groups
    share = 100 * figures["fc_parameters"] / figures["parameters"]
    beside = ", ".join(f"{name} {short_error(one)}" for name, one in card.metrics["baselines"].items())
    return [
        *nothing_learned(figures, groups),
        f"Teacher of '{figures['recipe']}', trained on {people['train']} {who}, on {people['test']} {who} it never saw:",
        f"  {error_in_words(figures['error'], groups)}.",
        f"  Beside it: {beside}.",
        f"  {figures['parameters']:,} parameters, {share:.0f} % of them in fully connected layers; "
        f"trained in {figures['train_seconds'] / 60:.1f} min ({figures['train_cpu_seconds'] / 60:.1f} CPU min).",
        *scored,
        *rendered_warning(card.spec["rendered"]),
        f"Lies in: {figures['model_dir']}",
        f"Next:    {next_step}",
    ]
