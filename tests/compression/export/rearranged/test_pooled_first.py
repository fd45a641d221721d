"""A rising activation goes after the pool that reads it alone; what is put out stays."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from xgaze.compression.export.rearranged.pooled_first import pool_first


def pooled(curve="LeakyRelu", outputs=("y",), **given):
    nodes = [
        helper.make_node(curve, ["x"], ["c"], "curve", **given),
        helper.make_node("MaxPool", ["c"], ["y"], "pool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 9, 8])
    made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    graph = helper.make_graph(nodes, "one", [x], made)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def put_out(model):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(0).normal(size=(1, 2, 9, 8)).astype(np.float32)
    return session.run(None, {"x": x})[0]


def order(model):
    return [(node.name, node.op_type) for node in model.graph.node]


@pytest.mark.parametrize(("curve", "given"), [("LeakyRelu", {"alpha": 0.01}), ("Elu", {}), ("Sigmoid", {})])
def test_the_pool_goes_first_and_the_outputs_stay(curve, given):
    model = pooled(curve, **given)
    before = put_out(model)
    pool_first(model)
    assert order(model) == [("pool", "MaxPool"), ("curve", curve)]
    np.testing.assert_array_equal(put_out(model), before)


@pytest.mark.parametrize(
    ("given", "floats"),
    [
        ({"alpha": -0.1}, ()),  # it falls below nought
        ({"curve": "Relu"}, ()),  # onnxruntime includes it in the convolution
        ({"outputs": ("y", "c")}, ()),  # read elsewhere
        ({}, ("curve",)),  # in floats
    ],
)
def test_others_stay_where_they_are(given, floats):
    model = pooled(**given)
    before = order(model)
    pool_first(model, floats)
    assert order(model) == before
