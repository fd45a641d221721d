"""A program as JSON: its steps, with arrays by name, so that those that are equal are there once; and its weights rounded."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from xgaze.compression.export.c99.network import Array
from xgaze.compression.export.c99.steps import Program, Step
from xgaze.compression.export.packed_weights import FEWEST, to_int8

Rounding = Literal["float32", "float16", "int8"]
WEIGHTS = ("weights", "row_weights", "column_weights")


@dataclass(frozen=True)
class Packed:
    """Weights as they are sent. scale: of whole numbers, one per output."""

    values: Array
    scale: NDArray[np.float32] | None = None

    @property
    def floats(self) -> NDArray[np.float32]:
        if self.scale is None:
            return self.values.astype(np.float32)
        each = self.scale.reshape(-1, *[1] * (self.values.ndim - 1))
        return np.asarray(self.values.astype(np.float32) * each, np.float32)


@dataclass
class Arrays:
    """Arrays by name; equal ones have one name."""

    named: dict[str, Array] = field(default_factory=dict)
    known: dict[tuple[str, bytes], str] = field(default_factory=dict)

    def name(self, values: Array) -> str:
        flat = np.ascontiguousarray(values).reshape(-1)
        found = self.known.setdefault((flat.dtype.str, flat.tobytes()), str(len(self.known)))
        self.named[found] = flat
        return found


def packed(program: Program, rounding: Rounding, whole: Program | None) -> list[dict[str, Packed]]:
    """Of each step the weights that are rounded. whole: the same network in 8 bits, whose weights serve both then."""
    own = {step.output: step.fields["weights"] for step in whole.steps if "weights" in step.fields} if whole else {}
    return [
        {
            key: _packed(step.fields[key], rounding, own.get(step.output) if key == "weights" else None)
            for key in WEIGHTS
            if key in step.fields and step.fields[key].size >= FEWEST and rounding != "float32"
        }
        for step in program.steps
    ]


def _packed(weights: Array, rounding: Rounding, whole: Array | None) -> Packed:
    if rounding == "float16":
        return Packed(weights.astype(np.float16))
    if whole is None or whole.shape != weights.shape:
        values, scale = to_int8(weights.astype(np.float32), 0)
        return Packed(values, scale.reshape(-1))
    rows, wholes = (one.reshape(len(one), -1).astype(np.float64) for one in (weights, whole))
    nearest = (rows * wholes).sum(1) / np.maximum(np.square(wholes).sum(1), 1)
    return Packed(whole, nearest.astype(np.float32))


def with_floats(program: Program, sent: list[dict[str, Packed]]) -> Program:
    """The program with its weights as they are once they were sent."""
    steps = [
        replace(step, fields={**step.fields, **{key: one.floats for key, one in own.items()}})
        for step, own in zip(program.steps, sent, strict=True)
    ]
    return replace(program, steps=tuple(steps))


def program_to_json(program: Program, arrays: Arrays, sent: list[dict[str, Packed]] | None = None) -> dict[str, Any]:
    """The program for the page's interpreter; its arrays are added to `arrays`."""
    own = sent or [{} for _ in program.steps]
    return {
        "inputs": list(program.inputs),
        "output": program.output,
        "tensors": {name: [one.size, _kind(program, name)] for name, one in program.tensors.items()},
        "steps": [_step(step, arrays, weights) for step, weights in zip(program.steps, own, strict=True)],
        "macs": program.macs,
    }


def _kind(program: Program, name: str) -> str:
    kind = program.tensors[name].kind
    if kind != "given":
        return kind
    pictures = [one.dtype == "uint8" for one in program.spec.inputs]
    return "uint8" if pictures[program.inputs.index(name)] else "float"


def _step(step: Step, arrays: Arrays, weights: Mapping[str, Packed]) -> dict[str, Any]:
    fields = {key: _sent(value, arrays) for key, value in step.fields.items() if key not in weights}
    for key, one in weights.items():
        fields[key] = {"array": arrays.name(one.values)}
        if one.scale is not None:
            fields[key]["scale"] = arrays.name(one.scale)
    inputs = [one if isinstance(one, str) else _sent(one, arrays) for one in step.inputs]
    return {"kernel": step.kernel, "inputs": inputs, "output": step.output, "fields": fields, "node": step.node}


def _sent(value: Any, arrays: Arrays) -> Any:
    if isinstance(value, np.ndarray):
        return {"array": arrays.name(value)}
    if isinstance(value, list | tuple):
        return [_sent(one, arrays) for one in value]
    return value.item() if isinstance(value, np.generic) else value


def characters(arrays: Mapping[str, Array]) -> int:
    """How long they are in a page: compressed, in base64."""
    return sum(-(-len(zlib.compress(np.ascontiguousarray(one).tobytes())) // 3) * 4 for one in arrays.values())
