"""What a program in 8 bits computes, in numpy: the arithmetic that the C file must reproduce to the bit."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from xgaze.compression.export.c99.activations import CURVES, curve, exponential
from xgaze.compression.export.c99.network import Array
from xgaze.compression.export.c99.steps import Program

F = np.float32
Fields = Mapping[str, Any]
Kernels = Mapping[str, Callable[..., Array]]


def run_reference(
    program: Program, stored: Mapping[str, NDArray[np.generic]], kernels: Kernels | None = None
) -> NDArray[np.float32]:
    """Outputs (samples, outputs) for inputs as they are stored: name -> (samples, *shape). kernels: others than those below."""
    count = len(next(iter(stored.values())))
    known = KERNELS if kernels is None else kernels
    return np.stack([_run(program, {name: values[k] for name, values in stored.items()}, known) for k in range(count)])


def _run(program: Program, stored: Mapping[str, Array], kernels: Kernels) -> NDArray[np.float32]:
    held = {
        given: np.ascontiguousarray(stored[one.name]).reshape(-1)
        for given, one in zip(program.inputs, program.spec.inputs, strict=True)
    }
    for step in program.steps:
        sources = [held[one] if isinstance(one, str) else one for one in step.inputs]
        if step.kernel in ("copy", "copy_int8"):
            tensor = program.tensors[step.output]
            kind = np.uint8 if tensor.kind == "uint8" else F
            held[step.output] = _copy(step.fields, sources[0], held.get(step.output, np.zeros(tensor.size, kind)))
        elif step.kernel in CURVES:
            held[step.output] = curve(step.kernel, sources[0], step.fields)
        else:
            held[step.output] = np.ascontiguousarray(kernels[step.kernel](step.fields, *sources)).reshape(-1)
    return held[program.output]


def shifted(value: NDArray[np.int64], shift: Any) -> NDArray[np.int64]:
    """value / 2^shift to the nearest whole number, halves up."""
    found: NDArray[np.int64] = (value + (np.left_shift(np.int64(1), shift) >> 1)) >> shift
    return found


def rescaled(value: NDArray[np.int64], multiplier: Any, shift: Any) -> NDArray[np.int64]:
    return shifted(value * multiplier, shift)


def _clamped(value: NDArray[np.int64]) -> NDArray[np.uint8]:
    return np.clip(value, 0, 255).astype(np.uint8)


def _out(fields: Fields, sums: NDArray[np.int64], axis: int) -> NDArray[np.uint8]:
    """Sums, whose dimension `axis` counts outputs, in the steps of what comes out."""
    shape = [-1 if k == axis else 1 for k in range(sums.ndim)]
    wholes, shifts = (fields[key].astype(np.int64).reshape(shape) for key in ("multipliers", "shifts"))
    sums = np.where(sums < 0, rescaled(sums, np.int64(fields["negative"]), 30), sums)
    return _clamped(fields["zero_out"] + rescaled(sums, wholes, shifts))


def _copy(p: Fields, x: Array, target: Array) -> Array:
    target = target.copy()
    target[: p["filled"]] = p["fill"]
    size = x.itemsize
    source = as_strided(x[p["start"] :], p["dims"], [one * size for one in p["read"]])
    as_strided(target[p["to"] :], p["dims"], [one * size for one in p["write"]])[...] = source
    return target


def windows(p: Fields, planes: Array, size: tuple[int, int]) -> Array:
    """(planes, rows, columns, kernel rows, kernel columns) of padded planes (planes, height, width)."""
    planes = np.ascontiguousarray(planes)
    own, down, right = planes.strides
    shape = (len(planes), p["rows"], p["columns"], *size)
    steps = (own, down * p["stride_rows"], right * p["stride_columns"])
    return as_strided(planes, shape, (*steps, down * p["dilation_rows"], right * p["dilation_columns"]))


def padded(p: Fields, planes: Array, size: tuple[int, int], value: Any) -> Array:
    """Planes with `value` around them, as far as the last window reaches."""
    _, height, width = planes.shape
    reach_down = (p["rows"] - 1) * p["stride_rows"] + (size[0] - 1) * p["dilation_rows"] + 1
    reach_right = (p["columns"] - 1) * p["stride_columns"] + (size[1] - 1) * p["dilation_columns"] + 1
    below, beside = max(reach_down - p["top"] - height, 0), max(reach_right - p["left"] - width, 0)
    return np.pad(planes, ((0, 0), (p["top"], below), (p["left"], beside)), constant_values=value)


def _convolution(p: Fields, x: Array) -> Array:
    size = p["kernel_rows"], p["kernel_columns"]
    # Doubles hold these whole sums exactly, and multiply them fast.
    planes = (x.reshape(-1, p["height"], p["width"]).astype(np.float64)) - p["zero_in"]
    seen = windows(p, padded(p, planes, size, 0.0), size)
    grouped = seen.reshape(p["batch"], p["groups"], p["channels"], p["rows"] * p["columns"], size[0] * size[1])
    columns = grouped.transpose(0, 1, 2, 4, 3).reshape(p["batch"], p["groups"], -1, p["rows"] * p["columns"])
    weights = p["weights"].reshape(p["groups"], p["outputs"], -1).astype(np.float64)
    sums = (weights @ columns).astype(np.int64).reshape(p["batch"], p["groups"] * p["outputs"], -1)
    return _out(p, sums + p["bias"].astype(np.int64)[:, None], 1)


def _dense_sums(p: Fields, x: Array) -> NDArray[np.int64]:
    rows = x.reshape(p["batch"], p["width"]).astype(np.float64) - p["zero_in"]
    return np.asarray((rows @ p["weights"].astype(np.float64).T).astype(np.int64) + p["bias"].astype(np.int64))


def _dense(p: Fields, x: Array) -> Array:
    return _out(p, _dense_sums(p, x), 1)


def _dense_to_float(p: Fields, x: Array) -> Array:
    found = _dense_sums(p, x).astype(F) * p["scales"]
    return np.asarray(np.where(found < 0, found * F(p["negative"]), found))


def _separable(p: Fields, x: Array) -> Array:
    planes = x.reshape(p["batch"], p["channels"], p["height"], p["width"]).astype(np.int64) - p["zero_in"]
    inner = np.einsum("octw,bchw->bocht", p["column_weights"].astype(np.int64), planes)
    sums = np.einsum("ocht,bocht->bo", p["row_weights"].astype(np.int64), inner)
    return _out(p, shifted(sums, p["downs"].astype(np.int64)) + p["bias"], 1)


def _max_pool(p: Fields, x: Array) -> Array:
    size = p["kernel_rows"], p["kernel_columns"]
    planes = x.reshape(p["planes"], p["height"], p["width"])
    return np.asarray(windows(p, padded(p, planes, size, 0), size).max((3, 4)))


def _average_pool(p: Fields, x: Array) -> Array:
    size = p["kernel_rows"], p["kernel_columns"]
    planes = x.reshape(p["planes"], p["height"], p["width"]).astype(np.int64) - p["zero"]
    sums = windows(p, padded(p, planes, size, 0), size).sum((3, 4))
    inside = np.ones((1, p["height"], p["width"]), np.int64)
    if p["count_padding"]:
        around = ((0, 0), (p["top"], p["bottom"]), (p["left"], p["right"]))
        inside = np.pad(inside, around, constant_values=1)
        inside = np.pad(inside, ((0, 0), (0, size[0] * p["dilation_rows"]), (0, size[1] * p["dilation_columns"])))
    else:
        inside = padded(p, inside, size, 0)
    count = windows(p, inside, size).sum((3, 4))
    return np.asarray((p["zero"] + (2 * sums + count) // (2 * count)).astype(np.uint8))


def _table(p: Fields, x: Array) -> Array:
    return np.asarray(p["values"][x])


def _both(p: Fields, x: Array, z: Array) -> tuple[Array, Array]:
    """Two tensors as the dimensions and strides say."""
    return tuple(  # type: ignore[return-value]
        as_strided(one, p["dims"], [step * one.itemsize for step in p[key]])
        for one, key in ((x, "first_strides"), (z, "second_strides"))
    )


def _zeroed(p: Fields, x: Array, z: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    first, second = _both(p, x, z)
    return first.astype(np.int64) - p["first_zero"], second.astype(np.int64) - p["second_zero"]


def _add(p: Fields, x: Array, z: Array) -> Array:
    first, second = _zeroed(p, x, z)
    sums = first * p["first_multiplier"] + second * p["second_multiplier"] + p["constant"]
    return _clamped(p["zero_out"] + shifted(sums, np.int64(p["shift"])))


def _multiply(p: Fields, x: Array, z: Array) -> Array:
    first, second = _zeroed(p, x, z)
    return _clamped(p["zero_out"] + rescaled(first * second, p["multiplier"], np.int64(p["shift"])))


def _total_int8(p: Fields, x: Array) -> Array:
    sums = (x.reshape(p["outer"], p["count"], p["inner"]).astype(np.int64) - p["zero_in"]).sum(1)
    return _clamped(p["zero_out"] + rescaled(sums, p["multiplier"], np.int64(p["shift"])))


def _total(p: Fields, x: Array) -> Array:
    """One after the other, as C adds."""
    found: Array = np.add.accumulate(x.reshape(p["outer"], p["count"], p["inner"]), axis=1, dtype=F)[:, -1]
    return found


def _softmax(p: Fields, x: Array) -> Array:
    values = x.reshape(p["outer"], p["count"], p["inner"])
    found = exponential(values - values.max(1, keepdims=True))
    return np.asarray(found / _total(p, found)[:, None])


def _normalise(p: Fields, x: Array) -> Array:
    mean, std = (np.resize(np.repeat(p[key], p["inner"]), p["count"]) for key in ("mean", "std"))
    return np.asarray((x.astype(F) - mean) / std)


def _quantise(p: Fields, x: Array) -> Array:
    return np.asarray(np.clip(x * F(p["steps"]) + F(p["raised"]), F(0), F(255)).astype(np.uint8))


KERNELS: Kernels = {
    "convolution_int8": _convolution,
    "dense_int8": _dense,
    "dense_to_float": _dense_to_float,
    "separable_int8": _separable,
    "max_pool_int8": _max_pool,
    "average_pool_int8": _average_pool,
    "table": _table,
    "add_int8": _add,
    "multiply_int8": _multiply,
    "total_int8": _total_int8,
    "total": _total,
    "mean": lambda p, x: _total(p, x) / F(p["count"]),
    "softmax": _softmax,
    "add": lambda p, x, z: np.add(*_both(p, x, z)),
    "subtract": lambda p, x, z: np.subtract(*_both(p, x, z)),
    "multiply": lambda p, x, z: np.multiply(*_both(p, x, z)),
    "divide": lambda p, x, z: np.divide(*_both(p, x, z)),
    "normalise_bytes": _normalise,
    "normalise_floats": _normalise,
    "quantise": _quantise,
    "dequantise": lambda p, x: (x.astype(F) - F(p["zero"])) * F(p["scale"]),
    "keep_bytes": lambda p, x: x.copy(),  # noqa: ARG005
    "keep_floats": lambda p, x: x.copy(),  # noqa: ARG005
}
"""All kernels of programs in 8 bits but copies and curves."""
