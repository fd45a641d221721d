"""The table of predictions that every model folder holds: id, participant, split, truth, prediction, error."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.contract import GAZE_COLUMNS, LABEL_COLUMN, VALUE_COLUMN, Recording, targets_of
from xgaze.evaluation.classification import probabilities
from xgaze.evaluation.score import sample_errors


def prediction_table(recording: Recording, rows: NDArray[np.int64], outputs: NDArray[Any]) -> pd.DataFrame:
    """One row per sample. Gaze: truth, prediction and error in px. A value: the same in its unit. Classes: names, probability
    per class, error as 1 - probability of the true class. Truth and error are empty where a label is missing (NaN gaze or
    value, class -1), and their columns are left out where all are."""
    spec, kept = recording.spec, recording.table.iloc[rows].reset_index(drop=True)
    table = kept[["id", "group", "split"]].copy()
    known = _labelled(kept, spec.kind)
    targets = targets_of(recording, rows)
    if spec.kind == "gaze":
        if known.any():
            table[["truth_x_px", "truth_y_px"]] = targets
        table[["prediction_x_px", "prediction_y_px"]] = outputs
    elif spec.kind == "value":
        if known.any():
            table["truth"] = targets[:, 0]
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
        table["error_px" if spec.kind == "gaze" else "error"] = errors
    return table


def _labelled(table: pd.DataFrame, kind: str) -> NDArray[np.bool_]:
    """Which rows have a truth."""
    if kind == "class":
        return (table[LABEL_COLUMN] >= 0).to_numpy()
    return table[GAZE_COLUMNS if kind == "gaze" else [VALUE_COLUMN]].notna().all(axis=1).to_numpy()
