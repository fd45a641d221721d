"""A network computes what its 8-bit file does: the same weights to the bit, the same outputs up to sums that lie between two
steps. Weights have 7 bits throughout, with which sums overflow on no processor."""

import runpy
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from xgaze.compression.export.computed_in_floats import ALL, FORMS
from xgaze.compression.export.quantise import predict_onnx, quantise_onnx, with_roundings
from xgaze.compression.export.rounding import rounded_network
from xgaze.compression.export.rounding.rounded_network import RoundedNetwork
from xgaze.data.contract import rows_of
from xgaze.errors import InputError
from xgaze.models.inference import predict

UNEVEN = runpy.run_path(str(Path(__file__).with_name("uneven.py")))
EYES = ["eye0", "eye1"]


def made(source, recording, form=ALL, frames=16):
    floats = onnx.load(source)
    rounded = with_roundings(source, recording, rows_of(recording, "train"), frames, True, form)
    return RoundedNetwork(floats, rounded, EYES, {one.name for one in floats.graph.initializer})


def in_8_bits(source, recording, target, form=ALL):
    quantise_onnx(source, recording, rows_of(recording, "train"), target, 16, True, form)
    return target


@pytest.fixture
def uneven(spread, gaze_recording, tmp_path):
    """The torch model, and its file."""
    torch.manual_seed(0)
    model = spread(UNEVEN["Uneven"](), gaze_recording)
    UNEVEN["make_uneven"](model)
    UNEVEN["write_onnx"](model, tmp_path / "uneven.onnx")
    return model, tmp_path / "uneven.onnx"


def assert_alike(ours, theirs):
    """98 of 100 outputs to a hundredth of a px; none further away than one step of one number can carry, a hundredth of what the
    outputs span."""
    apart = np.abs(ours - theirs)
    assert np.quantile(apart, 0.98) < 0.01
    assert apart.max() < 0.01 * np.ptp(theirs)


def test_all_but_the_last_layer_as_onnxruntime_computes_it(uneven, gaze_recording, tmp_path):
    model, source = uneven
    rows = rows_of(gaze_recording, "test")
    ours = predict(made(source, gaze_recording), gaze_recording, rows)
    theirs = predict_onnx(in_8_bits(source, gaze_recording, tmp_path / "8.onnx"), gaze_recording, rows)
    assert_alike(ours, theirs)
    assert np.abs(theirs - predict(model, gaze_recording, rows)).max() > 10  # there was something to equal


def test_shared_pools_mirrors_and_factors_as_onnxruntime_computes_them(exported, gaze_recording, tmp_path):
    rows = rows_of(gaze_recording, "test")
    ours = predict(made(exported, gaze_recording, FORMS[1]), gaze_recording, rows)
    file = in_8_bits(exported, gaze_recording, tmp_path / "8.onnx", FORMS[1])
    assert_alike(ours, predict_onnx(file, gaze_recording, rows))


def test_a_float_weight_between_two_roundings_is_what_onnxruntime_makes_of_it(exported, gaze_recording, tmp_path):
    file = in_8_bits(exported, gaze_recording, tmp_path / "8.onnx")
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.log_severity_level, options.optimized_model_filepath = 3, str(tmp_path / "loaded.onnx")
    onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    graph = onnx.load(tmp_path / "loaded.onnx").graph
    stored = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    product = next(one for one in graph.node if one.op_type == "QGemm")
    whole, scale = (stored[name] for name in product.input[3:5])
    network, known = made(exported, gaze_recording), {}
    for node in network.nodes:
        if all(name in known or name in network.places for name in node.inputs):
            made_of = [network._value(known, name) for name in node.inputs]
            known[node.outputs[0]] = rounded_network._computed(node, made_of).detach()
    (loaded,) = (one for one in network.nodes if one.operation == rounded_network.LOADED)
    assert np.array_equal(np.rint(known[loaded.outputs[0]].numpy() / scale), whole)


def test_gradients_pass_what_is_rounded_and_stop_at_the_ends():
    x = torch.tensor([-1.0, 0.26, 0.9, 3.0], requires_grad=True)
    y = rounded_network._StraightThrough.apply(x, torch.tensor(0.5), torch.tensor(1.0), 0.0, 5.0)
    y.sum().backward()
    assert y.tolist() == [-0.5, 0.5, 1.0, 2.0]
    assert x.grad.tolist() == [0, 1, 1, 0]


def test_a_mirrored_kernel_learns_as_the_one_it_mirrors(gaze_recording, tmp_path):
    weight = np.random.default_rng(0).normal(0, 0.1, (4, 1, 5, 5)).astype(np.float32)
    stored = [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(np.ones((8, 2), np.float32), "v")]
    places = zip(("s", "e", "x", "p"), (-1, np.iinfo(np.int64).min, -1, -1), strict=True)
    stored += [numpy_helper.from_array(np.array([value], np.int64), name) for name, value in places]
    nodes = [
        helper.make_node("Slice", ["w", "s", "e", "x", "p"], ["w'"], "turn"),
        helper.make_node("Conv", ["eye0", "w"], ["a"], "one"),
        helper.make_node("Conv", ["eye1", "w'"], ["b"], "other"),
        helper.make_node("Concat", ["a", "b"], ["c"], "both", axis=1),
        helper.make_node("GlobalAveragePool", ["c"], ["d"], "mean"),
        helper.make_node("Flatten", ["d"], ["f"], "flatten"),
        helper.make_node("MatMul", ["f", "v"], ["output"], "out"),
    ]
    eyes = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 1, 40, 40]) for name in EYES]
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", 2])
    graph = helper.make_graph(nodes, "mirror", eyes, [output], stored)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), tmp_path / "m.onnx")
    network = made(tmp_path / "m.onnx", gaze_recording)
    assert sorted(one.shape for one in network.parameters()) == [(4, 1, 5, 5), (8, 2)]
    left, right = torch.rand(2, 1, 1, 40, 40)
    network(left, right).sum().backward()
    kernel = next(one for one in network.parameters() if one.dim() == 4)
    first = kernel.grad.clone()
    kernel.grad = None
    network(right.flip(-1), left.flip(-1)).sum().backward()  # the other camera sees the mirror image
    assert torch.allclose(first, kernel.grad, rtol=0.05, atol=0.05 * first.abs().max())
    with torch.no_grad():
        kernel.mul_(2)
    tuned = network.tuned(onnx.load(tmp_path / "m.onnx")).graph
    assert np.array_equal(numpy_helper.to_array(tuned.initializer[0]), 2 * weight)
    assert next(one.op_type for one in tuned.node) == "Slice"


def test_what_is_not_known_is_named(uneven, gaze_recording, tmp_path):
    UNEVEN["write_onnx"](uneven[0], tmp_path / "m.onnx", last="Sign")
    with pytest.raises(InputError, match=r"^it holds Sign$"):
        made(tmp_path / "m.onnx", gaze_recording)
