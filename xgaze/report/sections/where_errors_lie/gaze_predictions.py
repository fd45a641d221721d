"""What the models of a run predicted of the test people's gaze points, from their folders."""

import pandas as pd

from xgaze.artifacts import STUDENT, TEACHER
from xgaze.report.remedies import TRAIN
from xgaze.report.section import Run
from xgaze.stored import read_table

TRUTH, ERROR = ("truth_x_px", "truth_y_px"), "error_px"


def gaze_predictions(run: Run) -> dict[str, pd.DataFrame]:
    """Model -> its test samples (`group`, TRUTH and ERROR), the teacher first; none where gaze lies in no scene, or
    nobody knows where."""
    spec = run.teacher.spec
    if spec["kind"] != "gaze" or not spec["scene"] or spec.get("truth") == "teacher":
        return {}
    models = (TEACHER, STUDENT) if run.student else (TEACHER,)
    files = {model: run.folder / model / "predictions.csv" for model in models}
    tables = {model: read_table(file, (*TRUTH, ERROR), TRAIN, ("group", "split")) for model, file in files.items()}
    return {model: one[one["split"] == "test"] for model, one in tables.items()}
