"""An ONNX file as a network of torch's own layers: stored, cut and tuned like any other. No code of the file runs."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import fx, nn
from torch.nn import functional as F

from xgaze.errors import InputError

Constant = NDArray[Any]
LRN = (("alpha", 1e-4), ("beta", 0.75), ("bias", 1.0))
"""Of response normalisation, what is meant where a file does not say it."""


@dataclass
class _Reading:
    """What was read so far: steps, layers and tensors by name; constants, and how often and with how many axes values occur."""

    steps: fx.Graph = field(default_factory=fx.Graph)
    parts: dict[str, Any] = field(default_factory=dict)
    known: dict[str, fx.Node] = field(default_factory=dict)
    constants: dict[str, Constant] = field(default_factory=dict)
    readers: Counter[str] = field(default_factory=Counter)
    axes: dict[str, int] = field(default_factory=dict)
    shared: dict[tuple[Any, ...], str] = field(default_factory=dict)

    def value(self, name: str) -> Any:
        """A step, a number, or a tensor that is stored with the network."""
        if name in self.known:
            return self.known[name]
        found = self.constants[name]
        if found.size == 1:
            return found.reshape(-1)[0].item()
        place = f"tensor{len(self.parts)}"
        self.parts[place] = torch.from_numpy(found.astype(np.float32))
        return self.steps.get_attr(place)

    def layer(self, made: nn.Module, read: fx.Node, same: tuple[Any, ...] = ()) -> fx.Node:
        """same: what else is made of the same weights in the same way is the same layer, as in towers that are shared."""
        place = f"{type(made).__name__.lower()}{len(self.parts)}"
        place = self.shared.setdefault(same, place) if same else place
        self.parts.setdefault(place, made)
        return self.steps.call_module(place, (read,))


@dataclass(frozen=True)
class _Step:
    """One node of a file. inputs: names, "" where one is left out."""

    operation: str
    inputs: tuple[str, ...]
    given: Mapping[str, Any]

    @property
    def weights(self) -> tuple[Any, ...]:
        """What its layer is made of."""
        return self.operation, self.inputs[1:], str(sorted(self.given.items()))

    def constant(self, reading: _Reading, place: int, name: str = "") -> Constant | None:
        """What newer files give as an input and older ones as an attribute."""
        if place < len(self.inputs) and self.inputs[place]:
            if self.inputs[place] not in reading.constants:
                raise InputError(f"{self.operation} reads a number that is computed")
            return reading.constants[self.inputs[place]]
        return np.asarray(self.given[name]) if name in self.given else None


Read = Callable[[_Reading, _Step], fx.Node]


def network_of_onnx(file: Path, inputs: Sequence[str]) -> tuple[nn.Module, list[str]]:
    """The network of a file, in evaluation mode, and the names of its inputs as it takes them: in the order of a recording's
    `inputs` where they are called the same, else in the file's. Raises InputError naming all operations that are not known."""
    graph = _graph_in(file)
    reading = _Reading(constants={one.name: numpy_helper.to_array(one) for one in graph.initializer})
    names = [one.name for one in graph.input if one.name not in reading.constants]
    names = list(inputs) if set(names) == set(inputs) else names
    reading.known = {name: reading.steps.placeholder(f"input_{k}") for k, name in enumerate(names)}
    steps = [node for node in graph.node if not _is_constant(node, reading)]
    unknown = sorted({node.op_type for node in steps} - set(OPERATIONS))
    if unknown or len(graph.output) != 1:
        what = f"holds {', '.join(unknown)}, which are not read" if unknown else f"has {len(graph.output)} outputs"
        raise InputError(f"{file}: {what}. Adopt the network's class instead: mypackage:MyNet --weights FILE.")
    reading.readers = Counter(name for node in steps for name in node.input)
    reading.axes = {one.name: len(one.type.tensor_type.shape.dim) for one in (*graph.value_info, *graph.input)}
    for node in steps:
        given = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
        try:
            found = OPERATIONS[node.op_type](reading, _Step(node.op_type, tuple(node.input), given))
        except (InputError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise InputError(f"{file}: {node.op_type} '{node.name}' is not read: {error}.") from None
        reading.known[node.output[0]] = found
    reading.steps.output(reading.known[graph.output[0].name])
    return fx.GraphModule(reading.parts, reading.steps).eval(), names


def _graph_in(file: Path) -> Any:
    if not file.is_file():
        raise InputError(f"{file}: no such file.")
    try:
        return onnx.shape_inference.infer_shapes(onnx.load(file)).graph
    except Exception as error:  # what a damaged file raises is of a dozen types
        raise InputError(f"{file}: not readable as ONNX ({str(error).partition(chr(10))[0][:120]}).") from None


def _is_constant(node: Any, reading: _Reading) -> bool:
    """Constants are known at once."""
    if node.op_type != "Constant":
        return False
    told = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
    value = next(iter(told.values()))
    reading.constants[node.output[0]] = numpy_helper.to_array(value) if "value" in told else np.asarray(value)
    return True


def _weight(reading: _Reading, step: _Step, place: int) -> torch.Tensor:
    found = step.constant(reading, place)
    if found is None:
        raise InputError("its weights are missing")
    return torch.from_numpy(found.astype(np.float32))


def _loaded(layer: nn.Module, **tensors: torch.Tensor | None) -> nn.Module:
    layer.load_state_dict({name: one for name, one in tensors.items() if one is not None}, strict=False)
    return layer


def _padded(reading: _Reading, step: _Step, axes: int, fill: float = 0.0) -> tuple[fx.Node, tuple[int, ...]]:
    """What a convolution or a pool reads, padded first where its sides differ; and the padding of both sides else."""
    read, pads = reading.known[step.inputs[0]], tuple(step.given.get("pads", (0,) * (2 * axes)))
    if step.given.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        raise InputError("padding by its own rule (auto_pad)")
    before, after = pads[:axes], pads[axes:]
    if before == after:
        return read, before
    sides = [side for pair in zip(before[::-1], after[::-1], strict=True) for side in pair]
    return reading.steps.call_function(F.pad, (read, sides), {"value": fill}), (0,) * axes


def _convolution(reading: _Reading, step: _Step) -> fx.Node:
    weight, bias = _weight(reading, step, 1), _weight(reading, step, 2) if len(step.inputs) > 2 else None
    axes, groups = weight.dim() - 2, int(step.given.get("group", 1))
    read, padding = _padded(reading, step, axes)
    kind: Any = {1: nn.Conv1d, 2: nn.Conv2d}[axes]
    made = kind(
        weight.shape[1] * groups,
        weight.shape[0],
        tuple(weight.shape[2:]),
        tuple(step.given.get("strides", (1,) * axes)),
        padding,
        tuple(step.given.get("dilations", (1,) * axes)),
        groups,
        bias is not None,
    )
    return reading.layer(_loaded(made, weight=weight, bias=bias), read, step.weights)


def _dense(reading: _Reading, step: _Step) -> fx.Node:
    """Gemm, or MatMul with a matrix of weights."""
    if step.operation == "MatMul" and step.inputs[1] not in reading.constants:
        return reading.steps.call_function(torch.matmul, (reading.known[step.inputs[0]], reading.value(step.inputs[1])))
    if step.given.get("transA") or step.given.get("alpha", 1.0) != 1 or step.given.get("beta", 1.0) != 1:
        raise InputError("a product that is scaled or transposed")
    stored = _weight(reading, step, 1)
    weight = stored if step.given.get("transB") else stored.T.contiguous()
    bias = _weight(reading, step, 2).reshape(-1).expand(len(weight)) if len(step.inputs) > 2 else None
    made = nn.Linear(weight.shape[1], weight.shape[0], bias is not None)
    # The bias of a MatMul is only known once it is added.
    same = step.weights if step.operation == "Gemm" else ()
    return reading.layer(_loaded(made, weight=weight, bias=bias), reading.known[step.inputs[0]], same)


def _sum(reading: _Reading, step: _Step) -> fx.Node:
    """Of a product and a row of numbers: the layer's bias, as it was before it was exported."""
    for product, row in (step.inputs[:2], step.inputs[1::-1]):
        made = reading.parts.get(str(reading.known[product].target)) if product in reading.known else None
        bias = reading.constants.get(row)
        if not isinstance(made, nn.Linear) or made.bias is not None or reading.readers[product] != 1:
            continue
        if bias is not None and bias.size == made.out_features:
            made.bias = nn.Parameter(torch.from_numpy(bias.astype(np.float32).reshape(-1)))
            return reading.known[product]
    return _called(torch.add)(reading, step)


def _batch_norm(reading: _Reading, step: _Step) -> fx.Node:
    scale, shift, mean, variance = (_weight(reading, step, place) for place in range(1, 5))
    kind = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d}[reading.axes.get(step.inputs[0], 4)]
    made = kind(len(scale), float(step.given.get("epsilon", 1e-5)))
    filled = _loaded(made, weight=scale, bias=shift, running_mean=mean, running_var=variance)
    return reading.layer(filled, reading.known[step.inputs[0]], step.weights)


def _pool(reading: _Reading, step: _Step) -> fx.Node:
    shape: Any = tuple(step.given["kernel_shape"])
    if len(shape) != 2 or any(one != 1 for one in step.given.get("dilations", ())):
        raise InputError("a pool of other than two axes, or with gaps")
    strides, whole = tuple(step.given.get("strides", (1, 1))), bool(step.given.get("ceil_mode", 0))
    if step.operation == "MaxPool":
        read, padding = _padded(reading, step, 2, -float("inf"))
        return reading.layer(nn.MaxPool2d(shape, strides, padding, ceil_mode=whole), read)
    read, padding = _padded(reading, step, 2)
    counted = bool(step.given.get("count_include_pad", 0))
    if read is not reading.known[step.inputs[0]] and not counted:
        raise InputError("a mean beside padding of unequal sides")
    made: Any = nn.AvgPool2d
    return reading.layer(made(shape, strides, padding, whole, counted), read)


def _reshape(reading: _Reading, step: _Step) -> fx.Node:
    """The first axis is the batch, of any size, whatever size the file was exported with."""
    asked, read = step.constant(reading, 1, "shape"), reading.known[step.inputs[0]]
    if asked is None:
        raise InputError("its shape is missing")
    rest = [int(one) for one in asked.reshape(-1)[1:]]
    if len(rest) == 1:
        return reading.layer(nn.Flatten(), read)
    if not rest or min(rest) < 1:
        raise InputError(f"a shape of {asked.tolist()}")
    return reading.steps.call_function(torch.reshape, (read, (-1, *rest)))


def _clip(reading: _Reading, step: _Step) -> fx.Node:
    low, high = (step.constant(reading, place, name) for place, name in ((1, "min"), (2, "max")))
    ends = [None if one is None else float(one.reshape(-1)[0]) for one in (low, high)]
    made = nn.ReLU() if ends == [0.0, None] else nn.ReLU6() if ends == [0.0, 6.0] else None
    if made is None and None in ends:
        raise InputError("one end alone")
    return reading.layer(made or nn.Hardtanh(*ends), reading.known[step.inputs[0]])  # type: ignore[arg-type]


def _mean(reading: _Reading, step: _Step) -> fx.Node:
    axes = step.constant(reading, 1, "axes")
    if axes is None:
        raise InputError("a mean over all axes, the batch among them")
    told: dict[str, Any] = {
        "dim": [int(one) for one in axes.reshape(-1)],
        "keepdim": bool(step.given.get("keepdims", 1)),
    }
    return reading.steps.call_function(torch.mean, (reading.known[step.inputs[0]],), told)


def _axes(function: Callable[..., Any]) -> Read:
    """Squeeze and unsqueeze, one axis after the other."""

    def read(reading: _Reading, step: _Step) -> fx.Node:
        found, axes = reading.known[step.inputs[0]], step.constant(reading, 1, "axes")
        if axes is None:
            raise InputError("its axes are missing")
        ordered: Sequence[int] = sorted(map(int, axes.reshape(-1)), reverse=function is torch.squeeze)
        for axis in ordered:
            found = reading.steps.call_function(function, (found, axis))
        return found

    return read


def _called(function: Callable[..., Any]) -> Read:
    return lambda reading, step: reading.steps.call_function(function, tuple(map(reading.value, step.inputs)))


def _made(layer: Callable[[Mapping[str, Any]], nn.Module]) -> Read:
    return lambda reading, step: reading.layer(layer(step.given), reading.known[step.inputs[0]])


def _same(reading: _Reading, step: _Step) -> fx.Node:
    return reading.known[step.inputs[0]]


def _joined(reading: _Reading, step: _Step) -> fx.Node:
    return reading.steps.call_function(torch.cat, (list(map(reading.value, step.inputs)), int(step.given["axis"])))


def _turned(reading: _Reading, step: _Step) -> fx.Node:
    return reading.steps.call_function(torch.permute, (reading.known[step.inputs[0]], tuple(step.given["perm"])))


def _hard_sigmoid(given: Mapping[str, Any]) -> nn.Module:
    if abs(float(given.get("alpha", 0.2)) - 1 / 6) > 1e-6 or float(given.get("beta", 0.5)) != 0.5:
        raise InputError("another slope than torch's")
    return nn.Hardsigmoid()


OPERATIONS: Mapping[str, Read] = MappingProxyType(
    {
        "Add": _sum,
        "AveragePool": _pool,
        "BatchNormalization": _batch_norm,
        "Clip": _clip,
        "Concat": _joined,
        "Conv": _convolution,
        "Div": _called(torch.div),
        "Dropout": _same,
        "Elu": _made(lambda given: nn.ELU(float(given.get("alpha", 1.0)))),
        "Exp": _called(torch.exp),
        "Flatten": _made(lambda given: nn.Flatten(int(given.get("axis", 1)))),
        "Gelu": _made(lambda given: nn.GELU(given.get("approximate", b"none").decode())),
        "Gemm": _dense,
        "GlobalAveragePool": _made(lambda _: nn.AdaptiveAvgPool2d(1)),
        "HardSigmoid": _made(_hard_sigmoid),
        "HardSwish": _made(lambda _: nn.Hardswish()),
        "Identity": _same,
        "LRN": _made(lambda given: nn.LocalResponseNorm(given["size"], *(given.get(k, v) for k, v in LRN))),
        "LeakyRelu": _made(lambda given: nn.LeakyReLU(float(given.get("alpha", 0.01)))),
        "LogSoftmax": _made(lambda given: nn.LogSoftmax(int(given.get("axis", -1)))),
        "MatMul": _dense,
        "MaxPool": _pool,
        "Mul": _called(torch.mul),
        "Neg": _called(torch.neg),
        "ReduceMean": _mean,
        "Relu": _made(lambda _: nn.ReLU()),
        "Reshape": _reshape,
        "Sigmoid": _made(lambda _: nn.Sigmoid()),
        "Softmax": _made(lambda given: nn.Softmax(int(given.get("axis", -1)))),
        "Softplus": _made(lambda _: nn.Softplus()),
        "Sqrt": _called(torch.sqrt),
        "Squeeze": _axes(torch.squeeze),
        "Sub": _called(torch.sub),
        "Tanh": _made(lambda _: nn.Tanh()),
        "Transpose": _turned,
        "Unsqueeze": _axes(torch.unsqueeze),
    }
)
