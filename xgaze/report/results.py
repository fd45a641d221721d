"""Gather what the commands have written into a run's folder into one report: what all sections share, and what each reads. Reads
files; computes nothing new but verdicts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray
from pydantic import ValidationError

from xgaze.artifacts import CARD_FILE, STUDENT, TEACHER, ModelCard, read_card, require_written
from xgaze.errors import InputError
from xgaze.recipe import Recipe
from xgaze.report import schemas
from xgaze.report.conditions import Condition
from xgaze.report.provenance import commands, next_command, provenance
from xgaze.report.remedies import DISTILL, EXPLAIN, TRAIN
from xgaze.report.section import Run, in_reading_order, with_every_key
from xgaze.report.verdicts import judged
from xgaze.scorings import read_scorings
from xgaze.stored import read_arrays, read_mapping, read_table, require

Maps = dict[str, NDArray[Any]]
FRONTIER_KNOWN = ("parameters", "fc_parameters", "validation_score", "towers_share", "worse_percent_mean", "chosen")
FRONTIER_NUMBERS = (
    *FRONTIER_KNOWN,
    "rank",
    "terms",
    "parameter_reduction",
    "fc_reduction",
    "latency_ms",
    "worse_percent_low",
    "worse_percent_high",
)
LEARNED = ("learned", "against_guessing")
KNOWN = "after_calibration"
RATIOS = (
    "fc_reduction",
    "parameter_reduction",
    "latency_ratio",
    "int8_file_reduction",
    "labels_only",
    "over_seeds",
    "limits",
    "reason",
    "worse_unit",
    "spread",
)


def gather(run: Path, asked: Sequence[Condition] = ()) -> tuple[dict[str, Any], Maps]:
    """(report.json as a dictionary, maps.npz as arrays) of the run in `checkpoints/<recipe>`, held against what is asked."""
    teacher = read_card(run / TEACHER)
    require(vars(teacher), schemas.TeacherCard, run / TEACHER / CARD_FILE, TRAIN)
    require_written(run / TEACHER, teacher.metrics, TRAIN)
    student = _own_student(run, teacher)
    explanation = read_explanation(run / "explanation") or {}
    report = {
        **_identity(teacher, student),
        **_figures(teacher, student),
        "provenance": provenance(run, teacher, student),
        "scorings": read_scorings(run),
        "commands": commands(run, teacher, student, explanation),
        "next": {verb: next_command(teacher, verb) for verb in ("distill", "explain")},
    }
    for section in in_reading_order():
        report |= section.gathered(Run(run, teacher, student, explanation))
    report["checks"] = judged(with_every_key(report), asked)
    return report, read_maps(run / "explanation") if explanation else {}


def _own_student(run: Path, teacher: ModelCard) -> ModelCard | None:
    """The student's card, unless there is none or it is another teacher's."""
    if not (run / STUDENT / CARD_FILE).is_file():
        return None
    card = read_card(run / STUDENT)
    if _teacher_hash(card, run / STUDENT) != _teacher_hash(teacher, run / TEACHER):
        return None
    require(vars(card), schemas.StudentCard, run / STUDENT / CARD_FILE, DISTILL)
    require_written(run / STUDENT, card.metrics, DISTILL)
    return card


def _teacher_hash(card: ModelCard, folder: Path) -> str:
    """Of the sections that the teacher depends on; the others may hold values that are no longer allowed."""
    sections = ("name", "seed", "data", "model", "training")
    try:
        return Recipe.model_validate({key: card.recipe.get(key) for key in sections}).teacher_hash()
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, ("recipe", *fault["loc"])))
        raise InputError(f"{folder / CARD_FILE}: damaged or edited: key '{where}': {fault['msg']}. {TRAIN}") from None


def read_explanation(folder: Path, key: str | None = None) -> dict[str, Any] | None:
    """The explanation that lies in `folder`, if there is one (of this key)."""
    file = folder / "explanation.json"
    if not file.is_file():
        return None
    stored = read_mapping(file, schemas.Explanation, EXPLAIN)
    return stored if key in (None, stored["key"]) else None


def read_maps(folder: Path) -> Maps:
    """Attribution maps and eye images by name."""
    return read_arrays(folder / "maps.npz", EXPLAIN)


def read_capacity(student: Path) -> dict[str, Any]:
    """What the teacher's first fully connected layer holds, as the search for the student found it."""
    return read_mapping(student / "capacity.json", schemas.Capacity, DISTILL)


def read_frontier(student: Path) -> pd.DataFrame:
    """Every model tried: budget.csv. Raises InputError also where it has no row."""
    path = student / "budget.csv"
    table = read_table(path, FRONTIER_NUMBERS, DISTILL, ("method", "stage", "against", "coarse_input"))
    if table.empty or table["chosen"].dtype != bool or table[list(FRONTIER_KNOWN)].isna().any(axis=None):
        raise InputError(f"{path}: damaged or edited: no row, or a row that is not whole. {DISTILL}")
    return table


def _identity(teacher: ModelCard, student: ModelCard | None) -> dict[str, Any]:
    spec, recipe = teacher.spec, (student or teacher).recipe
    unit = teacher.metrics["error"]["unit"]
    names = {"ms": "mean absolute error", "AUC": "area under the ROC curve", "accuracy": "share of right answers"}
    if spec["kind"] == "gaze":
        names[unit] = "mean Euclidean error"
    if spec["kind"] == "angle":
        names[unit] = "mean angular error"
    truth = spec.get("truth", "recorded")
    if truth == "teacher":
        names[unit] = "mean disagreement with the teacher"
    return {
        "schema": 1,
        "recipe": {
            "name": recipe["name"],
            "hash": (student or teacher).recipe_hash,
            "seed": recipe["seed"],
            "settings": recipe,
        },
        "task": spec["kind"],
        "rendered": spec["rendered"],
        "scene": spec["scene"],
        "classes": list(spec["classes"]),
        "groups": spec.get("groups", "participants"),
        "truth": truth,
        "inputs": [{"name": one["name"], "shape": list(one["shape"])} for one in spec["inputs"]],
        "score": {"unit": unit, "name": names.get(unit, unit), "higher_is_better": spec["kind"] == "class"},
        "participants": teacher.metrics["participants"],
        "samples": teacher.metrics["samples"],
    }


def _figures(teacher: ModelCard, student: ModelCard | None) -> dict[str, Any]:
    """Scores and sizes; the student's command measured the teacher again beside it, ONNX and latency included."""
    own = teacher.metrics
    alone = {key: own[key] for key in ("parameters", "fc_parameters", "macs", "error", "train_seconds")}
    alone |= {"bytes": own["bytes"], "latency_ms": None, "onnx_bytes": None, "onnx_parity": None}
    baselines = [{"name": name, "error": error} for name, error in own["baselines"].items()]
    if student is None:
        keys = ("student", "control", "reference", "difference_percent", "teacher_tuning_gain_percent")
        more = ("budget_percent", "budget_met", "macro_f1", KNOWN, *RATIOS)
        nothing = {"teacher": alone, "baselines": baselines, "surgeries": [], **dict.fromkeys(keys + more)}
        return nothing | {key: own.get(key) for key in LEARNED}
    found = student.metrics
    kept = ("reference", "difference_percent", "budget_percent", "budget_met")
    return {
        "teacher": {**alone, **found["teacher"]},
        "student": found["student"],
        "control": _control(found["control"]),
        "teacher_tuning_gain_percent": _tuning_gain(found),
        **{key: found.get(key) for key in (*kept, *RATIOS, *LEARNED, KNOWN)},
        "macro_f1": _macro_f1(found),
        "baselines": baselines,
        "surgeries": student.surgeries,
    }


def _tuning_gain(found: dict[str, Any]) -> float | None:
    """By how much the students' tuning makes the teacher itself better; None where it diverged, or was not asked for."""
    control = found["control"]
    if control is None or control.get("fault"):
        return None
    return -float(found["control_difference_from_teacher_percent"]["mean"])


def _control(stored: dict[str, Any] | None) -> dict[str, Any] | None:
    """As it is called on the page."""
    if stored is None:
        return None
    itself = "teacher itself, since it diverged when given the same extra tuning"
    return {"name": itself if stored.get("fault") else "teacher given the same extra tuning", "error": stored["error"]}


def _macro_f1(found: dict[str, Any]) -> dict[str, Any] | None:
    """None where an older version told its loss in percent."""
    stored: dict[str, Any] | None = found.get("macro_f1")
    return stored if stored and "worse_points" in stored else None
