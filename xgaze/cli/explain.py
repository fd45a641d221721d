"""`xgaze explain`"""

from pathlib import Path
from typing import Any

import click
from torch import nn

from xgaze.artifacts import WEIGHTS_FILE, file_hash
from xgaze.cli.common import (
    emit,
    next_command,
    note,
    open_data,
    read_recipe,
    recipe_options,
    report_folder,
    run_folder,
)
from xgaze.compression.distill import STUDENT, student_of_teacher
from xgaze.compression.head import first_linear, tail_of
from xgaze.compression.student import load_model
from xgaze.errors import InputError
from xgaze.explanation.explain import explain_embedding, explain_samples, find_samples, write_explanation
from xgaze.recipe import Recipe, fingerprint
from xgaze.report.results import gather, read_explanation
from xgaze.report.words import worst_completeness
from xgaze.report.write import write_report
from xgaze.training.teacher import TEACHER, finished_teacher


@click.command("explain")
@recipe_options
@click.option("--sample", "samples", multiple=True, required=True, metavar="ID", help="Test sample: index or id.")
def explain(recipe: str, overrides: tuple[str, ...], force: bool, as_json: bool, samples: tuple[str, ...]) -> None:
    """Explain test samples with RECIPE's teacher and student, and write the report.

    \b
    Example:
      xgaze explain --sample 17
    """
    settings = read_recipe(recipe, overrides)
    folder = run_folder(settings) / "explanation"
    roles = _finished_roles(settings, next_command("train-teacher", recipe, overrides))
    key = fingerprint({"recipe": settings.model_dump(mode="json"), "samples": list(samples), "roles": roles})
    stored = None if force else read_explanation(folder, key)
    if stored is None:
        stored = _explain(settings, list(roles), samples, folder, key)
    else:
        note(f"Already explained; --force explains again. ({folder})")
    page = write_report(report_folder(settings), *gather(run_folder(settings)))
    figures = {
        "samples": [one["id"] for one in stored["attribution"]["samples"]],
        "methods": {"integrated gradients": worst_completeness(stored["attribution"])},
        "report": str(page),
        "report_bytes": page.stat().st_size,
    }
    emit(figures, in_words(figures, stored), as_json)


def _finished_roles(recipe: Recipe, train_first: str) -> dict[str, str]:
    """Models there are, with the hash of their weights: the teacher, and the student if it is this teacher's."""
    folder = run_folder(recipe)
    if finished_teacher(recipe, folder / TEACHER) is None:
        raise InputError(f"{folder / TEACHER}: no finished teacher of this recipe. Run `{train_first}` first.")
    student = student_of_teacher(recipe, folder / STUDENT)
    if student is None:
        note("No student of this recipe yet (xgaze distill): the teacher is explained alone.")
    roles = [TEACHER, STUDENT] if student else [TEACHER]
    return {role: file_hash(folder / role / WEIGHTS_FILE) for role in roles}


def _explain(recipe: Recipe, roles: list[str], samples: tuple[str, ...], folder: Path, key: str) -> dict[str, Any]:
    recording = open_data(recipe)
    rows = find_samples(recording, samples)
    loaded = {role: load_model(run_folder(recipe) / role)[0] for role in roles}
    models: dict[str, nn.Module] = dict(loaded)
    attribution, regions, maps = explain_samples(recording, models, rows, recipe.explain, recipe.seed)
    teacher = loaded[TEACHER]
    layer = first_linear(teacher)
    tail = tail_of(teacher, layer)
    sweep = explain_embedding(recording, teacher, layer, tail, rows[0], recipe.explain, recipe.seed, folder)
    stored = {"key": key, "attribution": attribution, "regions": regions or None, "sweep": sweep}
    write_explanation(folder, stored, maps)
    return stored


def in_words(figures: dict[str, Any], stored: dict[str, Any]) -> list[str]:
    delta = figures["methods"]["integrated gradients"]
    strongest = stored["sweep"]["variables"][0]
    reach = f"{strongest['reach_px']:.0f} px" if "reach_px" in strongest else f"{strongest['reach']:.2f} logits"
    return [
        f"Explained {', '.join(figures['samples'])} by integrated gradients; at worst {delta:.2f} % of the output change "
        "is not attributed.",
        f"  The strongest embedding variable (number {strongest['variable']}) moves the prediction by {reach} over its "
        "observed range.",
        f"Report:  {figures['report']} ({figures['report_bytes'] / 1000:.0f} kB; opens offline)",
    ]
