"""Nodes of ONNX that have weights, and pools: as torch's layers, so that they can be cut and tuned like a user's own."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from xgaze.errors import InputError
from xgaze.models.own_networks.onnx_nodes.onnx_reading import Reading, Step, as_tensor

LRN = (("alpha", 1e-4), ("beta", 0.75), ("bias", 1.0))
"""Of response normalisation, what is meant where a file does not say it."""
CONVOLUTIONS: dict[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
TURNED_ROUND: dict[int, Any] = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d}
MAXIMA: dict[int, Any] = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
MEANS: dict[int, Any] = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}
WHOLE_MEANS: dict[int, Any] = {1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d, 3: nn.AdaptiveAvgPool3d}
WHOLE_MAXIMA: dict[int, Any] = {1: nn.AdaptiveMaxPool1d, 2: nn.AdaptiveMaxPool2d}
NORMS: dict[int, Any] = {0: nn.BatchNorm1d, 1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
ALONE: dict[int, Any] = {1: nn.InstanceNorm1d, 2: nn.InstanceNorm2d}


def convolution(reading: Reading, step: Step) -> fx.Node:
    weight, bias = reading.weight(step, 1), reading.weight(step, 2) if step.has(2) else None
    axes, groups = weight.dim() - 2, int(step.given.get("group", 1))
    read, padding = _padded(reading, step, tuple(weight.shape[2:]))
    made = _of(CONVOLUTIONS, axes)(
        weight.shape[1] * groups,
        weight.shape[0],
        tuple(weight.shape[2:]),
        tuple(step.given.get("strides", (1,) * axes)),
        padding,
        tuple(step.given.get("dilations", (1,) * axes)),
        groups,
        bias is not None,
    )
    return reading.layer(_loaded(made, weight=weight, bias=bias), read, reading.weights_of(step))


def convolution_turned_round(reading: Reading, step: Step) -> fx.Node:
    weight, bias = reading.weight(step, 1), reading.weight(step, 2) if step.has(2) else None
    axes, groups = weight.dim() - 2, int(step.given.get("group", 1))
    pads = tuple(step.given.get("pads", (0,) * (2 * axes)))
    if _own_rule(step) or "output_shape" in step.given or pads[:axes] != pads[axes:]:
        raise InputError("its padding is unequal or by a rule")
    strides, dilations = (tuple(step.given.get(name, (1,) * axes)) for name in ("strides", "dilations"))
    more = tuple(step.given.get("output_padding", (0,) * axes))
    made = _of(TURNED_ROUND, axes)(
        weight.shape[0],
        weight.shape[1] * groups,
        tuple(weight.shape[2:]),
        strides,
        pads[:axes],
        more,
        groups,
        bias is not None,
        dilations,
    )
    return reading.layer(_loaded(made, weight=weight, bias=bias), reading.read(step), reading.weights_of(step))


def product(reading: Reading, step: Step) -> fx.Node:
    """MatMul: a layer where a matrix of weights is multiplied from the right, with the row that alone is added afterwards."""
    weights = reading.constants.get(step.inputs[1])
    if weights is None or weights.ndim != 2 or step.inputs[0] not in reading.known:
        return reading.call(torch.matmul, reading.read(step, 0), reading.read(step, 1))
    row = _added_row(reading, step.outputs[0], weights.shape[1])
    bias = None if row is None else reading.constants[row[1]]
    same = (*reading.weights_of(step), id(bias))
    made = _linear(as_tensor(weights).T.contiguous(), None if bias is None else as_tensor(bias).reshape(-1))
    found = reading.layer(made, reading.read(step), same)
    if row is not None:
        reading.known[row[0]] = found
    return found


def _added_row(reading: Reading, name: str, width: int) -> tuple[str, str] | None:
    """What reads a product alone and adds a row of numbers to it, by its output, and the row: a layer's bias, as it was before it
    was exported."""
    readers = reading.readers.get(name, ())
    if len(readers) != 1 or readers[0].op_type != "Add":
        return None
    (row,) = [one for one in readers[0].input if one != name] or [""]
    found = reading.constants.get(row)
    return (readers[0].output[0], row) if found is not None and found.size == found.shape[-1:][0] == width else None


def dense(reading: Reading, step: Step) -> fx.Node:
    """Gemm: alpha A' B' + beta C."""
    alpha, beta = float(step.given.get("alpha", 1.0)), float(step.given.get("beta", 1.0))
    first = reading.read(step)
    if step.given.get("transA"):
        first = reading.call(torch.transpose, first, 0, 1)
    if step.inputs[1] in reading.constants and (not step.has(2) or step.inputs[2] in reading.constants):
        stored = alpha * reading.weight(step, 1)
        weight = stored if step.given.get("transB") else stored.T.contiguous()
        bias = beta * reading.weight(step, 2) if step.has(2) else None
        if bias is None or bias.dim() < 2 or bias.shape[0] == 1:
            own = None if bias is None else bias.reshape(-1).expand(len(weight)).contiguous()
            return reading.layer(_linear(weight, own), first, reading.weights_of(step))
    second = reading.read(step, 1)
    if step.given.get("transB"):
        second = reading.call(torch.transpose, second, 0, 1)
    found = reading.call(torch.mul, reading.call(torch.matmul, first, second), alpha)
    if not step.has(2):
        return found
    return reading.call(torch.add, found, reading.call(torch.mul, reading.read(step, 2), beta))


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Module:
    return _loaded(nn.Linear(weight.shape[1], weight.shape[0], bias is not None), weight=weight, bias=bias)


def batch_norm(reading: Reading, step: Step) -> fx.Node:
    scale, shift, mean, variance = (reading.weight(step, place) for place in range(1, 5))
    read = reading.read(step)
    made = _of(NORMS, len(reading.shape(read)) - 2)(len(scale), float(step.given.get("epsilon", 1e-5)))
    filled = _loaded(made, weight=scale, bias=shift, running_mean=mean, running_var=variance)
    return reading.layer(filled, read, reading.weights_of(step))


def layer_norm(reading: Reading, step: Step) -> fx.Node:
    read = reading.read(step)
    shape, epsilon = reading.shape(read), float(step.given.get("epsilon", 1e-5))
    (axis,) = reading.axes(read, [int(step.given.get("axis", -1))])
    scale, shift = reading.weight(step, 1), reading.weight(step, 2) if step.has(2) else None
    own = [one if one is None else one.expand(shape[axis:]).contiguous() for one in (scale, shift)]
    made = nn.LayerNorm(shape[axis:], epsilon, bias=shift is not None)
    return reading.layer(_loaded(made, weight=own[0], bias=own[1]), read, reading.weights_of(step))


def instance_norm(reading: Reading, step: Step) -> fx.Node:
    read, scale = reading.read(step), reading.weight(step, 1)
    made = _of(ALONE, len(reading.shape(read)) - 2)(len(scale), float(step.given.get("epsilon", 1e-5)), affine=True)
    filled = _loaded(made, weight=scale, bias=reading.weight(step, 2))
    return reading.layer(filled, read, reading.weights_of(step))


def group_norm(reading: Reading, step: Step) -> fx.Node:
    """Of older files, whose scale is by group, too."""
    read, groups = reading.read(step), int(step.given["num_groups"])
    channels = reading.shape(read)[1]
    scale, shift = (reading.weight(step, place) for place in (1, 2))
    own = [one.repeat_interleave(channels // len(one)) for one in (scale, shift)]
    made = nn.GroupNorm(groups, channels, float(step.given.get("epsilon", 1e-5)))
    return reading.layer(_loaded(made, weight=own[0], bias=own[1]), read, reading.weights_of(step))


def rectifier_with_slope(reading: Reading, step: Step) -> fx.Node:
    """PRelu: one slope, or one for each channel."""
    read, slope = reading.read(step), reading.weight(step, 1)
    sizes = reading.shape(read)
    for_channels = (1, sizes[1], *(1 for _ in sizes[2:]))
    if slope.numel() > 1 and (1,) * (len(sizes) - slope.dim()) + tuple(slope.shape) != for_channels:
        raise InputError("its slope is neither one number nor one for each channel")
    made = _loaded(nn.PReLU(slope.numel()), weight=slope.reshape(-1))
    return reading.layer(made, read, reading.weights_of(step))


def local_response(reading: Reading, step: Step) -> fx.Node:
    told = (float(step.given.get(name, usual)) for name, usual in LRN)
    return reading.layer(nn.LocalResponseNorm(int(step.given["size"]), *told), reading.read(step))


def pool(reading: Reading, step: Step) -> fx.Node:
    """MaxPool and AveragePool."""
    shape = tuple(step.given["kernel_shape"])
    axes = len(shape)
    strides, whole = tuple(step.given.get("strides", (1,) * axes)), bool(step.given.get("ceil_mode", 0))
    gaps = tuple(step.given.get("dilations", (1,) * axes))
    if step.operation == "MaxPool":
        read, padding = _padded(reading, step, shape, -float("inf"))
        return reading.layer(_of(MAXIMA, axes)(shape, strides, padding, gaps, ceil_mode=whole), read)
    read, padding = _padded(reading, step, shape)
    counted = bool(step.given.get("count_include_pad", 0))
    if any(one != 1 for one in gaps) or (read is not reading.read(step) and not counted):
        raise InputError("a mean with gaps, or beside padding of unequal sides")
    return reading.layer(_of(MEANS, axes)(shape, strides, padding, whole, counted), read)


def whole_pool(reading: Reading, step: Step) -> fx.Node:
    read = reading.read(step)
    kinds = WHOLE_MAXIMA if step.operation == "GlobalMaxPool" else WHOLE_MEANS
    return reading.layer(_of(kinds, len(reading.shape(read)) - 2)(1), read)


def _loaded(layer: nn.Module, **tensors: Tensor | None) -> nn.Module:
    layer.load_state_dict({name: one for name, one in tensors.items() if one is not None}, strict=False)
    return layer


def _of(kinds: dict[int, Any], axes: int) -> Any:
    if axes not in kinds:
        raise InputError(f"maps of {axes} axes")
    return kinds[axes]


def _own_rule(step: Step) -> bytes | None:
    found = step.given.get("auto_pad", b"NOTSET")
    return None if found in (b"NOTSET", b"VALID") else bytes(found)


def _padded(
    reading: Reading, step: Step, kernel: tuple[int, ...], fill: float = 0.0
) -> tuple[fx.Node, tuple[int, ...]]:
    """What a convolution or a pool reads, padded first where its sides differ; and the padding of both sides else."""
    read, axes = reading.read(step), len(kernel)
    pads = tuple(step.given.get("pads", (0,) * (2 * axes)))
    if rule := _own_rule(step):
        pads = _pads_by_rule(step, reading.shape(read)[2:], kernel, rule)
    before, after = pads[:axes], pads[axes:]
    if before == after:
        return read, before
    sides = [side for pair in zip(before[::-1], after[::-1], strict=True) for side in pair]
    return reading.call(F.pad, read, sides, value=fill), (0,) * axes


def _pads_by_rule(step: Step, sizes: Sequence[int], kernel: Sequence[int], rule: bytes) -> tuple[int, ...]:
    """As many pixels on both sides as bring size / stride outputs; where they are odd, one more at the end, or at the start."""
    axes = len(kernel)
    strides, gaps = (step.given.get(name, (1,) * axes) for name in ("strides", "dilations"))
    before, after = [], []
    for size, side, stride, gap in zip(sizes, kernel, strides, gaps, strict=True):
        lacking = max(0, (-(-size // stride) - 1) * stride + gap * (side - 1) + 1 - size)
        less, more = lacking // 2, lacking - lacking // 2
        before.append(more if rule == b"SAME_LOWER" else less)
        after.append(less if rule == b"SAME_LOWER" else more)
    return (*before, *after)
