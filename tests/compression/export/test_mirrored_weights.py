"""Kernels turned left to right: written out for the quantiser, stored once in the file, and the file runs."""

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import nn

from xgaze.compression.export.eight_bits import pack_alone
from xgaze.compression.export.mirrored_weights import turn_when_loaded, write_out_turned
from xgaze.compression.export.onnx import export_onnx, open_session, run_onnx
from xgaze.compression.export.quantise import predict_onnx, quantise_onnx
from xgaze.data.contract import rows_of
from xgaze.models.layers import FeatureHead, Float32Sequential
from xgaze.models.shared_layers import Borrowed


class Mirrored(FeatureHead):
    """Two cameras, one kernel, the other's turned."""

    def __init__(self, spec):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 5, stride=3)
        self.turned = Borrowed(self.conv, mirrored=True)
        with torch.no_grad():
            width = self.conv(torch.zeros(1, *spec.inputs[0].shape)).numel()
        self.head = Float32Sequential(nn.Linear(2 * width, 16), nn.ReLU(), nn.Linear(16, 2))

    def features(self, x, y):
        return torch.cat([torch.relu(self.conv(x)).flatten(1), torch.relu(self.turned(y)).flatten(1)], 1)


@pytest.fixture(scope="module")
def made(gaze_recording, tmp_path_factory):
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("mirrored") / "float.onnx"
    model = Mirrored(gaze_recording.spec).eval()
    with torch.no_grad():
        model.head[2].weight *= 100
    export_onnx(model, gaze_recording.spec, file)
    return file


def stored(model):
    return {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}


def test_a_turned_kernel_is_written_out_as_it_is(made, gaze_recording):
    model = onnx.load(made)
    slices = [node for node in model.graph.node if node.op_type == "Slice"]
    kernel = stored(model)[slices[0].input[0]]
    written = write_out_turned(onnx.load(made))
    assert slices and not [node for node in written.graph.node if node.op_type == "Slice"]
    np.testing.assert_array_equal(stored(written)[slices[0].output[0]], kernel[..., ::-1])
    assert set(stored(written)) == {name for node in written.graph.node for name in node.input} & set(stored(written))


def test_written_out_and_turned_again_it_computes_the_same(made, gaze_recording, tmp_path):
    rows = np.arange(6)
    expected = predict_onnx(made, gaze_recording, rows)
    whole = write_out_turned(onnx.load(made))
    for name, model in (("out", whole), ("once", turn_when_loaded(write_out_turned(onnx.load(made))))):
        onnx.save(model, tmp_path / name)
        np.testing.assert_allclose(predict_onnx(tmp_path / name, gaze_recording, rows), expected, atol=1e-3)
    assert (tmp_path / "once").stat().st_size < (tmp_path / "out").stat().st_size - 3 * 8 * 25


def test_what_is_no_mirror_image_or_small_stays(gaze_recording):
    kernel = np.random.default_rng(0).normal(size=(8, 1, 5, 5)).astype(np.float32)
    named = {
        "a": kernel,
        "b": kernel[..., ::-1],
        "c": kernel[..., ::-1, :],
        "d": kernel[:1],
        "e": kernel[:1, ..., ::-1],
    }
    graph = onnx.helper.make_graph(
        [], "g", [], [], [numpy_helper.from_array(np.ascontiguousarray(one), name) for name, one in named.items()]
    )
    model = turn_when_loaded(onnx.helper.make_model(graph))
    assert [node.output[0] for node in model.graph.node] == ["b"]
    assert {"a", "c", "d", "e"} <= set(stored(model)) and "b" not in stored(model)


def test_a_symmetrical_kernel_is_no_image_of_itself(gaze_recording):
    kernel = np.ones((8, 1, 5, 5), np.float32)
    graph = onnx.helper.make_graph([], "g", [], [], [numpy_helper.from_array(kernel, "a")])
    assert not turn_when_loaded(onnx.helper.make_model(graph)).graph.node


def test_in_8_bits_it_runs_and_stays_near(made, gaze_recording, tmp_path):
    train, test = rows_of(gaze_recording, "train"), rows_of(gaze_recording, "test")
    quantise_onnx(made, gaze_recording, train, tmp_path / "8", frames=32)
    pack_alone(made, tmp_path / "alone")
    floats = predict_onnx(made, gaze_recording, test)
    for name, near in (("8", 0.1), ("alone", 0.02)):
        found = predict_onnx(tmp_path / name, gaze_recording, test)
        assert np.abs(found - floats).mean() < near * floats.std()
        kinds = [
            tensor.dims
            for tensor in onnx.load(tmp_path / name).graph.initializer
            if len(tensor.dims) == 4 and tensor.dims[-1] == 5
        ]
        assert len(kinds) == 1  # one kernel, turned when it is loaded
    assert run_onnx(
        open_session(tmp_path / "8"), [torch.zeros(1, *one.shape) for one in gaze_recording.spec.inputs]
    ).shape == (1, 2)
