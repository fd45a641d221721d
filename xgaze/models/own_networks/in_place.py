"""Work in place made explicit: a statement that overwrites a tensor becomes a value that all later statements read.

torch.fx notes what is computed from what, not what is overwritten: `x.clamp_(-3, 3)` as a statement has no reader, so it would
be lost where a graph is cut, and `x + block(x)` has two meanings where block begins with ReLU(inplace=True). Which statement
overwrites what is measured, not looked up by name: the graph runs on real inputs, and the version of every tensor is watched.
"""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, fx
from torch.fx.node import Argument

from xgaze.errors import InputError
from xgaze.models.own_networks.graph_parts import said_by
from xgaze.models.torch_internals import tensors_in, version_of

View = tuple[int, int, tuple[int, ...], tuple[int, ...]]


def without_in_place(traced: fx.GraphModule, inputs: Sequence[Tensor]) -> fx.GraphModule:
    """The same function, whose nodes leave what they read as it is; weights are shared. inputs: one batch.

    Raises InputError, naming the statement, where the model overwrites its own parameters or buffers, or tensors in a way
    that cannot be told apart.
    """
    watched = _Watched(traced)
    with torch.no_grad():
        watched.run(*(one.clone() for one in inputs))
    if not watched.written:
        return traced
    return _Rewriting(traced, watched).done()


class _Watched(fx.Interpreter):
    """Runs a graph and notes the memory of every value, and which of its arguments a node overwrites."""

    def __init__(self, traced: fx.GraphModule) -> None:
        super().__init__(traced, garbage_collect_values=False)
        self.written: dict[fx.Node, fx.Node] = {}
        self.storages: dict[fx.Node, set[int]] = {}
        self.views: dict[fx.Node, View] = {}

    def run_node(self, n: fx.Node) -> Any:
        before = {one: _state(self.env[one]) for one in n.all_input_nodes}
        out = super().run_node(n)
        changed = [one for one in n.all_input_nodes if _state(self.env[one]) != before[one]]
        if n.op == "call_module" and getattr(self.fetch_attr(str(n.target)), "inplace", False) is True:
            changed = changed or n.all_input_nodes[:1]  # dropout overwrites in training only
        self.storages[n] = {_storage(one) for one in tensors_in(out)}
        if isinstance(out, Tensor):
            self.views[n] = _view(out)
        if changed:
            self.written[n] = self._one_written(n, changed)
        return out

    def _one_written(self, n: fx.Node, changed: list[fx.Node]) -> fx.Node:
        """The argument that is overwritten; views of the same memory among the arguments change with it."""
        places = {storage for one in changed for storage in self.storages[one]}
        target = n.kwargs.get("out", changed[0])
        if len(places) != 1 or not isinstance(target, fx.Node) or target not in self.views:
            raise InputError(f"{said_by(n)} overwrites several tensors at once.")
        return target


def _state(value: Any) -> list[tuple[int, torch.Size]]:
    return [(version_of(one), one.shape) for one in tensors_in(value)]


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _view(tensor: Tensor) -> View:
    return _storage(tensor), int(tensor.storage_offset()), tuple(tensor.shape), tuple(tensor.stride())


class _Rewriting:
    """Copies a graph node by node. `now` says which new node holds what an old node's tensor holds at this point."""

    def __init__(self, traced: fx.GraphModule, watched: _Watched) -> None:
        self.traced, self.watched = traced, watched
        self.graph = fx.Graph()
        self.now: dict[fx.Node, fx.Node] = {}
        self.origins: dict[int, fx.Node] = {}  # by memory: the node whose tensor the others there are views of
        self.order = {node: k for k, node in enumerate(traced.graph.nodes)}

    def done(self) -> fx.GraphModule:
        for node in self.traced.graph.nodes:
            for storage in self.watched.storages.get(node, ()):
                self.origins.setdefault(storage, node)
            if node in self.watched.written:
                self._rewrite(node, self.watched.written[node])
            elif node.op == "output":
                self.graph.output(fx.node.map_arg(node.args[0], self.now.__getitem__))
            else:
                self.now[node] = self.graph.node_copy(node, self.now.__getitem__)
        return fx.GraphModule(self.traced, self.graph)

    def _rewrite(self, node: fx.Node, target: fx.Node) -> None:
        """`node` overwrites the tensor of `target`: later readers of that memory read what it makes."""
        view = self.watched.views[target]
        origin = self.origins[view[0]]
        if origin.op == "get_attr":
            raise InputError(f"{said_by(node)} overwrites the model's own '{origin.target}'.")
        if node.users and self.watched.views.get(node) not in (view, self._after(node, target)):
            raise InputError(f"{said_by(node)} overwrites a tensor and makes another of it at once.")
        read = [one for one in self._there(view[0], node) if self._is_read_after(one, node)]
        if all(self.watched.views.get(one) == view for one in read):
            self.origins[view[0]] = target
            made = self._alone(node, target)
            for one in (*read, target):
                self.now[one] = made
        else:
            self._with_views(node, target, origin, read)
        self.now[node] = self.now[target]

    def _after(self, node: fx.Node, target: fx.Node) -> View | None:
        """The view of `target` where `node` changed its shape (`unsqueeze_`)."""
        held: Tensor = self.watched.env[target]
        return _view(held) if self.watched.env.get(node) is held else None

    def _there(self, storage: int, node: fx.Node) -> list[fx.Node]:
        known = self.watched.storages
        return [one for one in known if storage in known[one] and self.order[one] < self.order[node]]

    def _is_read_after(self, one: fx.Node, node: fx.Node) -> bool:
        return any(self.order[reader] > self.order[node] for reader in one.users)

    def _alone(self, node: fx.Node, target: fx.Node) -> fx.Node:
        """All later readers read this very view: a module works out of place, any other statement on a copy of it."""
        if self._out_of_place(node):
            return self.graph.node_copy(node, self.now.__getitem__)
        return self._on_a_copy(node, target, target)

    def _out_of_place(self, node: fx.Node) -> bool:
        """Whether the node calls a module that can do the same out of place, as from now on it does."""
        module = self.traced.get_submodule(str(node.target)) if node.op == "call_module" else None
        if getattr(module, "inplace", None) is True:
            twin = copy.deepcopy(module)
            twin.inplace = False  # type: ignore[union-attr]
            self.traced.set_submodule(str(node.target), twin)  # type: ignore[arg-type]
        return hasattr(module, "inplace")

    def _with_views(self, node: fx.Node, target: fx.Node, origin: fx.Node, read: list[fx.Node]) -> None:
        """Other views of the memory are read later: the statement works on that view in a copy of the whole, and they are taken
        anew from it."""
        if self.watched.env[target].shape != self.watched.views[target][2]:
            raise InputError(f"{said_by(node)} changes the shape of a tensor of which views are read later.")
        self.now[origin] = self._on_a_copy(node, target, origin)
        for one in dict.fromkeys((*read, target)):
            known = {origin: self.now[origin]}
            self._replay(self.graph, self._steps(one, origin), known, lambda other: self.now[other])
            self.now[one] = known[self._known_as(one, origin)]

    def _on_a_copy(self, node: fx.Node, target: fx.Node, origin: fx.Node) -> fx.Node:
        """A module of one statement: copies what `origin` holds, overwrites the view `target` of it, returns the copy."""
        graph, read = fx.Graph(), [self.now[origin]]
        # Plain, since views may be taken of it, which channels_last maps do not have.
        plain: dict[str, Argument] = {"memory_format": torch.contiguous_format}
        known = {origin: graph.call_method("clone", (graph.placeholder("overwritten"),), plain)}
        outside: dict[fx.Node, fx.Node] = {}

        def other(one: fx.Node) -> fx.Node:
            if self._known_as(one, origin) in known:
                return known[self._known_as(one, origin)]
            if one not in outside:
                with graph.inserting_before(known[origin]):
                    outside[one] = graph.placeholder(f"read_{len(outside)}")
                read.append(self.now[one])
            return outside[one]

        self._replay(graph, self._steps(target, origin), known, other)
        made = graph.node_copy(node, other)
        if self._out_of_place(node):
            graph.call_method("copy_", (known[self._known_as(target, origin)], made))
        graph.output(known[origin])
        name = f"{node.name}_on_a_copy"
        self.traced.add_submodule(name, fx.GraphModule(self.traced, graph))
        return self.graph.call_module(name, tuple(read))

    def _steps(self, one: fx.Node, origin: fx.Node) -> list[fx.Node]:
        """The nodes that take `one` as a view of `origin`, in order."""
        steps: list[fx.Node] = []
        while self._known_as(one, origin) is not origin:
            one = self._known_as(one, origin)
            steps.append(one)
            storage = self.watched.storages[origin]
            one = next(up for up in one.all_input_nodes if self.watched.storages[up] & storage)
        return steps[::-1]

    def _known_as(self, one: fx.Node, origin: fx.Node) -> fx.Node:
        """What a statement in place returns is the tensor it overwrites; a view of all of `origin` is `origin`."""
        views = self.watched.views
        while one in self.watched.written and views.get(one) == views.get(self.watched.written[one]):
            one = self.watched.written[one]
        return origin if one in views and views[one] == views.get(origin) else one

    def _replay(
        self, graph: fx.Graph, steps: list[fx.Node], known: dict[fx.Node, fx.Node], other: Callable[[fx.Node], fx.Node]
    ) -> None:
        origin = next(iter(known))
        for step in steps:
            known[step] = graph.node_copy(step, lambda one: known.get(self._known_as(one, origin)) or other(one))
