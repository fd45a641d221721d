"""Distil a teacher into the smallest student within the budget. The test participants are seen at the end only, and each such
scoring is counted."""

import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import PositiveInt

from xgaze.artifacts import CARD_FILE, CONTROL, TEACHER, ModelCard, write_json
from xgaze.calibration.once_known import known_people
from xgaze.code_version import source_hash
from xgaze.compression.export.onnx import NoOnnx, export_checked
from xgaze.compression.kept import kept_modules
from xgaze.compression.result import Outcome, write_student
from xgaze.compression.search.budget import Choice, choose, next_question
from xgaze.compression.search.candidates import Candidates, candidates
from xgaze.compression.search.expectation import Ahead, expectation, what_is_ahead
from xgaze.compression.search.exploration import (
    Say,
    Search,
    open_search,
    search_baselines,
    search_heads,
    search_wholes,
    size_of,
    tell_diverged,
)
from xgaze.compression.search.frontier import write_frontier
from xgaze.compression.search.trial import ONNX, WEIGHTS, Result, Trial
from xgaze.compression.student import in_trained_layout, load_weights, rebuild
from xgaze.compression.student_folder import teacher_weights
from xgaze.compression.tuned_again import tune_again
from xgaze.data.batches import ordered_batches
from xgaze.data.contract import Recording, participants_of, rows_of, targets_of
from xgaze.errors import InputError, nearest
from xgaze.evaluation.learned import learned_of
from xgaze.jobs import Fan
from xgaze.models.layers import FeatureHead
from xgaze.models.size import count_fc_parameters, count_parameters
from xgaze.recipe import Recipe
from xgaze.recorded_targets import BY_TEACHER
from xgaze.report.claims import DISAGREEMENT
from xgaze.stored import Stored, read_mapping
from xgaze.training.fit import fresh_folder
from xgaze.training.pace import measured_pace
from xgaze.training.varied.mirror_images import partners_of
from xgaze.training.varied.varied_pictures import require_pictures
from xgaze.writing import together

TRIED, LENGTH = "tried.csv", "length.json"
LONGEST = 4
"""Times the recipe's epochs of tuning, however many minutes there are."""
TOWER_KEYS = ("distill.shares", "distill.coarse_input", "distill.wiring", "distill.importance", "distill.widths")
WHOLE_KEYS = (
    "distill.end_to_end_epochs",
    "distill.minutes",
    "distill.end_to_end_learning_rate",
    "distill.end_to_end_teacher_weight",
    "distill.hints",
    "distill.hint_weight",
    "distill.unlabelled_weight",
    "distill.mirror_images",
    "distill.varied_pictures",
    "distill.weight_averaging",
    "data.unlabelled",
)
"""What only students tuned end to end read."""
SHOWN_TO_ONNX = 4


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
    search.refer_to(choice.chosen)
    say(f"Chosen: {choice.chosen.result.trial.in_words}; {choice.reason}.")
    tuned, size = [one for one in search.found if one.result.trial.tuning != "none"], size_of(recipe)
    if asked := next_question(tuned, choice, recipe.distill, search.judge, size, teacher_size(search)):
        say(asked)
    trial = choice.chosen.result.trial
    if search.has_labels and by_teacher(recipe, trial):
        beside = search.run([trial.again(teaching="labels")])
        search.judged(beside)
        tell_diverged(beside, lambda told: say(f"Taught by labels alone,{told.removeprefix(' ')}"))
    again = {name: stored_model(one, teacher_card) for name, one in tune_again(search, trial, say).items()}
    if baselines:
        search_baselines(search, choice.chosen.result, say)
    outcome = replace(outcome_of(search, choice, teacher_card), command=command, again=again)
    return keep_student(search, choice, teacher_card, outcome, folder)


def explored(recipe: Recipe, recording: Recording, teacher: FeatureHead, folder: Path, fan: Fan, say: Say) -> Search:
    """Everything that the recipe asks for, tuned and judged. What cannot be honoured is refused before anything is tuned."""
    check_hints(recipe, teacher)
    if recipe.distill.effort == "full" and (recipe.distill.mirror_images or recipe.training.mirror_images):
        key = "distill" if recipe.distill.mirror_images else "training"
        partners_of(recording, f"{key}.mirror_images")
    if recipe.distill.effort == "full" and (recipe.distill.varied_pictures or recipe.training.varied_pictures):
        key = "distill" if recipe.distill.varied_pictures else "training"
        require_pictures(recording, f"{key}.varied_pictures")
    if recipe.distill.after_calibration is not None:
        for split in ("validation", "test"):
            known_people(recording, split, recipe.distill.after_calibration)
    kept_modules(teacher, recipe.distill.keep)
    check_onnx(recipe, recording, teacher, folder.parent / TEACHER / ONNX, say)
    for part in ("trials", "embeddings"):
        fresh_folder(folder / part, f"{recipe.trial_hash()}{teacher_weights(folder)}-{source_hash()}")
    search = open_search(recipe, recording, teacher, folder, fan)
    if recording.spec.truth == BY_TEACHER:
        say(DISAGREEMENT)
    if points := recipe.distill.after_calibration:
        say(
            f"Worse is worse once each person is calibrated by {points} point{'s' * (points > 1)}, on frames at others."
        )
    judge = search.judge
    say(expectation(search.capacity, search.curves, recipe.distill.max_worse_percent, judge.unit, judge.spread))
    if idle := unused_keys(recipe):
        heads = "tunes heads on cached embeddings" if recipe.distill.effort == "quick" else "leaves the towers whole"
        say(f"This search {heads}; the recipe's {', '.join(idle)} {'are' if len(idle) > 1 else 'is'} not used.")
    tried = candidates(search.bench, search.capacity)
    search.macs |= tried.macs
    for words in tried.words:
        say(words)
    say_how_long(search, tried, say)
    search_heads(search, tried.heads, say)
    if recipe.distill.effort == "full":
        search_wholes(search, tried, say)
    return search


def say_how_long(search: Search, tried: Candidates, say: Say) -> None:
    """About how long the search takes. A budget of minutes fixes for how many epochs whole students are tuned; a search that was
    stopped goes on with as many."""
    bench, wanted = search.bench, search.bench.recipe.distill
    quick = not (tried.wholes or tried.wired)
    pace = measured_pace(bench.teacher, bench.recording, bench.recipe.training, wanted.batch_size, head_only=quick)
    ahead = what_is_ahead(bench, search.capacity, tried, pace)
    if wanted.minutes is not None and not quick:
        search.epochs = epochs_within(search, wanted.minutes, ahead)
        length = f"{wanted.minutes:g} minute{'s' * (wanted.minutes != 1)}"
        say(f"So that it ends in {length}, the control is tuned for {search.epochs} epochs.")
    say(ahead.in_words(search.epochs))


def epochs_within(search: Search, minutes: float, ahead: Ahead) -> int:
    """Of the control; those that are kept beside the trials, or as many as fit. Raises InputError where none does."""
    file = search.bench.folder / "trials" / LENGTH
    with suppress(InputError):
        kept = read_mapping(file, _Length, "It is measured again.")
        if kept["minutes"] == minutes:
            return int(kept["epochs"])
    epochs = ahead.epochs_within(minutes, LONGEST * search.bench.recipe.distill.end_to_end_epochs)
    write_json(file, {"minutes": minutes, "epochs": epochs})
    return epochs


class _Length(Stored):
    minutes: float
    epochs: PositiveInt


def keep_student(search: Search, choice: Choice, teacher_card: ModelCard, outcome: Outcome, folder: Path) -> ModelCard:
    """Write the student into `folder` whole, the frontier and the capacity it was found with beside it."""
    bench, chosen = search.bench, choice.chosen.result
    plan = chosen.trial.plan
    with together(folder, CARD_FILE) as made:  # an older student stays until this one is whole
        write_frontier(made / "budget.csv", search.found, chosen, bench)
        told = {"chosen_rank": plan.rank, "chosen_terms": plan.terms}
        copy_if_there(chosen.folder / ONNX, made / ONNX)
        write_json(made / "capacity.json", {**search.capacity.to_json(), **told, "sensitivity": search.curves})
        return write_student(bench.recipe, bench.recording, bench.teacher, teacher_card, outcome, made)


def choose_or_tell(search: Search, folder: Path) -> Choice:
    """The choice among tuned students. Raises InputError where none fits the budgets of size and time, having written what was
    tried: the search took minutes, and its table says what to allow."""
    recipe = search.bench.recipe
    candidates = [one for one in search.found if one.result.trial.tuning != "none"]
    try:
        return choose(candidates, recipe.distill, search.judge, size_of(recipe))
    except InputError as error:
        if not search.found:
            raise
        file = folder / (
            TRIED if (folder / CARD_FILE).is_file() else "budget.csv"
        )  # a finished student keeps its own table
        write_frontier(file, search.found, None, search.bench)
        raise InputError(f"{error} All that were tried: {file}.") from None


def teacher_size(search: Search) -> int:
    """In what `size_of` counts."""
    return (count_parameters if search.bench.recipe.distill.towers else count_fc_parameters)(search.bench.teacher)


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


def check_onnx(recipe: Recipe, recording: Recording, teacher: FeatureHead, known: Path, say: Say) -> None:
    """Before the search: say where there will be no ONNX file. known: the teacher's, if there is one. Raises InputError where a
    budget of time needs one."""
    rows = rows_of(recording, "validation")[:SHOWN_TO_ONNX]
    inputs = next(iter(ordered_batches(recording, rows))).inputs
    with TemporaryDirectory() as folder:
        file = Path(folder) / "teacher.onnx"
        copy_if_there(known, file)
        try:
            exported = export_checked(teacher, recording.spec, file, inputs)
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


def copy_if_there(source: Path, target: Path) -> None:
    """An ONNX file that may serve again: whoever exports there looks whether it is the model's."""
    with suppress(OSError):
        shutil.copyfile(source, target)


def by_teacher(recipe: Recipe, trial: Trial) -> bool:
    """Whether the teacher taught this student anything, so that the same student from labels alone belongs beside it."""
    wanted = recipe.distill
    if trial.tuning != "whole":
        return wanted.teacher_weight > 0
    return wanted.whole_teacher_weight > 0 or recipe.data.unlabelled is not None or bool(wanted.hints)


def outcome_of(search: Search, choice: Choice, card: ModelCard) -> Outcome:
    """The models that the test participants shall see. No budget holds against a reference that learned nothing."""
    chosen = choice.chosen
    learned = reference_learned(search)
    reason = choice.reason if learned else f"{choice.reason}; but what it is measured against learned nothing"
    beside = [one.result for one in search.found if one.result.trial == chosen.result.trial.again(teaching="labels")]
    return Outcome(
        stored_model(chosen.result, card),
        chosen.result.surgeries,
        best_control(search, card),
        TEACHER if search.judge.name == TEACHER else CONTROL,
        choice.held and learned,
        reason,
        stored_model(beside[0], card) if beside and beside[0].trial != chosen.result.trial else None,
        teacher_weights(search.bench.folder),
        control_fault="" if search.controls else search.control_fault,
        lesson=search.bench.lesson,
    )


def reference_learned(search: Search) -> bool:
    """Whether that which students are judged against is better than guessing, people as they come. A teacher that says what is
    true is taken at its word."""
    if not search.has_labels:
        return True
    recording, judge = search.bench.recording, search.judge
    rows = rows_of(recording, "validation")
    outputs = search.teacher_outputs if judge.name == TEACHER else search.controls[judge.name].outputs
    people = participants_of(recording, rows)
    return learned_of(judge.spec, outputs, search.bench.train.targets, targets_of(recording, rows), people).learned


def best_control(search: Search, card: ModelCard) -> FeatureHead | None:
    """The best of the teachers given the same tuning as students; the teacher itself where all of these diverged; None where none
    was wanted."""
    if not search.has_labels:
        return None
    if not search.controls:
        return search.bench.teacher
    best = search.judge.better({name: one.outputs for name, one in search.controls.items()})
    return stored_model(search.controls[best], card)


def stored_model(result: Result, card: ModelCard) -> FeatureHead:
    """A trial's model from its folder."""
    model = rebuild(replace(card, surgeries=result.surgeries))
    load_weights(model, result.folder / WEIGHTS)
    return in_trained_layout(model, card).eval()
