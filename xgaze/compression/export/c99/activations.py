"""Functions of one number in single precision, to the bit as the kernels of the same names compute them."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
F = np.float32


def exponential(x: Floats) -> Floats:
    """e to the power of x, in the steps of kernels/exponential.c."""
    x = np.clip(x, F(-86), F(88))
    scaled = x * F(1.44269504)
    whole = np.trunc(np.where(scaled < 0, scaled - F(0.5), scaled + F(0.5))).astype(np.int32)
    rest = (x - whole.astype(F) * F(0.693359375)) - whole.astype(F) * F(-2.12194440e-4)
    found = np.full_like(rest, F(1.3888889e-3))
    for one in (8.3333333e-3, 4.1666668e-2, 0.16666667, 0.5, 1.0, 1.0):
        found = found * rest + F(one)
    scaled_up: Floats = np.ldexp(found, whole)
    return scaled_up


def rectify(x: Floats, negative: float) -> Floats:
    return np.where(x < 0, x * F(negative), x)


def clip(x: Floats, low: float, high: float) -> Floats:
    return np.clip(x, F(low), F(high))


def sigmoid(x: Floats) -> Floats:
    return F(1) / (F(1) + exponential(-x))


def hyperbolic_tangent(x: Floats) -> Floats:
    return F(1) - F(2) / (F(1) + exponential(F(2) * x))


def hard_sigmoid(x: Floats, slope: float, middle: float) -> Floats:
    found: Floats = np.clip(x * F(slope) + F(middle), F(0), F(1))
    return found


def hard_swish(x: Floats) -> Floats:
    found: Floats = x * np.clip((x + F(3)) / F(6), F(0), F(1))
    return found


def power(x: Floats, exponent: float) -> Floats:
    return np.power(x, F(exponent))


CURVES: Mapping[str, Callable[..., Floats]] = {
    one.__name__: one for one in (rectify, clip, sigmoid, hyperbolic_tangent, hard_sigmoid, hard_swish, power)
}


def curve(kind: str, x: Any, settings: Mapping[str, Any]) -> Floats:
    """One of them, of a layer with these settings."""
    given = {key: value for key, value in settings.items() if key != "count"}
    with np.errstate(all="ignore"):
        return CURVES[kind](np.asarray(x, F), **given)
