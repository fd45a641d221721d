"""Recordings without labels: nothing of a label is seen, and a teacher's outputs take its place."""

import json

import numpy as np
import pandas as pd
import pytest

from xgaze.artifacts import write_csv
from xgaze.data.checks.eye_faults import check_eyes
from xgaze.data.contract import Spec, collate, rows_of, targets_of
from xgaze.data.open import open_recording
from xgaze.data.source import source_of
from xgaze.data.sources.arrays import ArrayRecording
from xgaze.data.teacher_truth import (
    TRUTH_FILE,
    judged_by,
    judged_by_stored,
    require_labels,
    truth_table,
    without_truth,
)
from xgaze.errors import InputError
from xgaze.recipe import load_data

NO_COLUMNS = {"kind": "gaze", "unit": "px"}


def refusal(call, *given):
    with pytest.raises(InputError) as caught:
        call(*given)
    return str(caught.value)


def test_a_manifest_needs_no_columns_of_its_target(manifest, tmp_path):
    columns = {"x_px": np.nan, "y_px": np.nan}
    recording = open_recording(manifest(columns, target=NO_COLUMNS, truth="teacher"))
    assert recording.spec == Spec(recording.spec.inputs, "gaze", "px", (800, 600), truth="teacher")
    assert len(recording.table) == 70 and np.isnan(targets_of(recording)).all()
    assert np.isnan(recording[3].target).all() and recording[3].inputs["left"].shape == (1, 16, 16)
    assert {split: len(rows_of(recording, split)) for split in ("train", "validation", "test")} == {
        "train": 30,
        "validation": 20,
        "test": 20,
    }
    # Whatever else is wrong with it is still found.
    found = source_of(load_data(tmp_path / "samples.yaml")).check(load_data(tmp_path / "samples.yaml"))
    assert not found.faults


def test_labels_that_are_there_are_hidden_and_this_is_said(manifest):
    recording = open_recording(manifest(truth="teacher"))
    assert np.isnan(targets_of(recording)).all() and np.isnan(recording[0].target).all()
    assert recording.notes == ("samples.csv: x_px, y_px not read (truth: teacher).",)


def test_without_labels_and_without_a_word_it_is_refused_and_says_the_word(manifest):
    told = refusal(lambda: manifest(target=NO_COLUMNS))
    assert "two columns, x and y; without labels, say truth: teacher" in told
    some = {"x_px": lambda table: table["x_px"].where(table.index > 1)}
    told = refusal(open_recording, manifest(some))
    assert "row 1: x_px is empty; 2 of 70 rows." in told and "`truth: teacher`" in told
    told = refusal(lambda: manifest(target={"kind": "class", "column": "side"}, truth="teacher"))
    assert "leave truth: teacher out" in told


@pytest.mark.parametrize(
    ("target", "spec"),
    [
        ({"kind": "angle", "unit": "rad"}, ("angle", "rad", 2)),
        ({"kind": "angle"}, ("angle", "vector", 3)),
        ({"kind": "value", "unit": "mm"}, ("value", "mm", 1)),
    ],
)
def test_what_the_network_puts_out_is_said_by_kind_and_unit(manifest, target, spec):
    found = open_recording(manifest(target=target, truth="teacher")).spec
    assert (found.kind, found.unit, found.outputs) == spec


def test_recorded_truth_changes_no_recipe_and_no_specification(manifest):
    plain, hidden = manifest(), manifest(truth="teacher")
    assert "truth" not in plain.model_dump(mode="json") and hidden.model_dump(mode="json")["truth"] == "teacher"
    spec = open_recording(plain).spec
    assert "truth" not in spec.to_json() and Spec.from_json(spec.to_json()) == spec
    other = open_recording(hidden).spec
    assert other.to_json()["truth"] == "teacher" and Spec.from_json(json.loads(json.dumps(other.to_json()))) == other


def test_eye_folders_are_read_without_their_tables(eyes):
    for file in eyes.path.rglob("Learn.csv"):
        file.unlink()
    data = eyes.model_copy(update={"truth": "teacher"})
    recording = open_recording(data)
    assert len(recording.table) and np.isnan(targets_of(recording)).all()
    assert not check_eyes(data, None).faults
    # With labels they would be missed.
    assert "Learn.csv" in refusal(open_recording, eyes)


def test_eye_folders_still_need_people_in_every_split(eyes):
    data = eyes.model_copy(update={"truth": "teacher", "splits": {"train": "train", "validation": "val"}})
    assert "test" in refusal(open_recording, data)


def people(many=6, each=4):
    """Names that a spreadsheet would take for formulas among them."""
    return np.repeat([f"{'-' if k % 2 else 'p'}{k}" for k in range(many)], each)


def arrays(**more):
    who = people()
    given = {"kind": "gaze", "unit": "cm", **more}
    return ArrayRecording({"x": np.arange(2.0 * len(who)).reshape(-1, 2)}, None, who, **given)


def test_arrays_without_targets():
    recording = arrays()
    assert recording.spec.truth == "teacher" and recording.definition.truth == "teacher"
    assert np.isnan(recording[0].target).all() and recording[0].target.shape == (2,)
    assert arrays(kind="angle", unit="rad").spec.outputs == 2 and arrays(kind="angle", unit="vector").spec.outputs == 3
    assert arrays(unit="px").spec.scene is None and arrays(unit="px", scene=(8, 6)).spec.scene == (8, 6)
    assert "kind is gaze, angle or value" in refusal(lambda: arrays(kind=None))
    assert "kind is gaze, angle or value" in refusal(lambda: arrays(kind="class"))


def test_the_teachers_outputs_are_the_truth_of_table_and_samples(tmp_path):
    recording = arrays()
    outputs = np.random.default_rng(0).normal(size=(24, 2)).astype(np.float32)
    judged = judged_by(recording, outputs)
    assert np.array_equal(targets_of(judged), outputs) and np.array_equal(judged[5].target, outputs[5])
    assert np.array_equal(collate([judged[2], judged[7]], judged.spec).target.numpy(), outputs[[2, 7]])
    # Stored and read again they are the same to the bit.
    write_csv(tmp_path / TRUTH_FILE, truth_table(judged))
    assert np.array_equal(targets_of(judged_by_stored(recording, tmp_path)), outputs)
    outputs[3, 1] = np.nan
    assert "1 of 24 samples are not finite" in refusal(judged_by, recording, outputs)


def test_without_a_teacher_there_is_no_truth(tmp_path, gaze_recording):
    told = refusal(judged_by_stored, arrays(), tmp_path)
    assert "no labels (data.truth: teacher)" in told and "`xgaze adopt MODEL" in told
    assert judged_by_stored(gaze_recording, tmp_path) is gaze_recording
    pd.DataFrame({"id": ["other"], "gaze_x_cm": [0.0], "gaze_y_cm": [0.0]}).to_csv(tmp_path / TRUTH_FILE, index=False)
    assert "holds 1 samples, and the recording 24" in refusal(judged_by_stored, arrays(), tmp_path)
    assert refusal(require_labels, arrays(), "calibration").startswith("calibration needs labels")


def test_of_any_recording_labels_can_be_hidden_but_of_classes(gaze_recording, class_recording):
    hidden = without_truth(gaze_recording)
    assert np.isnan(targets_of(hidden)).all() and np.isnan(hidden[0].target).all()
    assert hidden.regions == gaze_recording.regions and not np.isnan(targets_of(gaze_recording)).any()
    assert "data.unlabelled" in refusal(without_truth, class_recording)
