"""The graph of a user's module by torch.fx, or the reason why there is none that stays true to it."""

import operator
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import fx, nn
from torch.nn import functional as F

from xgaze.errors import InputError
from xgaze.models.own_networks.statements import said_by
from xgaze.models.own_networks.user_code import fault

_DROPOUTS: dict[Any, type[nn.Module]] = {
    F.dropout: nn.Dropout,
    F.dropout1d: nn.Dropout1d,
    F.dropout2d: nn.Dropout2d,
    F.dropout3d: nn.Dropout3d,
    F.alpha_dropout: nn.AlphaDropout,
    F.feature_alpha_dropout: nn.FeatureAlphaDropout,
}


def trace(module: nn.Module, inputs: int, method: str = "forward") -> fx.GraphModule:
    """The graph of the module's `method`, called with so many inputs; weights are shared. All that may differ between training
    and use is dropout, which becomes a module. Raises InputError with the reason, and the line that it stands in."""
    name = type(module).__name__
    taught, traced = (_traced(module, mode, inputs, method) for mode in (True, False))
    pairs = list(zip(taught.graph.nodes, traced.graph.nodes, strict=False))
    differing = [own for other, own in pairs if _said(other) != _said(own)]
    odd = [other for other, own in pairs if _said(other) != _said(own) and own.target not in _DROPOUTS]
    if odd or len(taught.graph.nodes) != len(traced.graph.nodes):
        where = f" ({said_by(odd[0])})" if odd else ""
        raise InputError(f"'{name}' asks whether it is training{where}, and torch.fx cannot keep that.")
    for node in differing:
        _dropout_as_module(traced, node)
    traced.recompile()
    return traced


class _Symbol(fx.Proxy):
    """A symbol that can be overwritten: torch.fx knows neither x[:, 0] = 1 nor that x += 1 changes x itself."""

    def __setitem__(self, index: Any, value: Any) -> None:
        self.tracer.create_proxy("call_function", operator.setitem, (self, index, value), {})


def _in_place(function: Callable[[Any, Any], Any]) -> Callable[[_Symbol, Any], fx.Proxy]:
    return lambda symbol, other: symbol.tracer.create_proxy("call_function", function, (symbol, other), {})


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "matmul"):
    setattr(_Symbol, f"__i{_name}__", _in_place(getattr(operator, f"__i{_name}__")))


class _Tracer(fx.Tracer):
    """Traces with exactly this many inputs, whether the method names them, collects them or has more."""

    record_stack_traces = True

    def __init__(self, inputs: int, method: str) -> None:
        super().__init__()
        self._inputs = inputs
        self.traced_func_name = method

    def proxy(self, node: fx.Node) -> fx.Proxy:
        return _Symbol(node, self)

    def create_args_for_root(
        self,
        root_fn: Any,
        is_module: bool,  # noqa: ARG002
        concrete_args: Any = None,  # noqa: ARG002
    ) -> tuple[Any, list[Any]]:
        proxies = [self.create_proxy("placeholder", f"input_{k}", (), {}) for k in range(self._inputs)]
        return root_fn, [self.root, *proxies]


def _traced(module: nn.Module, training: bool, inputs: int, method: str) -> fx.GraphModule:
    name, before = type(module).__name__, _chance()
    with _attributes_kept(module):
        try:
            graph = _Tracer(inputs, method).trace(module.train(training))
            traced = fx.GraphModule(module, graph)
        except Exception as error:  # the user's code runs here: it may raise anything
            raise InputError(f"'{name}' cannot be traced by torch.fx ({fault(error)}).") from None
    if _chance() != before:
        raise InputError(f"'{name}' draws numbers by chance in its {method}, which torch.fx would draw once for all.")
    return traced


def _chance() -> tuple[Any, ...]:
    """Where the generators of Python, NumPy and torch stand."""
    numpy = np.random.get_state(legacy=False)  # noqa: NPY002 - that of the user's code
    return random.getstate(), str(numpy), numpy["state"]["pos"], bytes(torch.get_rng_state().numpy())


@contextmanager
def _attributes_kept(module: nn.Module) -> Iterator[None]:
    """What forward sets on its modules while it is traced are symbols, and must not stay."""
    before = {one: dict(vars(one)) for one in module.modules()}
    try:
        yield
    finally:
        for one, attributes in before.items():
            vars(one).clear()
            vars(one).update(attributes)


def _said(node: fx.Node) -> tuple[str, ...]:
    return node.op, str(node.target), str(node.args), str(node.kwargs)


def _dropout_as_module(traced: fx.GraphModule, node: fx.Node) -> None:
    """F.dropout(x, training=self.training) is traced as a constant; a module knows by itself."""
    name = f"{node.name}_module"
    share, inplace = node.kwargs.get("p", 0.5), node.kwargs.get("inplace", False)
    traced.add_submodule(name, _DROPOUTS[node.target](share, inplace))
    with traced.graph.inserting_before(node):
        known = traced.graph.call_module(name, (node.all_input_nodes[0],))
        known.stack_trace = node.stack_trace
        node.replace_all_uses_with(known)
    traced.graph.erase_node(node)
