"""Two models on the same people: paired differences of what they lose, with intervals over participants."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xgaze.errors import InputError
from xgaze.evaluation.intervals.participants import difference_percent, mean_interval
from xgaze.stored import read_table
from xgaze.units import LENGTHS

SAME_TRUTH = 1e-2
FEWEST, NAMED = 2, 3
REMEDY = "Train or distil again with --force, or take another copy of the folder."
TOLD = {"gaze": "gaze points", "class": "classes", "value": "values"}


def read_test_predictions(folder: Path) -> pd.DataFrame:
    """The rows of the test participants in a model folder's predictions.csv. Raises InputError when there are none."""
    path = folder / "predictions.csv"
    if not path.is_file():
        raise InputError(f"{path}: no such file. Finish this run first (`xgaze train-teacher`, `xgaze distill`).")
    table = read_table(path, [], REMEDY, ["id", "group", "split"])
    kind = task_of(table)
    numbers = [*_truth(table), _error(table)] if kind != "class" else []
    table = read_table(path, numbers, REMEDY, ["prediction", "truth"] if kind == "class" else [])
    table = table[table["split"] == "test"]
    if table[["id", "group", *numbers]].isna().any(axis=None):
        raise InputError(f"{path}: damaged or edited: a cell of a test participant is empty. {REMEDY}")
    if table.empty:
        raise InputError(f"{path}: no row of a test participant; nothing to compare.")
    return table


def compare_predictions(
    first: pd.DataFrame, second: pd.DataFrame, names: tuple[str, str], unit: str = "px"
) -> dict[str, Any]:
    """Second minus first, per participant and over all: {unit, participants, difference, difference_percent, rows}.

    Gaze and values: mean error in their `unit`, worse is positive, and the difference in % of the first's error; classes: right
    answers in %, better is positive. first and second are test predictions. Raises InputError unless both were scored on the
    same participants.
    """
    _same_people(first, second, names)
    classes = task_of(first) == "class"
    ours, theirs = (_figures(one).groupby(one["group"]).mean().sort_index() for one in (first, second))
    people = ours.index.to_numpy(str)
    relative = difference_percent(theirs, ours, people) if not classes and ours.mean() > 0 else None
    rows = [
        {"group": str(person), "first": float(a), "second": float(b), "difference": float(b - a)}
        for person, a, b in zip(people, ours, theirs, strict=True)
    ]
    return {
        "unit": "%" if classes else unit,
        "participants": len(rows),
        "difference": asdict(mean_interval(theirs - ours, people)),
        "difference_percent": None if relative is None else asdict(relative),
        "rows": rows,
    }


def require_same_kind(specs: tuple[dict[str, Any], dict[str, Any]], names: tuple[str, str]) -> None:
    """Raises InputError, naming both, where two runs' specs, as cards hold them, differ in unit, scene or in whom splits keep
    apart: their figures mean different things, whatever their predictions are called. So do those of a run without labels."""
    for name, one in zip(names, specs, strict=True):
        if one.get("truth") == "teacher":
            raise InputError(
                f"{name}: has no labels: its figures say how far its student is from its teacher, and runs cannot be compared by "
                "them. See each run's own page (`xgaze report`)."
            )
    for key, words, shown in (
        ("unit", "measure in different units", str),
        ("scene", "look at different scenes", _scene_in_words),
        ("groups", "keep different things apart in their splits", str),
    ):
        default = "participants" if key == "groups" else None
        told = [shown(one.get(key, default)) for one in specs]
        if told[0] != told[1]:
            raise InputError(
                f"{names[0]} and {names[1]} {words}: {told[0]} and {told[1]}. Their figures cannot be compared; train both on "
                "the same data."
            )


def _scene_in_words(scene: list[int] | None) -> str:
    return f"{scene[0]} \u00d7 {scene[1]} px" if scene else "none"


def task_of(predictions: pd.DataFrame) -> str:
    """ "gaze", "class" or "value", told by the columns of predictions.csv."""
    if _error(predictions) != "error":
        return "gaze"
    return "class" if any(str(name).startswith("probability_") for name in predictions) else "value"


def _task_in_words(predictions: pd.DataFrame) -> str:
    unit = _error(predictions).partition("_")[2]
    return TOLD[task_of(predictions)] + (f" in {unit}" if unit not in ("", "px") else "")


def _figures(table: pd.DataFrame) -> pd.Series:
    task = task_of(table)
    if task == "class":
        return 100.0 * (table["prediction"] == table["truth"])
    return table[_error(table)].astype(float)


def _error(predictions: pd.DataFrame) -> str:
    """The column of errors; of gaze it bears the unit."""
    return next((f"error_{unit}" for unit in (*LENGTHS, "degrees") if f"error_{unit}" in predictions), "error")


def _truth(predictions: pd.DataFrame) -> list[str]:
    """Of gaze a column for each of its numbers."""
    return [str(name) for name in predictions if str(name) == "truth" or str(name).startswith("truth_")]


def _same_people(first: pd.DataFrame, second: pd.DataFrame, names: tuple[str, str]) -> None:
    told = [_task_in_words(one) for one in (first, second)]
    if told[0] != told[1]:
        raise InputError(
            f"{names[0]} and {names[1]}: one tells {told[0]}, the other {told[1]}; compare runs of one task."
        )
    ours, theirs = set(first["group"]), set(second["group"])
    if ours != theirs:
        raise InputError(
            f"{names[0]} and {names[1]} were scored on different test participants: {_who(ours - theirs, names[0])}, "
            f"{_who(theirs - ours, names[1])}, {len(ours & theirs)} in both. Train both on the same data and split, then compare."
        )
    if len(ours) < FEWEST:
        raise InputError(
            f"{names[0]} and {names[1]}: one test participant gives no interval; at least {FEWEST} are needed."
        )
    _same_truth(first, second, names)


def _who(alone: set[str], name: str) -> str:
    """As "2 only in small ('a', 'b')"; the first few by name."""
    shown = ", ".join(map(repr, sorted(alone)[:NAMED]))
    more = f" and {len(alone) - NAMED} more" if len(alone) > NAMED else ""
    return f"{len(alone)} only in {name}{f' ({shown}{more})' if alone else ''}"


def _same_truth(first: pd.DataFrame, second: pd.DataFrame, names: tuple[str, str]) -> None:
    """Rendered people of another seed bear the same names: then frames of one name have different truths."""
    task = task_of(first)
    columns = _truth(first)
    shared = first.merge(second, on="id", suffixes=("_first", "_second"))
    for column in columns:
        ours, theirs = shared[f"{column}_first"], shared[f"{column}_second"]
        same = ours == theirs if task == "class" else np.isclose(ours, theirs, rtol=1e-6, atol=SAME_TRUTH)
        if not same.all():
            other = shared["id"][~same].iloc[0]
            raise InputError(
                f"{names[0]} and {names[1]}: test frame {other!r} bears the same name in both but has another truth, so these "
                "are not the same recording. Train both on the same data, then compare."
            )
