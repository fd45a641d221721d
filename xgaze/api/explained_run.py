"""What an explanation needs to know of the run that it explains."""

from typing import Any

import pandas as pd

from xgaze.api.runs import Run
from xgaze.artifacts import (
    CARD_FILE,
    SECOND_TEACHER,
    STUDENT,
    TEACHER,
    WEIGHTS_FILE,
    file_hash,
    read_card,
    require_written,
)
from xgaze.compression.search.rivals import from_scratch
from xgaze.compression.student_folder import student_of_teacher
from xgaze.data.contract import Recording
from xgaze.errors import InputError
from xgaze.explanation.attribution.readout import predicted_class
from xgaze.explanation.attribution.targets import targets_for
from xgaze.explanation.explain import Maps
from xgaze.explanation.human.picture_scores import example_maps
from xgaze.explanation.human.references import People
from xgaze.explanation.test_set.selection import Predicted, predict_test, read_predicted
from xgaze.models.layers import FeatureHead
from xgaze.recipe import fingerprint
from xgaze.report.remedies import DISTILL
from xgaze.stored import understood
from xgaze.training.teacher_folder import finished_teacher, second_recipe

EXAMPLES = 2
TIMES = ["seconds", "latency_ms"]
"""Columns of budget.csv that differ whenever the same search is done again."""
PREDICTIONS_FILE = "predictions.csv"


def finished_pair(run: Run) -> list[str]:
    """The teacher, and the student if it is this teacher's. Raises InputError without a teacher."""
    folder, recipe = run.folder, run.recipe
    if finished_teacher(recipe, folder / TEACHER) is None:
        raise InputError(f"{folder / TEACHER}: no finished teacher of this recipe. Run `{run.train_first}` first.")
    return [TEACHER, STUDENT] if student_of_teacher(recipe, folder / STUDENT) else [TEACHER]


def finished_roles(run: Run) -> dict[str, str]:
    """Models there are, with the hash of their weights: those of `finished_pair`, and the second teacher if it is this one's
    twin. Raises InputError without a teacher."""
    roles = finished_pair(run)
    if STUDENT not in roles:
        run.say("No student of this recipe yet (xgaze distill): the teacher is explained alone.")
    if _second_is_ready(run):
        roles.append(SECOND_TEACHER)
    elif run.recipe.model.graph is None:
        run.say(
            "No second teacher of these settings: agreement is shown without its ceiling. To add it: "
            f"`{run.train_first} --second`."
        )
    for role in roles:
        require_written(run.folder / role, read_card(run.folder / role).metrics)
    return {role: file_hash(run.folder / role / WEIGHTS_FILE) for role in roles}


def search_hashes(run: Run, roles: dict[str, str]) -> list[str]:
    """What the student's search found that explanations read, without the time it took; nothing without a student."""
    if STUDENT not in roles:
        return []
    folder = run.folder / STUDENT
    with understood(folder / "budget.csv", DISTILL):
        tried = pd.read_csv(folder / "budget.csv", dtype=str, keep_default_na=False).drop(
            columns=TIMES, errors="ignore"
        )
    return [fingerprint({str(name): list(own) for name, own in tried.items()}), file_hash(folder / "capacity.json")]


def learned_of_run(run: Run) -> dict[str, Any]:
    """Whether what is explained learned anything, as the commands that made it stored."""
    has_student = student_of_teacher(run.recipe, run.folder / STUDENT) is not None
    metrics = read_card(run.folder / (STUDENT if has_student else TEACHER)).metrics
    return {key: metrics.get(key) for key in ("learned", "against_guessing", "reference")}


def _second_is_ready(run: Run) -> bool:
    folder = run.folder / SECOND_TEACHER
    known = (folder / CARD_FILE).is_file()
    return known and read_card(folder).recipe_hash == second_recipe(run.recipe).teacher_hash()


def predictions_of(run: Run, recording: Recording, models: dict[str, FeatureHead]) -> dict[str, Predicted]:
    """Test predictions per role: those stored beside the model, else made now."""
    found = {}
    for role, model in models.items():
        stored = read_predicted(run.folder / role / PREDICTIONS_FILE, recording)
        found[role] = stored or predict_test(model, recording)
    return found


def floor(student: FeatureHead | None, run: Run) -> FeatureHead | None:
    """The student's structure untrained; None without a student, or where a layer does not say how its weights begin."""
    if student is None:
        return None
    try:
        return from_scratch(student, run.recipe.seed)
    except InputError as error:
        run.say(f"Agreement is shown without its floor: {error}")
        return None


def shown_beside(
    recording: Recording, models: dict[str, FeatureHead], rows: list[int], maps: Maps, looked: People
) -> Maps:
    """Human maps, and attributions blurred alike, of the first samples explained."""
    shown = Maps()
    for place, row in enumerate(rows[:EXAMPLES]):
        target = targets_for(recording.spec, predicted_class(recording, models[TEACHER], recording[row]))[-1]
        shown |= example_maps(recording, place, row, models, target, maps, looked)
    return shown
