"""What a program in single precision computes, in numpy: for weights that were rounded, of which there is no torch model."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.compression.export.c99.network import Array
from xgaze.compression.export.c99.reference import KERNELS, Fields, Kernels, padded, run_reference, windows
from xgaze.compression.export.c99.steps import Program

F = np.float32


def run_floats(program: Program, stored: Mapping[str, NDArray[np.generic]]) -> NDArray[np.float32]:
    """Outputs (samples, outputs) for inputs as they are stored: name -> (samples, *shape). Sums are taken in doubles."""
    return run_reference(program, stored, FLOATS)


def _rectified(p: Fields, sums: Array) -> NDArray[np.float32]:
    return np.asarray(np.where(sums < 0, sums * F(p["negative"]), sums), F)


def _size(p: Fields) -> tuple[int, int]:
    return p["kernel_rows"], p["kernel_columns"]


def _convolution(p: Fields, x: Array) -> Array:
    planes = x.reshape(-1, p["height"], p["width"]).astype(np.float64)
    seen = windows(p, padded(p, planes, _size(p), 0.0), _size(p))
    seen = seen.reshape(p["batch"], p["groups"], p["channels"], p["rows"] * p["columns"], -1)
    columns = seen.transpose(0, 1, 2, 4, 3).reshape(p["batch"], p["groups"], -1, p["rows"] * p["columns"])
    weights = p["weights"].reshape(p["groups"], p["outputs"], -1).astype(np.float64)
    sums = (weights @ columns).reshape(p["batch"], p["groups"] * p["outputs"], -1)
    return _rectified(p, sums + p["bias"][:, None])


def _dense(p: Fields, x: Array) -> Array:
    rows = x.reshape(p["batch"], p["width"]).astype(np.float64)
    return _rectified(p, rows @ p["weights"].reshape(p["outputs"], -1).astype(np.float64).T + p["bias"])


def _separable(p: Fields, x: Array) -> Array:
    planes = x.reshape(p["batch"], p["channels"], p["height"], p["width"]).astype(np.float64)
    inner = np.einsum("octw,bchw->bocht", p["column_weights"].astype(np.float64), planes)
    return _rectified(p, np.einsum("ocht,bocht->bo", p["row_weights"].astype(np.float64), inner) + p["bias"])


def _max_pool(p: Fields, x: Array) -> Array:
    planes = x.reshape(p["planes"], p["height"], p["width"])
    return np.asarray(windows(p, padded(p, planes, _size(p), -np.inf), _size(p)).max((3, 4)), F)


def _average_pool(p: Fields, x: Array) -> Array:
    planes = x.reshape(p["planes"], p["height"], p["width"]).astype(np.float64)
    inside = np.ones((1, p["height"], p["width"]))
    sums = windows(p, padded(p, planes, _size(p), 0.0), _size(p)).sum((3, 4))
    count = windows(p, padded(p, inside, _size(p), 0.0), _size(p)).sum((3, 4))
    if p["count_padding"]:
        around = ((0, 0), (p["top"], p["bottom"]), (p["left"], p["right"]))
        reach = ((0, 0), (0, p["kernel_rows"] * p["dilation_rows"]), (0, p["kernel_columns"] * p["dilation_columns"]))
        count = windows(p, np.pad(np.pad(inside, around, constant_values=1), reach), _size(p)).sum((3, 4))
    return np.asarray(sums / count, F)


def _instance_normalisation(p: Fields, x: Array) -> Array:
    values = x.reshape(p["batch"], p["channels"], p["count"]).astype(np.float64)
    middle = values - values.mean(2, keepdims=True)
    spread = np.sqrt(np.square(middle).mean(2, keepdims=True) + p["epsilon"])
    return np.asarray(middle / spread * p["scale"][:, None] + p["shift"][:, None], F)


FLOATS: Kernels = {
    **KERNELS,
    "convolution": _convolution,
    "dense": _dense,
    "separable": _separable,
    "max_pool": _max_pool,
    "average_pool": _average_pool,
    "instance_normalisation": _instance_normalisation,
}


def largest_difference(first: NDArray[Any], second: NDArray[Any]) -> float:
    return float(np.abs(first.astype(np.float64) - second).max())
