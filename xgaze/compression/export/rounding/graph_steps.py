"""What each operation of an ONNX file computes, in torch and with gradients: one function per operation."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from xgaze.errors import InputError

Given = Mapping[str, Any]
"""A node's attributes."""
Values = Sequence[Tensor | None]
"""What a node reads; None where it leaves something out."""
Step = Callable[[Values, Given], Any]
"""One tensor, or several where a node has several outputs."""


def _whole(told: Tensor | Sequence[int] | None, default: Sequence[int] = ()) -> list[int]:
    """Whole numbers that newer files give as an input and older ones as an attribute."""
    return [int(one) for one in (default if told is None else told)]


def _input(values: Values, place: int) -> Tensor | None:
    return values[place] if place < len(values) else None


def _read(values: Values, place: int = 0) -> Tensor:
    found = _input(values, place)
    if found is None:
        raise InputError("an input is missing")
    return found


def _padded(x: Tensor, given: Given, axes: int, fill: float) -> tuple[Tensor, list[int]]:
    """What a window runs over, padded first where its sides differ; and the padding of both sides else."""
    if given.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        raise InputError("its padding is left to the runtime")
    pads = _whole(given.get("pads"), [0] * (2 * axes))
    before, after = pads[:axes], pads[axes:]
    if before == after:
        return x, before
    sides = [side for pair in zip(before[::-1], after[::-1], strict=True) for side in pair]
    return F.pad(x, sides, value=fill), [0] * axes


def _convolution(values: Values, given: Given) -> Tensor:
    weight = _read(values, 1)
    axes = weight.dim() - 2
    x, padding = _padded(_read(values), given, axes, 0.0)
    convolve: Any = {1: F.conv1d, 2: F.conv2d}[axes]
    ones = [1] * axes
    strides, gaps = _whole(given.get("strides"), ones), _whole(given.get("dilations"), ones)
    found: Tensor = convolve(x, weight, _input(values, 2), strides, padding, gaps, given.get("group", 1))
    return found


def _gemm(values: Values, given: Given) -> Tensor:
    x, weight, bias = _read(values), _read(values, 1), _input(values, 2)
    x, weight = x.T if given.get("transA") else x, weight.T if given.get("transB") else weight
    made = float(given.get("alpha", 1.0)) * (x @ weight)
    return made if bias is None else made + float(given.get("beta", 1.0)) * bias


def _max_pool(values: Values, given: Given) -> Tensor:
    shape = _whole(given["kernel_shape"])
    axes = len(shape)
    x, padding = _padded(_read(values), given, axes, -float("inf"))
    pool: Any = {1: F.max_pool1d, 2: F.max_pool2d}[axes]
    strides, gaps = _whole(given.get("strides"), [1] * axes), _whole(given.get("dilations"), [1] * axes)
    found: Tensor = pool(x, shape, strides, padding, gaps, ceil_mode=bool(given.get("ceil_mode", 0)))
    return found


def _mean_pool(values: Values, given: Given) -> Tensor:
    shape, counted = _whole(given["kernel_shape"]), bool(given.get("count_include_pad", 0))
    axes = len(shape)
    x, padding = _padded(_read(values), given, axes, 0.0)
    if x is not values[0] and not counted:
        raise InputError("a mean beside padding of unequal sides")
    pool: Any = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}[axes]
    strides = _whole(given.get("strides"), [1] * axes)
    found: Tensor = pool(x, shape, strides, padding, bool(given.get("ceil_mode", 0)), counted)
    return found


def _over_axes(function: Callable[..., Tensor]) -> Step:
    """Means and sums."""

    def over(values: Values, given: Given) -> Tensor:
        x = _read(values)
        axes = _whole(_input(values, 1) if len(values) > 1 else given.get("axes"), range(x.dim()))
        return function(x, dim=axes, keepdim=bool(given.get("keepdims", 1)))

    return over


def _reshape(values: Values, given: Given) -> Tensor:
    x, asked = _read(values), _whole(_read(values, 1))
    if given.get("allowzero") and 0 in asked:
        raise InputError("a shape with zeros")
    return x.reshape([x.shape[k] if one == 0 else one for k, one in enumerate(asked)])


def _flatten(values: Values, given: Given) -> Tensor:
    x = _read(values)
    axis = given.get("axis", 1) % (x.dim() + 1)
    return x.reshape(int(torch.tensor(x.shape[:axis]).prod()), -1)


def _squeeze(values: Values, given: Given) -> Tensor:
    x = _read(values)
    axes = _whole(_input(values, 1) if len(values) > 1 else given.get("axes"))
    return x.squeeze(axes) if axes else x.squeeze()


def _unsqueeze(values: Values, given: Given) -> Tensor:
    x = _read(values)
    axes = _whole(_input(values, 1) if len(values) > 1 else given.get("axes"))
    for axis in sorted(one % (x.dim() + len(axes)) for one in axes):
        x = x.unsqueeze(axis)
    return x


def _split(values: Values, given: Given) -> tuple[Tensor, ...]:
    x, axis = _read(values), int(given.get("axis", 0))
    sizes = _whole(_input(values, 1) if len(values) > 1 else given.get("split"))
    return tuple(x.split(sizes or -(-x.shape[axis] // int(given["num_outputs"])), axis))


def _slice(values: Values, _: Given) -> Tensor:
    x, starts, ends = _read(values), _whole(_read(values, 1)), _whole(_read(values, 2))
    axes = _whole(_input(values, 3), range(len(starts)))
    steps = _whole(_input(values, 4), [1] * len(starts))
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        size = x.shape[axis]
        places = range(*slice(start, None if step < 0 and end < -size else end, step).indices(size))
        x = x.index_select(axis, torch.tensor(list(places), device=x.device))
    return x


def _gather(values: Values, given: Given) -> Tensor:
    x, chosen, axis = _read(values), _read(values, 1), int(given.get("axis", 0))
    axis %= x.dim()
    found = x.index_select(axis, chosen.reshape(-1).to(torch.int64) % x.shape[axis])
    return found.reshape(*x.shape[:axis], *chosen.shape, *x.shape[axis + 1 :])


def _pad(values: Values, given: Given) -> Tensor:
    x, pads = _read(values), _whole(_read(values, 1))
    if given.get("mode", b"constant") != b"constant":
        raise InputError("it pads with what lies there")
    axes, fill = _whole(_input(values, 3), range(x.dim())), _input(values, 2)
    sides = [0] * (2 * x.dim())
    for k, axis in enumerate(axes):
        place = 2 * (x.dim() - 1 - axis % x.dim())
        sides[place], sides[place + 1] = pads[k], pads[k + len(axes)]
    return F.pad(x, sides, value=0.0 if fill is None else float(fill))


def _batch_norm(values: Values, given: Given) -> Tensor:
    x, scale, shift, mean, variance = (_read(values, place) for place in range(5))
    return F.batch_norm(x, mean, variance, scale, shift, eps=float(given.get("epsilon", 1e-5)))


def _instance_norm(values: Values, given: Given) -> Tensor:
    scale, shift = _read(values, 1), _read(values, 2)
    return F.instance_norm(_read(values), weight=scale, bias=shift, eps=float(given.get("epsilon", 1e-5)))


def _clip(values: Values, _: Given) -> Tensor:
    return torch.clamp(_read(values), _input(values, 1), _input(values, 2))


def _hard_sigmoid(values: Values, given: Given) -> Tensor:
    return (float(given.get("alpha", 0.2)) * _read(values) + float(given.get("beta", 0.5))).clamp(0, 1)


def _gelu(values: Values, given: Given) -> Tensor:
    return F.gelu(_read(values), approximate=given.get("approximate", b"none").decode())


def _global_mean(values: Values, _: Given) -> Tensor:
    x = _read(values)
    return x.mean(dim=tuple(range(2, x.dim())), keepdim=True)


def _concatenated(values: Values, given: Given) -> Tensor:
    return torch.cat([_read(values, place) for place in range(len(values))], int(given["axis"]))


def _turned(values: Values, given: Given) -> Tensor:
    x = _read(values)
    return x.permute(_whole(given.get("perm"), range(x.dim())[::-1]))


def _of_one(function: Callable[[Tensor], Tensor]) -> Step:
    return lambda values, _: function(_read(values))


def _of_two(function: Callable[[Tensor, Tensor], Tensor]) -> Step:
    return lambda values, _: function(_read(values), _read(values, 1))


STEPS: Mapping[str, Step] = MappingProxyType(
    {
        "Add": _of_two(torch.add),
        "AveragePool": _mean_pool,
        "BatchNormalization": _batch_norm,
        "Clip": _clip,
        "Concat": _concatenated,
        "Conv": _convolution,
        "Div": _of_two(torch.div),
        "Dropout": _of_one(lambda x: x),
        "Elu": lambda values, given: F.elu(_read(values), float(given.get("alpha", 1.0))),
        "Erf": _of_one(torch.erf),
        "Exp": _of_one(torch.exp),
        "Flatten": _flatten,
        "Gather": _gather,
        "Gelu": _gelu,
        "Gemm": _gemm,
        "GlobalAveragePool": _global_mean,
        "HardSigmoid": _hard_sigmoid,
        "HardSwish": _of_one(F.hardswish),
        "Identity": _of_one(lambda x: x),
        "InstanceNormalization": _instance_norm,
        "LeakyRelu": lambda values, given: F.leaky_relu(_read(values), float(given.get("alpha", 0.01))),
        "MatMul": _of_two(torch.matmul),
        "MaxPool": _max_pool,
        "Mul": _of_two(torch.mul),
        "Neg": _of_one(torch.neg),
        "Pad": _pad,
        "Pow": _of_two(torch.pow),
        "ReduceMean": _over_axes(torch.mean),
        "ReduceSum": _over_axes(torch.sum),
        "Relu": _of_one(torch.relu),
        "Reshape": _reshape,
        "Sigmoid": _of_one(torch.sigmoid),
        "Slice": _slice,
        "Softmax": lambda values, given: _read(values).softmax(int(given.get("axis", -1))),
        "Softplus": _of_one(F.softplus),
        "Split": _split,
        "Sqrt": _of_one(torch.sqrt),
        "Squeeze": _squeeze,
        "Sub": _of_two(torch.sub),
        "Tanh": _of_one(torch.tanh),
        "Transpose": _turned,
        "Unsqueeze": _unsqueeze,
    }
)
