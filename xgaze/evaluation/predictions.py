"""The table of predictions that every model folder holds: id, participant, split, truth, prediction, error."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.contract import Recording, Spec, targets_of
from xgaze.errors import InputError
from xgaze.evaluation.classes.classification import probabilities
from xgaze.evaluation.score import errors_in_degrees, sample_errors
from xgaze.recorded_targets import BY_TEACHER, DISTANCE_COLUMN, LABEL_COLUMN, Beside, gaze_columns


def prediction_table(recording: Recording, rows: NDArray[np.int64], outputs: NDArray[Any]) -> pd.DataFrame:
    """One row per sample. Gaze and directions: truth, prediction and error, in columns that bear its unit. A value: the same in
    its unit. Classes: names, probability per class, error as 1 - probability of the true class. Truth and error are empty where a
    label is missing (NaN gaze or value, class -1), and their columns are left out where all are. Where a teacher says what is
    true, its outputs are called "teacher", and errors "disagreement". Targets beside the main one follow, see `beside_column`."""
    kept, targets = recording.table.iloc[rows].reset_index(drop=True), targets_of(recording, rows)
    whole = recording.spec
    table = _told(kept, whole.main, whole.own(outputs), whole.own(targets))
    for one, where, alone in whole.apart():
        own = kept[["id", "group", "split"]].assign(**dict(zip(alone.targets, targets[:, where].T, strict=True)))
        beside = _told(own, alone, outputs[:, where], targets[:, where]).iloc[:, 3:]
        table = table.join(beside.rename(columns={name: beside_column(str(name), one) for name in beside}))
    return table


def outputs_of(table: pd.DataFrame, spec: Spec) -> NDArray[np.float32]:
    """What a model put out, (rows, outputs), from its stored table of predictions; of classes logits that give the same
    probabilities. Raises InputError where it lacks a column."""
    parts: list[tuple[Spec, Callable[[str], str]]] = [(spec.main, str)]
    parts += [(alone, partial(beside_column, one=one)) for one, _, alone in spec.apart()]
    columns = [name(column) for alone, name in parts for column in _put_out(alone)]
    if lacking := [one for one in columns if one not in table]:
        raise InputError(f"stored predictions: there is no column {lacking[0]}.")
    found = table[columns].to_numpy(np.float64)
    if spec.kind == "class":
        found = np.log(np.maximum(found, np.finfo(np.float32).tiny))
    return found.astype(np.float32)


def _put_out(spec: Spec) -> list[str]:
    """The columns that hold what a model puts out for one target."""
    if spec.kind in ("gaze", "angle"):
        return gaze_named("prediction", spec.unit)
    return ["prediction"] if spec.kind == "value" else [f"probability_{name}" for name in spec.classes]


def beside_column(name: str, one: Beside) -> str:
    """A column of a table of predictions as it is called of a target beside the main one: "error_px" -> "error_pupil_px"."""
    what, _, rest = name.partition("_")
    return "_".join(filter(None, (what, one.name, rest)))


def _told(kept: pd.DataFrame, spec: Spec, outputs: NDArray[Any], targets: NDArray[Any]) -> pd.DataFrame:
    """Of the one target of `spec`; kept: id, group and split, and its columns."""
    table = kept[["id", "group", "split"]].copy()
    known = _labelled(kept, spec)
    truth = "teacher" if spec.truth == BY_TEACHER else "truth"
    if spec.kind in ("gaze", "angle"):
        if known.any():
            table[gaze_named(truth, spec.unit)] = targets
        table[gaze_named("prediction", spec.unit)] = outputs
    elif spec.kind == "value":
        if known.any():
            table[truth] = targets[:, 0]
        table["prediction"] = outputs[:, 0]
    else:
        names = np.array([*spec.classes, ""])  # class -1, an unknown one, is the last name: none
        if known.any():
            table["truth"] = names[targets]
        table["prediction"] = names[outputs.argmax(axis=1)]
        for name, column in zip(spec.classes, probabilities(outputs).T, strict=True):
            table[f"probability_{name}"] = column
    if known.any():
        errors = np.full(len(table), np.nan)
        errors[known] = sample_errors(spec, outputs[known], targets[known])
        table[error_column(spec)] = errors
        far = kept[DISTANCE_COLUMN].to_numpy(np.float64) if DISTANCE_COLUMN in kept else None
        degrees = errors_in_degrees(spec, outputs, targets, far)
        if degrees is not None:
            table[f"{error_column(spec).partition('_')[0]}_degrees"] = degrees
    return table


def gaze_named(what: str, unit: str) -> list[str]:
    """The columns of a gaze point or direction; what: "truth" or "prediction"."""
    return [one.replace("gaze", what, 1) for one in gaze_columns(unit)]


def error_column(spec: Spec) -> str:
    """The column of errors; of gaze points and directions it bears the unit."""
    what = "disagreement" if spec.truth == BY_TEACHER else "error"
    return f"{what}_{spec.measured}" if spec.kind in ("gaze", "angle") else what


def _labelled(table: pd.DataFrame, spec: Spec) -> NDArray[np.bool_]:
    """Which rows have a truth."""
    if spec.kind == "class":
        return (table[LABEL_COLUMN] >= 0).to_numpy()
    return table[spec.targets].notna().all(axis=1).to_numpy()
