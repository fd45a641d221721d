"""A small net on two eyes as torch and, written by hand, as ONNX: three of its four first channels put out a fifteenth of what
the fourth does, so that the steps of the one rounding they share are too coarse for them."""

import torch
from onnx import TensorProto, helper, numpy_helper, save
from torch import nn

SMALLER = 15


class Uneven(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 5, stride=2, padding=2)
        self.mix = nn.Conv2d(4, 8, 3, stride=4, padding=1)
        self.out = nn.Linear(200, 2)

    def forward(self, *eyes):
        x = torch.relu(self.mix(torch.relu(self.conv(torch.cat(eyes, 1)))))
        return self.out(x.flatten(1)) * 400 + 400


@torch.no_grad()
def make_uneven(model):
    """The same function of its inputs, in place."""
    factor = torch.tensor([1.0, *[1 / SMALLER] * 3])
    model.conv.weight.mul_(factor[:, None, None, None])
    model.conv.bias.mul_(factor)
    model.mix.weight.div_(factor[None, :, None, None])


def write_onnx(model, file, last="Relu"):
    """last: the activation before the last layer."""
    stored = [numpy_helper.from_array(one.detach().numpy(), name) for name, one in model.named_parameters()]
    stored.append(numpy_helper.from_array(torch.tensor(400.0).numpy(), "400"))
    windows = ({"strides": [2, 2], "pads": [2] * 4}, {"strides": [4, 4], "pads": [1] * 4})
    nodes = [
        helper.make_node("Concat", ["eye0", "eye1"], ["eyes"], "concat", axis=1),
        helper.make_node("Conv", ["eyes", "conv.weight", "conv.bias"], ["a"], "conv", **windows[0]),
        helper.make_node("Relu", ["a"], ["b"], "relu"),
        helper.make_node("Conv", ["b", "mix.weight", "mix.bias"], ["c"], "mix", **windows[1]),
        helper.make_node(last, ["c"], ["d"], "last"),
        helper.make_node("Flatten", ["d"], ["e"], "flatten"),
        helper.make_node("Gemm", ["e", "out.weight", "out.bias"], ["f"], "out", transB=1),
        helper.make_node("Mul", ["f", "400"], ["g"], "scale"),
        helper.make_node("Add", ["g", "400"], ["output"], "shift"),
    ]
    eyes = [helper.make_tensor_value_info(f"eye{k}", TensorProto.FLOAT, ["batch", 1, 40, 40]) for k in range(2)]
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", 2])
    graph = helper.make_graph(nodes, "uneven", eyes, [output], stored)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), file)
