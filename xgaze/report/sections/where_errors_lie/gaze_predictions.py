"""What the models of a run predicted of where test people looked, gaze points or directions, from their folders."""

import pandas as pd

from xgaze.artifacts import STUDENT, TEACHER
from xgaze.geometry.gaze_field import GazeField
from xgaze.report.remedies import TRAIN
from xgaze.report.section import Run
from xgaze.stored import read_table
from xgaze.units import DIRECTIONS, VECTOR, measured_in

X, Y, ERROR = "x", "y", "error"
"""Columns of what is read: places in a field, and errors in its unit."""


def gaze_predictions(run: Run) -> tuple[GazeField, dict[str, pd.DataFrame]] | None:
    """The field that was looked into, and model -> its test samples (`group`, and in the field's unit X, Y, `eccentricity` and
    ERROR), the teacher first; None where nothing is looked at, or nobody knows where."""
    spec = run.teacher.spec
    kind, unit = spec["kind"], spec.get("unit", "px")
    if kind not in ("gaze", "angle") or spec.get("truth") == "teacher":
        return None
    truth, error = truth_columns(unit), f"error_{measured_in(kind, unit)}"
    models = (TEACHER, STUDENT) if run.student else (TEACHER,)
    files = {model: run.folder / model / "predictions.csv" for model in models}
    tables = {model: read_table(file, (*truth, error), TRAIN, ("group", "split")) for model, file in files.items()}
    own = {model: one[one["split"] == "test"] for model, one in tables.items()}
    if own[TEACHER].empty:
        return None
    field = GazeField.of(kind, unit, spec["scene"], own[TEACHER][truth].to_numpy(float))
    return field, {model: placed(field, one[truth], one["group"], one[error]) for model, one in own.items()}


def truth_columns(unit: str) -> list[str]:
    """Of a table of predictions, as `gaze_columns` names them of a recording's."""
    if unit == VECTOR:
        return [f"truth_{axis}" for axis in "xyz"]
    return [f"truth_{name}_{unit}" for name in (("pitch", "yaw") if unit in DIRECTIONS else "xy")]


def placed(field: GazeField, truth: pd.DataFrame, group: pd.Series, error: pd.Series) -> pd.DataFrame:
    """Samples (`group`, X, Y, `eccentricity`, ERROR) from what is true of them, columns (n, 2 or 3) in the field's unit."""
    told = truth.to_numpy(float)
    x, y = field.places(told).T
    columns = {"group": group.to_numpy(), X: x, Y: y, "eccentricity": field.eccentricity(told), ERROR: error.to_numpy()}
    return pd.DataFrame(columns)
