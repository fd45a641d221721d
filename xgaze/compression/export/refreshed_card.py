"""A student's card brought up to date with its 8-bit file, when that is made again: what the file is, takes and loses."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.artifacts import CONTROL, STUDENT, TEACHER, ModelCard, read_card, write_card
from xgaze.compression.export.eight_bits import EightBits
from xgaze.compression.export.quantise import int8_figures
from xgaze.compression.student import load_model
from xgaze.compression.student_folder import teacher_weights
from xgaze.data.contract import Recording, rows_of, targets_of
from xgaze.evaluation.predictions import outputs_of
from xgaze.models.inference import predict
from xgaze.recipe import ModelSection
from xgaze.recorded_targets import BY_TEACHER
from xgaze.scorings import SCORINGS_FILE, log_scoring
from xgaze.stored import read_table

SCORED = "student in 8 bits"
PREDICTIONS = "control_predictions.csv"
REMEDY = "Distil again: `xgaze distill --force`."


def refresh_card(
    folder: Path,
    recording: Recording,
    form: EightBits,
    command: str = "",
    own: ModelSection | None = None,
    trust_import: bool = False,
) -> bool:
    """Score and time model.int8.onnx of a student's `folder` on test people, and store it in the card as `xgaze distill` would
    have, counted as a scoring of the run; whether there was a student's card with anything to be compared with."""
    card = read_card(folder)
    if card.role != STUDENT:
        return False
    reference = _reference(folder, card, recording, own, trust_import)
    if reference is None:
        return False
    files = folder / "model.onnx", folder / "model.int8.onnx"
    found = int8_figures(*files, recording, rows_of(recording, "test"), reference)
    metrics = card.metrics
    metrics[STUDENT] |= {"int8": {**found.to_json(), **form.to_json()}, "int8_fault": None}
    whole = metrics[TEACHER].get("onnx_bytes")
    metrics["int8_file_reduction"] = whole and whole / found.bytes
    if (folder.parent / SCORINGS_FILE).is_file():
        log_scoring(folder.parent, SCORED, command)
    write_card(folder, card)
    return True


def _reference(
    folder: Path, card: ModelCard, recording: Recording, own: ModelSection | None, trust_import: bool
) -> NDArray[np.float32] | None:
    """What the student is measured against puts out for the test people: of the control as it was stored, else the teacher
    beside it is asked, if it is still the one. None where there is neither."""
    test = rows_of(recording, "test")
    if recording.spec.truth == BY_TEACHER:
        return np.asarray(targets_of(recording, test), np.float32)
    if card.metrics.get("reference") == CONTROL:
        if not (folder / PREDICTIONS).is_file():
            return None
        table = read_table(folder / PREDICTIONS, (), REMEDY)
        same: Any = list(table["id"].astype(str)) == list(recording.table["id"].iloc[test].astype(str))
        return outputs_of(table, recording.spec) if same else None
    taught = card.metrics.get("teacher_weights")
    if not taught or taught != teacher_weights(folder):
        return None
    return predict(load_model(folder.parent / TEACHER, own, trust_import)[0], recording, test)
