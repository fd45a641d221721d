"""Every operation of ONNX that is read makes what onnxruntime makes of it, whatever the batch, and once it is stored, too."""

import warnings
from collections.abc import Callable

import numpy as np
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper, save
from torch import nn
from torch.nn import functional as F

from xgaze.models.own_networks.onnx_network import network_of_onnx
from xgaze.models.own_networks.stored_graph import graph_of, module_of

SHAPE = (3, 8, 10)
SILENT = 3


class Calling(nn.Module):
    """A function of a picture and of layers."""

    def __init__(self, function: Callable, *layers: nn.Module) -> None:
        super().__init__()
        self.function, self.layers = function, nn.ModuleList(layers)

    def forward(self, x):
        return self.function(x, *self.layers)


def conv(outputs=4):
    return nn.Conv2d(3, outputs, 3, padding=1)


def after(*layers, outputs=4):
    return nn.Sequential(conv(outputs), *layers)


def chained(x, first):
    n, channels, height, width = first(x).shape
    return first(x).view(n, -1, height * width).permute(0, 2, 1).reshape(n, height * width, channels).mean(1)


def shuffled(x, first):
    n, channels, height, width = first(x).shape
    return (
        first(x).view(n, 2, channels // 2, height, width).transpose(1, 2).contiguous().view(n, channels, height, width)
    )


def sliced(x, first):
    one, other = first(x).chunk(2, 1)
    return torch.cat([one, other[:, :, ::2, 1::2].repeat(1, 1, 2, 2), other[:, :, -8:]], 1)


def padded(x, first):
    return first(F.pad(F.pad(F.pad(x, (1, 2, 0, 1)), (1, 1, 1, 1), mode="reflect"), (0, 2, 1, 0), mode="replicate"))


def both_in_one_batch(x, first):
    one, other = first(torch.cat([x, x.flip(3)], 0)).chunk(2, 0)
    return torch.cat([one, 2 * other], 1)


def tokens(x, first, token):
    rows = first(x).flatten(2).transpose(1, 2)
    return torch.cat([token.weight[None].expand(x.shape[0], -1, -1), rows], 1).mean(1)


def centre(x, first):
    share = torch.softmax(first(x).reshape(x.shape[0], 4, -1), -1).reshape(x.shape[0], 4, 8, 10)
    return torch.stack([(share * torch.arange(10.0)).sum((2, 3)), (share * torch.arange(8.0)[:, None]).sum((2, 3))], -1)


EXPORTED = {
    "shape chain": (Calling(chained, conv()), {"Conv2d"}),
    "shuffle": (Calling(shuffled, conv()), {"Conv2d"}),
    "slice, tile": (Calling(sliced, conv()), {"Conv2d"}),
    "split": (Calling(lambda x, c: torch.mul(*torch.split(c(x), [1, 3], 1)), conv()), {"Conv2d"}),
    "pad": (Calling(padded, conv()), {"Conv2d"}),
    "both eyes in one batch": (Calling(both_in_one_batch, conv()), {"Conv2d"}),
    "gather": (Calling(lambda x, c: c(x)[:, [0, 3, 1]] + c(x)[:, 2:3] + c(x)[:, 1][:, None], conv()), {"Conv2d"}),
    "squeeze": (Calling(lambda x, c: c(x).mean((2, 3), keepdim=True).squeeze(), conv()), {"Conv2d"}),
    "flip": (Calling(lambda x, c: torch.flip(c(x), (3,)), conv()), {"Conv2d"}),
    "where": (Calling(lambda x, c: torch.where(c(x) > 0, c(x), -2 * c(x)), conv()), {"Conv2d"}),
    "token": (Calling(tokens, conv(), nn.Embedding(1, 4)), {"Conv2d"}),
    "instance norm": (after(nn.InstanceNorm2d(4, affine=True)), {"InstanceNorm2d"}),
    "layer norm": (after(nn.LayerNorm([4, 8, 10])), {"LayerNorm"}),
    "layer norm of channels": (
        Calling(lambda x, c, n: n(c(x).permute(0, 2, 3, 1)), conv(), nn.LayerNorm(4)),
        {"LayerNorm"},
    ),
    "group norm": (after(nn.GroupNorm(2, 4)), {"Conv2d"}),
    "hard": (after(nn.Hardswish(), nn.Hardsigmoid()), {"Hardswish", "Hardsigmoid"}),
    "relu6": (after(nn.ReLU6()), {"ReLU6"}),
    "slopes": (after(nn.LeakyReLU(0.2), nn.PReLU(4), nn.PReLU()), {"LeakyReLU", "PReLU"}),
    "exponential": (after(nn.ELU(), nn.CELU(0.5), nn.SELU(), nn.Softplus(), nn.Softsign()), {"ELU", "CELU", "SELU"}),
    "gelu": (after(nn.GELU(), nn.GELU("tanh")), {"Conv2d"}),
    "gated": (after(nn.SiLU(), nn.Mish(), nn.GLU(1)), {"Conv2d"}),
    "clamp": (Calling(lambda x, c: c(x).clamp(min=-0.2).clamp(max=0.3).clamp(-0.1, 0.2), conv()), {"Hardtanh"}),
    "reduce": (Calling(lambda x, c: c(x).mean((2, 3)) + c(x).amax((2, 3)) - c(x).amin(3).sum(2), conv()), {"Conv2d"}),
    "unit length": (Calling(lambda x, c: F.normalize(c(x).flatten(1), dim=1), conv()), {"Conv2d"}),
    "pools": (
        after(
            nn.MaxPool2d(3, 2, 1, ceil_mode=True),
            nn.AvgPool2d(2, 2, 1, count_include_pad=False),
            nn.AdaptiveAvgPool2d(1),
        ),
        {"MaxPool2d", "AvgPool2d", "AdaptiveAvgPool2d"},
    ),
    "adaptive pools": (after(nn.AdaptiveAvgPool2d((2, 5)), nn.AdaptiveMaxPool2d(1)), {"AvgPool2d", "MaxPool2d"}),
    "transposed": (after(nn.ConvTranspose2d(4, 2, 3, 2, 1, 1)), {"ConvTranspose2d"}),
    "resize": (
        after(nn.Upsample(scale_factor=2), nn.Upsample((11, 9), mode="bilinear", align_corners=True)),
        {"Conv2d"},
    ),
    "resize, half pixel": (after(nn.Upsample(scale_factor=1.5, mode="bilinear")), {"Conv2d"}),
    "pixel shuffle": (after(nn.PixelShuffle(2), outputs=8), {"PixelShuffle"}),
    "response": (after(nn.LocalResponseNorm(3)), {"Conv2d"}),
    "dense": (Calling(lambda x, a, b: b(torch.relu(a(x))), nn.Linear(10, 6), nn.Linear(6, 3, bias=False)), {"Linear"}),
    "dense norm": (nn.Sequential(nn.Flatten(), nn.Linear(240, 6), nn.BatchNorm1d(6)), {"Linear", "BatchNorm1d"}),
    "no number": (
        Calling(lambda x, c: torch.nan_to_num((c(x) - 0.1).log(), 7.0, 3.0, -3.0) + (c(x) / 0).clamp(-2, 2), conv()),
        {"Conv2d"},
    ),
    "softmax": (Calling(lambda x, c: torch.log_softmax(torch.softmax(c(x), 1).flatten(2), -1), conv()), {"Softmax"}),
    "heat maps": (Calling(centre, conv()), {"Softmax"}),
    "one axis": (
        Calling(lambda x, c, p: p(c(x.flatten(2))), nn.Conv1d(3, 4, 3), nn.MaxPool1d(2)),
        {"Conv1d", "MaxPool1d"},
    ),
    "attention": (
        Calling(
            lambda x, c, m: m(*3 * [c(x).flatten(2).transpose(1, 2)])[0].mean(1),
            conv(),
            nn.MultiheadAttention(4, 2, batch_first=True),
        ),
        {"Linear", "Softmax"},
    ),
}
"""Networks as they are exported, and layers that are found again."""


def computed(kind, inputs=("x",), constants=None, opset=17, **given):
    return kind, inputs, constants or {}, opset, given


RNG = np.random.default_rng(0)
WRITTEN = {
    "same padding": computed("Conv", ("x", "w"), {"w": (2, 3, 3, 4)}, strides=[2, 1], auto_pad="SAME_LOWER"),
    "gaps": computed("MaxPool", kernel_shape=[2, 2], dilations=[2, 2], strides=[1, 2]),
    "unequal sides": computed("Conv", ("x", "w"), {"w": (2, 3, 3, 3)}, pads=[0, 1, 2, 0]),
    "scaled product": computed("Gemm", ("f", "w", "b"), {"w": (240, 3), "b": (1, 3)}, alpha=2.0, beta=0.5),
    "product from the left": computed("MatMul", ("w", "x"), {"w": (5, 8)}),
    "group norm": computed("GroupNormalization", ("x", "s", "t"), {"s": (3,), "t": (3,)}, 21, num_groups=3),
    "group norm by group": computed("GroupNormalization", ("x", "s", "t"), {"s": (1,), "t": (1,)}, 18, num_groups=1),
    "older pad": computed("Pad", opset=10, pads=[0, 0, 1, 0, 0, 0, 0, 2]),
    "older split": computed("Split", opset=11, axis=2, split=[3, 5]),
    "older slice": computed("Slice", opset=9, starts=[0, -4], ends=[2, 100], axes=[1, 3]),
    "older clip": computed("Clip", opset=6, min=-0.5, max=0.5),
    "older softmax": computed("Softmax", ("f",), opset=11),
    "older upsample": computed("Upsample", opset=7, scales=[1.0, 1.0, 2.0, 3.0]),
    "hard sigmoid": computed("HardSigmoid", alpha=0.3, beta=0.4),
    "gelu": computed("Gelu", opset=20, approximate="tanh"),
    "leaky": computed("LeakyRelu"),
    "elu": computed("Elu", alpha=0.7),
    "largest": computed("GlobalMaxPool"),
    "length": computed("ReduceL2", opset=13, axes=[2, 3], keepdims=0),
    "log of sums": computed("ReduceLogSumExp", opset=13, axes=[3]),
    "sum of two": computed("Sum", ("x", "w"), {"w": (1, 3, 1, 1)}),
    "mean of two": computed("Mean", ("x", "w"), {"w": (1, 3, 1, 1)}),
    "power": computed("Pow", ("x", "w"), {"w": np.float32(2)}),
    "transposed": computed("Transpose", perm=[0, 2, 3, 1]),
    "flattened": computed("Flatten", axis=-3),
    "every second": computed("Slice", ("x", "a", "b", "c", "d"), {"a": [-1], "b": [-9], "c": [2], "d": [-2]}),
    "numbers and samples": computed("Einsum", ("x", "w"), {"w": (3, 2)}, equation="nchw,cd->ndhw"),
}  # fmt: skip
"""Single nodes; f: the picture flattened."""


def trained(network):
    """Numbers that no layer begins with."""
    torch.manual_seed(0)
    for one in network.modules():
        if isinstance(one, nn.BatchNorm1d | nn.BatchNorm2d):
            one.running_mean.normal_(), one.running_var.uniform_(0.5, 2)
        if getattr(one, "weight", None) is not None and one.weight.dim() == 1:
            nn.init.uniform_(one.weight, 0.1, 2)
    return network.eval()


def require_same(path, count):
    """The network of a file, which is what onnxruntime makes of it, and is again once it is stored."""
    net, _, output = network_of_onnx(path, {"x": SHAPE}, 0, 0)
    again = module_of(graph_of(net, (torch.zeros(2, *SHAPE),)))
    again.load_state_dict(net.state_dict())
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = SILENT, 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    for samples in count:
        x = torch.from_numpy(RNG.normal(size=(samples, *SHAPE)).astype(np.float32))
        expected = session.run([output], {"x": x.numpy()})[0]
        for one in (net, again.eval()):
            found = one(x).detach().numpy()
            assert found.shape == expected.shape
            np.testing.assert_allclose(found, expected, atol=2e-5 * np.abs(expected).max(), rtol=0)
    return net


@pytest.mark.parametrize("opset", [11, 17])
@pytest.mark.parametrize("name", EXPORTED)
def test_what_torch_exports_is_read(name, opset, tmp_path):
    network, layers = EXPORTED[name]
    path = tmp_path / "net.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            told = {"input_names": ["x"], "dynamic_axes": {"x": {0: "n"}}, "opset_version": opset, "dynamo": False}
            torch.onnx.export(trained(network), (torch.randn(2, *SHAPE),), path, verbose=False, **told)
        except torch.onnx.errors.UnsupportedOperatorError:
            pytest.skip("not in this version of ONNX")
    net = require_same(path, (1, 2, 5) if name != "squeeze" else (2, 5))
    found = {type(one).__name__ for one in net.children()}
    assert layers <= found or (opset == 11 and name.startswith("layer norm")) or (name == "hard" and opset == 11)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_node_is_read(name, tmp_path):
    kind, inputs, constants, opset, given = WRITTEN[name]
    outputs = ["y", "z"] if kind == "Split" else ["y"]
    nodes = [helper.make_node("Flatten", ["x"], ["f"])] if "f" in inputs else []
    nodes.append(helper.make_node(kind, list(inputs), outputs, **given))
    stored = [
        numpy_helper.from_array(
            RNG.normal(size=one).astype(np.float32) if isinstance(one, tuple) else np.asarray(one), key
        )
        for key, one in constants.items()
    ]
    told = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *SHAPE])]
    made = [helper.make_tensor_value_info(one, TensorProto.FLOAT, None) for one in outputs]
    graph = helper.make_graph(nodes, "net", told, made, stored)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), tmp_path / "net.onnx")
    require_same(tmp_path / "net.onnx", (1, 2, 5))
