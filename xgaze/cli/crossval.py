"""`xgaze crossval`"""

from pathlib import Path
from typing import Any

import click

from xgaze.artifacts import CARD_FILE, TEACHER
from xgaze.cli.common import (
    MEASURED,
    emit,
    ends_in_words,
    error_in_words,
    fan_options,
    interval_in_words,
    invocation,
    next_command,
    note,
    open_data,
    read_recipe,
    recipe_faults_first,
    recipe_options,
    rendered_warning,
    report_folder,
    run_folder,
    short_error,
)
from xgaze.jobs import Fan
from xgaze.recipe import Recipe
from xgaze.report.page.publish import publish
from xgaze.report.remedies import CROSSVALIDATE
from xgaze.stored import understood
from xgaze.training.crossval.run import FOLDERS, RESULT_FILE, Asked, cross_validate, finished_crossval
from xgaze.training.lightning.devices import require_devices
from xgaze.training.start import check_model
from xgaze.writing import new_folder, one_writer, replace_folder

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
    settings, wanted = read_recipe(recipe, overrides), Asked(**asked)
    folder = run_folder(settings) / FOLDERS[wanted.protocol]
    found = _found(settings, wanted, folder, Fan(workers, dask), force)
    page = _published(run_folder(settings), report_folder(settings))
    figures = {key: found[key] for key in (*FIGURES, *MORE)} | {"protocol": wanted.protocol, "folder": str(folder)}
    with understood(folder / RESULT_FILE, CROSSVALIDATE):
        words = in_words(found, figures["folder"], page, next_command("train-teacher", recipe, overrides))
    emit(figures, [*words[:-1], *rendered_warning(found["rendered"]), words[-1]], as_json)


def _found(settings: Recipe, wanted: Asked, folder: Path, fan: Fan, force: bool) -> dict[str, Any]:
    """The result that lies in `folder`; computed first where there is none, or by force."""
    with recipe_faults_first(settings, divided=False):
        found = None if force else finished_crossval(settings, wanted, folder)
    if found is not None:
        note(f"Already cross-validated; --force does it again. ({folder})")
        return found
    require_devices(settings.training)
    recording = open_data(settings, divided=False)
    # Built once beforehand: a model that cannot be built must not cost minutes.
    check_model(settings, recording)
    with one_writer(run_folder(settings)):
        made = new_folder(folder) if force else folder
        found = cross_validate(settings, recording, wanted, made, fan, note, invocation())
        if force:
            replace_folder(folder)
    return found


def _published(run: Path, report: Path) -> Path | None:
    """The report with the new section, where there is a teacher to report on."""
    return publish(run, report) if (run / TEACHER / CARD_FILE).is_file() else None


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
    return f"{score['mean']:.1f} {unit} ({interval_in_words(score, groups, unit)})"


def _measures(measures: list[dict[str, Any]]) -> list[str]:
    """Every measure with its interval, where there is more than the score."""
    if len(measures) < 2:
        return []
    told = [(one["measure"], next(value for key, value in one.items() if key != "measure")) for one in measures]
    return [f"  {name}: {own['mean']:.3f} {ends_in_words(own, '.3f')}" for name, own in told]
