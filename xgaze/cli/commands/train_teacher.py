"""`xgaze train-teacher`"""

from pathlib import Path
from typing import Any

import click

from xgaze.artifacts import BESIDE, ModelCard
from xgaze.cli.common import (
    emit,
    error_in_words,
    next_command,
    nothing_learned,
    read_recipe,
    recipe_options,
    rendered_warning,
    run_of,
    scored_so_far,
    short_error,
)
from xgaze.report.claims import FRAME_RADII, frame_in_words
from xgaze.report.words import beside_in_words


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
    from xgaze.api.teaching import have_teacher

    made = have_teacher(run_of(settings, next_command("train-teacher", recipe, overrides)), second, force)
    figures = figures_of(made.card, made.folder)
    scored = scored_so_far(made.folder.parent, made.groups)
    next_step = next_command("explain" if second else "distill", recipe, overrides)
    emit(figures, in_words(figures, made.card, next_step, scored), as_json)


def figures_of(card: ModelCard, folder: Path) -> dict[str, Any]:
    """The figures of `--json`."""
    metrics = card.metrics
    extra: dict[str, Any] = {key: metrics[key] for key in ("accuracy", "weighted_f1", "macro_f1") if key in metrics}
    return {
        "recipe": card.recipe["name"],
        "model_dir": str(folder),
        **{key: metrics[key] for key in ("parameters", "fc_parameters", "macs", "participants", "error")},
        **{key: metrics.get(key) for key in ("learned", "against_guessing", FRAME_RADII)},
        **extra,
        **({BESIDE: metrics[BESIDE]} if BESIDE in metrics else {}),
        "baselines": {name: one["mean"] for name, one in metrics["baselines"].items()},
        "train_seconds": metrics["train_seconds"],
        "train_cpu_seconds": metrics.get("train_cpu_seconds", 0.0),
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
        *(f"  {told}" for told in beside_in_words(figures.get(BESIDE))),
        *([f"  {told}"] if (told := frame_in_words(figures[FRAME_RADII], who, "its")) else []),
        f"  {figures['parameters']:,} parameters, {share:.0f} % of them in fully connected layers; "
        f"trained in {figures['train_seconds'] / 60:.1f} min ({figures['train_cpu_seconds'] / 60:.1f} CPU min).",
        *scored,
        *rendered_warning(card.spec["rendered"]),
        f"Lies in: {figures['model_dir']}",
        f"Next:    {next_step}",
    ]
