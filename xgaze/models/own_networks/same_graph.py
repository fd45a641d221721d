"""Whether two graphs of one module compute the same of what some of its layers put out."""

from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, fx, nn

from xgaze.models.own_networks.statements import said_by
from xgaze.models.own_networks.trace import DROPOUTS


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
    fx.node.map_arg((node.args, node.kwargs), lambda one: found.append(one) or one)
    return found


def _form(node: fx.Node) -> str:
    """Its arguments without the names of what it reads."""
    return str(fx.node.map_arg((node.args, node.kwargs), lambda _: "read"))
