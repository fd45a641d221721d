"""`xgaze crossval`"""

from pathlib import Path
from typing import Any

import click

from xgaze.cli.common import (
    MEASURED,
    emit,
    ends_in_words,
    error_in_words,
    fan_options,
    interval_in_words,
    next_command,
    read_recipe,
    recipe_options,
    rendered_warning,
    run_of,
    short_error,
)
from xgaze.jobs import Fan
from xgaze.report.remedies import CROSSVALIDATE
from xgaze.stored import understood
from xgaze.units import digits_of

FIGURES = ("folds", "participants_tested", "participants", "score", "baselines", "seconds")
MORE = ("clean", "estimate", "never_tested", "samples", "measures", "permutation", "scores_of_seeds")


@click.command("crossval")
@recipe_options
@click.option("--outer", type=click.IntRange(2), default=8, show_default=True, help="Folds of people who are tested.")
@click.option(
    "--inner",
    type=click.IntRange(1),
    default=7,
    show_default=True,
    help="Trainings that select; 1: one person in five.",
)
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, help="All of it again from other seeds.")
@click.option(
    "--protocol",
    type=click.Choice(["nested", "paper"]),
    default="nested",
    help="paper: replay the published protocol of the heatmap classifier; not a clean estimate.",
)
@fan_options("Folds")
def crossval(
    recipe: str,
    overrides: tuple[str, ...],
    force: bool,
    as_json: bool,
    workers: int,
    dask: str | None,
    **asked: Any,
) -> None:
    """Cross-validate RECIPE's teacher over participants: everyone is tested once, by a model that never saw them.

    For each outer fold, inner trainings with fresh weights find how many epochs are best, on average, on their own
    validation participants; the model is trained again for so long on all of the fold's training participants, and
    tested once. A run that was stopped goes on where it was, fold by fold.

    \b
    Example:
      xgaze crossval heatmap-cnn --outer 8 --inner 7 --set data.path=my_heatmaps
      xgaze crossval heatmap-cnn --outer 5 --inner 1 --seeds 3 --workers 4
    """
    settings = read_recipe(recipe, overrides)  # whose faults are said before anything heavy is imported
    from xgaze.api.cross_validating import have_crossval
    from xgaze.training.crossval.run import RESULT_FILE, Asked

    made = have_crossval(run_of(settings), Asked(**asked), Fan(workers, dask), force)
    found, page = made.found, made.report()
    figures = {key: found[key] for key in (*FIGURES, *MORE)} | {
        "protocol": asked["protocol"],
        "folder": str(made.folder),
    }
    with understood(made.folder / RESULT_FILE, CROSSVALIDATE):
        words = in_words(found, figures["folder"], page, next_command("train-teacher", recipe, overrides))
    emit(figures, [*words[:-1], *rendered_warning(found["rendered"]), words[-1]], as_json)


def in_words(found: dict[str, Any], folder: str, page: Path | None, train: str) -> list[str]:
    """The result for a person."""
    beside = ", ".join(f"{name} {short_error(one)}" for name, one in found["baselines"].items())
    tested = f"{found['participants_tested']} of {found['participants']} {found['groups']} tested"
    chance = found["permutation"]
    return [
        *([] if found["clean"] else [f"This is {found['estimate']}."]),
        f"Cross validation of '{found['recipe']}', {found['folds']} folds, {tested}:",
        f"  {_scored(found['score'], found['groups'])}.",
        f"  Beside it: {beside}.",
        *_measures(found["measures"]),
        *(
            [
                f"  Classes permuted among {found['groups']} score as high with p = {chance['p']:.3g} ({chance['score']})."
            ]
            if chance
            else []
        ),
        f"  Took {found['seconds'] / 60:.1f} min, all folds added up.",
        f"Lies in: {folder}",
        f"Report:  {page}" if page else f"Next:    {train}",
    ]


def _scored(score: dict[str, Any], groups: str) -> str:
    unit = score["unit"]
    if unit not in MEASURED:
        return error_in_words(score, groups)
    return f"{score['mean']:.{digits_of(unit)}f} {unit} ({interval_in_words(score, groups, unit)})"


def _measures(measures: list[dict[str, Any]]) -> list[str]:
    """Every measure with its interval, where there is more than the score."""
    if len(measures) < 2:
        return []
    told = [(one["measure"], next(value for key, value in one.items() if key != "measure")) for one in measures]
    return [f"  {name}: {own['mean']:.3f} {ends_in_words(own, '.3f')}" for name, own in told]
