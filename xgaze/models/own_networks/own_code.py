"""Features as the user's own code makes them in training, where it does there what no graph keeps: noise, a view left out by
chance, blocks that are skipped; and whether what follows is the same as in use."""

import copy
from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn

from xgaze.errors import InputError
from xgaze.models.own_networks.graph_parts import said_by
from xgaze.models.own_networks.trace import DROPOUTS


class OwnCode:
    """The user's module up to its first fully connected layers, with the layers of features in the places of its own: they may
    have been replaced, cut or moved since. Own weights it has none."""

    def __init__(self, module: nn.Module, ends: Collection[str]) -> None:
        shared = [*module.parameters(), *module.buffers()]
        self.module = copy.deepcopy(module, {id(one): one for one in shared})
        for path in ends:
            self.module.set_submodule(path, _End())
        known = dict[int, list[str]]()
        for path, one in self.module.named_modules(remove_duplicate=False):
            known.setdefault(id(one), []).append(path)
        self.places = {path: paths for paths in known.values() for path in paths}

    def features(self, net: fx.GraphModule, inputs: Sequence[Tensor]) -> Tensor:
        """What enters the first fully connected layers, the layers of `net` in their places. Raises InputError where the code
        calls one that `net` lacks: it would neither learn nor be stored."""
        lent = self._lend(net)
        hooks = [one.register_forward_pre_hook(_refused(path)) for path, one in self._kept(net, lent)]
        try:
            self.module(*inputs)
        except _Reached as reached:
            return reached.features
        finally:
            for hook in hooks:
                hook.remove()
        raise InputError("forward did not come to its first fully connected layer in training.")

    def _lend(self, net: fx.GraphModule) -> set[str]:
        lent = set[str]()
        for node in net.graph.nodes:
            path = str(node.target)
            if node.op == "call_module" and path in self.places:
                for place in self.places[path]:
                    self.module.set_submodule(place, net.get_submodule(path))
                    lent.add(place)
            if node.op == "get_attr":
                holder, _, name = path.rpartition(".")
                if holder in self.places and hasattr(self.module.get_submodule(holder), name):
                    setattr(self.module.get_submodule(holder), name, getattr(net.get_submodule(holder), name))
        return lent

    def _kept(self, net: fx.GraphModule, lent: set[str]) -> list[tuple[str, nn.Module]]:
        """Modules of its own that hold weights; all of its own are told that this is training."""
        known = {id(one) for one in net.parameters()}
        kept = list[tuple[str, nn.Module]]()
        for path, one in self.module.named_modules(remove_duplicate=False):
            if not any(path == other or path.startswith(f"{other}.") for other in lent):
                one.training = True
                if any(id(weight) not in known for weight in one.parameters(recurse=False)):
                    kept.append((path, one))
        return kept


class _Reached(BaseException):
    """Not an Exception: the user's code may catch those."""

    def __init__(self, features: Tensor) -> None:
        self.features = features


class _End(nn.Module):
    """In the place of a first fully connected layer."""

    def forward(self, features: Tensor) -> Tensor:
        raise _Reached(features)


def _refused(path: str) -> Any:
    def refuse(*_: Any) -> None:
        raise InputError(
            f"its '{path}' runs in training alone, before its first fully connected layer, and is no part of the model in use. "
            "Take it out, or let it run in use too."
        )

    return refuse


def same_values(used: fx.GraphModule, taught: fx.GraphModule, ends: Collection[str]) -> str | None:
    """Where the outputs of both are computed otherwise from what the layers at paths `ends` put out, in words; None where they
    are not. Nothing in them works in place, and each of those layers is called once."""
    compared, waiting = set[fx.Node](), [(used.graph.output_node(), taught.graph.output_node())]
    while waiting:
        own, other = waiting.pop()
        if own in compared:
            continue
        compared.add(own)
        if not _alike(used, own, taught, other):
            return said_by(other)
        if not (own.op == "call_module" and own.target in ends):
            waiting += zip(_read(own), _read(other), strict=True)
    return None


def _alike(used: fx.GraphModule, own: fx.Node, taught: fx.GraphModule, other: fx.Node) -> bool:
    if own.op != other.op or _form(own) != _form(other) or len(_read(own)) != len(_read(other)):
        return False
    if own.op not in ("get_attr", "call_module"):
        return own.target == other.target
    found, another = (_held(one, str(node.target)) for one, node in ((used, own), (taught, other)))
    if isinstance(found, fx.GraphModule) and isinstance(another, fx.GraphModule):  # a statement on a copy
        return same_values(found, another, ()) is None
    if isinstance(found, tuple(DROPOUTS.values())):
        return repr(found) == repr(another)
    return found is another or (isinstance(found, Tensor) and _equal(found, another))


def _equal(found: Tensor, another: Any) -> bool:
    return isinstance(another, Tensor) and found.dtype == another.dtype and torch.equal(found, another)


def _held(module: nn.Module, path: str) -> Any:
    for name in path.split("."):
        module = getattr(module, name, None)  # type: ignore[assignment]
    return module


def _read(node: fx.Node) -> list[fx.Node]:
    """What it reads, in order, as often as it does."""
    found = list[fx.Node]()

    def noted(one: fx.Node) -> fx.Node:
        found.append(one)
        return one

    fx.node.map_arg((node.args, node.kwargs), noted)
    return found


def _form(node: fx.Node) -> str:
    """Its arguments without the names of what it reads."""
    return str(fx.node.map_arg((node.args, node.kwargs), lambda _: "read"))
