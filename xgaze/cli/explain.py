"""`xgaze explain`"""

import zipfile
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from torch import Tensor, nn

from xgaze import __version__
from xgaze.artifacts import read_card
from xgaze.cli.common import (
    emit,
    invocation,
    next_command,
    note,
    nothing_learned,
    open_data,
    read_recipe,
    recipe_faults_first,
    recipe_options,
    report_folder,
    run_folder,
)
from xgaze.cli.words.asked import Asked, Over, asked_of
from xgaze.cli.words.explained import (
    figures_of,
    finished_roles,
    floor,
    in_words,
    learned_of_run,
    predictions_of,
    search_hashes,
    shown_beside,
)
from xgaze.compression.distill import STUDENT
from xgaze.compression.head import first_linear, tail_of
from xgaze.compression.reproduction import require_predictions
from xgaze.compression.student import load_model
from xgaze.data.contract import Recording
from xgaze.errors import InputError
from xgaze.explanation.attribution.attribution import mean_inputs
from xgaze.explanation.attribution.parts import moved_names
from xgaze.explanation.attribution.prepared import require_same_copy
from xgaze.explanation.attribution.targets import ASKABLE, asked_targets, targets_for
from xgaze.explanation.embedding.capacity_report import explain_capacity
from xgaze.explanation.embedding.entrance import at_embedding
from xgaze.explanation.embedding.sweep_section import explain_embedding
from xgaze.explanation.explain import explain_samples, write_explanation
from xgaze.explanation.human.references import PEOPLE_FILE, People, people_of
from xgaze.explanation.test_samples import FIGURES_VERSION, measure_over
from xgaze.explanation.test_set import agreement
from xgaze.explanation.test_set.selection import WORDS, choose_samples, one_of_each, reference_rows, spread_rows
from xgaze.explanation.trust.checked import Given, Maps, check_conductance, check_methods, questions_of, shapley_of
from xgaze.models.layers import FeatureHead
from xgaze.recipe import Recipe, fingerprint
from xgaze.report.page.publish import publish
from xgaze.report.remedies import EXPLAIN
from xgaze.report.results import read_capacity, read_explanation, read_frontier, read_maps
from xgaze.stored import understood
from xgaze.training.teacher import SECOND_TEACHER, TEACHER
from xgaze.writing import one_writer

OVER = "over"
Models = dict[str, FeatureHead]
Baseline = tuple[Tensor, ...]


@click.command("explain")
@recipe_options
@click.option(
    "--sample",
    "samples",
    multiple=True,
    metavar="ID",
    help=f"Test sample: index, id, {', '.join(WORDS)}; may be repeated.",
)
@click.option("--samples", "count", type=click.IntRange(1, 50), metavar="N", help="N test samples, spread over people.")
@click.option(
    "--over",
    type=Over(),
    metavar="N",
    help="Agreement and anatomy over N test frames, all, or 0. [one each of 40 people]",
)
@click.option(
    "--target",
    type=click.Choice(ASKABLE),
    help="What the other methods answer; integrated gradients answer all. [error, or the class]",
)
def explain(recipe: str, overrides: tuple[str, ...], force: bool, as_json: bool, **wanted: Any) -> None:
    """Explain test samples with RECIPE's teacher and student, and write the report.

    Without --sample and --samples: the worst and the best prediction, and the one where the two models disagree most.
    What --over measures goes on where it was stopped.

    \b
    Example:
      xgaze explain
      xgaze explain --sample 17 --sample worst --over 200
    """
    settings = read_recipe(recipe, overrides)
    folder = run_folder(settings) / "explanation"
    with recipe_faults_first(settings):
        roles = finished_roles(settings, next_command("train-teacher", recipe, overrides))
    asked = asked_of(**wanted, roles=roles)
    known = {"recipe": settings.that_matters(), "roles": roles, "asked": asdict(asked), "version": __version__}
    key = fingerprint({**known, "search": search_hashes(settings, roles)})
    stored = None if force else _explained(folder, key)
    if stored is None:
        with one_writer(run_folder(settings)):
            # Another process's, or one that was killed when all but the places of its files was done.
            stored = None if force else _explained(folder, key)
            stored = stored or _explain(settings, roles, asked, folder, {"key": key, "command": invocation()}, force)
    else:
        note(f"Already explained; --force explains again. ({folder})")
    page = publish(run_folder(settings), report_folder(settings))
    with understood(folder / "explanation.json", EXPLAIN):
        figures = figures_of(stored, page) | learned_of_run(settings, roles)
        groups = read_card(run_folder(settings) / TEACHER).spec.get("groups", "participants")
        words = [*nothing_learned(figures, groups), *in_words(figures, stored)]
    emit(figures, words, as_json)


def _explained(folder: Path, key: str) -> dict[str, Any] | None:
    """The explanation of this key that lies in `folder` whole. One that is damaged is made again."""
    try:
        stored = read_explanation(folder, key)
        return stored if stored is None or read_maps(folder) else None
    except (InputError, OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None


def _explain(
    recipe: Recipe, roles: dict[str, str], asked: Asked, folder: Path, known_by: dict[str, str], force: bool
) -> dict[str, Any]:
    recording = open_data(recipe)
    loaded = _checked(recipe, recording, roles)
    explained = {role: loaded[role] for role in (TEACHER, STUDENT) if role in loaded}
    asked_targets(targets_for(recording.spec, 0), asked.target)  # refused before anything is computed
    rows, many = _rows(recipe, recording, explained, asked), _rows_over(recipe, recording, asked.over)
    baseline = mean_inputs(recording, reference_rows(recording, recipe.seed))
    looked = people_of(recording, many, recipe.seed) if many else None
    teacher = loaded[TEACHER]
    explained, layer = at_embedding(explained, first_linear(teacher))
    teacher = explained[TEACHER]
    attributed, maps = _attributed(recipe, recording, explained, rows, baseline, layer, asked.target)
    stored = {
        **known_by,
        **attributed,
        "sweep": explain_embedding(
            recording, teacher, layer, tail_of(teacher, layer), rows[0], recipe.explain, recipe.seed, folder
        ),
        **_capacity(recipe, recording, explained, layer),
        **_over(recipe, recording, loaded, roles, many, baseline, folder / OVER, force, looked),
    }
    shown = shown_beside(recording, explained, rows, maps, looked) if looked and stored["human"] else {}
    write_explanation(folder, stored, maps | shown)
    return stored


def _checked(recipe: Recipe, recording: Recording, roles: dict[str, str]) -> Models:
    """The models, which predict what they did when they were stored, and are the same function without work in place."""
    loaded: Models = {}
    for role in roles:
        folder = run_folder(recipe) / role
        loaded[role], card = load_model(folder, recipe.model)
        require_predictions(loaded[role], card, recording, folder)
        require_same_copy(loaded[role], recording, role)
    return loaded


def _attributed(
    recipe: Recipe,
    recording: Recording,
    models: Models,
    rows: list[int],
    baseline: Baseline,
    layer: str,
    target: str | None,
) -> tuple[dict[str, Any], Maps]:
    """Sections "attribution", "regions" and "methods", and all maps."""
    section, regions, maps = explain_samples(recording, dict(models), rows, baseline, recipe.explain)
    questions = questions_of(recording, models[TEACHER], rows, baseline)
    values = shapley_of(models, questions, moved_names(recording.spec))
    flows, flowing = check_conductance(models, questions, layer, recipe.explain)
    given = Given(section["samples"], maps)
    methods, more_maps = check_methods(recording, models, questions, given, recipe.explain, recipe.seed, target)
    for one, by_input, flow in zip(section["samples"], values, flowing, strict=True):
        one |= {"shapley": by_input, **flow}
    return {"attribution": section, "methods": methods + flows, "regions": regions or None}, maps | more_maps


def _capacity(recipe: Recipe, recording: Recording, models: Models, layer: str) -> dict[str, Any]:
    """What the teacher's first fully connected layer holds, and what that means for the student."""
    student = run_folder(recipe) / STUDENT
    found = STUDENT in models
    frontier = read_frontier(student) if found else None
    capacity = read_capacity(student) if found else None
    tail = tail_of(models[TEACHER], layer)
    return explain_capacity(recording, models, layer, tail, recipe.seed, frontier, capacity)


def _rows(recipe: Recipe, recording: Recording, models: Models, asked: Asked) -> list[int]:
    """Samples to explain one by one: named ones first, then those spread over people."""
    predicted = predictions_of(recipe, recording, models) if set(asked.samples) & set(WORDS) else {}
    named = choose_samples(recording, asked.samples, predicted)
    spread = spread_rows(recording, asked.count, recipe.seed) if asked.count else []
    return list(dict.fromkeys(named + spread))


def _rows_over(recipe: Recipe, recording: Recording, over: str | int | None) -> list[int]:
    """Samples to measure agreement and anatomy over."""
    if over is None:
        return one_of_each(recording, recipe.explain.over_people, recipe.seed)
    return spread_rows(recording, None if over == "all" else int(over), recipe.seed)


def _over(
    recipe: Recipe,
    recording: Recording,
    loaded: Models,
    roles: dict[str, str],
    rows: list[int],
    baseline: Baseline,
    folder: Path,
    force: bool,
    looked: People | None,
) -> dict[str, Any]:
    """The sections measured over `rows` of the test set."""
    names = {TEACHER: agreement.TEACHER, STUDENT: agreement.STUDENT, SECOND_TEACHER: agreement.SECOND}
    models: dict[str, nn.Module] = {names[role]: model for role, model in loaded.items()}
    untrained = floor(loaded.get(STUDENT), recipe.seed)
    if untrained is not None:
        models[agreement.UNTRAINED] = untrained
    # All that the figures depend on but the frames measured: more of them later go on from these.
    settings = recipe.model_dump(mode="json", include={"seed", "data", "model", "explain"})
    version = [__version__, FIGURES_VERSION]
    figures = folder / fingerprint({"recipe": settings, "roles": roles, "models": sorted(models), "version": version})
    kept = (figures, force, looked, folder.parent / PEOPLE_FILE)
    return measure_over(recording, models, rows, baseline, recipe.explain, recipe.seed, *kept)
