"""The table of predictions that every model folder holds: id, participant, split, truth, prediction, error."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xgaze.data.contract import GAZE_COLUMNS, LABEL_COLUMN, Recording, targets_of
from xgaze.evaluation.classification import probabilities
from xgaze.evaluation.score import sample_errors


def prediction_table(recording: Recording, rows: NDArray[np.int64], outputs: NDArray[Any]) -> pd.DataFrame:
    """One row per sample. Gaze: truth, prediction and error in px. Classes: names, probability per class, error as
    1 - probability of the true class. Without truth (unlabelled recordings) the truth and error columns are left out."""
    spec, kept = recording.spec, recording.table.iloc[rows].reset_index(drop=True)
    table = kept[[name for name in ("id", "participant", "split") if name in kept]].copy()
    labelled = _has_truth(recording)
    targets = targets_of(recording, rows) if labelled else None
    if spec.kind == "gaze":
        if targets is not None:
            table[["truth_x_px", "truth_y_px"]] = targets
        table[["prediction_x_px", "prediction_y_px"]] = outputs
    else:
        names = np.array(spec.classes)
        if targets is not None:
            table["truth"] = names[targets]
        table["prediction"] = names[outputs.argmax(axis=1)]
        for name, column in zip(spec.classes, probabilities(outputs).T, strict=True):
            table[f"probability_{name}"] = column
    if targets is not None:
        table["error_px" if spec.kind == "gaze" else "error"] = sample_errors(spec, outputs, targets)
    return table


def _has_truth(recording: Recording) -> bool:
    """Unlabelled recordings have NaN gaze, or -1 as label."""
    if recording.spec.kind == "gaze":
        return not bool(recording.table[GAZE_COLUMNS].isna().any(axis=None))
    return bool((recording.table[LABEL_COLUMN] >= 0).all())
