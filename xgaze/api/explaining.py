"""Explain a run's teacher and student, or read the explanation that was made."""

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from xgaze import __version__
from xgaze.api.distilling import run_again
from xgaze.api.explained_run import finished_roles, floor, predictions_of, search_hashes, shown_beside
from xgaze.api.outcomes import Distilled, Explanation, Teacher
from xgaze.api.runs import Run, opened, python_words, recipe_faults_first
from xgaze.artifacts import SECOND_TEACHER, STUDENT, TEACHER
from xgaze.compression.head import first_linear, tail_of
from xgaze.compression.live.live_student import live_student
from xgaze.compression.reproduction import require_predictions
from xgaze.compression.student import load_model
from xgaze.data.contract import Recording
from xgaze.errors import InputError
from xgaze.explanation.askable import WORDS
from xgaze.explanation.attribution.attribution import mean_inputs
from xgaze.explanation.attribution.parts import moved_names
from xgaze.explanation.attribution.prepared import require_same_copy
from xgaze.explanation.attribution.targets import asked_targets, targets_for
from xgaze.explanation.embedding.capacity_report import explain_capacity
from xgaze.explanation.embedding.entrance import at_embedding
from xgaze.explanation.embedding.sweep_section import explain_embedding
from xgaze.explanation.explain import explain_samples, write_explanation
from xgaze.explanation.human.references import People, people_of
from xgaze.explanation.main_target import of_main_target
from xgaze.explanation.test_samples import FIGURES_VERSION, Over, measure_over
from xgaze.explanation.test_set import agreement
from xgaze.explanation.test_set.selection import choose_samples, one_of_each, reference_rows, spread_rows
from xgaze.explanation.trust.checked import Given, Maps, check_conductance, check_methods, questions_of, shapley_of
from xgaze.models.layers import FeatureHead
from xgaze.recipe import Recipe, fingerprint
from xgaze.report.results import read_capacity, read_explanation, read_frontier, read_maps
from xgaze.report.sections.live_student import kernels_known
from xgaze.writing import one_writer

OVER, EXPLANATION = "over", "explanation"
Models = dict[str, FeatureHead]
Baseline = tuple[Tensor, ...]


@dataclass(frozen=True)
class Asked:
    """What was asked: named samples, how many more spread over people, frames to measure over, and what the
    methods beside integrated gradients answer."""

    samples: tuple[str, ...]
    count: int | None
    over: str | int | None
    target: str | None

    def in_full(self, roles: dict[str, str]) -> "Asked":
        """Without samples asked for: the worst, the best, and where there is a student the one on which models disagree most."""
        by_itself = (WORDS if STUDENT in roles else WORDS[:2]) if self.count is None else ()
        return replace(self, samples=self.samples or by_itself)


def explain(
    made: Distilled | Teacher | Recipe | str,
    data: Any = None,
    *,
    samples: Sequence[int | str] = (),
    count: int | None = None,
    over: int | str | None = None,
    target: str | None = None,
    force: bool = False,
    **settings: Any,
) -> Explanation:
    """Explain test samples with teacher and student side by side; `explanation.report(file)` writes the page.

    made: what `xgaze.distill` or `xgaze.train_teacher` returned, or a recipe, by name or path. data: what they were made on,
    unless they hold it still.
    samples: test samples by index, id, or "worst", "best", "disagree"; count: so many more, spread over people. Without both:
    the worst, the best, and where there is a student the one on which the two disagree most.
    over: agreement and anatomy over so many test samples, "all", or 0 (one of each of 40 people unless the recipe says).
    target: what other methods than integrated gradients answer. settings: keys of a recipe's section `explain`, such as steps=20.

    Raises InputError.
    """
    with python_words():
        run = run_again(made, data).with_settings("explain", settings, "explain")
        return have_explanation(run, Asked(tuple(map(str, samples)), count, over, target), force)


def have_explanation(run: Run, wanted: Asked, force: bool = False) -> Explanation:
    """The explanation of what is wanted, made first where there is none, or by force."""
    folder = run.folder / EXPLANATION
    with recipe_faults_first(run):
        roles = finished_roles(run)
    asked = wanted.in_full(roles)
    known = {"recipe": run.recipe.that_matters(), "roles": roles, "asked": asdict(asked), "version": __version__}
    key = fingerprint({**known, "search": search_hashes(run, roles)})
    stored = None if force else _explained(folder, key)
    if stored is None:
        with one_writer(run.folder):
            # Another process's, or one that was killed when all but the places of its files was done.
            stored = None if force else _explained(folder, key)
            stored = stored or explain_run(run, roles, asked, {"key": key, "command": run.command}, force)
    else:
        run.say(f"Already explained; --force explains again. ({folder})")
    return Explanation(run, stored)


def _explained(folder: Path, key: str) -> dict[str, Any] | None:
    """The explanation of this key that lies in `folder` whole. One that is damaged is made again."""
    try:
        stored = read_explanation(folder, key)
        return stored if stored is None or read_maps(folder) else None
    except (InputError, OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None


def explain_run(run: Run, roles: dict[str, str], asked: Asked, known_by: dict[str, str], force: bool) -> dict[str, Any]:
    """Compute all that was asked and write it into the run's folder `explanation`."""
    recipe, whole, folder = run.recipe, opened(run), run.folder / EXPLANATION
    stored_as = _checked(run, whole, roles)
    recording, loaded = of_main_target(whole, stored_as)
    explained = {role: loaded[role] for role in (TEACHER, STUDENT) if role in loaded}
    asked_targets(targets_for(recording.spec, 0), asked.target)  # refused before anything is computed
    rows, many = _rows(run, recording, explained, asked), _rows_over(recipe, recording, asked.over)
    baseline = mean_inputs(recording, reference_rows(recording, recipe.seed))
    looked = people_of(recording, many, recipe.seed) if many else None
    teacher = loaded[TEACHER]
    explained, layer = at_embedding(explained, first_linear(teacher))
    teacher = explained[TEACHER]
    attributed, maps = _attributed(recipe, recording, explained, rows, baseline, layer, asked.target)
    over = _over(run, recording, loaded, roles, many, baseline, force, looked)
    stored = {
        **known_by,
        **attributed,
        "sweep": explain_embedding(
            recording, teacher, layer, tail_of(teacher, layer), rows[0], recipe.explain, recipe.seed, folder
        ),
        **_capacity(run, recording, explained, layer),
        **over.sections,
    }
    stored["live"], live = _live(run, whole, stored_as)
    shown = shown_beside(recording, explained, rows, maps, looked) if looked and stored["human"] else {}
    write_explanation(folder, stored, maps | shown | live, over.pictures)
    return stored


def _live(run: Run, recording: Recording, loaded: Models) -> tuple[dict[str, Any] | None, Maps]:
    """What the page needs to run the student."""
    if STUDENT not in loaded:
        return None, {}
    shown = run.recipe.explain.pictures_in_page
    return live_student(run.folder / STUDENT, recording, dict(loaded), kernels_known(), shown)


def _checked(run: Run, recording: Recording, roles: dict[str, str]) -> Models:
    """The models, which predict what they did when they were stored, and are the same function without work in place."""
    loaded: Models = {}
    for role in roles:
        folder = run.folder / role
        loaded[role], card = load_model(folder, run.recipe.model)
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


def _capacity(run: Run, recording: Recording, models: Models, layer: str) -> dict[str, Any]:
    """What the teacher's first fully connected layer holds, and what that means for the student."""
    student = run.folder / STUDENT
    found = STUDENT in models
    frontier = read_frontier(student) if found else None
    capacity = read_capacity(student) if found else None
    tail = tail_of(models[TEACHER], layer)
    return explain_capacity(recording, models, layer, tail, run.recipe.seed, frontier, capacity)


def _rows(run: Run, recording: Recording, models: Models, asked: Asked) -> list[int]:
    """Samples to explain one by one: named ones first, then those spread over people."""
    predicted = predictions_of(run, recording, models) if set(asked.samples) & set(WORDS) else {}
    named = choose_samples(recording, asked.samples, predicted)
    spread = spread_rows(recording, asked.count, run.recipe.seed) if asked.count else []
    return list(dict.fromkeys(named + spread))


def _rows_over(recipe: Recipe, recording: Recording, over: str | int | None) -> list[int]:
    """Samples to measure agreement and anatomy over."""
    if over is None:
        return one_of_each(recording, recipe.explain.over_people, recipe.seed)
    return spread_rows(recording, None if over == "all" else int(over), recipe.seed)


def _over(
    run: Run,
    recording: Recording,
    loaded: Models,
    roles: dict[str, str],
    rows: list[int],
    baseline: Baseline,
    force: bool,
    looked: People | None,
) -> Over:
    """The sections measured over `rows` of the test set."""
    names = {TEACHER: agreement.TEACHER, STUDENT: agreement.STUDENT, SECOND_TEACHER: agreement.SECOND}
    models: dict[str, nn.Module] = {names[role]: model for role, model in loaded.items()}
    recipe, folder = run.recipe, run.folder / EXPLANATION
    untrained = floor(loaded.get(STUDENT), run)
    if untrained is not None:
        models[agreement.UNTRAINED] = untrained
    # All that the figures depend on but the frames measured: more of them later go on from these.
    settings = recipe.model_dump(mode="json", include={"seed", "data", "model", "explain"})
    del settings["explain"]["pictures_in_page"]
    version = [__version__, FIGURES_VERSION]
    figures = (
        folder / OVER / fingerprint({"recipe": settings, "roles": roles, "models": sorted(models), "version": version})
    )
    return measure_over(recording, models, rows, baseline, recipe.explain, recipe.seed, figures, force, looked)
