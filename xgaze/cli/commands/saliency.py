"""`xgaze saliency`"""

from pathlib import Path
from typing import Any

import click

from xgaze.cli.common import emit, ends_in_words, next_command, read_recipe, run_of
from xgaze.report.drawing.format import NOT_DEFINED


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
    settings = read_recipe(recipe, overrides)  # whose faults are said before anything heavy is imported
    from xgaze.api.scoring_maps import scored_maps

    made = scored_maps(run_of(settings, next_command("train-teacher", recipe, overrides)), pictures)
    folders = made.folders
    figures = {"recipe": settings.name, "model_dirs": [str(one) for one in folders], **made.figures}
    emit(figures, in_words(figures, folders[-1], next_command("distill --prune-fc", recipe, overrides)), as_json)


def in_words(figures: dict[str, Any], folder: Path, next_step: str) -> list[str]:
    """A table of the main scores, and what the comparisons say."""
    from xgaze.api.scoring_maps import SHOWN
    from xgaze.training.saliency_test import FIGURES, TABLE

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
