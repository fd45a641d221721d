"""The network in whole numbers: activations of 8 bits without sign, weights of 8 bits with one scale per output, sums of 32 bits.

real = (q - zero) x scale. A layer's sum of (q - zero) x weight is brought to the steps of its output by a whole multiplier and a
shift, rounded to the nearest, halves up; curves are tables of 256 numbers. The last dense layer puts out floats, and what follows
it is single precision in a fixed order. `reference.py` computes the same in numpy, to the bit.
"""

from dataclasses import replace
from math import frexp, prod
from typing import Any

import numpy as np

from xgaze.compression.export.c99.activations import CURVES, curve
from xgaze.compression.export.c99.network import Array, Layer, Network
from xgaze.compression.export.c99.operations import per_channel
from xgaze.compression.export.c99.ranges import SHARING, Ranges, Steps8, steps_as_stored, steps_of_all
from xgaze.compression.export.c99.steps import (
    BINARY,
    WEIGHTED,
    Program,
    Step,
    Tensor,
    copy_step,
    float_step,
    given_name,
    macs_of,
    normalising,
    with_inputs,
)
from xgaze.compression.export.packed_weights import to_int8
from xgaze.data.contract import Spec
from xgaze.errors import InputError

ONE = 1 << 30
MOST_SHIFT = 62
IN_FLOATS = {*BINARY, "copy", "mean", "total", "softmax", "dense", *CURVES} - {"power"}
"""What may follow the last dense layer."""


def int8_program(network: Network, spec: Spec, ranges: Ranges) -> Program:
    """The network with these ranges of its tensors. Raises InputError naming a layer that there is in floats only."""
    tail = last_layers(network)
    steps = steps_of_all(network, spec, ranges, tail)
    return _Building(network, spec, steps, {id(layer) for layer in tail}).program()


def last_layers(network: Network) -> list[Layer]:
    """The last dense layers and all after them: 8 bits over a scene of 1000 px would be steps of 4 px."""
    makers: dict[str, list[Layer]] = {}
    for layer in network.layers:
        makers.setdefault(layer.output, []).append(layer)
    found: dict[int, Layer] = {}
    waiting = [network.output]
    while waiting:
        for layer in makers.get(waiting.pop(), []):
            if id(layer) in found or layer.kind in ("convolution", "separable"):
                continue
            found[id(layer)] = layer
            waiting += [] if layer.kind == "dense" else layer.inputs
    for layer in found.values():
        if layer.kind not in IN_FLOATS:
            raise _refused(layer, "at the end of a net")
    return list(found.values())


def _refused(layer: Layer, where: str = "") -> InputError:
    told = f"there is no C in 8 bits of layer '{layer.kind}' ({layer.node}) {where}".rstrip()
    return InputError(f"{told}; give --bits 32.")


def multiplier(real: float) -> tuple[int, int]:
    """A positive number as whole / 2^shift, the whole number of 31 bits; 0 where it is too small for that."""
    part, exponent = frexp(real)
    whole, shift = round(part * 2**31), 31 - exponent
    if whole == 2**31:
        whole, shift = whole // 2, shift - 1
    if shift > MOST_SHIFT:
        return 0, 1
    if shift < 1:
        raise InputError(f"a layer's numbers grow {real:.1e} times, which 8 bits cannot hold; give --bits 32.")
    return whole, shift


class _Building:
    """Steps as they are found. floats: the layers that are computed in floats, by id."""

    def __init__(self, network: Network, spec: Spec, steps: dict[str, Steps8], floats: set[int]) -> None:
        self.network, self.spec, self.scales, self.floats = network, spec, steps, floats
        self.inputs = {one.name: one for one in spec.inputs}
        self.found: list[Step] = []
        self.tensors: dict[str, Tensor] = {}
        self.ready: dict[str, str] = {}  # what is to be read -> the tensor it is in

    def program(self) -> Program:
        for layer in self.network.layers:
            if id(layer) in self.floats:
                self._float_layer(layer)
            else:
                self._int_layer(layer)
        output = self._as_float(self.network.output)
        return with_inputs(Program("int8", self.spec, tuple(self.found), self.tensors, output))

    def _add(self, step: Step, kind: Any, size: int) -> str:
        self.tensors.setdefault(step.output, Tensor(step.output, size, kind))
        self.found.append(step)
        return step.output

    def _as_int(self, name: str, wanted: Steps8 | None = None) -> str:
        """The tensor of 8 bits that holds `name`, in the steps `wanted`."""
        own = self.scales[name]
        found = name
        if name in self.inputs:
            found = self._input(name)
        if wanted is None or wanted == own:
            return found
        target = f"{name} in steps of {wanted.scale:.6g} from {wanted.zero}"
        if target not in self.tensors:
            size = self.network.sizes[name]
            fields = {"count": size, "values": wanted.of(own.meanings)}
            self._add(Step("table", (found,), target, fields), "uint8", size)
        return target

    def _input(self, name: str) -> str:
        one = self.inputs[name]
        if steps_as_stored(one) is not None:
            return given_name(name)
        if name not in self.tensors:
            own, size, floats = self.scales[name], self.network.sizes[name], f"{name} in floats"
            self._add(normalising(one, floats), "float", size)
            fields = {"count": size, "steps": 1 / own.scale, "raised": own.zero + 0.5}
            self._add(Step("quantise", (floats,), name, fields), "uint8", size)
        return name

    def _as_float(self, name: str) -> str:
        made_in_floats = {layer.output for layer in self.network.layers if id(layer) in self.floats}
        if name in made_in_floats:
            return name
        target = f"{name} in floats"
        if target not in self.tensors:
            own, size = self.scales[name], self.network.sizes[name]
            fields = {"count": size, "zero": own.zero + own.rest, "scale": own.scale}
            self._add(Step("dequantise", (self._as_int(name),), target, fields), "float", size)
        return target

    def _float_layer(self, layer: Layer) -> None:
        size = self.network.sizes[layer.output]
        if layer.kind == "dense":
            given, own = layer.settings, self.scales[layer.inputs[0]]
            fields = self._whole(given["weights"], given["bias"], own)
            scales = (own.scale * fields.pop("scale")).astype(np.float32)
            fields |= {key: given[key] for key in ("batch", "width", "outputs", "negative")}
            fields |= {"zero_in": own.zero, "scales": scales}
            source = self._as_int(layer.inputs[0])
            self._add(
                Step("dense_to_float", (source,), layer.output, fields, macs_of(layer), node=layer.node), "float", size
            )
            return
        step = float_step(layer)
        inputs = tuple(self._as_float(one) if isinstance(one, str) else one for one in step.inputs)
        self._add(replace(step, inputs=inputs), "float", size)

    def _int_layer(self, layer: Layer) -> None:
        size, kind = self.network.sizes[layer.output], layer.kind
        if kind in WEIGHTED:
            step = self._weighted(layer)
        elif kind in SHARING:
            step = self._shared(layer)
        elif kind in CURVES:
            step = self._curve(layer, lambda x: curve(kind, x, layer.settings))
        elif kind in ("mean", "total"):
            step = self._total(layer)
        elif kind in BINARY and layer.settings["stored"] is not None:
            step = self._with_stored(layer)
        elif kind in ("add", "subtract", "multiply"):
            step = self._two(layer)
        else:
            raise _refused(layer)
        self._add(step, "uint8", size)

    def _curve(self, layer: Layer, function: Any) -> Step:
        own, out = self.scales[layer.inputs[0]], self.scales[layer.output]
        fields = {"count": self.network.sizes[layer.output], "values": out.of(function(own.meanings))}
        return Step("table", (self._as_int(layer.inputs[0]),), layer.output, fields, node=layer.node)

    def _shared(self, layer: Layer) -> Step:
        out = self.scales[layer.output]
        step = copy_step(layer, "copy_int8", 0) if layer.kind == "copy" else float_step(layer)
        fields = {**step.fields, "zero": out.zero}
        if layer.kind == "copy":
            fields["fill"] = int(out.of(np.asarray(layer.settings.get("fill", 0.0))))
        source = self._as_int(layer.inputs[0], out)
        return replace(step, kernel=f"{layer.kind}_int8", inputs=(source,), fields=fields)

    def _whole(self, weights: Array, bias: Array, own: Steps8) -> dict[str, Any]:
        """Weights and bias in whole numbers, and the scale of the weights."""
        rows = weights.reshape(len(weights), -1).astype(np.float32)
        scale = to_int8(rows, 0)[1][:, 0].astype(np.float64)
        shifted_by = bias - own.rest * own.scale * rows.sum(1, dtype=np.float64)  # a picture's mean is no whole number
        empty = np.abs(rows).max(1) == 0
        scale[empty] = 1e-12
        scale = np.maximum(scale, np.abs(shifted_by) / (own.scale * 2.0**28))
        whole = np.rint(rows / scale[:, None]).astype(np.int8)
        sums = np.rint(shifted_by / (own.scale * scale)).astype(np.int64)
        most = np.abs(sums) + 255 * np.abs(whole.astype(np.int64)).sum(1)
        if most.max() >= 2**31:
            raise InputError("a layer adds up more products than 32 bits hold; give --bits 32.")
        return {"weights": whole.reshape(weights.shape), "bias": sums.astype(np.int32), "scale": scale}

    def _weighted(self, layer: Layer) -> Step:
        given, own, out = layer.settings, self.scales[layer.inputs[0]], self.scales[layer.output]
        alone = layer.kind == "separable"
        fields = _separable(given, own) if alone else self._whole(given["weights"], given["bias"], own)
        real = own.scale * fields.pop("scale") / out.scale
        wholes, shifts = zip(*map(multiplier, real), strict=True)
        dropped = ("weights", "bias", "row_weights", "column_weights", "negative")
        fields |= {key: value for key, value in given.items() if key not in dropped}
        if layer.kind == "convolution":
            fields |= dict(zip(("kernel_rows", "kernel_columns"), given["weights"].shape[2:], strict=True))
        fields |= {"zero_in": own.zero, "zero_out": out.zero, "negative": round(given["negative"] * ONE)}
        fields |= {"multipliers": np.array(wholes, np.int32), "shifts": np.array(shifts, np.int8)}
        source = self._as_int(layer.inputs[0])
        return Step(f"{layer.kind}_int8", (source,), layer.output, fields, macs_of(layer), node=layer.node)

    def _total(self, layer: Layer) -> Step:
        given, own, out = layer.settings, self.scales[layer.inputs[0]], self.scales[layer.output]
        whole, shift = multiplier(own.scale / out.scale / (given["count"] if layer.kind == "mean" else 1))
        fields = {**given, "zero_in": own.zero, "zero_out": out.zero, "multiplier": whole, "shift": shift}
        return Step("total_int8", (self._as_int(layer.inputs[0]),), layer.output, fields, node=layer.node)

    def _with_stored(self, layer: Layer) -> Step:
        """One number: a table. One per channel: a convolution of each channel for itself."""
        given, kind = layer.settings, layer.kind
        stored, first = given["stored"].astype(np.float64), given["stored_first"]
        both = {"add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide}[kind]
        if stored.size == 1:
            number = stored.item()
            return self._curve(layer, lambda x: both(number, x) if first else both(x, number))
        shape = given["shape"]
        own = (1,) * (len(shape) - stored.ndim) + stored.shape
        if prod(own) != own[1] or self.network.sizes[layer.inputs[0]] != prod(shape) or (kind == "divide" and first):
            raise _refused(layer)
        zero, one = both(stored, 0.0) if first else both(0.0, stored), both(stored, 1.0) if first else both(1.0, stored)
        factor, shift = (one - zero).reshape(-1), np.broadcast_to(zero, stored.shape).reshape(-1)
        made = per_channel(layer.inputs[0], layer.output, (shape[0], shape[1], prod(shape[2:])), factor, shift)
        return self._weighted(replace(made, node=layer.node))

    def _two(self, layer: Layer) -> Step:
        given, out = layer.settings, self.scales[layer.output]
        first, second = (self.scales[name] for name in layer.inputs)
        fields = {key: given[key] for key in ("dims", "first_strides", "second_strides")}
        fields |= {"first_zero": first.zero, "second_zero": second.zero, "zero_out": out.zero}
        if layer.kind == "multiply":
            whole, shift = multiplier(first.scale * second.scale / out.scale)
            fields |= {"multiplier": whole, "shift": shift}
        else:
            fields |= _sum_of_two(first, second, out, -1 if layer.kind == "subtract" else 1)
        kernel = "multiply_int8" if layer.kind == "multiply" else "add_int8"
        inputs = tuple(self._as_int(name) for name in layer.inputs)
        return Step(kernel, inputs, layer.output, fields, prod(given["dims"]), node=layer.node)


def _sum_of_two(first: Steps8, second: Steps8, out: Steps8, sign: int) -> dict[str, int]:
    """Whole factors of both in one shift, and what their rests make."""
    real = first.scale / out.scale, sign * second.scale / out.scale
    shift = min(max(20 - frexp(max(map(abs, real)))[1], 0), 40)
    both = [round(one * 2**shift) for one in real]
    constant = -round((first.rest * real[0] + second.rest * real[1]) * 2**shift)
    return {"first_multiplier": both[0], "second_multiplier": both[1], "constant": constant, "shift": shift}


def _separable(given: dict[str, Any], own: Steps8) -> dict[str, Any]:
    """Both factors in whole numbers: the columns of each product with the largest range, the rows with what is left."""
    rows, columns = given["row_weights"].astype(np.float64), given["column_weights"].astype(np.float64)
    most = np.abs(columns).max(3, keepdims=True)
    most[most == 0] = 1
    rows, columns = rows * most[..., 0][:, :, None, :], columns / most
    outputs = len(rows)
    scale = np.maximum(np.abs(rows).reshape(outputs, -1).max(1), 1e-12) / 127
    row_weights = np.rint(rows / scale[:, None, None, None]).astype(np.int8)
    column_weights = np.rint(columns * 127).astype(np.int8)
    reach = np.abs(column_weights.astype(np.int64)).sum(3) * 255
    bound = (np.abs(row_weights.astype(np.int64)) * reach[:, :, None, :]).reshape(outputs, -1).sum(1)
    filters = np.einsum("ocht,octw->o", rows, columns)
    shifted_by = given["bias"] - own.rest * own.scale * filters
    whole = scale / 127
    sums = np.abs(shifted_by) / (own.scale * whole)
    downs = np.maximum(np.ceil(np.log2(np.maximum(np.maximum(bound, sums), 1))) - 29, 0).astype(np.int8)
    whole = whole * 2.0**downs
    bias = np.rint(shifted_by / (own.scale * whole)).astype(np.int32)
    return {"row_weights": row_weights, "column_weights": column_weights, "downs": downs, "bias": bias, "scale": whole}
