"""Weights of layers that compute in floats, stored in 8 bits."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, numpy_helper
from torch import nn

from xgaze.compression.export.packed_weights import FEWEST, pack_weights, to_int8
from xgaze.compression.export.quantise import predict_onnx
from xgaze.compression.export.slim import slimmest
from xgaze.data.contract import rows_of


@pytest.fixture
def test_rows(gaze_recording):
    return rows_of(gaze_recording, "test")


def pack(source, target):
    onnx.save(slimmest(pack_weights(onnx.load(source))), target)


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


def test_packing_computes_exactly_with_the_rounded_weights(exported, gaze_recording, test_rows, tmp_path):
    """Writing the rounded weights back as floats gives the same outputs."""
    pack(exported, tmp_path / "packed.onnx")
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
    pack(exported, tmp_path / "packed.onnx")
    assert _kinds(tmp_path / "packed.onnx", tmp_path / "a") == _kinds(exported, tmp_path / "b")


def _kinds(file, scratch):
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(scratch)
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.log_severity_level = 4
    onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    return sorted(node.op_type for node in onnx.load(scratch).graph.node)


def test_packing_leaves_small_weights_as_they_are():
    model = _graph(nn.Linear(6, 5))
    assert TensorProto.INT8 not in {one.data_type for one in pack_weights(model).graph.initializer}
    assert TensorProto.INT8 in {one.data_type for one in pack_weights(model, fewest=30).graph.initializer}


def test_scales_that_are_scalars_stay_scalars():
    scale = numpy_helper.from_array(np.array(0.5, np.float32), "scale")
    node = onnx.helper.make_node("Mul", ["x", "scale"], ["y"])
    ends = [onnx.helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in ("x", "y")]
    graph = onnx.helper.make_graph([node], "half", ends[:1], ends[1:], [scale])
    (stored,) = slimmest(onnx.helper.make_model(graph)).graph.initializer
    assert list(stored.dims) == [] and numpy_helper.to_array(stored) == np.float32(0.5)
