"""Which operations of ONNX are read, and how."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import torch
from torch import fx, nn

from xgaze.models.own_networks.onnx_nodes import onnx_arithmetic as numbers
from xgaze.models.own_networks.onnx_nodes import onnx_layers as layers
from xgaze.models.own_networks.onnx_nodes import onnx_shapes as shapes
from xgaze.models.own_networks.onnx_nodes.onnx_arithmetic import called, made, of_tensors, reduced
from xgaze.models.own_networks.onnx_nodes.onnx_reading import Reading, Step

Read = Callable[[Reading, Step], fx.Node | Sequence[fx.Node]]
WITH_WEIGHTS: Mapping[str, Read] = {
    "AveragePool": layers.pool,
    "BatchNormalization": layers.batch_norm,
    "Conv": layers.convolution,
    "ConvTranspose": layers.convolution_turned_round,
    "Gemm": layers.dense,
    "GlobalAveragePool": layers.whole_pool,
    "GlobalMaxPool": layers.whole_pool,
    "GroupNormalization": layers.group_norm,
    "InstanceNormalization": layers.instance_norm,
    "LRN": layers.local_response,
    "LayerNormalization": layers.layer_norm,
    "MatMul": layers.product,
    "MaxPool": layers.pool,
    "PRelu": layers.rectifier_with_slope,
}
ACTIVATIONS: Mapping[str, Read] = {
    "Celu": made(lambda given: nn.CELU(float(given.get("alpha", 1.0)))),
    "Clip": numbers.clipped,
    "Elu": made(lambda given: nn.ELU(float(given.get("alpha", 1.0)))),
    "Gelu": made(lambda given: nn.GELU(given.get("approximate", b"none").decode())),
    "HardSigmoid": numbers.hard_sigmoid,
    "HardSwish": made(lambda _: nn.Hardswish()),
    "LeakyRelu": made(lambda given: nn.LeakyReLU(float(given.get("alpha", 0.01)))),
    "LogSoftmax": numbers.softmax(nn.LogSoftmax),
    "Mish": made(lambda _: nn.Mish()),
    "Relu": made(lambda _: nn.ReLU()),
    "Selu": made(lambda _: nn.SELU()),
    "Sigmoid": made(lambda _: nn.Sigmoid()),
    "Softmax": numbers.softmax(nn.Softmax),
    "Softplus": made(lambda _: nn.Softplus()),
    "Softsign": made(lambda _: nn.Softsign()),
    "Tanh": made(lambda _: nn.Tanh()),
}
ARITHMETIC: Mapping[str, Read] = {
    "Abs": called(torch.abs),
    "Add": numbers.added,
    "And": of_tensors(torch.logical_and),
    "Atan": called(torch.atan),
    "Cast": numbers.cast,
    "Cos": called(torch.cos),
    "Div": called(torch.div),
    "Dropout": numbers.same,
    "Einsum": numbers.einsum,
    "Equal": of_tensors(torch.eq),
    "Erf": called(torch.erf),
    "Exp": called(torch.exp),
    "Greater": of_tensors(torch.gt),
    "GreaterOrEqual": of_tensors(torch.ge),
    "Identity": numbers.same,
    "IsInf": numbers.infinite,
    "IsNaN": called(torch.isnan),
    "Less": of_tensors(torch.lt),
    "LessOrEqual": of_tensors(torch.le),
    "Log": called(torch.log),
    "Max": of_tensors(torch.maximum),
    "Mean": numbers.mean_of_all,
    "Min": of_tensors(torch.minimum),
    "Mul": called(torch.mul),
    "Neg": called(torch.neg),
    "Not": called(torch.logical_not),
    "Or": of_tensors(torch.logical_or),
    "Pow": called(torch.pow),
    "Reciprocal": called(torch.reciprocal),
    "ReduceL2": reduced(torch.sum, torch.square, torch.sqrt),
    "ReduceLogSumExp": reduced(torch.logsumexp),
    "ReduceMax": reduced(torch.amax),
    "ReduceMean": reduced(torch.mean),
    "ReduceMin": reduced(torch.amin),
    "ReduceSum": reduced(torch.sum),
    "ReduceSumSquare": reduced(torch.sum, torch.square),
    "Sin": called(torch.sin),
    "Sqrt": called(torch.sqrt),
    "Sub": called(torch.sub),
    "Sum": of_tensors(torch.add),
    "Tan": called(torch.tan),
    "Where": numbers.chosen,
}
MOVED: Mapping[str, Read] = {
    "Concat": shapes.joined,
    "ConstantOfShape": shapes.expanded,
    "DepthToSpace": shapes.depth_to_space,
    "Expand": shapes.expanded,
    "Flatten": shapes.flattened,
    "Gather": shapes.gathered,
    "Pad": shapes.padded,
    "Reshape": shapes.reshaped,
    "Resize": shapes.resized,
    "Slice": shapes.sliced,
    "Split": shapes.parted,
    "Squeeze": shapes.squeezed,
    "Tile": shapes.repeated,
    "Transpose": shapes.transposed,
    "Unsqueeze": shapes.unsqueezed,
    "Upsample": shapes.resized,
}
OPERATIONS: Mapping[str, Read] = MappingProxyType({**WITH_WEIGHTS, **ACTIVATIONS, **ARITHMETIC, **MOVED})
