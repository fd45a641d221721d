"""Weights stored in 8 bits and computed with in floats: for the layers of an int8 file that must compute in floats.

A packed weight is Cast(int8) x scale, one scale per output. Runtimes multiply that out once, when they load the file; with
DequantizeLinear in its place onnxruntime would do so at every frame.
"""

from math import prod

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from xgaze.compression.export.slim import replace_initializers, replace_nodes

LARGEST = 127
FEWEST = 256
"""Smaller weights, such as those of a gaze point's last layer, stay floats: packing would save less than it adds."""


def pack_weights(model: ModelProto, fewest: int = FEWEST) -> ModelProto:
    """Pack, in place, every float weight of at least `fewest` numbers that convolutions and matrix products read."""
    graph = model.graph
    axes = packed_axes(graph, fewest)
    stored, unpacking = [], []
    for tensor in graph.initializer:
        if tensor.name not in axes:
            stored.append(tensor)
            continue
        whole, scale = to_int8(numpy_helper.to_array(tensor), axes[tensor.name])
        names = {part: f"{tensor.name}.{part}" for part in ("int8", "scale", "float")}
        stored += [numpy_helper.from_array(whole, names["int8"]), numpy_helper.from_array(scale, names["scale"])]
        unpacking += [
            helper.make_node("Cast", [names["int8"]], [names["float"]], to=TensorProto.FLOAT),
            helper.make_node("Mul", [names["float"], names["scale"]], [tensor.name]),
        ]
    replace_initializers(graph, stored)
    replace_nodes(graph, [*unpacking, *graph.node])
    return model


def packed_axes(graph: GraphProto, fewest: int = FEWEST) -> dict[str, int]:
    """The weights that are packed, by name, and the axis of each that counts its outputs."""
    axes = {name: axis for node in graph.node for name, axis in _weights_read(node)}
    large = (one.name for one in graph.initializer if one.data_type == TensorProto.FLOAT and prod(one.dims) >= fewest)
    return {name: axes[name] for name in large if name in axes}


def to_int8(values: NDArray[np.float32], axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Whole numbers -127..127 and one scale per index of `axis`, such that values = whole x scale up to half a step."""
    others = tuple(k for k in range(values.ndim) if k != axis)
    scale = np.abs(values).max(axis=others, keepdims=True).astype(np.float32) / np.float32(LARGEST)
    scale[scale == 0] = 1
    return np.rint(values / scale).astype(np.int8), scale


def is_weight_product(graph: GraphProto, node: NodeProto) -> bool:
    """Whether a node multiplies stored factors of a weight, as a separable layer's."""
    stored = {tensor.name for tensor in graph.initializer}
    return node.op_type == "MatMul" and all(name in stored for name in node.input)


def _weights_read(node: NodeProto) -> list[tuple[str, int]]:
    """What a node could read as weights, and the axis of each that counts its outputs."""
    if node.op_type == "Conv":
        return [(node.input[1], 0)]
    if node.op_type == "Gemm":
        transposed = any(one.name == "transB" and one.i for one in node.attribute)
        return [(node.input[1], 0 if transposed else 1)]
    return [(node.input[0], 0), (node.input[1], 0)] if node.op_type == "MatMul" else []
