"""Nodes of ONNX that move numbers and change none: shapes, slices, padding, other sizes."""

import operator
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import onnx
import torch
from torch import fx, nn
from torch.nn import functional as F

from xgaze.errors import InputError
from xgaze.models.own_networks.onnx_nodes.onnx_reading import Constant, Reading, Shape, Step, varying_axis
from xgaze.models.own_networks.sizes import BATCHES

RESIZED: Mapping[tuple[str, str], dict[str, Any]] = {
    ("nearest", "asymmetric"): {"mode": "nearest"},
    ("nearest", "half_pixel"): {"mode": "nearest-exact"},
    ("linear", "half_pixel"): {"mode": "bilinear", "align_corners": False},
    ("linear", "pytorch_half_pixel"): {"mode": "bilinear", "align_corners": False},
    ("linear", "align_corners"): {"mode": "bilinear", "align_corners": True},
    ("cubic", "half_pixel"): {"mode": "bicubic", "align_corners": False},
    ("cubic", "pytorch_half_pixel"): {"mode": "bicubic", "align_corners": False},
    ("cubic", "align_corners"): {"mode": "bicubic", "align_corners": True},
}
"""What torch calls them."""


def reshaped(reading: Reading, step: Step) -> fx.Node:
    """The samples may be any number, whatever number the file was exported with."""
    read, asked = reading.read(step), reading.target(step, 1, "shape")
    shapes = reading.shapes_of(read)
    made = _made_of(shapes, asked, reading.fixed, not step.given.get("allowzero", 0))
    if len(made) == 2 and made[0] == -1 and varying_axis(shapes) == 0 and prod(shapes[0][1:]) == made[1]:
        return reading.layer(nn.Flatten(), read)
    return reading.call(torch.reshape, read, made)


def _made_of(shapes: Sequence[Shape], asked: Sequence[list[int]], fixed: int | None, kept: bool) -> Shape:
    """The shape with -1 where the samples are."""
    if fixed is not None and asked[0] == asked[-1]:
        return _of_fixed(shapes, asked[0], fixed, kept)
    found = [_resolved(shape, one, kept) for shape, one in zip(shapes, asked, strict=True)]
    axis = varying_axis(found)
    return tuple(-1 if k == axis else size for k, size in enumerate(found[0]))


def _of_fixed(shapes: Sequence[Shape], asked: list[int], fixed: int, kept: bool) -> Shape:
    """Of a file that takes so many samples at a time: they are where as many numbers lie before them as did."""
    axis = varying_axis(shapes)
    if axis is None:
        return _resolved(shapes[0], asked, kept)
    shape = tuple(fixed * size if k == axis else size for k, size in enumerate(shapes[0]))
    found = _resolved(shape, asked, kept)
    places = [k for k, size in enumerate(found) if prod(found[:k]) == prod(shape[:axis]) and size % fixed == 0]
    if not places:
        raise InputError(f"a shape of {asked} mixes samples with each other")
    return tuple(-1 if k == places[0] else size for k, size in enumerate(found))


def _resolved(shape: Shape, asked: list[int], kept: bool) -> Shape:
    """0: as it was; -1: what is left."""
    sizes = [shape[k] if size == 0 and kept else size for k, size in enumerate(asked)]
    rest = prod(size for size in sizes if size != -1)
    found = tuple(prod(shape) // max(rest, 1) if size == -1 else size for size in sizes)
    if prod(found) != prod(shape):
        raise InputError(f"a shape of {asked} for {list(shape)}")
    return found


def flattened(reading: Reading, step: Step) -> fx.Node:
    """To two axes."""
    read = reading.read(step)
    axis = int(step.given.get("axis", 1))
    shape = reading.shape(read)
    axis += len(shape) if axis < 0 else 0
    if axis == 1:
        return reading.layer(nn.Flatten(), read)
    asked = tuple([prod(one[:axis]), prod(one[axis:])] for one in reading.shapes_of(read))
    return reading.call(torch.reshape, read, _made_of(reading.shapes_of(read), asked, None, False))


def expanded(reading: Reading, step: Step) -> fx.Node:
    """Expand, and ConstantOfShape where samples are in the shape."""
    if step.operation == "ConstantOfShape":
        value = step.given.get("value")
        filled = np.zeros(1, np.float32) if value is None else onnx.numpy_helper.to_array(value)
        asked = reading.target(step, 0)
        return _for_every_sample(reading, filled.reshape((1,) * len(asked[0])), asked)
    read, asked = reading.read(step), reading.target(step, 1)
    if read.op == "get_attr":
        return _for_every_sample(reading, reading.constants[step.inputs[0]], asked)
    pairs = zip(reading.shapes_of(read), asked, strict=True)
    shapes = [tuple(torch.broadcast_shapes(one, tuple(other))) for one, other in pairs]
    own = [(1,) * (len(shapes[0]) - len(one)) + one for one in reading.shapes_of(read)]
    sizes = [
        -1 if before == after else _size(reading, after)
        for before, after in zip(zip(*own, strict=True), zip(*shapes, strict=True), strict=True)
    ]
    new = len(shapes[0]) - len(reading.shape(read))
    told = [1 if size == -1 and k < new else size for k, size in enumerate(sizes)]
    return reading.method("expand", read, *told)


def _for_every_sample(reading: Reading, stored: Constant, asked: Sequence[list[int]]) -> fx.Node:
    """What is the same for all: nothing of each sample is added, since a size alone makes no step of it."""
    axis, sizes = varying_axis(asked), asked[0]
    if axis is None or [one[axis] for one in asked] != list(BATCHES) or stored.dtype.kind != "f":
        raise InputError("a size that is more than the number of samples, or whole numbers for each")
    rest = [1 if k == axis else size for k, size in enumerate(sizes)]
    nothing = reading.call(
        torch.zeros_like, reading.call(torch.select, reading.call(torch.flatten, reading.first(), 1), 1, 0)
    )
    rows = reading.call(torch.reshape, nothing, tuple(-1 if k == axis else 1 for k in range(len(sizes))))
    return reading.call(
        torch.add, reading.stored(np.array(np.broadcast_to(stored, np.broadcast_shapes(stored.shape, rest)))), rows
    )


def _size(reading: Reading, sizes: Sequence[int]) -> int | fx.Node:
    if len(set(sizes)) == 1:
        return sizes[0]
    if tuple(sizes) != BATCHES:
        raise InputError("a size that is more than the number of samples")
    return reading.samples()


def repeated(reading: Reading, step: Step) -> fx.Node:
    """Tile."""
    counts = reading.target(step, 1)
    return reading.method("repeat", reading.read(step), *(_size(reading, one) for one in zip(*counts, strict=True)))


def transposed(reading: Reading, step: Step) -> fx.Node:
    """What is turned there and back is as it was."""
    read = reading.read(step)
    count = len(reading.shape(read))
    order = tuple(int(one) for one in step.given.get("perm", range(count)[::-1]))
    if read.target is torch.permute:
        before: Any = read.args[1]
        together = tuple(before[one] for one in order)
        source: Any = read.args[0]
        return source if together == tuple(range(count)) else reading.call(torch.permute, source, together)
    return read if order == tuple(range(count)) else reading.call(torch.permute, read, order)


def joined(reading: Reading, step: Step) -> fx.Node:
    """Files that take one sample at a time may join to it what is the same for all."""
    parts = [reading.read(step, place) for place in range(len(step.inputs))]
    axis = int(step.given["axis"]) % len(reading.shape(parts[0]))
    samples = {one for part in parts if (one := reading.batch_axis(part)) is not None} - {axis}
    for place, name in enumerate(step.inputs):
        if samples and parts[place].op == "get_attr":
            stored = reading.constants[name]
            asked = [[size if k in samples else one for k, one in enumerate(stored.shape)] for size in BATCHES]
            parts[place] = _for_every_sample(reading, stored, asked)
    return reading.call(torch.cat, parts, axis)


def squeezed(reading: Reading, step: Step) -> fx.Node:
    """The last axis first; all that are 1 long, the samples not, where none is named."""
    read, told = reading.read(step), reading.whole_numbers(step, 1, "axes")
    batch = reading.batch_axis(read)
    ones = [k for k, size in enumerate(reading.shape(read)) if size == 1 and k != batch]
    for axis in sorted(ones if told is None else reading.axes(read, told), reverse=True):
        read = reading.call(torch.squeeze, read, axis)
    return read


def unsqueezed(reading: Reading, step: Step) -> fx.Node:
    read, told = reading.read(step), reading.whole_numbers(step, 1, "axes")
    if told is None:
        raise InputError("its axes are missing")
    count = len(reading.shape(read)) + len(told)
    for axis in sorted(one % count for one in told):
        read = reading.call(torch.unsqueeze, read, axis)
    return read


def sliced(reading: Reading, step: Step) -> fx.Node:
    read = reading.read(step)
    starts, ends = (reading.target(step, place, name) for place, name in ((1, "starts"), (2, "ends")))
    axes = reading.whole_numbers(step, 3, "axes") or list(range(len(starts[0])))
    steps = reading.whole_numbers(step, 4) or [1] * len(axes)
    for k, axis in enumerate(axes):
        shapes = reading.shapes_of(read)
        count = len(shapes[0])
        bounds = [
            slice(start[k], end[k], steps[k]).indices(shape[axis % count])
            for start, end, shape in zip(starts, ends, shapes, strict=True)
        ]
        if all(one == (0, shape[axis % count], 1) for one, shape in zip(bounds, shapes, strict=True)):
            continue
        if axis % count == reading.batch_axis(read):
            read = _share(reading, read, axis % count, bounds)
        elif len(set(bounds)) > 1:
            raise InputError("a slice that is another with more samples")
        else:
            read = _cut(reading, read, axis % count, range(*bounds[0]))
    return read


def _share(reading: Reading, read: fx.Node, axis: int, bounds: Sequence[tuple[int, int, int]]) -> fx.Node:
    """Of samples of several views in one batch, those of one: as both eyes go through a tower side by side."""
    start, end, stride = bounds[0]
    shares, size = reading.shape(read)[axis], end - start
    if stride != 1 or size < 1 or shares % size or start % size:
        raise InputError("it goes over the samples of a batch")
    for (low, high, _), shape in zip(bounds, reading.shapes_of(read), strict=True):
        if (low * shares, high * shares) != (start * shape[axis], end * shape[axis]):
            raise InputError("it goes over the samples of a batch")
    return reading.call(operator.getitem, reading.call(torch.chunk, read, shares // size, axis), start // size)


def _cut(reading: Reading, read: fx.Node, axis: int, places: range) -> fx.Node:
    if not places:
        raise InputError("an empty slice")
    ahead = places if places.step > 0 else places[::-1]
    found = reading.call(
        operator.getitem, read, (slice(None),) * axis + (slice(ahead.start, ahead[-1] + 1, ahead.step),)
    )
    return found if places.step > 0 else reading.call(torch.flip, found, (axis,))


def gathered(reading: Reading, step: Step) -> fx.Node:
    """Parts by their places, which are known."""
    read, places = reading.read(step), reading.constant(step, 1)
    if places is None or places.ndim > 1:
        raise InputError("places that are neither one number nor a row of them")
    (axis,) = reading.axes(read, [int(step.given.get("axis", 0))])
    places = places % reading.shape(read)[axis]
    if not places.ndim:
        return reading.call(torch.select, read, axis, int(places))
    if (places[1:] - places[:-1] == 1).all():
        return _cut(reading, read, axis, range(int(places[0]), int(places[-1]) + 1))
    return reading.call(torch.index_select, read, axis, reading.stored(places))


def parted(reading: Reading, step: Step) -> list[fx.Node]:
    """Split."""
    read = reading.read(step)
    axis = int(step.given.get("axis", 0)) % len(reading.shape(read))
    told = reading.target(step, 1, "split") if step.has(1) or "split" in step.given else None
    sizes = told or [_equal_parts(step, shape[axis]) for shape in reading.shapes_of(read)]
    if axis != reading.batch_axis(read):
        return [
            _cut(reading, read, axis, range(end - size, end))
            for size, end in zip(sizes[0], np.cumsum(sizes[0]).tolist(), strict=True)
        ]
    ends = [np.cumsum(one).tolist() for one in sizes]
    bounds = [[(end - size, end, 1) for size, end in zip(*both, strict=True)] for both in zip(sizes, ends, strict=True)]
    return [_share(reading, read, axis, one) for one in zip(*bounds, strict=True)]


def _equal_parts(step: Step, whole: int) -> list[int]:
    count = int(step.given.get("num_outputs", len(step.outputs)))
    each = -(-whole // count)
    return [min(each, whole - k * each) for k in range(count)]


def padded(reading: Reading, step: Step) -> fx.Node:
    read, pads = reading.read(step), reading.whole_numbers(step, 1, "pads")
    mode = step.given.get("mode", b"constant").decode()
    value = reading.constant(step, 2, "value")
    if pads is None or mode not in ("constant", "reflect", "edge"):
        raise InputError(f"padding of the kind {mode}")
    count, half = len(reading.shape(read)), len(pads) // 2
    axes = reading.whole_numbers(step, 3) or list(range(half))
    sides = {
        axis % count: (pads[k], pads[k + half]) for k, axis in enumerate(axes) if (pads[k], pads[k + half]) != (0, 0)
    }
    if not sides:
        return read
    reading.axes(read, list(sides))
    told = [side for axis in range(count - 1, min(sides) - 1, -1) for side in sides.get(axis, (0, 0))]
    fill = 0.0 if value is None or not value.size else float(value.reshape(-1)[0])
    if mode == "constant":
        return reading.call(F.pad, read, told, value=fill)
    told += [0] * (2 * (count - 2) - len(told))
    return reading.call(F.pad, read, told, mode={"edge": "replicate"}.get(mode, mode))


def resized(reading: Reading, step: Step) -> fx.Node:
    """Resize and Upsample, of maps, to a size that is known."""
    read = reading.read(step)
    shape, upsample = reading.shape(read), step.operation == "Upsample"
    scales = reading.constant(step, 1 if upsample or step.opset < 11 else 2, "scales")
    sizes = None if upsample else reading.target(step, 3)[0] if step.has(3) else None
    if sizes is None and scales is None:
        raise InputError("neither size nor scale")
    if "axes" in step.given:
        raise InputError("sizes of some axes alone")
    told = sizes or [int(size * scale) for size, scale in zip(shape, scales.tolist(), strict=True)]  # type: ignore[union-attr]
    usual = b"asymmetric" if upsample or step.opset < 11 else b"half_pixel"
    kind = step.given.get("mode", b"nearest").decode(), step.given.get("coordinate_transformation_mode", usual).decode()
    if kind not in RESIZED or tuple(told[:2]) != shape[:2] or len(shape) != 4 or step.given.get("antialias"):
        raise InputError(f"a resizing by {' and '.join(kind)} of {list(shape)} to {told}")
    return reading.call(F.interpolate, read, size=tuple(told[2:]), **RESIZED[kind])


def depth_to_space(reading: Reading, step: Step) -> fx.Node:
    if step.given.get("mode", b"DCR") != b"CRD":
        raise InputError("channels in another order than torch's PixelShuffle has them")
    return reading.layer(nn.PixelShuffle(int(step.given["blocksize"])), reading.read(step))
