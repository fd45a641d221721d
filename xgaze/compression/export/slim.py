"""ONNX files without ballast: what the exporter notes about its own work outweighs the weights of a small model."""

from collections.abc import Callable, Iterable
from itertools import chain

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, numpy_helper


def slim(model: ModelProto) -> ModelProto:
    """Drop notes, in place: stack traces (with paths of this machine), doc strings, the shapes of intermediate values. The
    model's own metadata, the names of its inputs, outputs, weights and nodes, and what it computes stay."""
    graph = model.graph
    for part in chain((model, graph), graph.node, graph.initializer, graph.input, graph.output):
        part.ClearField("doc_string")
    for noted in chain((graph,), graph.node, graph.initializer, graph.input, graph.output):
        noted.ClearField("metadata_props")
    graph.ClearField("value_info")
    return model


def slimmest(model: ModelProto) -> ModelProto:
    """`slim`, equal small constants stored once, and short names for all but inputs and outputs, in place. For files of
    quantised models: hundreds of scales and zero points, and names longer than what they name."""
    graph = slim(model).graph
    first: dict[tuple[int, tuple[int, ...], bytes], str] = {}
    same: dict[str, str] = {}
    kept: list[TensorProto] = []
    for tensor in graph.initializer:
        content = (tensor.data_type, tuple(tensor.dims), numpy_helper.to_array(tensor).tobytes())
        same[tensor.name] = first.setdefault(content, tensor.name)
        if same[tensor.name] == tensor.name:
            kept.append(tensor)
    replace_initializers(graph, kept)
    _rename(graph, lambda name: same.get(name, name))
    fixed = {one.name for one in chain(graph.input, graph.output)}
    short: dict[str, str] = {}
    _rename(graph, lambda name: name if not name or name in fixed else short.setdefault(name, f"_{len(short):x}"))
    for node in graph.node:
        node.ClearField("name")
    return model


def replace_initializers(graph: GraphProto, tensors: Iterable[TensorProto]) -> None:
    """Put other stored tensors in the place of all, in place."""
    copies = [_raw(tensor) for tensor in tensors]
    graph.ClearField("initializer")
    graph.initializer.extend(copies)


def replace_nodes(graph: GraphProto, nodes: Iterable[NodeProto]) -> None:
    """Put other nodes, in order of computation, in the place of all, in place."""
    copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    graph.ClearField("node")
    graph.node.extend(copies)


def _raw(tensor: TensorProto) -> TensorProto:
    """A copy that stores plain bytes: int32 fields take several for a number of 8 bits. A scalar stays one, as scales must."""
    return numpy_helper.from_array(np.asarray(numpy_helper.to_array(tensor), order="C"), tensor.name)


def _rename(graph: GraphProto, new: Callable[[str], str]) -> None:
    for tensor in graph.initializer:
        tensor.name = new(tensor.name)
    for node in graph.node:
        for k, name in enumerate(node.input):
            node.input[k] = new(name)
        for k, name in enumerate(node.output):
            node.output[k] = new(name)
