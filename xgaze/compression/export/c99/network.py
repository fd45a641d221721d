"""An exported model as a list of layers for one sample: every shape a number, what does not depend on the inputs worked out."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper

from xgaze.errors import InputError

Array = NDArray[Any]


class UnknownLayer(InputError):
    """A layer that the walk through the graph does not know. kind, name: as the ONNX file says them."""

    def __init__(self, kind: str, name: str, why: str) -> None:
        super().__init__(f"there is no C of layer '{kind}' ({name}): {why}.")
        self.kind, self.name, self.why = kind, name, why


@dataclass(frozen=True)
class Layer:
    """One operation. inputs, output: names of tensors; several layers may each write a part of one. settings: what `kind` needs,
    all of it known: numbers, words, and arrays. node: what the ONNX file calls it, for people."""

    kind: str
    inputs: tuple[str, ...]
    output: str
    settings: dict[str, Any]
    node: str = ""


@dataclass(frozen=True)
class Network:
    """Layers in an order in which they can be computed. inputs, output: names. sizes: how many numbers each tensor holds."""

    inputs: tuple[str, ...]
    output: str
    layers: tuple[Layer, ...]
    sizes: dict[str, int]


@dataclass(frozen=True)
class Node:
    """A node of the graph with all that is known about it. shapes: of every tensor; constants: those that are known already.
    factors: of constants that are products, their two factors (rows, columns)."""

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    shapes: dict[str, tuple[int, ...]] = field(repr=False)
    constants: dict[str, Array] = field(repr=False)
    factors: dict[str, tuple[Array, Array]] = field(repr=False)

    def constant(self, place: int, default: Any = None) -> Any:
        """An input that must be known. Raises InputError where it is not."""
        if place >= len(self.inputs) or not self.inputs[place]:
            return default
        if self.inputs[place] not in self.constants:
            raise self.refused(f"its input {place + 1} depends on the sample")
        return self.constants[self.inputs[place]]

    def shape(self, place: int = 0) -> tuple[int, ...]:
        return self.shapes[self.inputs[place]]

    @property
    def output_shape(self) -> tuple[int, ...]:
        return self.shapes[self.outputs[0]]

    def refused(self, why: str) -> InputError:
        return UnknownLayer(self.kind, self.name, why)


def read_nodes(file: Path) -> tuple[tuple[str, ...], str, list[Node]]:
    """Inputs, output, and the nodes that depend on the inputs, of an ONNX file as it is for one sample. Raises InputError."""
    model = for_one_sample(file)
    shapes, constants, factors = _known(model)
    inputs = tuple(one.name for one in model.graph.input if one.name not in constants)
    nodes = [
        Node(
            node.op_type,
            node.name or node.output[0],
            tuple(node.input),
            tuple(node.output),
            {one.name: helper.get_attribute_value(one) for one in node.attribute},
            shapes,
            constants,
            factors,
        )
        for node in model.graph.node
        if not all(name in constants for name in node.output)
    ]
    return inputs, model.graph.output[0].name, nodes


def for_one_sample(file: Path) -> ModelProto:
    """An ONNX file with a batch of one. Raises InputError."""
    try:
        model = onnx.load(file)
        onnx.checker.check_model(model)  # protobuf reads even an empty file
    except FileNotFoundError:
        raise InputError(f"{file}: no such file.") from None
    except Exception:  # protobuf's own error class differs between its versions
        raise InputError(f"{file}: not a readable ONNX file.") from None
    for one in model.graph.input:
        first = one.type.tensor_type.shape.dim[0]
        if first.dim_param:
            first.dim_value = 1
    for one in model.graph.output:
        one.type.tensor_type.ClearField("shape")
    return model


def session_of_all(model: ModelProto, names: Iterable[str]) -> Any:
    """A session on one thread that puts out every tensor of these names."""
    whole = ModelProto.FromString(model.SerializeToString())
    given = {one.name for one in whole.graph.output}
    whole.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in given)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(whole.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _known(
    model: ModelProto,
) -> tuple[dict[str, tuple[int, ...]], dict[str, Array], dict[str, tuple[Array, Array]]]:
    """Shapes of all tensors, values of those that do not depend on the inputs, and factors of those that are products."""
    graph = model.graph
    values: dict[str, Array] = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    zeros = {
        one.name: np.zeros([d.dim_value for d in one.type.tensor_type.shape.dim], np.float32)
        for one in graph.input
        if one.name not in values
    }
    names = [name for node in graph.node for name in node.output if name]
    session = session_of_all(model, names)
    wanted = [one.name for one in session.get_outputs()]
    values |= zeros | dict(zip(wanted, session.run(None, zeros), strict=True))
    fixed = {one.name for one in graph.initializer}
    for node in graph.node:
        if node.op_type == "Shape" or all(name in fixed for name in node.input if name):
            fixed.update(node.output)
    shapes = {name: np.shape(value) for name, value in values.items()}
    return shapes, {name: values[name] for name in fixed if name in values}, _factors(graph.node, values, fixed)


def _factors(nodes: Sequence[NodeProto], values: dict[str, Array], fixed: set[str]) -> dict[str, tuple[Array, Array]]:
    """Products of stored rows (outputs, channels, height, terms) and columns (outputs, channels, terms, width) that are larger
    than what they are made of, under the name that the layer reads."""
    found: dict[str, tuple[Array, Array]] = {}
    for node in nodes:
        if node.op_type == "MatMul" and all(name in fixed for name in node.input):
            rows, columns = (values[name] for name in node.input)
            smaller = rows.size + columns.size < values[node.output[0]].size
            if rows.ndim == columns.ndim == 4 and rows.shape[:2] == columns.shape[:2] and smaller:
                found[node.output[0]] = rows, columns
        elif node.op_type == "Reshape" and node.input[0] in found:
            rows, _ = found[node.input[0]]
            if values[node.output[0]].ndim == 2 and len(values[node.output[0]]) == len(rows):
                found[node.output[0]] = found[node.input[0]]
    return found


def readers(layers: Sequence[Layer]) -> Counter[str]:
    """How many layers read each tensor."""
    return Counter(name for layer in layers for name in layer.inputs)


def fused(layers: Sequence[Layer], output: str) -> list[Layer]:
    """Rectifiers and biases become part of the layer before them, where nothing else reads what that puts out."""
    count, found = readers(layers), list[Layer]()
    makers = Counter(layer.output for layer in layers)
    place: dict[str, int] = {}
    for layer in layers:
        before = place.get(layer.inputs[0]) if layer.kind == "rectify" else None
        source = layer.inputs[0] if layer.inputs else ""
        if before is not None and count[source] == 1 == makers[source] and source != output:
            whole = found[before]
            negative = {"negative": layer.settings["negative"]}
            found[before] = replace(whole, output=layer.output, settings={**whole.settings, **negative})
            continue
        if (before := place.get(source)) is not None and _is_bias(layer, found[before], count, output):
            whole = found[before]
            bias = whole.settings["bias"] + layer.settings["stored"].reshape(-1)
            found[before] = replace(whole, output=layer.output, settings={**whole.settings, "bias": bias})
            place[layer.output] = before
            continue
        if layer.kind in ("convolution", "dense", "separable") and layer.settings["negative"] == 1:
            place[layer.output] = len(found)
        found.append(layer)
    return found


def _is_bias(layer: Layer, before: Layer, count: Counter[str], output: str) -> bool:
    """Whether a layer only adds one number to each output of the dense layer before it."""
    stored = layer.settings.get("stored") if layer.kind == "add" else None
    alone = count[before.output] == 1 and before.output != output and before.kind == "dense"
    return alone and stored is not None and stored.shape[-1:] == (before.settings["outputs"],) == (stored.size,)


def in_depth(layers: Sequence[Layer], output: str) -> list[Layer]:
    """The layers in another order: each branch to its end before the next begins, so that little is kept at a time."""
    makers: dict[str, list[Layer]] = {}
    for layer in layers:
        makers.setdefault(layer.output, []).append(layer)
    found: list[Layer] = []
    done: set[str] = set()
    waiting: list[tuple[str, Layer | None]] = [(output, None)]
    while waiting:
        name, ready = waiting.pop()
        if ready is not None:
            found.append(ready)
        elif name not in done:
            done.add(name)
            for layer in reversed(makers.get(name, [])):
                waiting.append((name, layer))
                waiting += [(source, None) for source in reversed(layer.inputs)]
    return found
