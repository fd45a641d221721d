"""ONNX files as networks of torch's layers: the same outputs as onnxruntime's, whatever the batch."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from xgaze.errors import InputError
from xgaze.models.own_networks.onnx_network import network_of_onnx
from xgaze.models.own_networks.stored_graph import graph_of, module_of

RNG = np.random.default_rng(0)


def weights(**shapes):
    return {name: RNG.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}


def file_of(folder, nodes, constants, inputs, output="y"):
    """A model of nodes (operation, inputs, output, attributes)."""
    made = [helper.make_node(kind, read, [out], name=out, **given) for kind, read, out, given in nodes]
    told = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape]) for name, shape in inputs.items()]
    out = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
    stored = [numpy_helper.from_array(one, name) for name, one in constants.items()]
    model = helper.make_model(
        helper.make_graph(made, "net", told, [out], stored), opset_imports=[helper.make_opsetid("", 17)]
    )
    model.ir_version = 8
    path = folder / "net.onnx"
    onnx.save(model, path)
    return path


def furthest(path, net, shapes):
    """Largest difference from onnxruntime over batches of three sizes, as a share of the largest output."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    far = 0.0
    for count in (1, 2, 5):
        batch = {name: RNG.normal(size=(count, *shape)).astype(np.float32) for name, shape in shapes.items()}
        expected = session.run(None, batch)[0]
        with torch.no_grad():
            found = net(*(torch.from_numpy(one) for one in batch.values())).numpy()
        assert found.shape == expected.shape
        far = max(far, np.abs(found - expected).max() / np.abs(expected).max())
    return far


def test_a_network_of_two_towers_is_read_and_stored(tmp_path):
    nodes = [
        ("Conv", ["eye", "k1", "b1"], "c1", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0, 1, 1, 1]}),
        ("BatchNormalization", ["c1", "s", "t", "m", "v"], "n1", {"epsilon": 1e-3}),
        ("LeakyRelu", ["n1"], "r1", {"alpha": 0.2}),
        ("MaxPool", ["r1"], "p1", {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("Conv", ["p1", "k2"], "c2", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "group": 2}),
        ("Clip", ["c2", "zero", "six"], "r2", {}),
        ("Reshape", ["r2", "flat"], "f1", {}),
        ("LRN", ["eye"], "l1", {"size": 3}),
        ("AveragePool", ["l1"], "p2", {"kernel_shape": [4, 4], "strides": [4, 4]}),
        ("Transpose", ["p2"], "t1", {"perm": [0, 2, 3, 1]}),
        ("Flatten", ["t1"], "f2", {}),
        ("Mul", ["head", "half"], "h1", {}),
        ("Concat", ["f1", "f2", "h1"], "all", {"axis": 1}),
        ("MatMul", ["all", "w1"], "d1", {}),
        ("Add", ["d1", "b2"], "d2", {}),
        ("HardSwish", ["d2"], "r3", {}),
        ("Gemm", ["r3", "w2", "b3"], "d3", {"transB": 1}),
        ("Add", ["d3", "offset"], "y", {}),
    ]
    constants = weights(
        k1=(4, 2, 3, 3), b1=(4,), s=(4,), t=(4,), m=(4,), k2=(6, 2, 3, 3), w1=(6 * 9 + 2 * 9 + 3, 5), b2=(5,)
    )
    constants |= weights(w2=(2, 5), b3=(2,), offset=(1, 2)) | {"v": RNG.uniform(0.5, 2, 4).astype(np.float32)}
    constants |= {"zero": np.float32(0), "six": np.float32(6), "half": np.float32(0.5), "flat": np.array([0, -1])}
    shapes = {"eye": (2, 13, 13), "head": (3,)}
    path = file_of(tmp_path, nodes, {name: np.asarray(one) for name, one in constants.items()}, shapes)
    net, names, _ = network_of_onnx(path, {"left": (2, 13, 13), "right": (3,)}, 2)
    assert names == ["eye", "head"]
    assert furthest(path, net, shapes) < 1e-5
    assert [type(one).__name__ for one in net.children() if isinstance(one, torch.nn.Linear)] == ["Linear", "Linear"]
    assert all(
        one.bias is not None for one in net.children() if isinstance(one, torch.nn.Linear)
    )  # a sum is a bias again
    again = module_of(graph_of(net, (torch.zeros(2, 2, 13, 13), torch.zeros(2, 3))))
    again.load_state_dict(net.state_dict())
    assert furthest(path, again.eval(), shapes) < 1e-5
    turned, names, _ = network_of_onnx(path, {"head": (3,), "eye": (2, 13, 13)}, 2)
    assert names == ["head", "eye"]
    eye, head = torch.ones(2, 2, 13, 13), torch.ones(2, 3)
    torch.testing.assert_close(turned(head, eye), net(eye, head))


def test_softmax_expectation_and_means_are_read(tmp_path):
    nodes = [
        ("GlobalAveragePool", ["x"], "a", {}),
        ("Squeeze", ["a", "places"], "b", {}),
        ("ReduceMean", ["x"], "c", {"axes": [2, 3], "keepdims": 0}),
        ("Sub", ["b", "c"], "d", {}),
        ("Gemm", ["c", "w"], "e", {}),
        ("Softmax", ["e"], "f", {"axis": 1}),
        ("MatMul", ["f", "bins"], "g", {}),
        ("ReduceMean", ["d"], "h", {"axes": [1], "keepdims": 1}),
        ("Add", ["g", "h"], "y", {}),
    ]
    constants = weights(w=(3, 7), bins=(7, 1)) | {"places": np.array([2, 3])}
    path = file_of(tmp_path, nodes, constants, {"x": (3, 4, 5)})
    assert furthest(path, network_of_onnx(path, {"x": (3, 4, 5)}, 1)[0], {"x": (3, 4, 5)}) < 1e-5


def test_a_tower_that_is_shared_stays_one(tmp_path):
    nodes = [
        (kind, [read, *own], f"{out}{eye}", given)
        for eye in "lr"
        for kind, read, own, out, given in (
            ("Conv", f"x{eye}", ["k"], "c", {"kernel_shape": [3, 3]}),
            ("Flatten", f"c{eye}", [], "f", {}),
            ("Gemm", f"f{eye}", ["w", "b"], "g", {}),
        )
    ]
    nodes += [("Sub", ["gl", "gr"], "y", {})]
    shapes = {"xl": (1, 5, 5), "xr": (1, 5, 5)}
    path = file_of(tmp_path, nodes, weights(k=(2, 1, 3, 3), w=(18, 2), b=(2,)), shapes)
    net = network_of_onnx(path, shapes, 2)[0]
    assert sum(one.numel() for one in net.parameters()) == 18 + 36 + 2
    assert furthest(path, net, shapes) < 1e-5


def test_what_is_not_read_is_named(tmp_path):
    unknown = [
        ("NonZero", ["x"], "a", {}),
        ("Det", ["x"], "b", {}),
        ("Det", ["b"], "c", {}),
        ("Sum", ["a", "c"], "y", {}),
    ]
    path = file_of(tmp_path, unknown, {}, {"x": (3, 4, 5)})
    told = r"holds operations that are not read: Det 'b', NonZero 'a'\. Adopt the network's class instead"
    with pytest.raises(InputError, match=told):
        network_of_onnx(path, {"x": (3, 4, 5)}, 1)
    over_samples = [("ReduceMean", ["x"], "m", {"axes": [0], "keepdims": 1}), ("Sub", ["x", "m"], "y", {})]
    path = file_of(tmp_path, over_samples, {}, {"x": (3,)})
    with pytest.raises(InputError, match="ReduceMean 'm' is not read: it goes over the samples of a batch"):
        network_of_onnx(path, {"x": (3,)}, 3)
    constant = [("Sub", ["x", "x"], "z", {}), ("Identity", ["k"], "y", {})]
    path = file_of(tmp_path, constant, {"k": np.ones((1, 3), np.float32)}, {"x": (3,)})
    with pytest.raises(InputError, match="its output y is the same whatever the inputs are"):
        network_of_onnx(path, {"x": (3,)}, 3)


def test_inputs_of_another_number_or_size_are_refused(tmp_path):
    path = file_of(tmp_path, [("Add", ["a", "b"], "y", {})], {}, {"a": (3,), "b": (3,)})
    with pytest.raises(InputError, match=r"takes 2 inputs \(a \(n, 3\), b \(n, 3\)\), the recording has 1 \(eye\)"):
        network_of_onnx(path, {"eye": (3,)}, 3)
    with pytest.raises(InputError, match=r"its input b \(n, 3\) is given 'head' of the recording, of \(2,\) a sample"):
        network_of_onnx(path, {"eye": (3,), "head": (2,)}, 3)


def test_of_several_outputs_the_one_that_fits_or_is_named(tmp_path):
    nodes = [(kind, ["x"], out, {}) for kind, out in (("Relu", "gaze"), ("Tanh", "pupil"), ("GlobalMaxPool", "other"))]
    path = file_of(tmp_path, nodes, {}, {"x": (2,)}, "gaze")
    model = onnx.load(path)
    told = {"gaze": ["n", 2], "pupil": ["n", 2], "other": ["n", 5]}
    del model.graph.output[:]
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, one) for name, one in told.items())
    onnx.save(model, path)
    with pytest.raises(InputError) as refused:
        network_of_onnx(path, {"x": (2,)}, 2)
    assert str(refused.value).endswith(
        "its outputs are gaze (n, 2), pupil (n, 2), other (n, 5), 2 of which are (samples, 2), as the recording's target is: "
        "say which by model.output."
    )
    x = torch.tensor([[1.0, -2.0]])
    for output, expected in (("pupil", x.tanh()), (1, x.tanh()), ("gaze", x.relu())):
        net, _, found = network_of_onnx(path, {"x": (2,)}, 2, output)
        torch.testing.assert_close(net(x), expected)
        assert found == ("gaze" if output == "gaze" else "pupil")
    with pytest.raises(InputError, match=r"and none is 'eye', as model\.output says"):
        network_of_onnx(path, {"x": (2,)}, 2, "eye")
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 4
    onnx.save(model, path)
    assert network_of_onnx(path, {"x": (2,)}, 2)[2] == "pupil"  # the only one of two numbers
