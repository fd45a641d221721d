"""What a model put out is read back from its stored table."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from xgaze.data.contract import rows_of
from xgaze.errors import InputError
from xgaze.evaluation.classes.classification import probabilities
from xgaze.evaluation.predictions import outputs_of, prediction_table


def stored(table, folder):
    table.to_csv(folder / "predictions.csv", index=False)
    return pd.read_csv(folder / "predictions.csv")


def test_gaze_points_come_back_to_the_bit(gaze_recording, tmp_path):
    rows = rows_of(gaze_recording, "test")
    outputs = np.random.default_rng(0).normal(400, 100, (len(rows), 2)).astype(np.float32)
    table = stored(prediction_table(gaze_recording, rows, outputs), tmp_path)
    np.testing.assert_array_equal(outputs_of(table, gaze_recording.spec), outputs)
    with pytest.raises(InputError, match="no column prediction_y_px"):
        outputs_of(table.drop(columns="prediction_y_px"), gaze_recording.spec)


def test_classes_come_back_as_logits_of_the_same_probabilities(class_recording, tmp_path):
    rows = rows_of(class_recording, "test")
    logits = np.random.default_rng(0).normal(0, 3, (len(rows), 2)).astype(np.float32)
    logits[0] = 0, 300
    found = outputs_of(stored(prediction_table(class_recording, rows, logits), tmp_path), class_recording.spec)
    np.testing.assert_allclose(probabilities(found), probabilities(logits), atol=1e-6)


def test_targets_beside_the_main_one_come_after_it(gaze_recording, tmp_path):
    from xgaze.recorded_targets import Beside

    beside = Beside("pupil", "value", "mm")
    spec = replace(gaze_recording.spec, beside=(beside,))
    kept = gaze_recording.table.assign(**dict.fromkeys(beside.columns, 3.0))
    recording = replace(gaze_recording, spec=spec, table=kept)
    outputs = np.random.default_rng(0).normal(4, 1, (3, 3)).astype(np.float32)
    table = stored(prediction_table(recording, np.arange(3), outputs), tmp_path)
    np.testing.assert_array_equal(outputs_of(table, spec), outputs)
