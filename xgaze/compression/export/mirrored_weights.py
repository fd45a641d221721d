"""Kernels of cameras that see in a mirror: those of the tower they share, turned left to right.

An exported model stores each kernel once and turns it when it is loaded. onnxruntime's quantiser takes what comes of that for a
map and makes a file that cannot run: there both are written out, quantised, and the mirror image of another is left out again.
"""

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from xgaze.compression.export.slim import replace_initializers, replace_nodes

FEWEST = 64
"""Numbers of a weight. To turn a smaller one would take more bytes than it saves."""
TURN = {"start": -1, "end": np.iinfo(np.int64).min, "axis": -1, "step": -1}
"""Of ONNX's Slice: the last axis backwards."""


def write_out_turned(model: ModelProto) -> ModelProto:
    """Store, in place, what `Slice` makes of stored tensors."""
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes: list[NodeProto] = []
    for node in model.graph.node:
        if node.op_type == "Slice" and all(name in stored for name in node.input):
            whole, *places = (numpy_helper.to_array(stored[name]) for name in node.input)
            stored[node.output[0]] = numpy_helper.from_array(_sliced(whole, *places), node.output[0])
        else:
            nodes.append(node)
    read = {name for node in nodes for name in node.input} | {one.name for one in model.graph.output}
    replace_initializers(model.graph, [tensor for name, tensor in stored.items() if name in read])
    replace_nodes(model.graph, nodes)
    return model


def turn_when_loaded(model: ModelProto, fewest: int = FEWEST) -> ModelProto:
    """Store, in place, weights that are mirror images of others, left to right, as that: (..., columns)."""
    first: dict[tuple[object, ...], str] = {}
    kept: list[TensorProto] = []
    turned: list[NodeProto] = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        image = first.get(_content(values[..., ::-1])) if values.ndim > 2 and values.size >= fewest else None
        if image is None:
            first.setdefault(_content(values), tensor.name)
            kept.append(tensor)
        else:
            turned.append(helper.make_node("Slice", [image, *(f"turned.{part}" for part in TURN)], [tensor.name]))
    if turned:
        kept += [numpy_helper.from_array(np.array([value], np.int64), f"turned.{part}") for part, value in TURN.items()]
        replace_initializers(model.graph, kept)
        replace_nodes(model.graph, [*turned, *model.graph.node])
    return model


def _sliced(
    whole: NDArray[np.generic],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    axes: NDArray[np.int64] | None = None,
    steps: NDArray[np.int64] | None = None,
) -> NDArray[np.generic]:
    """As ONNX defines it."""
    places = [slice(None)] * whole.ndim
    axes = np.arange(len(starts)) if axes is None else axes
    steps = np.ones(len(starts), np.int64) if steps is None else steps
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        size = whole.shape[axis]
        last = None if step < 0 and end < -size else int(end)  # beyond the first, backwards
        places[int(axis)] = slice(int(start), last, int(step))
    return np.ascontiguousarray(whole[tuple(places)])


def _content(values: NDArray[np.generic]) -> tuple[object, ...]:
    return values.dtype.str, values.shape, values.tobytes()
