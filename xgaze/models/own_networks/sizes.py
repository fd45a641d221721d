"""What a graph in the making knows without values: the sizes of its tensors, by running it on shapes alone, batch by batch."""

import copy
import operator
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn

from xgaze.errors import InputError
from xgaze.models.torch_internals import shapes_alone, tensors_in

BATCHES = (1, 2, 4999)
"""Sizes of batches: what is the same in all is no matter of the batch."""


class Sizes:
    """Values of a graph's nodes where tensors hold shapes and no numbers. inputs: one batch, of which the first axis is left."""

    def __init__(self, root: nn.Module, inputs: Sequence[Tensor]) -> None:
        self.root = root
        self.shapes = [tuple(one.shape[1:]) for one in inputs]
        self.without_numbers = shapes_alone()
        self.leaves: dict[str, nn.Module] = {}
        self.known: dict[fx.Node, tuple[Any, ...]] = {}

    def of(self, node: fx.Node) -> Any:
        """What `node` is whatever the batch: a number, a bool, a shape without the batch in it. Raises InputError for what
        depends on the numbers in tensors, or on how many samples there are."""
        found = self.values(node)
        if any(isinstance(one, Tensor) for one in found):
            raise InputError("asks for the numbers in a tensor")
        if self._by_batch(node):
            raise InputError("asks how many samples there are")
        return found[0]

    def is_known(self, node: fx.Node) -> bool:
        """Whether it was found to hold no tensor."""
        return node in self.known and not tensors_in(self.known[node])

    def length(self, node: fx.Node) -> int:
        """How many parts it has: those of a tuple, axes of a shape, entries of a tensor's first axis. Raises InputError."""
        lengths = {len(one) for one in self.values(node)}
        if len(lengths) > 1:
            raise InputError("goes through the samples one by one")
        return lengths.pop()

    def _by_batch(self, node: fx.Node) -> bool:
        """Whether it is a number that another batch changes, or is made of one; an entry of a shape is made of itself alone."""
        found = self.known[node]
        if any(isinstance(one, Tensor) for one in found):
            return False
        if any(one != found[0] for one in found):
            return True
        return node.target is not operator.getitem and any(map(self._by_batch, node.all_input_nodes))

    def values(self, node: fx.Node) -> tuple[Any, ...]:
        """What it is with each of `BATCHES`: tensors without numbers, numbers, tuples of them. Raises InputError."""
        for one in node.graph.nodes:
            if (
                one.op == "call_module" and str(one.target) not in self.leaves
            ):  # a copy: some count batches, without numbers too
                self.leaves[str(one.target)] = copy.deepcopy(self.root.get_submodule(str(one.target)))
        with self.without_numbers, torch.no_grad():
            for one in node.graph.nodes:
                if one not in self.known:
                    self.known[one] = tuple(self._run(one, batch) for batch in range(len(BATCHES)))
                if one is node:
                    break
        return self.known[node]

    def _run(self, node: fx.Node, batch: int) -> Any:
        if node.op == "placeholder":
            place = sum(one.op == "placeholder" for one in self.known)
            return torch.empty(BATCHES[batch], *self.shapes[place])
        args, kwargs = fx.node.map_arg((node.args, node.kwargs), lambda one: self.known[one][batch])
        target: Any = node.target
        try:
            if node.op == "call_method":
                return getattr(args[0], target)(*args[1:], **kwargs)
            if node.op == "call_module":
                return self.leaves[target](*args, **kwargs)
            return self._held(target) if node.op == "get_attr" else target(*args, **kwargs)
        except RuntimeError as error:  # of torch, for what has no answer in shapes
            raise InputError(f"asks for the numbers in a tensor ({str(error).partition(chr(10))[0][:80]})") from None

    def _held(self, path: str) -> Any:
        found: Any = self.root
        for name in path.split("."):
            found = getattr(found, name)
        return found
