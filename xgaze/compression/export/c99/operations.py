"""What each ONNX operation is as layers: one function per operation. An operation that has none here has no C."""

from collections.abc import Callable, Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from xgaze.compression.export.c99.network import Array, Layer, Network, Node, fused, in_depth, read_nodes
from xgaze.compression.export.c99.strides import MOST_DIMENSIONS, block, strides_of
from xgaze.errors import InputError

SAME = "same"
"""A tensor under another name and shape: what comes out of Reshape and its like."""
Handler = Callable[[Node], Iterator[Layer]]
HANDLERS: dict[str, Handler] = {}


def read_network(file: Path) -> Network:
    """The layers of an ONNX file. Raises InputError naming the layer of which there is no C."""
    inputs, output, nodes = read_nodes(file)
    names = {name: name for name in inputs}
    sizes: dict[str, int] = {}
    layers: list[Layer] = []
    for node in nodes:
        sizes |= {name: prod(shape) for name, shape in node.shapes.items()}
        for layer in _layers_of(node):
            sources = tuple(names[one] for one in layer.inputs)
            if layer.kind == SAME:
                names[layer.output] = sources[0]
            else:
                names[layer.output] = layer.output
                layers.append(Layer(layer.kind, sources, layer.output, layer.settings, node.name))
    end = names[output]
    if end in inputs:
        raise InputError(f"{file}: it puts out what is put in; there is nothing to compute.")
    used = in_depth(fused(layers, end), end)
    kept = {one.output for one in used} | set(inputs)
    return Network(inputs, end, tuple(used), {name: size for name, size in sizes.items() if name in kept})


def _layers_of(node: Node) -> Iterator[Layer]:
    if node.kind not in HANDLERS:
        raise node.refused(f"known are {', '.join(sorted(HANDLERS))}")
    return HANDLERS[node.kind](node)


def handles(*kinds: str) -> Callable[[Handler], Handler]:
    def keep(handler: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(kinds, handler))
        return handler

    return keep


def _layer(node: Node, kind: str, *inputs: str, **settings: Any) -> Layer:
    return Layer(kind, inputs or node.inputs[:1], node.outputs[0], settings)


@handles("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout")
def _same(node: Node) -> Iterator[Layer]:
    yield _layer(node, SAME)


@handles("Conv")
def _convolution(node: Node) -> Iterator[Layer]:
    weights = node.constant(1)
    batch, _, *sides = node.shape()
    over = len(sides)
    if over > 2:
        raise node.refused(f"it convolves over {over} dimensions; known are 1 and 2")
    if node.attributes.get("auto_pad", b"NOTSET") != b"NOTSET":
        raise node.refused("its padding is left to the runtime")
    pads, strides, dilations = _window(node, over)
    bias = node.constant(2, np.zeros(len(weights), np.float32))
    groups = node.attributes.get("group", 1)
    yield _layer(
        node,
        "convolution",
        batch=batch,
        groups=groups,
        channels=weights.shape[1],
        outputs=len(weights) // groups,
        height=sides[0] if over == 2 else 1,
        width=sides[-1],
        rows=node.output_shape[2] if over == 2 else 1,
        columns=node.output_shape[-1],
        **strides,
        **dilations,
        **pads,
        weights=weights if over == 2 else weights[:, :, None],
        bias=bias,
        negative=1.0,
    )


def _window(node: Node, over: int) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """Padding before the first row and column, strides and dilations, of a window over `over` <= 2 dimensions."""
    pads = node.attributes.get("pads", [0] * 2 * over)
    strides, dilations = (node.attributes.get(key, [1] * over) for key in ("strides", "dilations"))
    both = over == 2
    return (
        {"top": pads[0] if both else 0, "left": pads[over - 1]},
        {"stride_rows": strides[0] if both else 1, "stride_columns": strides[-1]},
        {"dilation_rows": dilations[0] if both else 1, "dilation_columns": dilations[-1]},
    )


@handles("MaxPool", "AveragePool")
def _pool(node: Node) -> Iterator[Layer]:
    batch, channels, *sides = node.shape()
    found = node.output_shape
    kernel = node.attributes["kernel_shape"]
    if node.attributes.get("auto_pad", b"NOTSET") != b"NOTSET" or node.attributes.get("storage_order", 0):
        raise node.refused("its padding is left to the runtime")
    if len(sides) == 3:
        sides, found, kernel, node = _over_channels(node, sides)
    pads, strides, dilations = _window(node, len(sides))
    whole = len(sides) == 2
    yield _layer(
        node,
        "max_pool" if node.kind == "MaxPool" else "average_pool",
        planes=batch * channels,
        height=sides[0] if whole else 1,
        width=sides[-1],
        rows=found[2] if whole else 1,
        columns=found[-1],
        kernel_rows=kernel[0] if whole else 1,
        kernel_columns=kernel[-1],
        **strides,
        **dilations,
        **pads,
        bottom=node.attributes.get("pads", [0] * 2 * len(sides))[len(sides)] if whole else 0,
        right=node.attributes.get("pads", [0] * 2 * len(sides))[-1],
        count_padding=int(node.attributes.get("count_include_pad", 0)),
    )


def _over_channels(node: Node, sides: list[int]) -> tuple[list[int], tuple[int, ...], list[int], Node]:
    """A pool over (channels, height, width) whose window is one pixel: local response normalisation. As one over (channels,
    height x width)."""
    given = {"pads": [0] * 6, "strides": [1] * 3, "dilations": [1] * 3, **node.attributes}
    kernel, pads = given["kernel_shape"], given["pads"]
    if kernel[1:] != [1, 1] or given["strides"] != [1, 1, 1] or any(pads[k] for k in (1, 2, 4, 5)):
        raise node.refused("it pools over three dimensions")
    batch, one, channels, *rest = node.output_shape
    attributes = {**given, "kernel_shape": [kernel[0], 1], "pads": [pads[0], 0, pads[3], 0]}
    attributes |= {"strides": [1, 1], "dilations": [given["dilations"][0], 1]}
    flat = Node(node.kind, node.name, node.inputs, node.outputs, attributes, node.shapes, node.constants, node.factors)
    return [sides[0], prod(sides[1:])], (batch, one, channels, prod(rest)), [kernel[0], 1], flat


@handles("GlobalAveragePool")
def _global_pool(node: Node) -> Iterator[Layer]:
    batch, channels, *sides = node.shape()
    yield _layer(node, "mean", outer=batch * channels, count=prod(sides), inner=1)


@handles("ReduceMean", "ReduceSum")
def _reduction(node: Node) -> Iterator[Layer]:
    shape = node.shape()
    axes = node.constant(1, node.attributes.get("axes", range(len(shape))))
    first, last = _neighbours(node, [int(one) % len(shape) for one in axes])
    yield _layer(
        node,
        "mean" if node.kind == "ReduceMean" else "total",
        outer=prod(shape[:first]),
        count=prod(shape[first : last + 1]),
        inner=prod(shape[last + 1 :]),
    )


def _neighbours(node: Node, axes: list[int]) -> tuple[int, int]:
    first, last = min(axes), max(axes)
    if sorted(axes) != list(range(first, last + 1)):
        raise node.refused(f"its axes {sorted(axes)} do not lie side by side")
    return first, last


@handles("Softmax")
def _softmax(node: Node) -> Iterator[Layer]:
    shape = node.shape()
    axis = node.attributes.get("axis", -1) % len(shape)
    yield _layer(node, "softmax", outer=prod(shape[:axis]), count=shape[axis], inner=prod(shape[axis + 1 :]))


@handles("Gemm")
def _gemm(node: Node) -> Iterator[Layer]:
    given = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0, **node.attributes}
    if given["transA"] or given["alpha"] != 1 or given["beta"] != 1:
        raise node.refused("it is scaled or turned")
    weights = node.constant(1)
    weights = weights if given["transB"] else weights.T
    bias = np.broadcast_to(node.constant(2, np.float32(0)), (1, len(weights)))[0]
    if node.inputs[1] in node.factors and given["transB"]:
        yield _separable(node, bias)
    else:
        yield _dense(node, weights, bias)


@handles("MatMul")
def _product(node: Node) -> Iterator[Layer]:
    weights = node.constant(1)
    if weights.ndim != 2:
        raise node.refused(f"its weights have {weights.ndim} dimensions, not 2")
    yield _dense(node, weights.T, np.zeros(weights.shape[1], np.float32))


def _dense(node: Node, weights: Array, bias: Array) -> Layer:
    batch = prod(node.shape()[:-1])
    width, outputs = weights.shape[1], len(weights)
    weights = np.ascontiguousarray(weights)
    return _layer(node, "dense", batch=batch, width=width, outputs=outputs, weights=weights, bias=bias, negative=1.0)


def _separable(node: Node, bias: Array) -> Layer:
    rows, columns = node.factors[node.inputs[1]]
    outputs, channels, height, terms = rows.shape
    return _layer(
        node,
        "separable",
        batch=prod(node.shape()[:-1]),
        outputs=outputs,
        channels=channels,
        height=height,
        width=columns.shape[-1],
        terms=terms,
        row_weights=rows,
        column_weights=columns,
        bias=bias,
        negative=1.0,
    )


@handles("BatchNormalization")
def _batch_normalisation(node: Node) -> Iterator[Layer]:
    scale, shift, mean, variance = (node.constant(k).astype(np.float64) for k in range(1, 5))
    factor = scale / np.sqrt(variance + node.attributes.get("epsilon", 1e-5))
    batch, channels, *sides = node.shape()
    yield per_channel(node.inputs[0], node.outputs[0], (batch, channels, prod(sides)), factor, shift - mean * factor)


def per_channel(source: str, output: str, shape: tuple[int, int, int], factor: Array, shift: Array) -> Layer:
    """x * factor + shift of a tensor (batch, channels, pixels): a convolution of each channel for itself."""
    batch, channels, pixels = shape
    ones = dict.fromkeys(("channels", "outputs", "height", "rows", "stride_rows", "stride_columns"), 1)
    ones |= dict.fromkeys(("dilation_rows", "dilation_columns"), 1)
    settings = {
        **ones,
        "batch": batch,
        "groups": channels,
        "width": pixels,
        "columns": pixels,
        "top": 0,
        "left": 0,
        "weights": np.broadcast_to(factor, channels).astype(np.float32).reshape(channels, 1, 1, 1),
        "bias": np.broadcast_to(shift, channels).astype(np.float32),
        "negative": 1.0,
    }
    return Layer("convolution", (source,), output, settings)


@handles("InstanceNormalization")
def _instance_normalisation(node: Node) -> Iterator[Layer]:
    batch, channels, *sides = node.shape()
    yield _layer(
        node,
        "instance_normalisation",
        batch=batch,
        channels=channels,
        count=prod(sides),
        epsilon=float(node.attributes.get("epsilon", 1e-5)),
        scale=node.constant(1),
        shift=node.constant(2),
    )


@handles("Relu", "LeakyRelu")
def _rectifier(node: Node) -> Iterator[Layer]:
    negative = 0.0 if node.kind == "Relu" else float(node.attributes.get("alpha", 0.01))
    yield _layer(node, "rectify", count=prod(node.shape()), negative=negative)


@handles("Clip")
def _clip(node: Node) -> Iterator[Layer]:
    limits = (node.constant(k, np.float32(one)) for k, one in ((1, -np.inf), (2, np.inf)))
    largest = np.finfo(np.float32).max
    low, high = (float(np.clip(one, -largest, largest)) for one in limits)
    yield _layer(node, "clip", count=prod(node.shape()), low=low, high=high)


@handles("Sigmoid", "Tanh", "HardSwish")
def _curve(node: Node) -> Iterator[Layer]:
    kind = {"Sigmoid": "sigmoid", "Tanh": "hyperbolic_tangent", "HardSwish": "hard_swish"}[node.kind]
    yield _layer(node, kind, count=prod(node.shape()))


@handles("HardSigmoid")
def _hard_sigmoid(node: Node) -> Iterator[Layer]:
    slope, middle = (float(node.attributes.get(key, default)) for key, default in (("alpha", 0.2), ("beta", 0.5)))
    yield _layer(node, "hard_sigmoid", count=prod(node.shape()), slope=slope, middle=middle)


@handles("Pow")
def _power(node: Node) -> Iterator[Layer]:
    exponent = node.constant(1)
    if exponent.size != 1:
        raise node.refused("it has several exponents")
    yield _layer(node, "power", count=prod(node.shape()), exponent=float(exponent.item()))


@handles("Sqrt")
def _square_root(node: Node) -> Iterator[Layer]:
    yield _layer(node, "power", count=prod(node.shape()), exponent=0.5)


@handles("Add", "Sub", "Mul", "Div")
def _arithmetic(node: Node) -> Iterator[Layer]:
    """One of both may be stored: `stored_first` says which, `stored` what; its strides are those of `stored`."""
    known = [node.constants.get(name) for name in node.inputs]
    strides = [broadcast_strides(node.shapes[name], node.output_shape) for name in node.inputs]
    dims, (first, second), _ = block(node.output_shape, strides)
    if len(dims) > MOST_DIMENSIONS:
        raise node.refused(f"it runs over {len(dims)} dimensions; at most {MOST_DIMENSIONS} are known")
    stored = next((one for one in known if one is not None), None)
    yield _layer(
        node,
        {"Add": "add", "Sub": "subtract", "Mul": "multiply", "Div": "divide"}[node.kind],
        *(name for name, one in zip(node.inputs, known, strict=True) if one is None),
        dims=dims,
        first_strides=first,
        second_strides=second,
        stored=None if stored is None else stored.astype(np.float32),
        stored_first=known[0] is not None,
        shape=node.output_shape,
    )


def broadcast_strides(shape: tuple[int, ...], whole: tuple[int, ...]) -> list[int]:
    """Of a tensor of `shape` that is repeated to the shape `whole`."""
    own = (1,) * (len(whole) - len(shape)) + shape
    return [0 if size == 1 else stride for size, stride in zip(own, strides_of(own), strict=True)]


def _copy(
    node: Node,
    source: str,
    dims: Any,
    read: Any,
    write: Any,
    start: int = 0,
    to: int = 0,
    output: str = "",
    **more: Any,
) -> Layer:
    """Numbers `dims` from places `start` + read strides to places `to` + write strides."""
    kept, (reading, writing), whole = block(tuple(dims), [list(read), list(write)])
    if len(kept) > MOST_DIMENSIONS:
        raise node.refused(f"it copies over {len(kept)} dimensions; at most {MOST_DIMENSIONS} are known")
    settings = {"dims": kept, "read": reading, "write": writing, "start": start, "to": to, "whole": whole, **more}
    return Layer("copy", (source,), output or node.outputs[0], settings)


@handles("Concat")
def _concatenation(node: Node) -> Iterator[Layer]:
    axis = node.attributes["axis"] % len(node.output_shape)
    write = strides_of(node.output_shape)
    done = 0
    for name in node.inputs:
        if name in node.constants:
            raise node.refused("a part of it is stored")
        shape = node.shapes[name]
        yield _copy(node, name, shape, strides_of(shape), write, to=done * write[axis])
        done += shape[axis]


@handles("Split")
def _split(node: Node) -> Iterator[Layer]:
    shape = node.shape()
    axis = node.attributes.get("axis", 0) % len(shape)
    read = strides_of(shape)
    done = 0
    for name in node.outputs:
        own = node.shapes[name]
        yield _copy(node, node.inputs[0], own, read, strides_of(own), start=done * read[axis], output=name)
        done += own[axis]


@handles("Slice")
def _slice(node: Node) -> Iterator[Layer]:
    shape = node.shape()
    read, start = strides_of(shape), 0
    starts, ends = node.constant(1), node.constant(2)
    axes = node.constant(3, np.arange(len(starts)))
    steps = node.constant(4, np.ones(len(starts), np.int64))
    for first, end, axis, step in zip(*(map(int, one) for one in (starts, ends, axes, steps)), strict=True):
        place = axis % len(shape)
        begin, _, stride = slice(first, end, step).indices(shape[place])
        start += begin * read[place]
        read[place] *= stride
    found = node.output_shape
    yield _copy(node, node.inputs[0], found, read, strides_of(found), start=start)


@handles("Gather")
def _chosen(node: Node) -> Iterator[Layer]:
    shape, chosen = node.shape(), node.constant(1)
    axis = node.attributes.get("axis", 0) % len(shape)
    read, dims = strides_of(shape), [*shape[:axis], 1, *shape[axis + 1 :]]
    write = strides_of([*shape[:axis], chosen.size, *shape[axis + 1 :]])
    for k, index in enumerate(chosen.reshape(-1)):
        start = int(index) % shape[axis] * read[axis]
        yield _copy(node, node.inputs[0], dims, read, write, start=start, to=k * write[axis])


@handles("Transpose")
def _transposition(node: Node) -> Iterator[Layer]:
    shape = node.shape()
    order = node.attributes.get("perm", list(reversed(range(len(shape)))))
    read, found = strides_of(shape), node.output_shape
    yield _copy(node, node.inputs[0], found, [read[k] for k in order], strides_of(found))


@handles("Pad")
def _padding(node: Node) -> Iterator[Layer]:
    if node.attributes.get("mode", b"constant") != b"constant":
        raise node.refused("it pads with what lies there")
    shape, found = node.shape(), node.output_shape
    pads, axes = node.constant(1), node.constant(3, np.arange(len(shape)))
    value = float(np.asarray(node.constant(2, np.float32(0))).reshape(-1)[0])
    if min(pads) < 0:
        raise node.refused("it cuts off")
    write = strides_of(found)
    before = sum(int(pad) * write[int(axis) % len(shape)] for pad, axis in zip(pads, axes, strict=False))
    yield _copy(node, node.inputs[0], shape, strides_of(shape), write, to=before, fill=value, filled=prod(found))
