"""Nodes of ONNX that compute number by number, or over whole axes."""

from collections.abc import Callable, Mapping
from typing import Any

import onnx
import torch
from torch import fx, nn

from xgaze.errors import InputError
from xgaze.models.own_networks.onnx_nodes.onnx_reading import Reading, Step

Read = Callable[[Reading, Step], fx.Node]


def called(function: Callable[..., Any]) -> Read:
    """A function of all inputs, of which numbers stay numbers."""
    return lambda reading, step: reading.call(function, *map(reading.value, step.inputs))


def of_tensors(function: Callable[..., Any]) -> Read:
    """A function of two, for any number of inputs; of which none may be a number alone."""

    def read(reading: Reading, step: Step) -> fx.Node:
        found = reading.read(step)
        for place in range(1, len(step.inputs)):
            found = reading.call(function, found, reading.read(step, place))
        return found

    return read


def made(layer: Callable[[Mapping[str, Any]], nn.Module]) -> Read:
    """A layer by what the node says."""
    return lambda reading, step: reading.layer(layer(step.given), reading.read(step))


def same(reading: Reading, step: Step) -> fx.Node:
    """What does nothing in use."""
    return reading.read(step)


def added(reading: Reading, step: Step) -> fx.Node:
    """A row that is a layer's bias was added by it."""
    known = reading.known.get(step.outputs[0])
    return called(torch.add)(reading, step) if known is None else known


def mean_of_all(reading: Reading, step: Step) -> fx.Node:
    """Mean of several inputs."""
    return reading.call(torch.div, of_tensors(torch.add)(reading, step), float(len(step.inputs)))


def softmax(function: Callable[[int], nn.Module]) -> Read:
    """Older ones flatten all axes from theirs on."""

    def read(reading: Reading, step: Step) -> fx.Node:
        found, old = reading.read(step), step.opset < 13
        (axis,) = reading.axes(found, [int(step.given.get("axis", 1 if old else -1))])
        last = len(reading.shape(found)) - 1
        if old and any(size > 1 for size in reading.shape(found)[axis + 1 :]):
            raise InputError("a share of several axes together")
        return reading.layer(function(-1 if axis == last else axis), found)

    return read


def reduced(function: Callable[..., Any], before: Callable[..., Any] | None = None, after: Any = None) -> Read:
    """Over axes that are named, before and after which a function of each number may stand."""

    def read(reading: Reading, step: Step) -> fx.Node:
        found, told = reading.read(step), reading.whole_numbers(step, 1, "axes")
        if not told:
            if step.given.get("noop_with_empty_axes"):
                return found
            raise InputError("it goes over all axes, the samples among them")
        axes, kept = reading.axes(found, told), bool(step.given.get("keepdims", 1))
        found = found if before is None else reading.call(before, found)
        found = reading.call(function, found, dim=axes, keepdim=kept)
        return found if after is None else reading.call(after, found)

    return read


def clipped(reading: Reading, step: Step) -> fx.Node:
    low, high = (reading.constant(step, place, name) for place, name in ((1, "min"), (2, "max")))
    ends = [None if one is None else float(one.reshape(-1)[0]) for one in (low, high)]
    if ends[0] is not None and ends[0] < -1e38:
        ends[0] = None
    if ends[1] is not None and ends[1] > 1e38:
        ends[1] = None
    if ends in ([0.0, None], [0.0, 6.0]):
        return reading.layer(nn.ReLU() if ends[1] is None else nn.ReLU6(), reading.read(step))
    if ends == [None, None]:
        return reading.read(step)
    if None in ends:
        return reading.call(torch.clamp, reading.read(step), *ends)
    return reading.layer(nn.Hardtanh(*ends), reading.read(step))  # type: ignore[arg-type]


def hard_sigmoid(reading: Reading, step: Step) -> fx.Node:
    slope, middle = float(step.given.get("alpha", 0.2)), float(step.given.get("beta", 0.5))
    if abs(slope - 1 / 6) < 1e-6 and middle == 0.5:
        return reading.layer(nn.Hardsigmoid(), reading.read(step))
    line = reading.call(torch.add, reading.call(torch.mul, reading.read(step), slope), middle)
    return reading.call(torch.clamp, line, 0.0, 1.0)


def cast(reading: Reading, step: Step) -> fx.Node:
    """Numbers with a point are all the same here."""
    kind = onnx.helper.tensor_dtype_to_np_dtype(int(step.given["to"]))
    if kind.kind in "fV":
        return reading.method("to", reading.read(step), torch.float32)
    found = {"bool": torch.bool, "int32": torch.int32, "int64": torch.int64}.get(kind.name)
    if found is None:
        raise InputError(f"numbers of the kind {kind.name}")
    return reading.method("to", reading.read(step), found)


def chosen(reading: Reading, step: Step) -> fx.Node:
    """Where."""
    return reading.call(torch.where, *(reading.read(step, place) for place in range(3)))


def infinite(reading: Reading, step: Step) -> fx.Node:
    """Of one sign, or of both."""
    read, ends = reading.read(step), [step.given.get(f"detect_{name}", 1) for name in ("negative", "positive")]
    if not any(ends):
        raise InputError("infinity of neither sign")
    size = reading.call(torch.abs, read) if all(ends) else reading.call(torch.neg, read) if ends[0] else read
    return reading.call(torch.eq, size, float("inf"))


def einsum(reading: Reading, step: Step) -> fx.Node:
    told = step.given["equation"].decode()
    return reading.call(torch.einsum, told, *(reading.read(step, place) for place in range(len(step.inputs))))
