"""An ONNX file while it is read: steps of torch.fx, layers, numbers, and what sizes everything has, whatever the batch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn

from xgaze.errors import InputError
from xgaze.models.own_networks.sizes import BATCHES, Sizes

Constant = NDArray[Any]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """One node of a file. inputs: names, "" where one is left out. opset: the version of its operations."""

    operation: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    given: Mapping[str, Any]
    opset: int

    def has(self, place: int) -> bool:
        return place < len(self.inputs) and bool(self.inputs[place])


@dataclass
class Reading:
    """What was read so far. shapes: of the network's inputs, without the batch. fixed: how many samples the file takes at a time,
    None for any number. constants: values that are the same whatever the batch; by_batch: those that are not, for each of
    `BATCHES`. readers: the nodes that read a value."""

    shapes: Sequence[Shape]
    fixed: int | None = None
    constants: dict[str, Constant] = field(default_factory=dict)
    by_batch: dict[str, tuple[Constant, ...]] = field(default_factory=dict)
    readers: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    known: dict[str, fx.Node] = field(default_factory=dict)
    steps: fx.Graph = field(default_factory=fx.Graph)
    root: nn.Module = field(default_factory=nn.Module)
    shared: dict[tuple[Any, ...], str] = field(default_factory=dict)
    same: dict[tuple[Any, ...], Constant] = field(default_factory=dict)
    made: int = 0

    def hold(self, name: str, found: Constant) -> None:
        """A number, or an array: one for all names under which the same stands. Those of one number throughout, as norms begin
        with, may be of different layers."""
        if found.size > 1 and (found != found.flat[0]).any():
            found = self.same.setdefault((found.dtype.str, found.shape, sha256(found.tobytes()).digest()), found)
        self.constants[name] = found

    @cached_property
    def _sizes(self) -> Sizes:
        return Sizes(self.root, [torch.empty(1, *one) for one in self.shapes])

    def shapes_of(self, node: fx.Node) -> tuple[Shape, ...]:
        """Those of a step's tensor, for each of `BATCHES`."""
        return tuple(tuple(one.shape) for one in self._sizes.values(node))

    def shape(self, node: fx.Node) -> Shape:
        """That of one sample alone, the batch in it."""
        return self.shapes_of(node)[0]

    def batch_axis(self, node: fx.Node) -> int | None:
        """The axis that is longer where there are more samples. Raises InputError for several."""
        return varying_axis(self.shapes_of(node))

    def axes(self, node: fx.Node, told: Sequence[int]) -> list[int]:
        """Counted from the front; none may be that of the samples. Raises InputError."""
        count = len(self.shape(node))
        found = [int(one) % count for one in told]
        if self.batch_axis(node) in found:
            raise InputError("it goes over the samples of a batch")
        return found

    def read(self, step: Step, place: int = 0) -> fx.Node:
        """What a node reads, as a step. Raises InputError where it has no such input."""
        if not step.has(place):
            raise InputError(f"its input {place + 1} is missing")
        name = step.inputs[place]
        return self.known[name] if name in self.known else self.stored(self._same_for_all(name))

    def value(self, name: str) -> Any:
        """A step, or a number where it is one."""
        if name in self.known:
            return self.known[name]
        found = self._same_for_all(name)
        return found.reshape(-1)[0].item() if found.size == 1 and found.ndim < 2 else self.stored(found)

    def _same_for_all(self, name: str) -> Constant:
        if name in self.by_batch:
            raise InputError("it computes with the number of samples")
        if name not in self.constants:
            raise InputError(f"it reads '{name}', which is not read")
        return self.constants[name]

    def constant(self, step: Step, place: int, name: str = "") -> Constant | None:
        """What newer files give as an input and older ones as an attribute; None where neither does."""
        if step.has(place):
            if step.inputs[place] in self.known:
                raise InputError("it reads a number that is computed from the samples")
            return self._same_for_all(step.inputs[place])
        return np.asarray(step.given[name]) if name in step.given else None

    def whole_numbers(self, step: Step, place: int, name: str = "") -> list[int] | None:
        found = self.constant(step, place, name)
        return None if found is None else [int(one) for one in found.reshape(-1)]

    def weight(self, step: Step, place: int) -> Tensor:
        """Raises InputError where it is missing or computed."""
        found = self.constant(step, place)
        if found is None:
            raise InputError("its weights are missing")
        return as_tensor(found)

    def target(self, step: Step, place: int, name: str = "") -> tuple[list[int], ...]:
        """A shape that is asked for, for each of `BATCHES`."""
        if step.has(place) and step.inputs[place] in self.by_batch:
            return tuple([int(one) for one in found.reshape(-1)] for found in self.by_batch[step.inputs[place]])
        asked = self.whole_numbers(step, place, name)
        if asked is None:
            raise InputError("its shape is missing")
        return (asked,) * len(BATCHES)

    def call(self, function: Callable[..., Any], *args: Any, **given: Any) -> fx.Node:
        return self.steps.call_function(function, args, given)

    def method(self, name: str, *args: Any) -> fx.Node:
        return self.steps.call_method(name, args)

    def samples(self) -> fx.Node:
        """How many samples there are."""
        return self.method("size", self.first(), 0)

    def first(self) -> fx.Node:
        """The network's first input."""
        found: fx.Node = next(one for one in self.steps.nodes if one.op == "placeholder")
        return found

    def stored(self, found: Constant) -> fx.Node:
        """A tensor that is stored with the network."""
        return self.steps.get_attr(self._placed("tensor", as_tensor(found)))

    def layer(self, made: nn.Module, read: fx.Node, same: tuple[Any, ...] = ()) -> fx.Node:
        """same: what else is made of the same weights in the same way is the same layer, as in towers that are shared."""
        place = self.shared.get(same) if same else None
        if place is None:
            place = self._placed(type(made).__name__.lower(), made.eval())
        if same:
            self.shared[same] = place
        return self.steps.call_module(place, (read,))

    def weights_of(self, step: Step) -> tuple[Any, ...]:
        """What its layer is made of: the same numbers have one name or several."""
        told = tuple(id(self.constants[one]) if one in self.constants else one for one in step.inputs[1:])
        return step.operation, told, str(sorted(step.given.items()))

    def _placed(self, kind: str, held: nn.Module | Tensor) -> str:
        name = f"{kind}{self.made}"
        self.made += 1
        if isinstance(held, nn.Module):
            self.root.add_module(name, held)
        else:
            self.root.register_buffer(name, held)
        return name


def as_tensor(found: Constant) -> Tensor:
    """Numbers with a point are single ones."""
    return torch.from_numpy(np.array(found, np.float32 if found.dtype.kind == "f" else found.dtype))


def varying_axis(shapes: Sequence[Sequence[int]]) -> int | None:
    """The axis in which shapes of several batches differ. Raises InputError for several."""
    if len({len(one) for one in shapes}) > 1:
        raise InputError("it has another number of axes with more samples")
    found = [k for k, sizes in enumerate(zip(*shapes, strict=True)) if len(set(sizes)) > 1]
    if len(found) > 1:
        raise InputError("it mixes samples with each other")
    return found[0] if found else None
