"""8 bits: near the float model on frames nobody calibrated on, small files, nothing left behind."""

import json
import logging
import tempfile

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto

from xgaze.compression.export import quantise
from xgaze.compression.export.computed_in_floats import float_nodes
from xgaze.compression.export.onnx import Latency, export_onnx, paired_ratio
from xgaze.compression.export.quantise import (
    int8_figures,
    predict_onnx,
    products_overflow,
    quantise_onnx,
)
from xgaze.data.contract import Spec, rows_of, targets_of
from xgaze.errors import InputError
from xgaze.models.inference import predict
from xgaze.models.registry import build


@pytest.fixture(scope="module")
def quantised(exported, gaze_recording, tmp_path_factory):
    file = tmp_path_factory.mktemp("int8") / "model.int8.onnx"
    quantise_onnx(exported, gaze_recording, rows_of(gaze_recording, "train"), file, frames=48)
    return file


@pytest.fixture
def test_rows(gaze_recording):
    return rows_of(gaze_recording, "test")


def test_predictions_of_a_file_are_those_of_the_model(thin_student, exported, gaze_recording, test_rows):
    found = predict_onnx(exported, gaze_recording, test_rows, batch_size=7)
    expected = predict(thin_student, gaze_recording, test_rows)
    assert found.shape == (len(test_rows), 2)
    np.testing.assert_allclose(found, expected, atol=0.05)


def test_int8_stays_near_the_float_model_on_other_people(exported, quantised, gaze_recording, test_rows):
    floats = predict_onnx(exported, gaze_recording, test_rows)
    ints = predict_onnx(quantised, gaze_recording, test_rows)
    off = np.linalg.norm(ints - floats, axis=1)
    assert floats.std(axis=0).min() > 10
    assert off.mean() < 0.1 * np.linalg.norm(floats.std(axis=0))


def test_int8_outputs_have_no_steps_of_several_px(exported, quantised, gaze_recording, tmp_path, monkeypatch):
    """With the last layers in 8 bits, gaze points would lie on a grid."""

    def all_but_the_scale(graph):
        kinds = {node.name: node.op_type for node in graph.node}
        return {name for name in float_nodes(graph) if kinds[name] not in ("Gemm", "Sigmoid")}

    monkeypatch.setattr("xgaze.compression.export.computed_in_floats.float_nodes", all_but_the_scale)
    quantise_onnx(exported, gaze_recording, rows_of(gaze_recording, "train"), tmp_path / "all.onnx", frames=48)

    def smallest_step(file):
        outputs = predict_onnx(file, gaze_recording, np.arange(len(gaze_recording.table)))
        return np.diff(np.unique(outputs[:, 0].round(3))).min()

    assert smallest_step(tmp_path / "all.onnx") > 2
    assert smallest_step(quantised) < 0.5


def test_int8_computes_the_convolutions_in_8_bits_and_the_last_layer_in_floats(quantised):
    graph = onnx.load(quantised).graph
    maker = {name: node for node in graph.node for name in node.output}
    weights = {one.name: one.data_type for one in graph.initializer}
    for node in graph.node:
        if node.op_type == "Conv":
            source = maker[node.input[1]]
            assert source.op_type == "DequantizeLinear"
            name = source.input[0]
            while name not in weights:  # rearranged when it is loaded
                name = maker[name].input[0]
            assert weights[name] == TensorProto.INT8
    last = [node for node in graph.node if node.op_type == "Gemm"][-1]
    assert weights[last.input[1]] == TensorProto.FLOAT


def test_int8_is_a_third_of_the_float_file_or_less(exported, quantised):
    assert quantised.stat().st_size < exported.stat().st_size / 3


def test_the_spec_stays_in_every_file(exported, quantised, gaze_recording):
    for file in (exported, quantised):
        kept = {one.key: one.value for one in onnx.load(file).metadata_props}
        assert Spec.from_json(json.loads(kept["xgaze.spec"])) == gaze_recording.spec


def test_nothing_is_left_behind_and_nothing_said(exported, gaze_recording, tmp_path, monkeypatch, capfd, caplog):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.chdir(tmp_path)
    quantise_onnx(exported, gaze_recording, np.arange(8), tmp_path / "out" / "int8.onnx", frames=4)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["out", "scratch"]
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["int8.onnx"]
    assert list(scratch.iterdir()) == []
    assert capfd.readouterr() == ("", "") and not caplog.records
    assert logging.root.manager.disable == logging.NOTSET


def test_the_same_frames_give_the_same_file(exported, gaze_recording, tmp_path):
    for name in "ab":
        quantise_onnx(exported, gaze_recording, np.arange(20), tmp_path / name, frames=10)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_failure_leaves_no_file(exported, gaze_recording, tmp_path):
    with pytest.raises(InputError, match="frames to calibrate on, and there are none"):
        quantise_onnx(exported, gaze_recording, np.arange(0), tmp_path / "int8.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"not a model")
    for name, message in (("broken.onnx", "not a readable ONNX file"), ("missing.onnx", "no such file")):
        with pytest.raises(InputError, match=message):
            quantise_onnx(tmp_path / name, gaze_recording, np.arange(4), tmp_path / "int8.onnx")
    assert [one.name for one in tmp_path.iterdir()] == ["broken.onnx"]


def test_a_classifier_is_quantised_too(class_recording, tmp_path, spread):
    torch.manual_seed(0)
    spec = Spec(class_recording.spec.inputs, "class", unit="AUC", classes=("left", "right"))
    model = spread(build("heatmap-cnn", {"channels": [8, 16]}, spec), class_recording)
    export_onnx(model, spec, tmp_path / "f.onnx")
    quantise_onnx(tmp_path / "f.onnx", class_recording, rows_of(class_recording, "train"), tmp_path / "q.onnx")
    rows = rows_of(class_recording, "test")
    floats, ints = (predict_onnx(tmp_path / name, class_recording, rows) for name in ("f.onnx", "q.onnx"))
    assert np.abs(ints - floats).mean() < 0.05 * floats.std()
    assert (tmp_path / "q.onnx").stat().st_size < (tmp_path / "f.onnx").stat().st_size / 2.5  # its last layer, packed


def test_figures_compare_with_the_float_model(exported, quantised, gaze_recording, test_rows):
    floats = predict_onnx(exported, gaze_recording, test_rows)
    ints = predict_onnx(quantised, gaze_recording, test_rows)
    truth = targets_of(gaze_recording, test_rows)
    twice_as_bad = truth + 2 * (ints - truth)
    report = int8_figures(exported, quantised, gaze_recording, test_rows, twice_as_bad, repeats=3)
    a, b = (np.linalg.norm(one - truth, axis=1).mean() for one in (ints, floats))
    assert report.bytes == quantised.stat().st_size and report.float_bytes == exported.stat().st_size
    assert report.error.mean == pytest.approx(a)
    assert report.difference_percent.mean == pytest.approx(100 * (a / b - 1), abs=1e-3)
    assert report.worse_than_reference_percent.mean == pytest.approx(-50, abs=1e-3)
    json.dumps(report.to_json(), allow_nan=False)


def test_the_ratio_of_times_is_that_of_sessions_measured_in_turn(monkeypatch):
    asked = []

    def measured(session, inputs, repeats, warm_up):
        asked.append(session)
        drift = 1 + len(asked)  # the machine becomes slower and slower, for both
        return Latency({"slow": 3.0, "fast": 2.0}[session] * (drift // 2), 0.0)

    monkeypatch.setattr("xgaze.compression.export.onnx.measure_latency_ms", measured)
    found = paired_ratio("slow", "fast", (), rounds=6)
    assert asked == ["slow", "fast", "fast", "slow"] * 3
    assert (found.low, found.mean, found.high) == tuple([pytest.approx(1.5)] * 3)


@pytest.mark.parametrize(
    ("able", "overflow"),
    [
        ({"architecture": "x86_64", "avx2": True}, True),
        ({"architecture": "x86_64", "avx512_bw": True, "avx512_vnni": False}, True),
        ({"architecture": "x86_64", "avx512_vnni": True}, False),
        ({"architecture": "x86_64", "avx_vnni": True}, False),
        ({"architecture": "aarch64"}, False),
    ],
)
def test_weights_have_7_bits_where_sums_of_8_bit_products_overflow(
    able, overflow, exported, gaze_recording, tmp_path, monkeypatch
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    assert products_overflow() == overflow
    asked = []
    monkeypatch.setattr(quantise, "quantize_static", lambda *_, reduce_range, **__: asked.append(reduce_range) or 1 / 0)
    with pytest.raises(InputError):
        quantise_onnx(exported, gaze_recording, rows_of(gaze_recording, "train"), tmp_path / "int8.onnx")
    assert asked == [overflow]
