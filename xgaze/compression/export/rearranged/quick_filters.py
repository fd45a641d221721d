"""Convolutions in 8 bits as the products that onnxruntime computes fastest, from weights that are stored as before.

Two kinds are slow there: filters of stride 2 over a picture of one colour or three, which read it a few bytes at a time, and
groups of few filters, each a small product of its own. A picture whose squares of 2 x 2 are laid one behind the other is read by
filters half as wide, of stride 1; groups are one product with noughts between them. Both add up the same whole numbers. The
weights are rearranged when the file is loaded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from xgaze.compression.export.slim import replace_initializers, replace_nodes

QUANTISE, DEQUANTISE = "QuantizeLinear", "DequantizeLinear"
MOST_COLOURS, MOST_IN_GROUP = 4, 32
"""Larger ones are fast as they are: there noughts cost more than they save."""
SIDE = 2


@dataclass(frozen=True)
class _Read:
    """A convolution in 8 bits. picture, weight: the nodes by which it reads them; size: of the picture, where it is an input of
    the whole model."""

    node: NodeProto
    picture: NodeProto
    weight: NodeProto
    shape: tuple[int, ...]
    size: tuple[int, ...] | None

    def given(self, name: str, otherwise: Any) -> Any:
        return next((helper.get_attribute_value(one) for one in self.node.attribute if one.name == name), otherwise)


@dataclass(frozen=True)
class _Made:
    """loading: what is computed once, from `stored`; computing: in the place of the convolution."""

    loading: Sequence[NodeProto]
    stored: Sequence[TensorProto]
    computing: Sequence[NodeProto]


def rearrange(model: ModelProto) -> bool:
    """Rearrange, in place, what can be of a file with QuantizeLinear and DequantizeLinear; whether there was anything."""
    graph = model.graph
    stored = {one.name: one for one in graph.initializer}
    loading: dict[str, NodeProto] = {}
    computing: list[NodeProto] = []
    for node in graph.node:
        read = _read_in_8_bits(graph, node)
        made = None if read is None else _by_squares(read) or _in_one(read)
        if made is None:
            computing.append(node)
            continue
        loading |= {one.output[0]: one for one in made.loading}
        stored |= {one.name: one for one in made.stored}
        computing += made.computing
    if loading:
        needed = _needed([*loading.values(), *computing], {one.name for one in graph.output})
        read_names = {name for node in needed for name in node.input}
        replace_initializers(graph, [one for name, one in stored.items() if name in read_names])
        replace_nodes(graph, needed)
    return bool(loading)


def _by_squares(read: _Read) -> _Made | None:
    """Of stride 2 over a picture, as of stride 1 over its squares."""
    filters, colours, *sides = read.shape
    plain = read.given("group", 1) == 1 and list(read.given("dilations", [1, 1])) == [1, 1]
    strided = list(read.given("strides", [1, 1])) == [SIDE, SIDE]
    if not (plain and strided and colours <= MOST_COLOURS and len(sides) == 2 and read.size):
        return None
    pads = read.given("pads", [0, 0, 0, 0])
    ways = [_halved(size, side, *pads[k::2]) for k, (size, side) in enumerate(zip(read.size[2:], sides, strict=True))]
    if not all(ways):
        return None
    (top, high, above, below), (left, wide, before, behind) = ways  # type: ignore[misc]
    name = f"{read.weight.input[0]}.squares{top}{left}"
    room = [0, 0, top, left, 0, 0, SIDE * high - sides[0] - top, SIDE * wide - sides[1] - left]
    squares = np.array([filters, colours, high, SIDE, wide, SIDE], np.int64)
    shape = np.array([filters, colours * SIDE * SIDE, high, wide], np.int64)
    steps = [
        helper.make_node("Pad", [read.weight.input[0], f"{name}.room"], [f"{name}.wider"]),
        helper.make_node("Reshape", [f"{name}.wider", f"{name}.sides"], [f"{name}.cut"]),
        helper.make_node("Transpose", [f"{name}.cut"], [f"{name}.laid"], perm=[0, 3, 5, 1, 2, 4]),
        helper.make_node("Reshape", [f"{name}.laid", f"{name}.shape"], [name]),
    ]
    numbers = {"room": np.array(room, np.int64), "sides": squares, "shape": shape}
    laid = f"{read.node.output[0]}.laid"
    seen = [
        helper.make_node("SpaceToDepth", [read.picture.input[0]], [laid], blocksize=SIDE),
        helper.make_node(DEQUANTISE, [laid, *read.picture.input[1:]], [f"{laid}.read"]),
    ]
    own = {"pads": [above, before, below, behind], "strides": [1, 1], "kernel_shape": [high, wide]}
    return _made(read, name, steps, numbers, seen, f"{laid}.read", own)


def _halved(size: int, side: int, before: int, after: int) -> tuple[int, int, int, int] | None:
    """Of one way: the noughts before a filter, its new side, and the picture's new margins; None where it does not divide."""
    first = -(-before // SIDE)
    lead = SIDE * first - before
    new = -(-(side + lead) // SIDE)
    behind = (size + before + after - side) // SIDE + new - size // SIDE - first
    return None if size % SIDE or behind < 0 else (lead, new, first, behind)


def _in_one(read: _Read) -> _Made | None:
    """Groups as one product."""
    groups = read.given("group", 1)
    filters, inputs, *sides = read.shape
    each = filters // groups
    if groups == 1 or inputs == 1 or each > MOST_IN_GROUP:
        return None
    name, whole = f"{read.weight.input[0]}.one", read.weight.input[0]
    steps = [helper.make_node("Split", [whole], [f"{name}.{k}" for k in range(groups)], axis=0, num_outputs=groups)]
    numbers = {}
    for k in range(groups):
        numbers[f"room{k}"] = np.array(
            [0, k * inputs, *[0] * len(sides), 0, (groups - 1 - k) * inputs, *[0] * len(sides)]
        )
        steps.append(helper.make_node("Pad", [f"{name}.{k}", f"{name}.room{k}"], [f"{name}.{k}.wider"]))
    steps.append(helper.make_node("Concat", [f"{name}.{k}.wider" for k in range(groups)], [name], axis=0))
    return _made(read, name, steps, numbers, [], read.node.input[0], {"group": 1})


def _made(
    read: _Read,
    name: str,
    steps: Sequence[NodeProto],
    numbers: dict[str, Any],
    seen: Sequence[NodeProto],
    picture: str,
    own: dict[str, Any],
) -> _Made:
    """The convolution reads `picture`, made by `seen`, and the weight `name`, made by `steps`, with attributes of its own."""
    weight = NodeProto.FromString(read.weight.SerializeToString())
    weight.input[0], weight.output[0], weight.name = name, f"{name}.read", f"{name}.reader"
    node = NodeProto.FromString(read.node.SerializeToString())
    node.input[0], node.input[1] = picture, weight.output[0]
    kept = [one for one in node.attribute if one.name not in own]
    node.ClearField("attribute")
    node.attribute.extend([*kept, *(helper.make_attribute(key, value) for key, value in own.items())])
    stored = [numpy_helper.from_array(value, f"{name}.{key}") for key, value in numbers.items()]
    return _Made([*steps, weight], stored, [*seen, node])


def _read_in_8_bits(graph: GraphProto, node: NodeProto) -> _Read | None:
    """How a node reads what it multiplies; None where it is no convolution, or computes in floats."""
    if node.op_type != "Conv" or any(
        one.name == "auto_pad" and one.s not in (b"", b"NOTSET") for one in node.attribute
    ):
        return None
    maker = {name: one for one in graph.node for name in one.output}
    stored = {one.name: one for one in graph.initializer}
    picture, weight = (maker.get(name) for name in node.input[:2])
    if picture is None or weight is None or picture.op_type != DEQUANTISE or weight.op_type != DEQUANTISE:
        return None
    whole, source = stored.get(weight.input[0]), maker.get(picture.input[0])
    if whole is None or whole.data_type != TensorProto.INT8 or source is None or source.op_type != QUANTISE:
        return None
    sizes = {one.name: tuple(d.dim_value for d in one.type.tensor_type.shape.dim) for one in graph.input}
    return _Read(node, picture, weight, tuple(whole.dims), sizes.get(source.input[0]))


def _needed(nodes: Sequence[NodeProto], outputs: set[str]) -> list[NodeProto]:
    """Those that something is read of, in order."""
    read, kept = set(outputs), list[NodeProto]()
    for node in reversed(nodes):
        if read.intersection(node.output):
            kept.append(node)
            read.update(node.input)
    return kept[::-1]
