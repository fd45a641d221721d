"""Where a run comes from: versions, splits, the commands that made it and those that would go on."""

import shlex
from pathlib import Path
from typing import Any

from xgaze.artifacts import TEACHER, ModelCard
from xgaze.recipe.sources import known_source
from xgaze.report import schemas
from xgaze.report.claims import in_two_splits, is_disjoint, split_in_words
from xgaze.report.remedies import CROSSVALIDATE, TRAIN
from xgaze.stored import read_mapping

CROSSVALS = {"crossval": "crossval", "replay": "crossval-paper"}


def provenance(run: Path, teacher: ModelCard, student: ModelCard | None) -> dict[str, Any]:
    """Versions, seed, who was in which split, what reading left out, and the device."""
    card, file = student or teacher, run / TEACHER / "splits.json"
    splits = read_mapping(file, schemas.DividedPeople, TRAIN) if file.is_file() else None
    return {
        "created_with": card.versions,
        "seed": card.seed,
        "recipe_hash": card.recipe_hash,
        "split": split_in_words(splits, teacher.spec.get("groups", "participants")),
        "disjoint": splits is not None and is_disjoint(splits),
        "in_two_splits": None if splits is None else len(in_two_splits(splits)),
        "notes": teacher.metrics.get("notes", []),
        "device": teacher.metrics.get("device", "not stored"),
    }


def commands(run: Path, teacher: ModelCard, student: ModelCard | None, explanation: dict[str, Any]) -> list[str]:
    """What was typed to make all this, in the order of doing it again; what was made by scripts has no command."""
    stored = [teacher.command, student.command if student else "", str(explanation.get("command", ""))]
    files = [run / folder / "crossval.json" for folder in CROSSVALS.values()]
    stored += [
        str(read_mapping(file, schemas.Crossval, CROSSVALIDATE).get("command", "")) for file in files if file.is_file()
    ]
    return [command for command in stored if command]


def next_command(teacher: ModelCard, verb: str) -> str:
    """The command for the same recipe as the teacher's; of arrays in memory, which no command opens, the line of Python."""
    source = known_source(teacher.recipe.get("data"))
    if source and source.in_memory:
        return f"xgaze.{verb}(teacher, data)" if verb == "distill" else f"xgaze.{verb}(result, data)"
    if teacher.recipe.get("model", {}).get("adopted"):
        return shlex.join(["xgaze", verb, f"{teacher.recipe['name']}.yaml"])
    words = shlex.split(teacher.command)[2:] or [str(teacher.recipe["name"])] * (not teacher.command)
    return shlex.join(["xgaze", verb, *words])
