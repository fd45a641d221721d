"""Two models on the same people: paired differences of what they lose, with intervals over participants."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xgaze.errors import InputError
from xgaze.evaluation.participants import Interval, difference_percent, mean_interval

GAZE_TRUTH = ["truth_x_px", "truth_y_px"]
SAME_TRUTH_PX = 1e-2
FEWEST = 2


def read_test_predictions(folder: Path) -> pd.DataFrame:
    """The rows of the test participants in a model folder's predictions.csv. Raises InputError when there are none."""
    path = folder / "predictions.csv"
    if not path.is_file():
        raise InputError(f"{path}: no such file. Finish this run first (`xgaze train-teacher`, `xgaze distill`).")
    table = pd.read_csv(path, dtype={"id": str, "participant": str}, keep_default_na=False)
    table = table[table["split"] == "test"]
    if table.empty:
        raise InputError(f"{path}: no row of a test participant; nothing to compare.")
    return table


def compare_predictions(first: pd.DataFrame, second: pd.DataFrame, names: tuple[str, str]) -> dict[str, Any]:
    """Second minus first, per participant and over all: {unit, participants, difference, difference_percent, rows}.

    Gaze: mean error in px, worse is positive, and the difference in % of the first's error; classes: right answers in %, better
    is positive. first and second are test predictions. Raises InputError unless both were scored on the same participants.
    """
    _same_people(first, second, names)
    gaze = "error_px" in first
    ours, theirs = (_figures(one, gaze).groupby(one["participant"]).mean().sort_index() for one in (first, second))
    people = ours.index.to_numpy(str)
    relative = difference_percent(theirs, ours, people) if gaze and ours.mean() > 0 else None
    rows = [
        {"participant": str(person), "first": float(a), "second": float(b), "difference": float(b - a)}
        for person, a, b in zip(people, ours, theirs, strict=True)
    ]
    return {
        "unit": "px" if gaze else "%",
        "participants": len(rows),
        "difference": _ends(mean_interval(theirs - ours, people)),
        "difference_percent": None if relative is None else _ends(relative),
        "rows": rows,
    }


def _figures(table: pd.DataFrame, gaze: bool) -> pd.Series:
    return table["error_px"].astype(float) if gaze else 100.0 * (table["prediction"] == table["truth"])


def _ends(interval: Interval) -> dict[str, float]:
    return {"mean": interval.mean, "low": interval.low, "high": interval.high}


def _same_people(first: pd.DataFrame, second: pd.DataFrame, names: tuple[str, str]) -> None:
    if ("error_px" in first) != ("error_px" in second):
        raise InputError(
            f"{names[0]} and {names[1]}: one tells gaze points, the other classes; compare runs of one task."
        )
    ours, theirs = set(first["participant"]), set(second["participant"])
    if ours != theirs:
        only = [f"{len(a - b)} only in {name}" for a, b, name in ((ours, theirs, names[0]), (theirs, ours, names[1]))]
        raise InputError(
            f"{names[0]} and {names[1]} were scored on different test participants ({', '.join(only)}; e.g. "
            f"{min(ours ^ theirs)!r}). Train both on the same data and split, then compare."
        )
    if len(ours) < FEWEST:
        raise InputError(
            f"{names[0]} and {names[1]}: one test participant gives no interval; at least {FEWEST} are needed."
        )
    _same_truth(first, second, names)


def _same_truth(first: pd.DataFrame, second: pd.DataFrame, names: tuple[str, str]) -> None:
    """Rendered people of another seed bear the same names: then frames of one name have different truths."""
    columns = GAZE_TRUTH if "error_px" in first else ["truth"]
    shared = first.merge(second, on="id", suffixes=("_first", "_second"))
    for column in columns:
        ours, theirs = shared[f"{column}_first"], shared[f"{column}_second"]
        same = np.abs(ours - theirs) <= SAME_TRUTH_PX if columns == GAZE_TRUTH else ours == theirs
        if not same.all():
            other = shared["id"][~same].iloc[0]
            raise InputError(
                f"{names[0]} and {names[1]}: test frame {other!r} bears the same name in both but has another truth, so these "
                "are not the same recording. Train both on the same data, then compare."
            )
