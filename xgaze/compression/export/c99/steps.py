"""What is computed, in order: one kernel per step, on tensors that lie in memory. The same in C and in numpy."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from xgaze.compression.export.c99.network import Layer, Network
from xgaze.data.contract import InputSpec, Spec

Form = Literal["float32", "int8"]
WEIGHTED = ("convolution", "dense", "separable")
BINARY = ("add", "subtract", "multiply", "divide")


@dataclass(frozen=True)
class Tensor:
    """A block of memory. kind: "given" by the caller, or "float" or "uint8" in the arena."""

    name: str
    size: int
    kind: Literal["given", "float", "uint8"]

    @property
    def bytes(self) -> int:
        return self.size * (4 if self.kind == "float" else 1)


@dataclass(frozen=True)
class Step:
    """One call of the kernel of that name. inputs: names of tensors, or arrays that are stored. fields: those of its struct:
    numbers, short lists, arrays. macs: multiply-adds. whole: of copies, the number of the target's place where the source lies
    without a gap, so that it can be made there. pool: of a convolution, the pool that alone reads what it makes, see `pooled`;
    kept: the tensor that holds its rows meanwhile."""

    kernel: str
    inputs: tuple[str | np.ndarray[Any, Any], ...]
    output: str
    fields: dict[str, Any]
    macs: int = 0
    whole: int | None = None
    node: str = ""
    pool: "Step | None" = None
    kept: str = ""

    @property
    def reads(self) -> list[str]:
        return [one for one in self.inputs if isinstance(one, str)]


@dataclass(frozen=True)
class Program:
    """Steps on tensors. inputs: what the caller gives, in that order; output: the tensor of what is predicted."""

    form: Form
    spec: Spec
    steps: tuple[Step, ...]
    tensors: dict[str, Tensor]
    output: str
    inputs: tuple[str, ...] = field(default=())

    @property
    def macs(self) -> int:
        return sum(step.macs for step in self.steps)

    @property
    def segments(self) -> list[int]:
        """Of each step, the last input that it, or a step before it, waits for."""
        found, last = [], 0
        for step in self.steps:
            last = max([last, *(self.inputs.index(name) for name in step.reads if name in self.inputs)])
            found.append(last)
        return found


def given_name(name: str) -> str:
    """The tensor of an input as it is stored, before it is normalised."""
    return f"{name} as stored"


def float_program(network: Network, spec: Spec) -> Program:
    """The network in single precision."""
    inputs = {one.name: one for one in spec.inputs}
    steps: list[Step] = []
    normalised: set[str] = set()
    for layer in network.layers:
        for name in layer.inputs:
            if name in inputs and name not in normalised:
                normalised.add(name)
                steps.append(normalising(inputs[name], name))
        steps.append(float_step(layer))
    tensors = {name: Tensor(name, size, "float") for name, size in network.sizes.items()}
    return with_inputs(Program("float32", spec, tuple(steps), tensors, network.output))


def with_inputs(program: Program) -> Program:
    """What the caller gives as tensors; what is read later than the next input is given is kept."""
    given = {given_name(one.name): one for one in program.spec.inputs}
    tensors = {name: Tensor(name, int(np.prod(one.shape)), "given") for name, one in given.items()}
    whole = replace(program, tensors=program.tensors | tensors, inputs=tuple(given))
    for place, (name, one) in enumerate(given.items()):
        late = [k for step, k in zip(whole.steps, whole.segments, strict=True) if name in step.reads and k > place]
        whole = _keeping(whole, place, name, one) if late else whole
    return whole


def _keeping(program: Program, place: int, name: str, one: InputSpec) -> Program:
    kept, picture = f"{name}, kept", one.dtype == "uint8"
    size = program.tensors[name].size
    keep = Step("keep_bytes" if picture else "keep_floats", (name,), kept, {"count": size})
    before = sum(k < place for k in program.segments)
    renamed = [
        replace(step, inputs=tuple(kept if isinstance(x, str) and x == name else x for x in step.inputs))
        for step in program.steps
    ]
    tensors = program.tensors | {kept: Tensor(kept, size, "uint8" if picture else "float")}
    return replace(program, steps=(*renamed[:before], keep, *renamed[before:]), tensors=tensors)


def normalising(one: InputSpec, output: str) -> Step:
    """What is stored, as the model is fed."""
    means, deviations = np.broadcast_arrays(*(np.atleast_1d(np.asarray(x, np.float32)) for x in (one.mean, one.std)))
    by_channel = len(means) > 1 and len(one.shape) == 3
    inner = int(np.prod(one.shape[1:])) if by_channel else 1
    fields = {"count": int(np.prod(one.shape)), "period": len(means), "inner": inner, "mean": means, "std": deviations}
    kernel = "normalise_bytes" if one.dtype == "uint8" else "normalise_floats"
    return Step(kernel, (given_name(one.name),), output, fields)


def float_step(layer: Layer) -> Step:
    """A layer in single precision."""
    given, kind = layer.settings, layer.kind
    if kind in WEIGHTED:
        return Step(kind, layer.inputs, layer.output, weighted_fields(given), macs_of(layer), node=layer.node)
    if kind in BINARY:
        return binary_step(layer)
    if kind == "copy":
        return copy_step(layer, "copy", float(given.get("fill", 0.0)))
    if kind == "max_pool":
        fields = {key: value for key, value in given.items() if key not in ("bottom", "right", "count_padding")}
    else:
        fields = dict(given)
    macs = int(given["planes"] * given["rows"] * given["columns"]) if kind == "average_pool" else 0
    return Step(kind, layer.inputs, layer.output, fields, macs, node=layer.node)


def weighted_fields(given: dict[str, Any]) -> dict[str, Any]:
    """Those of a layer with weights, all arrays single precision."""
    fields = {k: np.float32(one) if isinstance(one, np.ndarray) else one for k, one in given.items()}
    if "groups" in given:
        fields |= dict(zip(("kernel_rows", "kernel_columns"), given["weights"].shape[2:], strict=True))
    return fields


def binary_step(layer: Layer) -> Step:
    given = layer.settings
    fields = {key: given[key] for key in ("dims", "first_strides", "second_strides")}
    stored = given["stored"]
    inputs: list[Any] = list(layer.inputs)
    if stored is not None:
        inputs.insert(0 if given["stored_first"] else 1, np.ascontiguousarray(stored).reshape(-1))
    return Step(layer.kind, tuple(inputs), layer.output, fields, int(np.prod(given["dims"])), node=layer.node)


def copy_step(layer: Layer, kernel: str, fill: float | int) -> Step:
    given = layer.settings
    fields = {key: given[key] for key in ("dims", "read", "write", "start", "to")}
    fields |= {"filled": given.get("filled", 0), "fill": fill}
    whole = given["to"] if given["whole"] and given["start"] == 0 and not fields["filled"] else None
    return Step(kernel, layer.inputs, layer.output, fields, whole=whole, node=layer.node)


def macs_of(layer: Layer) -> int:
    """Multiply-adds of a layer with weights; padding is not taken off."""
    given = layer.settings
    if layer.kind == "convolution":
        outputs = given["batch"] * given["rows"] * given["columns"]
        return int(outputs * given["weights"].size)
    if layer.kind == "dense":
        return int(given["batch"] * given["weights"].size)
    each = given["channels"] * given["height"] * given["terms"] * (given["width"] + 1)
    return int(given["batch"] * given["outputs"] * each)


def sizes_of(steps: Sequence[Step]) -> int:
    """Bytes of all arrays that the steps read from flash, those that are equal counted once."""
    seen: dict[tuple[str, bytes], int] = {}
    for step in steps:
        arrays = [one for one in (*step.inputs, *step.fields.values()) if isinstance(one, np.ndarray)]
        seen |= {(one.dtype.str, one.tobytes()): one.nbytes for one in arrays}
    return sum(seen.values())
