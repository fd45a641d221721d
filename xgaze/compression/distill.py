"""Distil a teacher into the smallest student within the budget. The test participants are seen at the end only, and each such
scoring is counted."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import ValidationError

from xgaze.artifacts import CARD_FILE, WEIGHTS_FILE, ModelCard, file_hash, read_card, write_json
from xgaze.code_version import source_hash
from xgaze.compression.export.onnx import NoOnnx, export_checked
from xgaze.compression.kept import kept_modules
from xgaze.compression.result import Outcome, write_student
from xgaze.compression.search.budget import Choice, choose
from xgaze.compression.search.candidates import candidates
from xgaze.compression.search.exploration import (
    Say,
    Search,
    expectation,
    open_search,
    search_baselines,
    search_heads,
    search_wholes,
    size_of,
)
from xgaze.compression.search.frontier import write_frontier
from xgaze.compression.search.trial import WEIGHTS, Result, Trial
from xgaze.compression.student import load_weights, rebuild
from xgaze.data.batches import ordered_batches
from xgaze.data.contract import Recording, rows_of
from xgaze.errors import InputError, nearest
from xgaze.evaluation.learned import learned_of
from xgaze.jobs import Fan
from xgaze.models.layers import FeatureHead
from xgaze.recipe import Recipe
from xgaze.training.fit import fresh_folder
from xgaze.training.teacher import TEACHER
from xgaze.writing import scratch_folder, sync_folder

STUDENT = "student"
TOWER_KEYS = ("distill.shares", "distill.coarse_input", "distill.wiring")
WHOLE_KEYS = (
    "distill.end_to_end_epochs",
    "distill.end_to_end_learning_rate",
    "distill.hints",
    "distill.hint_weight",
    "distill.unlabelled_weight",
    "data.unlabelled",
)
"""What only students tuned end to end read."""
SHOWN_TO_ONNX = 4


def student_of_teacher(recipe: Recipe, folder: Path) -> ModelCard | None:
    """The card in `folder` if it is a finished student of this recipe's teacher, whatever its own budget."""
    if not (folder / CARD_FILE).is_file():
        return None
    card = read_card(folder)
    return card if not _is_foreign(card, recipe) and _is_current(card, folder) else None


def _is_foreign(card: ModelCard, recipe: Recipe) -> bool:
    """Whether it is no student, or one of another teacher's settings."""
    try:
        return card.role != STUDENT or Recipe.model_validate(card.recipe).teacher_hash() != recipe.teacher_hash()
    except ValidationError:  # the recipe of another version, or none
        return True


def _is_current(card: ModelCard, folder: Path) -> bool:
    """Whether the teacher beside it is still the one it learned from."""
    return bool(card.metrics.get("teacher_weights") == teacher_weights(folder))


def teacher_weights(folder: Path) -> str:
    """Hash of the weights of the teacher beside a student's folder: a teacher trained again is another one. Empty without any."""
    file = folder.parent / TEACHER / WEIGHTS_FILE
    return file_hash(file) if file.is_file() else ""


def finished_student(recipe: Recipe, folder: Path) -> ModelCard | None:
    """The card in `folder` if it is this recipe's finished student. Raises InputError for the model of another recipe: what took
    minutes is never overwritten by accident."""
    if not (folder / CARD_FILE).is_file():
        return None
    card = read_card(folder)
    if _is_foreign(card, recipe):
        raise InputError(
            f"{folder}: holds a {card.role} of other settings (recipe '{card.recipe.get('name')}'). Give the settings it was "
            "distilled with, or --set name=NEW to keep both, or distil with --force to replace it."
        )
    return card if _is_current(card, folder) and card.recipe_hash == recipe.student_hash() else None


def distill(
    recipe: Recipe,
    recording: Recording,
    teacher: FeatureHead,
    teacher_card: ModelCard,
    folder: Path,
    fan: Fan | None = None,
    say: Say = lambda _: None,
    baselines: bool = False,
    command: str = "",
) -> ModelCard:
    """Search on validation participants; score teacher, controls and the chosen student on test participants at the end.
    command: what was typed, kept with the student."""
    search = explored(recipe, recording, teacher, folder, fan or Fan(), say)
    choice = choose_or_tell(search, folder)
    say(f"Chosen: {choice.chosen.result.trial.plan.in_words}; {choice.reason}.")
    trial = choice.chosen.result.trial
    if by_teacher(recipe, trial):
        search.judged(search.run([replace(trial, teaching="labels")]))
    if baselines:
        search_baselines(search, choice.chosen.result, say)
    outcome = replace(outcome_of(search, choice, teacher_card), command=command)
    return keep_student(search, choice, teacher_card, outcome, folder)


def explored(recipe: Recipe, recording: Recording, teacher: FeatureHead, folder: Path, fan: Fan, say: Say) -> Search:
    """Everything that the recipe asks for, tuned and judged. What cannot be honoured is refused before anything is tuned."""
    check_hints(recipe, teacher)
    kept_modules(teacher, recipe.distill.keep)
    check_onnx(recipe, recording, teacher, say)
    for part in ("trials", "embeddings"):
        fresh_folder(folder / part, f"{recipe.trial_hash()}{teacher_weights(folder)}-{source_hash()}")
    search = open_search(recipe, recording, teacher, folder, fan)
    say(expectation(search.capacity, search.curves, recipe.distill.max_worse_percent, search.judge.unit))
    if idle := unused_keys(recipe):
        heads = "tunes heads on cached embeddings" if recipe.distill.effort == "quick" else "leaves the towers whole"
        say(f"This search {heads}; the recipe's {', '.join(idle)} {'are' if len(idle) > 1 else 'is'} not used.")
    tried = candidates(search.bench, search.capacity)
    for words in tried.words:
        say(words)
    search_heads(search, tried.heads)
    if recipe.distill.effort == "full":
        search_wholes(search, tried, say)
    return search


def keep_student(search: Search, choice: Choice, teacher_card: ModelCard, outcome: Outcome, folder: Path) -> ModelCard:
    """Write the student into `folder` whole, the frontier and the capacity it was found with beside it."""
    bench, chosen = search.bench, choice.chosen.result
    plan = chosen.trial.plan
    with scratch_folder(folder.parent, folder.name) as scratch:  # an older student stays until this one is whole
        write_frontier(scratch, search.found, chosen, bench)
        told = {"chosen_rank": plan.rank, "chosen_terms": plan.terms}
        write_json(scratch / "capacity.json", {**search.capacity.to_json(), **told, "sensitivity": search.curves})
        card = write_student(bench.recipe, bench.recording, bench.teacher, teacher_card, outcome, scratch)
        put_in_place(scratch, folder)
    return card


def put_in_place(made: Path, folder: Path) -> None:
    """Move all files of a finished student; no card stands beside files of another one."""
    (folder / CARD_FILE).unlink(missing_ok=True)
    for file in sorted(made.iterdir(), key=lambda one: (one.name == CARD_FILE, one.name)):  # the card comes last
        file.replace(folder / file.name)
    sync_folder(folder)


def choose_or_tell(search: Search, folder: Path) -> Choice:
    """The choice among tuned students. Raises InputError where none fits the budgets of size and time, having written what was
    tried: the search took minutes, and its table says what to allow."""
    recipe = search.bench.recipe
    candidates = [one for one in search.found if one.result.trial.tuning != "none"]
    try:
        return choose(candidates, recipe.distill, search.judge, size_of(recipe))
    except InputError as error:
        write_frontier(folder, search.found, None, search.bench)
        raise InputError(f"{error} All that were tried: {folder / 'budget.csv'}.") from None


def unused_keys(recipe: Recipe) -> list[str]:
    """Keys that the recipe gives and that this search has no use for."""
    wanted = recipe.distill
    given = {f"distill.{key}" for key in wanted.model_fields_set} | (
        {"data.unlabelled"} if recipe.data.unlabelled else set()
    )
    quick = wanted.effort == "quick"
    idle = [*(TOWER_KEYS if quick or not wanted.towers else ()), *(WHOLE_KEYS if quick else ())]
    return [key for key in idle if key in given]


def check_hints(recipe: Recipe, teacher: FeatureHead) -> None:
    """Before anything is trained. Raises InputError for a hint at a module that the teacher does not have."""
    modules = dict(teacher.named_modules())
    for hint in recipe.distill.hints:
        path = hint if isinstance(hint, str) else hint.teacher
        if path not in modules:
            raise InputError(f"distill.hints: the teacher has no module '{path}'; {nearest(path, modules)}")


def check_onnx(recipe: Recipe, recording: Recording, teacher: FeatureHead, say: Say) -> None:
    """Before the search: say where there will be no ONNX file. Raises InputError where a budget of time needs one."""
    rows = rows_of(recording, "validation")[:SHOWN_TO_ONNX]
    inputs = next(iter(ordered_batches(recording, rows))).inputs
    with TemporaryDirectory() as folder:
        try:
            exported = export_checked(teacher, recording.spec, Path(folder) / "teacher.onnx", inputs)
        except NoOnnx as fault:
            if recipe.distill.max_latency_ms is not None:
                raise InputError(
                    f"--max-latency-ms is measured by onnxruntime, and there is no ONNX of this model ({fault}). Go without it."
                ) from None
            say(
                f"There will be no ONNX of this model ({fault}): the student comes without model.onnx and model.int8.onnx, "
                "and its time is not measured."
            )
            return
    if exported.batch == "one":
        say("ONNX files of this model take one sample at a time: with a free batch size they do not equal it.")


def by_teacher(recipe: Recipe, trial: Trial) -> bool:
    """Whether the teacher taught this student anything, so that the same student from labels alone belongs beside it."""
    wanted = recipe.distill
    extra = recipe.data.unlabelled is not None or bool(wanted.hints)
    return wanted.teacher_weight > 0 or (trial.tuning == "whole" and extra)


def outcome_of(search: Search, choice: Choice, card: ModelCard) -> Outcome:
    """The models that the test participants shall see. No budget holds against a reference that learned nothing."""
    judge, chosen = search.judge, choice.chosen
    learned = learned_of(
        judge.spec, judge.reference, search.bench.train.targets, judge.truth, judge.participants
    ).learned
    reason = choice.reason if learned else f"{choice.reason}; but what it is measured against learned nothing"
    controls = {name: one.outputs for name, one in search.controls.items()}
    best = search.judge.better(controls)
    beside = [one.result for one in search.found if one.result.trial == replace(chosen.result.trial, teaching="labels")]
    return Outcome(
        stored_model(chosen.result, card),
        chosen.result.surgeries,
        stored_model(search.controls[best], card),
        "teacher" if search.judge.name == "teacher" else "control",
        choice.held and learned,
        reason,
        stored_model(beside[0], card) if beside and beside[0].trial != chosen.result.trial else None,
        teacher_weights(search.bench.folder),
    )


def stored_model(result: Result, card: ModelCard) -> FeatureHead:
    """A trial's model from its folder."""
    model = rebuild(replace(card, surgeries=result.surgeries))
    load_weights(model, result.folder / WEIGHTS)
    return model.eval()
