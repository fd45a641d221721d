"""A float model as its 8-bit file computes it: the same steps, rounded at the same places to the same steps, with weights that
learn. What rounds has no slope; gradients pass as if it were not there, and stop where a number is cut off."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper
from torch import Tensor, nn

from xgaze.compression.export.computed_in_floats import WEIGHTED
from xgaze.compression.export.packed_weights import LARGEST, packed_axes
from xgaze.compression.export.rounding.graph_steps import STEPS
from xgaze.compression.export.slim import replace_initializers
from xgaze.errors import InputError

QUANTISE, DEQUANTISE = "QuantizeLinear", "DequantizeLinear"
WEIGHT, BIAS, LOADED = "a weight in 8 bits", "a bias in 32 bits", "a weight in 8 bits once it is loaded"
LOW, HIGH, STEPS_OF_BYTE = -128.0, 127.0, 255.0
WORD = float(2**31)
REDUCED = 64
"""The largest whole number of a weight in 7 bits."""
ALIKE = 1e-4
ACTIVATIONS = ("Relu", "LeakyRelu", "Clip")


class _StraightThrough(torch.autograd.Function):
    """x to whole steps of `scale` from `zero` on, cut off at low and high."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, zero: Tensor, low: float, high: float) -> Tensor:
        whole = torch.round(x / scale) + zero
        kept = whole.clamp(low, high)
        ctx.save_for_backward(whole == kept)
        return (kept - zero) * scale

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (inside,) = ctx.saved_tensors
        return gradients[0] * inside, None, None, None, None


@dataclass(frozen=True)
class _Rule:
    """How a weight is rounded: symmetric, the largest number of each index of `axis` (of all, where None) to `largest`. least:
    steps are no finer than these, which keep the bias within 32 bits."""

    largest: int
    axis: int | None
    least: Tensor | None = None

    def scale(self, weight: Tensor) -> Tensor:
        """Of the shape that multiplies the weight."""
        others = tuple(k for k in range(weight.dim()) if self.axis is None or k != self.axis % weight.dim())
        found = weight.detach().abs().amax(dim=others, keepdim=True) / self.largest
        found = torch.where(found == 0, torch.ones_like(found), found)
        return found if self.least is None else torch.maximum(found, self.least.to(found.device).reshape(found.shape))


@dataclass(frozen=True)
class _Node:
    """One step. inputs, outputs: names, "" where one is left out. rule: of a weight, and of the weight beside a bias."""

    operation: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    given: Mapping[str, Any]
    rule: _Rule | None = None


class RoundedNetwork(nn.Module):
    """floats: the exported model; rounded: what `with_roundings` made of it. inputs: names, in the order of a recording. learned:
    which of its stored tensors may learn; those do that convolutions and matrix products alone read.

    Raises InputError where it holds an operation that is not known here, or is rounded by a rule that is not."""

    def __init__(
        self, floats: ModelProto, rounded: ModelProto, inputs: Sequence[str], learned: Collection[str]
    ) -> None:
        super().__init__()
        self.inputs, self.output = tuple(inputs), floats.graph.output[0].name
        self.places: dict[str, str] = {}
        tensors = {one.name: one for graph in (rounded.graph, floats.graph) for one in graph.initializer}
        tuned = set(learned) & _only_weights(floats.graph)
        for place, (name, tensor) in enumerate(tensors.items()):
            self.places[name] = f"tensor{place}"
            values = torch.from_numpy(np.array(numpy_helper.to_array(tensor)))
            if name in tuned and values.dtype == torch.float32:
                self.register_parameter(self.places[name], nn.Parameter(values))
            else:
                self.register_buffer(self.places[name], values, persistent=False)
        self.turned = {one.output[0]: _node(one) for one in floats.graph.node if _is_turned(one, self.places)}
        self.nodes = list(self._steps(floats.graph, rounded.graph))

    def forward(self, *given: Tensor) -> Tensor:
        known: dict[str, Any] = dict(zip(self.inputs, given, strict=True))
        for node in self.nodes:
            values = [self._value(known, name) for name in node.inputs]
            made = _computed(node, values)
            known |= zip(node.outputs, made, strict=False) if isinstance(made, tuple) else [(node.outputs[0], made)]
        output: Tensor = known[self.output]
        return output

    @torch.no_grad()
    def tuned(self, floats: ModelProto) -> ModelProto:
        """The exported model with the weights that were learned."""
        own = dict(self.named_parameters())
        kept = [
            numpy_helper.from_array(own[place].detach().cpu().contiguous().numpy(), one.name)
            if (place := self.places[one.name]) in own
            else one
            for one in floats.graph.initializer
        ]
        made: ModelProto = ModelProto.FromString(floats.SerializeToString())
        replace_initializers(made.graph, kept)
        return made

    def _value(self, known: Mapping[str, Any], name: str) -> Tensor | None:
        if not name:
            return None
        found: Tensor = known[name] if name in known else getattr(self, self.places[name])
        return found

    def _float(self, name: str) -> Tensor:
        """A weight before it is rounded."""
        if name not in self.turned:
            return getattr(self, self.places[name])  # type: ignore[no-any-return]
        node = self.turned[name]
        return _computed(node, [self._float(one) for one in node.inputs])  # type: ignore[no-any-return]

    def _steps(self, floats: GraphProto, rounded: GraphProto) -> Iterator[_Node]:
        """All that is computed, in order: stored tensors turned, then rounded, then what depends on the inputs."""
        yield from self.turned.values()
        own = list(self._weights(floats, rounded))
        yield from own
        yield from (
            _Node(WEIGHT, (name,), (name,), {}, _Rule(LARGEST, axis)) for name, axis in packed_axes(rounded).items()
        )
        done = {name for node in own for name in node.outputs}
        left = list(_as_loaded([_node(one) for one in rounded.node if not done.intersection(one.output)], done))
        unknown = sorted({one.operation for one in left} - set(STEPS) - {QUANTISE, DEQUANTISE, LOADED})
        if unknown:
            raise InputError(f"it holds {', '.join(unknown)}")
        yield from _in_order(left, done | set(self.places) | set(self.inputs))

    def _weights(self, floats: GraphProto, rounded: GraphProto) -> Iterator[_Node]:
        """What convolutions and matrix products read in whole numbers: weights, and biases in steps of input times weight."""
        maker = {name: node for node in rounded.node for name in node.output}
        stored = {one.name: one for one in rounded.initializer}
        plain = {node.name: tuple(node.input) for node in floats.node}
        done: set[str] = set()
        for node in rounded.node:
            if node.op_type not in WEIGHTED or node.name not in plain:
                continue
            read = [maker.get(name) for name in node.input]
            for name, one in zip(plain[node.name], read, strict=False):
                if one is None or one.op_type != DEQUANTISE or one.input[0] not in stored or one.output[0] in done:
                    continue
                done.add(one.output[0])
                kind = stored[one.input[0]].data_type
                if kind == TensorProto.INT8:
                    yield _Node(WEIGHT, (name,), tuple(one.output), {}, self._rule(name, one, stored))
                elif kind == TensorProto.INT32:
                    weight, input_steps = plain[node.name][1], read[0].input[1]  # type: ignore[union-attr]
                    rule = self._rule(weight, read[1], stored)  # type: ignore[arg-type]
                    yield _Node(BIAS, (name, weight, input_steps), tuple(one.output), {}, rule)

    def _rule(self, name: str, reader: NodeProto, stored: Mapping[str, TensorProto]) -> _Rule:
        """By which the weight `name` was rounded to what `reader` reads."""
        whole, scale = (numpy_helper.to_array(stored[one]) for one in reader.input[:2])
        axis = next((int(one.i) for one in reader.attribute if one.name == "axis"), 1) if scale.size > 1 else None
        largest = REDUCED if np.abs(whole.astype(np.int16)).max(initial=0) <= REDUCED else LARGEST
        own = _Rule(largest, axis).scale(self._float(name))
        told = torch.from_numpy(np.array(scale, np.float32)).reshape(own.shape)
        if (told < own * (1 - ALIKE)).any():
            raise InputError("its weights are rounded by another rule than is known here")
        wider = told > own * (1 + ALIKE)
        return _Rule(largest, axis, torch.where(wider, told, torch.zeros_like(told)) if wider.any() else None)


def _computed(node: _Node, values: Sequence[Tensor | None]) -> Any:
    """One tensor, or several where a node puts out several."""
    if node.operation in STEPS:
        return STEPS[node.operation](values, node.given)
    x, *others = (one for one in values if one is not None)
    if node.operation == QUANTISE:
        scale, zero = others
        return _StraightThrough.apply(x, scale, zero.to(x.dtype), 0.0, STEPS_OF_BYTE)
    if node.operation == DEQUANTISE:
        return x if x.is_floating_point() else _in_floats(x, others[0], others[1:], node.given)
    if node.operation == LOADED:
        return _StraightThrough.apply(x, *_from_least_to_largest(x.detach()), LOW, HIGH)
    assert node.rule is not None
    zero = x.new_zeros(())
    if node.operation == WEIGHT:
        return _StraightThrough.apply(x, node.rule.scale(x), zero, -node.rule.largest, node.rule.largest)
    weight, steps = others
    scale = steps * node.rule.scale(weight)
    return _StraightThrough.apply(x, scale.reshape(-1) if scale.numel() > 1 else scale.reshape(()), zero, -WORD, WORD)


def _from_least_to_largest(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Scale and zero of 8 bits over the whole weight, nought among them."""
    least, largest = weight.amin().clamp(max=0), weight.amax().clamp(min=0)
    scale = torch.where(largest > least, (largest - least) / STEPS_OF_BYTE, 1.0)
    return scale, torch.round(LOW - least / scale).clamp(LOW, HIGH)


def _in_floats(whole: Tensor, scale: Tensor, zero: Sequence[Tensor], given: Mapping[str, Any]) -> Tensor:
    """A tensor that is stored in 8 bits and does not learn."""
    shape = [1] * whole.dim()
    if scale.dim():
        shape[given.get("axis", 1)] = -1
    moved = whole.to(scale.dtype)
    return (moved - zero[0].to(scale.dtype).reshape(shape) if zero else moved) * scale.reshape(shape)


def _as_loaded(nodes: Sequence[_Node], whole: Collection[str]) -> Iterator[_Node]:
    """What onnxruntime makes of the nodes when it loads a file: where a float weight lies between what was rounded and what is
    rounded next, it is rounded to 8 bits too, from its least to its largest number. whole: weights that are so already."""
    maker = {name: node for node in nodes for name in node.outputs}
    readers: dict[str, list[_Node]] = {}
    for node in nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    for node in nodes:
        source = maker.get(node.inputs[0]) if node.operation in ("Conv", "Gemm") else None
        between = source is not None and source.operation == DEQUANTISE and source.inputs[0] in maker
        if between and node.inputs[1] not in whole and _is_rounded_next(node, readers):
            name = f"{node.outputs[0]}: weight"
            yield _Node(LOADED, node.inputs[1:2], (name,), {})
            yield replace(node, inputs=(node.inputs[0], name, *node.inputs[2:]))
        else:
            yield node


def _is_rounded_next(node: _Node, readers: Mapping[str, Sequence[_Node]]) -> bool:
    """Whether one alone reads what a node makes, and rounds it, activations left aside."""
    following = readers.get(node.outputs[0], ())
    if len(following) != 1:
        return False
    return following[0].operation == QUANTISE or (
        following[0].operation in ACTIVATIONS and _is_rounded_next(following[0], readers)
    )


def _is_turned(node: NodeProto, stored: Collection[str]) -> bool:
    """Whether a node only turns what is stored, as a mirrored kernel."""
    return node.op_type == "Slice" and all(name in stored for name in node.input)


def _only_weights(graph: GraphProto) -> set[str]:
    """Stored tensors that convolutions and matrix products alone read, and not as what they multiply."""
    stored = {one.name for one in graph.initializer}
    others: set[str] = set()
    turned: dict[str, str] = {}
    for node in graph.node:
        if _is_turned(node, stored):
            turned[node.output[0]] = node.input[0]
        elif node.op_type not in WEIGHTED:
            others |= set(node.input)
        elif not all(name in stored for name in node.input):
            others.add(node.input[0])
    return stored - others - {turned[name] for name in others if name in turned}


def _node(node: NodeProto) -> _Node:
    given = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    return _Node(node.op_type, tuple(node.input), tuple(node.output), given)


def _in_order(nodes: Iterable[_Node], known: set[str]) -> Iterator[_Node]:
    """Each after what it reads. Raises InputError where one reads what nobody makes."""
    left = list(nodes)
    while left:
        ready = [one for one in left if all(not name or name in known for name in one.inputs)]
        if not ready:
            raise InputError(f"nothing makes what {left[0].operation} reads")
        yield from ready
        known |= {name for one in ready for name in one.outputs}
        left = [one for one in left if one not in ready]
