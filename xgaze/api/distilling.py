"""Find the smallest student of a teacher, or the one that was found."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from xgaze.api.outcomes import Distilled, Teacher
from xgaze.api.runs import (
    CHECKPOINTS,
    REPORTS,
    Run,
    opened,
    python_words,
    recipe_faults_first,
    require_files,
    say_in_python,
)
from xgaze.api.same_model import require_same_model
from xgaze.artifacts import CARD_FILE, read_card
from xgaze.errors import InputError
from xgaze.recipe import Recipe, load_recipe
from xgaze.report.claims import reference_learned
from xgaze.report.remedies import DISTILL
from xgaze.report.schemas import StudentCard
from xgaze.stored import require
from xgaze.writing import new_folder, one_writer, replace_folder

if TYPE_CHECKING:
    from xgaze.api.opening import OpenRecording
    from xgaze.data.sources.arrays import ArrayRecording
    from xgaze.jobs import Fan

VERB = "distill"


def distill(
    teacher: Teacher | Recipe | str,
    data: "ArrayRecording | OpenRecording | None" = None,
    *,
    max_worse: float | str | None = None,
    prune_fc: bool = False,
    baselines: bool = False,
    workers: int = 1,
    force: bool = False,
    **settings: Any,
) -> Distilled:
    """The smallest student of a teacher that is at most `max_worse` worse, chosen on validation participants, scored on test
    participants at the end; each such scoring is counted. One that was found before is only read.

    teacher: what `xgaze.train_teacher` returned, or a recipe, by name or path, whose teacher is trained.
    data: what the teacher was trained on, unless it holds it still.
    max_worse: "2%" or 2; of classes, points of the score. prune_fc: shrink fully connected layers only. baselines: other ways to
    the same size beside it. workers: trials at the same time, of recordings that lie in files.
    settings: keys of a recipe's section `distill`, such as effort="quick", ranks=[2, 4] or max_parameters=50_000.

    Raises InputError.
    """
    from xgaze.jobs import Fan

    with python_words():
        run = run_again(teacher, data)
        if max_worse is not None:
            settings["max_worse_percent"] = percent(max_worse)
        if prune_fc:
            settings["towers"] = False
        require_files(run, workers)
        return have_student(run.with_settings(VERB, settings, VERB), Fan(workers), baselines, force)


def run_again(made: Any, data: Any) -> Run:
    """The run of a teacher or student, or of a recipe, on its own recording. Raises InputError for other data."""
    if isinstance(made, Recipe | str):
        recipe = made if isinstance(made, Recipe) else load_recipe(made)
        return Run(recipe, CHECKPOINTS, REPORTS, say=say_in_python)
    if not isinstance(getattr(made, "run", None), Run):
        raise InputError(f"{type(made).__name__}: give what xgaze.train_teacher or xgaze.distill returned.")
    run: Run = made.run
    if data is not None and _differs(data, run):
        raise InputError(
            "data: other ones than the teacher was trained on. Train one on these: xgaze.train_teacher(net, data)."
        )
    return run


def _differs(data: Any, run: Run) -> bool:
    told = getattr(data, "definition", None)
    return told is None or told.model_dump() != run.recipe.data.model_dump()


def percent(told: float | str) -> float:
    """2 of "2%" or 2. Raises InputError."""
    try:
        return float(str(told).strip().removesuffix("%"))
    except ValueError:
        raise InputError(f"max_worse: '{told}' is not a percentage; write for example \"2%\".") from None


def have_student(run: Run, fan: "Fan", baselines: bool = False, force: bool = False) -> Distilled:
    """A finished student of the run's recipe, found first where there is none, or by force."""
    from xgaze.artifacts import STUDENT
    from xgaze.compression.student_folder import finished_student

    folder = run.folder / STUDENT
    with recipe_faults_first(run):
        card = None if force else finished_student(run.recipe, folder)
    if card is not None and not baselines:
        require_same_model(folder, card, run.recipe.model)
        run.say(f"Already distilled; --force distils again. ({folder})")
    else:
        with one_writer(run.folder):
            # Another process's may be finished now, or one that was killed when all but the places of its files was done.
            if force or baselines or not finished_student(run.recipe, folder):
                find_student(run, new_folder(folder) if force else folder, fan, baselines)
            if force:
                replace_folder(folder)
    card = read_card(folder)  # as it is stored, whether it was made now or long ago
    require(vars(card), StudentCard, folder / CARD_FILE, DISTILL)
    return Distilled(run, folder, card)


def find_student(run: Run, folder: Path, fan: "Fan", baselines: bool) -> None:
    """Search into `folder`."""
    from xgaze.artifacts import TEACHER
    from xgaze.compression.distill import distill as search
    from xgaze.compression.reproduction import require_own, require_predictions
    from xgaze.compression.student import load_model
    from xgaze.training.lightning.devices import require_devices
    from xgaze.training.teacher_folder import finished_teacher

    teacher_folder = run.folder / TEACHER
    with recipe_faults_first(run):
        if finished_teacher(run.recipe, teacher_folder) is None:
            raise InputError(f"{teacher_folder}: no finished teacher of this recipe. Run `{run.train_first}` first.")
    require_devices(run.recipe.training)
    teacher, card = load_model(teacher_folder, run.recipe.model)
    recording = opened(run)
    require_predictions(teacher, card, recording, teacher_folder)
    require_own(card, recording, teacher_folder)
    if told := reference_learned(card.metrics, card.spec.get("groups", "participants")):
        run.say(told)
    search(run.recipe, recording, teacher, card, folder, fan, run.say, baselines, run.command)
