"""8 bits: near the float model on frames nobody calibrated on, small files, nothing left behind."""

import json
import logging
import tempfile

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, numpy_helper
from torch import nn

from xgaze.compression.export import Latency, export_onnx, onnx_parity, open_session
from xgaze.compression.low_rank import LowRank
from xgaze.compression.pack import FEWEST, pack_onnx, pack_weights, to_int8
from xgaze.compression.quantise import Int8Report, float_nodes, int8_figures, predict_onnx, quantise_onnx
from xgaze.compression.separable import Separable
from xgaze.compression.slim import slimmest
from xgaze.data.batches import ordered_batches
from xgaze.data.contract import Spec, rows_of, targets_of
from xgaze.errors import InputError
from xgaze.evaluation.participants import Interval
from xgaze.evaluation.score import Summary
from xgaze.models.inference import predict
from xgaze.models.registry import build

LAYER = "head.embedding"


@pytest.fixture(scope="module")
def model(gaze_recording):
    """A student with a separable first layer, and random weights that carry what the blobs say to the outputs."""
    torch.manual_seed(0)
    args = {"first_stride": 1, "conv3_stride": 1, "conv3_padding": 2, "lrn": False, "hidden": 16}
    student = build("multi-eye", args, gaze_recording.spec)
    LowRank(LAYER, 3).reshape(student)
    Separable(f"{LAYER}.reduce", 1, *student.feature_shape).reshape(student)
    student.get_submodule(f"{LAYER}.reduce").reset_parameters()
    return spread(student, gaze_recording)


@torch.no_grad()
def spread(model, recording):
    """No biases, lively weights, and a last layer whose outputs have mean 0 and standard deviation 0.5 before they are scaled."""
    layers = [one for one in model.modules() if isinstance(one, nn.Conv2d | nn.Linear)]
    for layer in layers:
        nn.init.kaiming_normal_(layer.weight)
        if layer.bias is not None:
            layer.bias.zero_()
    read = []
    handle = layers[-1].register_forward_hook(lambda _module, _inputs, out: read.append(out))
    predict(model, recording, rows_of(recording, "train"))
    handle.remove()
    deviation, mean = torch.std_mean(torch.cat(read), dim=0)
    layers[-1].weight.div_(2 * deviation[:, None])
    layers[-1].bias.copy_(-mean / (2 * deviation))
    return model.eval()


@pytest.fixture(scope="module")
def exported(model, gaze_recording, tmp_path_factory):
    file = tmp_path_factory.mktemp("float") / "model.onnx"
    export_onnx(model, gaze_recording.spec, file)
    return file


@pytest.fixture(scope="module")
def quantised(exported, gaze_recording, tmp_path_factory):
    file = tmp_path_factory.mktemp("int8") / "model.int8.onnx"
    quantise_onnx(exported, gaze_recording, rows_of(gaze_recording, "train"), file, frames=48)
    return file


@pytest.fixture
def test_rows(gaze_recording):
    return rows_of(gaze_recording, "test")


def sizes(file):
    return {one.name: int(np.prod(one.dims)) for one in onnx.load(file).graph.initializer}


def test_the_exported_file_holds_weights_and_little_else(model, exported):
    """No stack traces, no written-out separable filters: 4 bytes a parameter and 8 kB."""
    parameters = sum(p.numel() for p in model.parameters())
    stored = onnx.load(exported)
    assert exported.stat().st_size < 4 * parameters + 8_000
    assert b"stack_trace" not in exported.read_bytes() and b"/xgaze/" not in exported.read_bytes()
    assert len(stored.graph.value_info) == 0
    assert sum(sizes(exported).values()) < parameters + 20


def test_the_exported_file_computes_what_the_model_does(model, exported, gaze_recording):
    batch = next(ordered_batches(gaze_recording, np.arange(8)))
    assert onnx_parity(model, open_session(exported), batch.inputs) < 1e-5


def test_predictions_of_a_file_are_those_of_the_model(model, exported, gaze_recording, test_rows):
    found = predict_onnx(exported, gaze_recording, test_rows, batch_size=7)
    expected = predict(model, gaze_recording, test_rows)
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

    monkeypatch.setattr("xgaze.compression.quantise.float_nodes", all_but_the_scale)
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
            assert source.op_type == "DequantizeLinear" and weights[source.input[0]] == TensorProto.INT8
    last = [node for node in graph.node if node.op_type == "Gemm"][-1]
    assert weights[last.input[1]] == TensorProto.FLOAT


def test_int8_is_a_third_of_the_float_file_or_less(exported, quantised):
    assert quantised.stat().st_size < exported.stat().st_size / 3


def test_the_spec_stays_in_every_file(exported, quantised, gaze_recording, tmp_path):
    pack_onnx(exported, tmp_path / "packed.onnx")
    for file in (exported, quantised, tmp_path / "packed.onnx"):
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


def test_a_classifier_is_quantised_too(class_recording, tmp_path):
    torch.manual_seed(0)
    spec = Spec(class_recording.spec.inputs, "class", unit="AUC", classes=("left", "right"))
    model = spread(build("heatmap-cnn", {"channels": [8, 16]}, spec), class_recording)
    export_onnx(model, spec, tmp_path / "f.onnx")
    quantise_onnx(tmp_path / "f.onnx", class_recording, rows_of(class_recording, "train"), tmp_path / "q.onnx")
    rows = rows_of(class_recording, "test")
    floats, ints = (predict_onnx(tmp_path / name, class_recording, rows) for name in ("f.onnx", "q.onnx"))
    assert np.abs(ints - floats).mean() < 0.05 * floats.std()
    assert (tmp_path / "q.onnx").stat().st_size < (tmp_path / "f.onnx").stat().st_size / 2.5  # its last layer, packed


def test_floats_begin_at_the_last_matrix_product():
    model = _graph(nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2), nn.Sigmoid()))
    kinds = [node.op_type for node in model.graph.node if node.name in float_nodes(model.graph)]
    assert kinds == ["Gemm", "Sigmoid"]
    assert len([node for node in model.graph.node if node.op_type == "Gemm"]) == 2


def _graph(module):
    program = torch.onnx.export(module.eval(), (torch.zeros(2, 6),), dynamo=True, verbose=False)
    return program.model_proto


def test_packed_weights_are_within_half_a_step():
    values = np.random.default_rng(0).normal(size=(5, 3, 2)).astype(np.float32)
    whole, scale = to_int8(values, axis=0)
    assert whole.dtype == np.int8 and scale.shape == (5, 1, 1) and np.abs(whole).max() == 127
    np.testing.assert_allclose(scale[:, 0, 0], np.abs(values).max(axis=(1, 2)) / 127, rtol=1e-6)
    assert np.all(np.abs(whole * scale - values) <= scale / 2 * 1.0001)


def test_a_channel_of_zeros_packs_to_zeros():
    whole, scale = to_int8(np.zeros((2, 3), np.float32), axis=0)
    assert not whole.any() and np.all(np.isfinite(scale))


def test_packed_files_are_small_and_near(exported, quantised, gaze_recording, test_rows, tmp_path):
    file = tmp_path / "packed.onnx"
    pack_onnx(exported, file)
    floats = predict_onnx(exported, gaze_recording, test_rows)
    packed = predict_onnx(file, gaze_recording, test_rows)
    assert np.linalg.norm(packed - floats, axis=1).mean() < 0.05 * np.linalg.norm(floats.std(axis=0))
    assert file.stat().st_size < quantised.stat().st_size


def test_packing_computes_exactly_with_the_rounded_weights(exported, gaze_recording, test_rows, tmp_path):
    """Writing the rounded weights back as floats gives the same outputs."""
    pack_onnx(exported, tmp_path / "packed.onnx")
    rounded = onnx.load(exported)
    for one in rounded.graph.initializer:
        values = numpy_helper.to_array(one)
        if values.dtype == np.float32 and values.size >= FEWEST and values.ndim > 1:
            whole, scale = to_int8(values, 0)
            one.CopyFrom(numpy_helper.from_array(whole * scale, one.name))
    onnx.save(rounded, tmp_path / "rounded.onnx")
    a, b = (predict_onnx(tmp_path / name, gaze_recording, test_rows) for name in ("packed.onnx", "rounded.onnx"))
    np.testing.assert_allclose(a, b, atol=0.05)


def test_runtimes_unpack_weights_on_loading(exported, tmp_path):
    """What is left to compute at each frame is what the float model computes."""
    pack_onnx(exported, tmp_path / "packed.onnx")
    assert _kinds(tmp_path / "packed.onnx", tmp_path / "a") == _kinds(exported, tmp_path / "b")


def _kinds(file, scratch):
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(scratch)
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.log_severity_level = 4
    onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    return sorted(node.op_type for node in onnx.load(scratch).graph.node)


def test_slimming_stores_equal_constants_once_and_keeps_inputs_and_outputs(exported):
    model = onnx.load(exported)
    twins = [numpy_helper.from_array(np.arange(3.0), name) for name in ("twin", "sibling")]
    before = len(model.graph.initializer)
    model.graph.initializer.extend(twins)
    model.graph.node[0].name = "a name"
    slimmest(model)
    contents = [(one.data_type, tuple(one.dims), one.raw_data) for one in model.graph.initializer]
    assert len(set(contents)) == len(contents) <= before + 1
    assert [one.name for one in model.graph.input] == ["eye0", "eye1"]
    assert [one.name for one in model.graph.output] == ["output"]
    assert not any(node.name for node in model.graph.node)
    onnx.checker.check_model(model, full_check=True)


def test_packing_leaves_small_weights_as_they_are():
    model = _graph(nn.Linear(6, 5))
    assert TensorProto.INT8 not in {one.data_type for one in pack_weights(model).graph.initializer}
    assert TensorProto.INT8 in {one.data_type for one in pack_weights(model, fewest=30).graph.initializer}


def test_figures_compare_with_the_float_model(exported, quantised, gaze_recording, test_rows):
    report = int8_figures(exported, quantised, gaze_recording, test_rows, repeats=3)
    floats = predict_onnx(exported, gaze_recording, test_rows)
    ints = predict_onnx(quantised, gaze_recording, test_rows)
    truth = targets_of(gaze_recording, test_rows)
    a, b = (np.linalg.norm(one - truth, axis=1).mean() for one in (ints, floats))
    assert report.bytes == quantised.stat().st_size and report.float_bytes == exported.stat().st_size
    assert report.error.mean == pytest.approx(a)
    assert report.difference_percent.mean == pytest.approx(100 * (a / b - 1), abs=1e-3)
    json.dumps(report.to_json(), allow_nan=False)


def test_a_slow_int8_model_is_said_to_be_slow():
    def report(ms):
        latency, floats = Latency(ms, ms), Latency(1.0, 1.1)
        return Int8Report(10, 40, Summary("px", 1, 1, 1, 1), Interval(0, 0, 0), latency, floats)

    assert (
        report(1.7).slower
        and "int8 is slower than float32 on this machine (1.70 against 1.00 ms)" in report(1.7).warning
    )
    assert not report(1.04).slower and report(1.04).warning == ""  # no more than repeated measurements differ
    assert report(0.5).to_json()["slower"] is False
    assert report(2.0).to_json()["warning"].startswith("int8 is slower")
