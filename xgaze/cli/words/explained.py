"""What `xgaze explain` needs to know of the run, and what it says of its result."""

from pathlib import Path
from typing import Any

import pandas as pd

from xgaze.artifacts import CARD_FILE, WEIGHTS_FILE, file_hash, read_card
from xgaze.cli.common import note, run_folder
from xgaze.compression.distill import STUDENT, student_of_teacher
from xgaze.compression.search.rivals import from_scratch
from xgaze.data.contract import Recording
from xgaze.errors import InputError
from xgaze.explanation.attribution.readout import predicted_class
from xgaze.explanation.attribution.targets import targets_for
from xgaze.explanation.explain import Maps
from xgaze.explanation.human.picture_scores import example_maps
from xgaze.explanation.human.references import People
from xgaze.explanation.test_set.selection import Predicted, predict_test, read_predicted
from xgaze.models.layers import FeatureHead
from xgaze.recipe import Recipe, fingerprint
from xgaze.report.drawing.format import number
from xgaze.report.words import worst_completeness
from xgaze.training.teacher import SECOND_TEACHER, TEACHER, finished_teacher, second_recipe

EXAMPLES = 2
TIMES = ["seconds", "latency_ms"]
"""Columns of budget.csv that differ whenever the same search is done again."""
PREDICTIONS_FILE = "predictions.csv"


def finished_roles(recipe: Recipe, train_first: str) -> dict[str, str]:
    """Models there are, with the hash of their weights: the teacher, the student if it is this teacher's, and the second
    teacher if it is this one's twin. Raises InputError without a teacher."""
    folder = run_folder(recipe)
    if finished_teacher(recipe, folder / TEACHER) is None:
        raise InputError(f"{folder / TEACHER}: no finished teacher of this recipe. Run `{train_first}` first.")
    roles = [TEACHER]
    if student_of_teacher(recipe, folder / STUDENT):
        roles.append(STUDENT)
    else:
        note("No student of this recipe yet (xgaze distill): the teacher is explained alone.")
    if _second_is_ready(recipe):
        roles.append(SECOND_TEACHER)
    else:
        note(
            f"No second teacher of these settings: agreement is shown without its ceiling. To add it: `{train_first} --second`."
        )
    return {role: file_hash(folder / role / WEIGHTS_FILE) for role in roles}


def search_hashes(recipe: Recipe, roles: dict[str, str]) -> list[str]:
    """What the student's search found that explanations read, without the time it took; nothing without a student."""
    if STUDENT not in roles:
        return []
    folder = run_folder(recipe) / STUDENT
    tried = pd.read_csv(folder / "budget.csv", dtype=str, keep_default_na=False).drop(columns=TIMES, errors="ignore")
    return [fingerprint({str(name): list(own) for name, own in tried.items()}), file_hash(folder / "capacity.json")]


def learned_of_run(recipe: Recipe, roles: dict[str, str]) -> dict[str, Any]:
    """Whether what is explained learned anything, as the commands that made it stored."""
    metrics = read_card(run_folder(recipe) / (STUDENT if STUDENT in roles else TEACHER)).metrics
    return {key: metrics.get(key) for key in ("learned", "against_guessing", "reference")}


def _second_is_ready(recipe: Recipe) -> bool:
    folder = run_folder(recipe) / SECOND_TEACHER
    known = (folder / CARD_FILE).is_file()
    return known and read_card(folder).recipe_hash == second_recipe(recipe).teacher_hash()


def predictions_of(recipe: Recipe, recording: Recording, models: dict[str, FeatureHead]) -> dict[str, Predicted]:
    """Test predictions per role: those stored beside the model, else made now."""
    found = {}
    for role, model in models.items():
        stored = read_predicted(run_folder(recipe) / role / PREDICTIONS_FILE, recording)
        found[role] = stored or predict_test(model, recording)
    return found


def floor(student: FeatureHead | None, seed: int) -> FeatureHead | None:
    """The student's structure untrained; None without a student, or where a layer does not say how its weights begin."""
    if student is None:
        return None
    try:
        return from_scratch(student, seed)
    except InputError as error:
        note(f"Agreement is shown without its floor: {error}")
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


def figures_of(stored: dict[str, Any], page: Path) -> dict[str, Any]:
    """What `--json` prints. page: the report, written."""
    return {
        "samples": [one["id"] for one in stored["attribution"]["samples"]],
        "methods": {"integrated gradients": worst_completeness(stored["attribution"])},
        "checked": stored["methods"],
        "decision": stored["decision"],
        "agreement": stored["agreement"],
        "anatomy": stored["anatomy"],
        "human": stored.get("human"),
        "report": str(page),
        "report_bytes": page.stat().st_size,
    }


def in_words(figures: dict[str, Any], stored: dict[str, Any]) -> list[str]:
    """The lines for a person."""
    delta = figures["methods"]["integrated gradients"]
    strongest = stored["sweep"]["variables"][0]
    unit = stored["sweep"].get("unit", "logits")
    reach = f"{strongest['reach_px']:.0f} px" if "reach_px" in strongest else f"{strongest['reach']:.2f} {unit}"
    return [
        f"Explained {', '.join(figures['samples'])} by integrated gradients; at worst {delta:.2f} % of the output change "
        "is not attributed.",
        f"  The strongest embedding variable (number {strongest['variable']}) moves the prediction by {reach} over its "
        "observed range.",
        *_agreement_in_words(stored["agreement"]),
        *_anatomy_in_words(stored["anatomy"]),
        *_human_in_words(stored.get("human")),
        f"Report:  {figures['report']} ({figures['report_bytes'] / 1000:.0f} kB; opens offline)",
    ]


def _agreement_in_words(agreement: dict[str, Any] | None) -> list[str]:
    if not agreement or not agreement["rows"]:
        return []
    told = ", ".join(f"{one['pair']} {number(one['spearman']['mean'], 2)}" for one in agreement["rows"])
    return [
        f"  Agreement of the maps with the teacher's over {agreement['samples']} test frames (1: the same, 0: unrelated): {told}."
    ]


def _anatomy_in_words(anatomy: dict[str, Any] | None) -> list[str]:
    """The region that each model needs most."""
    if not anatomy:
        return []
    needed: dict[str, dict[str, Any]] = {}
    for row in anatomy["rows"]:
        best = needed.get(row["model"])
        if best is None or row["deletion"]["mean"] > best["deletion"]["mean"]:
            needed[row["model"]] = row
    told = ", ".join(
        f"the {name} by {row['deletion']['mean']:.1f} {anatomy['unit']} ({row['region']})"
        for name, row in needed.items()
    )
    return [f"  The region whose removal moves the prediction most: {told}."]


def _human_in_words(human: dict[str, Any] | None) -> list[str]:
    """Shuffled AUC of every model's maps, and what stands beside them."""
    if not human:
        return []
    told = ", ".join(
        f"{' '.join(filter(None, (row['model'], row['method'])))} {number(row['shuffled_auc']['mean'], 2)}"
        for row in human["rows"]
        if row["shuffled_auc"]
    )
    return [f"  Where people looked, over {human['samples']} test pictures (shuffled AUC, 0.5: by chance): {told}."]
