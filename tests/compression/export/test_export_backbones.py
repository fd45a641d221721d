"""ONNX and 8 bits of nets that exporters stumble over: what is written equals the model, or there is no file and a reason."""

import numpy as np
import pytest

from xgaze.compression import result
from xgaze.compression.distill import check_onnx
from xgaze.compression.export.onnx import (
    NoOnnx,
    export_checked,
    measure_latency_ms,
    open_session,
    run_onnx,
    takes_at_once,
)
from xgaze.compression.export.quantise import predict_onnx, quantise_onnx
from xgaze.compression.result import Outcome, gather_metrics, measure_int8, measure_onnx
from xgaze.data.batches import ordered_batches
from xgaze.data.contract import rows_of
from xgaze.errors import InputError
from xgaze.evaluation.intervals.participants import Interval
from xgaze.models.inference import predict


@pytest.fixture
def samples(gaze_recording):
    return next(iter(ordered_batches(gaze_recording, rows_of(gaze_recording, "test")[:5]))).inputs


def test_any_number_of_samples_is_verified_at_two_batch_sizes(net, gaze_recording, samples, tmp_path):
    model = net("group norm", gaze_recording)
    exported = export_checked(model, gaze_recording.spec, tmp_path / "model.onnx", samples)
    assert exported.batch == "any" and exported.parity < 1e-4
    assert takes_at_once(open_session(tmp_path / "model.onnx")) is None


def test_eyes_in_one_batch_are_exported_for_one_sample_at_a_time(net, gaze_recording, samples, tmp_path):
    model, file = net("one batch", gaze_recording), tmp_path / "model.onnx"
    assert export_checked(model, gaze_recording.spec, file, samples).batch == "one"
    session = open_session(file)
    assert takes_at_once(session) == 1 and measure_latency_ms(session, samples, repeats=2, warm_up=1).median > 0
    rows = rows_of(gaze_recording, "test")[:7]
    expected = predict(model, gaze_recording, rows)
    assert np.abs(run_onnx(session, samples) - expected[:5]).max() < 1e-3
    assert np.abs(predict_onnx(file, gaze_recording, rows) - expected).max() < 1e-3
    quantise_onnx(file, gaze_recording, rows_of(gaze_recording, "train"), tmp_path / "int8.onnx", frames=8)
    assert predict_onnx(tmp_path / "int8.onnx", gaze_recording, rows).shape == (7, 2)


def test_a_layer_that_onnx_lacks_leaves_no_file_and_is_told_before_the_search(
    net, gaze_recording, samples, make_recipe, tmp_path
):
    model, file = net("no onnx", gaze_recording), tmp_path / "model.onnx"
    with pytest.raises(NoOnnx, match="adaptive_max_pool2d"):
        export_checked(model, gaze_recording.spec, file, samples)
    assert list(tmp_path.iterdir()) == []
    measured = measure_onnx(model, gaze_recording.spec, file, samples)
    assert "adaptive_max_pool2d" in measured.pop("onnx_fault") and set(measured.values()) == {None}
    said = []
    check_onnx(make_recipe(), gaze_recording, model, tmp_path / "none.onnx", said.append)
    assert "There will be no ONNX of this model" in said[0] and "adaptive_max_pool2d" in said[0]
    with pytest.raises(InputError, match="--max-latency-ms is measured by onnxruntime, and there is no ONNX"):
        check_onnx(
            make_recipe(distill={"max_latency_ms": 1.0}), gaze_recording, model, tmp_path / "none.onnx", said.append
        )


def test_group_norm_is_quantised_around(net, gaze_recording, samples, tmp_path):
    model, file = net("group norm", gaze_recording), tmp_path / "model.onnx"
    export_checked(model, gaze_recording.spec, file, samples)
    quantise_onnx(file, gaze_recording, rows_of(gaze_recording, "train"), tmp_path / "int8.onnx")
    test = rows_of(gaze_recording, "test")
    floats, ints = (predict_onnx(one, gaze_recording, test) for one in (file, tmp_path / "int8.onnx"))
    assert np.abs(ints - floats).mean() < 0.2 * floats.std(axis=0).mean()


def test_a_failing_8_bit_step_is_a_reason_and_loses_nothing(gaze_recording, tmp_path, monkeypatch):
    reference = np.zeros((len(rows_of(gaze_recording, "test")), 2), np.float32)
    assert measure_int8(gaze_recording, tmp_path, reference) == {"int8": None, "int8_fault": "there is no ONNX file"}

    def failing(*_):
        raise RuntimeError("shared mode\nmore")

    monkeypatch.setattr(result, "write_eight_bits", failing)
    (tmp_path / "model.onnx").write_bytes(b"")
    (tmp_path / "model.int8.onnx").write_bytes(b"of an earlier student")
    assert measure_int8(gaze_recording, tmp_path, reference) == {"int8": None, "int8_fault": "shared mode"}
    assert not (tmp_path / "model.int8.onnx").exists()


def test_what_was_not_measured_is_null_in_the_figures():
    worse = Interval(mean=1.0, low=0.5, high=1.5)
    differences = ("difference", "against_teacher", "control_against_teacher")
    scored = {"error": dict.fromkeys(("teacher", "control", "student")), "macro_f1": None, "labels_only": None}
    scored |= {"frame_radii": None, "class_calibration": None}
    scored |= {
        "participants": 8,
        "worse_unit": "%",
        "guessing": {"teacher": {"learned": True}},
        **dict.fromkeys(differences, worse),
    }
    unmeasured = {"fc_parameters": 6, "parameters": 9, "latency_ms": None, "onnx_bytes": None, "int8": None}
    student = {**unmeasured, "fc_parameters": 3, "parameters": 6}
    outcome = Outcome(None, [], None, "teacher", held=True)
    figures = gather_metrics(scored, {"teacher": unmeasured, "student": student}, outcome, 2.0)
    assert figures["latency_ratio"] is figures["int8_file_reduction"] is None
    assert (figures["fc_reduction"], figures["parameter_reduction"], figures["budget_met"]) == (2.0, 1.5, True)
