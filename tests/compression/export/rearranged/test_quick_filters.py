"""Rearranged convolutions put out the same bytes, whatever their sides, margins, strides and groups."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from xgaze.compression.export.rearranged.quick_filters import rearrange

PICTURE = (24, 20)


def convolution(colours=1, filters=6, side=5, pads=(0, 0, 0, 0), size=PICTURE, **given):
    """A file of one convolution in 8 bits over a picture that is an input."""
    rng = np.random.default_rng(0)
    shape = (filters, colours // given.get("group", 1), side, side + 1)
    stored = {
        "scale": np.float32(0.02),
        "zero": np.uint8(117),
        "weight": rng.integers(-127, 128, shape).astype(np.int8),
        "weight.scale": rng.uniform(0.01, 0.02, filters).astype(np.float32),
        "weight.zero": np.zeros(filters, np.int8),
        "bias": rng.normal(size=filters).astype(np.float32),
        "out.scale": np.float32(0.1),
        "out.zero": np.uint8(120),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["x.whole"]),
        helper.make_node("DequantizeLinear", ["x.whole", "scale", "zero"], ["x.read"]),
        helper.make_node("DequantizeLinear", ["weight", "weight.scale", "weight.zero"], ["weight.read"], axis=0),
        helper.make_node("Conv", ["x.read", "weight.read", "bias"], ["y"], pads=list(pads), **given),
        helper.make_node("QuantizeLinear", ["y", "out.scale", "out.zero"], ["out"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", colours, *size])
    out = helper.make_tensor_value_info("out", TensorProto.UINT8, None)
    weights = [numpy_helper.from_array(np.asarray(value), name) for name, value in stored.items()]
    graph = helper.make_graph(nodes, "one", [x], [out], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def put_out(model, size=PICTURE):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    colours = session.get_inputs()[0].shape[1]
    return session.run(None, {"x": np.random.default_rng(1).normal(size=(3, colours, *size)).astype(np.float32)})[0]


def kinds(model):
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize(
    ("given", "step"),
    [
        ({"strides": [2, 2]}, "SpaceToDepth"),
        ({"strides": [2, 2], "pads": (1, 2, 2, 1)}, "SpaceToDepth"),
        ({"strides": [2, 2], "pads": (3, 0, 0, 3), "side": 7}, "SpaceToDepth"),
        ({"strides": [2, 2], "side": 2, "colours": 3}, "SpaceToDepth"),
        ({"group": 2, "colours": 6}, "Split"),
        ({"group": 3, "colours": 6, "strides": [2, 2], "pads": (1, 1, 1, 1)}, "Split"),
    ],
)
def test_it_puts_out_the_same_bytes_by_other_steps(given, step):
    model = convolution(**given)
    before = put_out(model)
    stored = {one.name: one for one in model.graph.initializer}
    assert rearrange(model) and step in kinds(model)
    found = put_out(model)
    assert len(np.unique(before)) > 20 and found.dtype == np.uint8
    np.testing.assert_array_equal(found, before)
    kept = {one.name: one for one in model.graph.initializer}
    assert numpy_helper.to_array(kept["weight"]).tobytes() == numpy_helper.to_array(stored["weight"]).tobytes()
    new = next(node for node in model.graph.node if node.op_type == "Conv")
    wanted = [1, 1] if step == "SpaceToDepth" else given.get("strides", [1, 1])
    told = {one.name: helper.get_attribute_value(one) for one in new.attribute}
    assert told.get("strides", [1, 1]) == wanted and told.get("group", 1) == 1


@pytest.mark.parametrize(
    "given",
    [
        {},  # stride 1
        {"strides": [2, 2], "size": (23, 20)},  # no whole squares
        {"strides": [2, 2], "colours": 5},
        {"strides": [2, 2], "dilations": [2, 2], "side": 3},
        {"group": 6, "colours": 6},  # a filter for each colour, of which onnxruntime has its own
        {"group": 2, "colours": 4, "filters": 66},
    ],
)
def test_what_is_no_faster_or_does_not_divide_stays(given):
    model = convolution(**given)
    before = model.SerializeToString()
    assert not rearrange(model) and model.SerializeToString() == before
