"""The graph of a user's module by torch.fx, or the reason why there is none that stays true to it."""

import math
import operator
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from xgaze.errors import InputError
from xgaze.models.own_networks.call_forms import class_of
from xgaze.models.own_networks.fidelity import seeded
from xgaze.models.own_networks.graph_parts import said_by
from xgaze.models.own_networks.sizes import Sizes
from xgaze.models.own_networks.user_code import fault, place_of

Generators = tuple[Any, ...]
"""Where those of Python, NumPy and torch stand."""
DROPOUTS: dict[Any, type[nn.Module]] = {
    F.dropout: nn.Dropout,
    F.dropout1d: nn.Dropout1d,
    F.dropout2d: nn.Dropout2d,
    F.dropout3d: nn.Dropout3d,
    F.alpha_dropout: nn.AlphaDropout,
    F.feature_alpha_dropout: nn.FeatureAlphaDropout,
}

TRACED_WHOLE = ("einops",)
"""Packages whose functions and layers are each one step: they look at what a tensor is, and symbols are none."""
WAY_OUT = "Write it with torch.where, or by what is known before: sizes of pictures, arguments of the constructor."


def trace(module: nn.Module, inputs: Sequence[Tensor], method: str = "forward") -> fx.GraphModule:
    """The graph of the module's `method`, called with such a batch; weights are shared. All that may differ between training
    and use is dropout, which becomes a module. Raises InputError with the reason, and the line that it stands in."""
    used, taught = (traced_in(module, inputs, training, method) for training in (False, True))
    if odd := first_odd(used, taught):
        raise InputError(f"'{class_of(module)}' {odd}, and torch.fx cannot keep that.")
    return used.graph_module


@dataclass(frozen=True)
class Traced:
    """A graph, and where the generators of numbers stood: before, at each linear layer, afterwards."""

    graph_module: fx.GraphModule
    before: Generators
    at_layer: Mapping[str, Generators]
    after: Generators


def traced_in(module: nn.Module, inputs: Sequence[Tensor], training: bool, method: str = "forward") -> Traced:
    """As the module works in training, or in use, where it must not draw by chance. Raises InputError."""
    name, tracer = class_of(module), _Tracer(module, inputs, method)
    with seeded(0), _attributes_kept(module), _lengths_known(module):
        before = _chance()
        try:
            graph = tracer.trace(module.train(training))
            traced = fx.GraphModule(module, graph)
        except InputError as error:
            raise InputError(
                f"'{name}' {error}{place_of(error)}, and a graph takes the same way for all. {WAY_OUT}"
            ) from None
        except Exception as error:  # the user's code runs here: it may raise anything
            raise InputError(f"'{name}' cannot be traced by torch.fx ({fault(error)}).") from None
        after = _chance()
    if not training and after != before:
        raise InputError(f"'{name}' draws numbers by chance in its {method}, which torch.fx would draw once for all.")
    for node in reversed(list(graph.nodes)):
        if not node.users and node.op.startswith("call") and tracer.sizes.is_known(node):
            graph.erase_node(node)  # what was asked and answered
    for node in [one for one in graph.nodes if one.target in DROPOUTS and one.kwargs.get("training") is training]:
        _dropout_as_module(traced, node)
    traced.recompile()
    return Traced(traced, before, tracer.chance_at, after)


def first_odd(used: Traced, taught: Traced) -> str | None:
    """What is not the same in training, statement by statement, in words; None where all is."""
    pairs = list(zip(taught.graph_module.graph.nodes, used.graph_module.graph.nodes, strict=False))
    odd = [other for other, own in pairs if _said(other) != _said(own)]
    if odd or len(taught.graph_module.graph.nodes) != len(used.graph_module.graph.nodes):
        where = f" ({said_by(odd[0])})" if odd else ""
        return f"asks whether it is training{where}"
    return "draws numbers by chance in its forward" if taught.after != taught.before else None


class _Sized:
    """Questions of Python's that have an answer where it lies in sizes alone."""

    tracer: Any

    def __len__(self) -> int:
        return self.tracer.asked(self, length=True)  # type: ignore[no-any-return]

    def __index__(self) -> int:
        return operator.index(self.tracer.asked(self))

    def __int__(self) -> int:
        return int(self.tracer.asked(self))

    def __float__(self) -> float:
        return float(self.tracer.asked(self))


class _Attribute(_Sized, fx.proxy.Attribute):
    """Of a symbol, such as its shape."""


class _Symbol(_Sized, fx.Proxy):
    """A symbol that can be overwritten: torch.fx knows neither x[:, 0] = 1 nor that x += 1 changes x itself."""

    def __getattr__(self, name: str) -> _Attribute:
        return _Attribute(self, name)

    def __setitem__(self, index: Any, value: Any) -> None:
        self.tracer.create_proxy("call_function", operator.setitem, (self, index, value), {})


def _in_place(function: Callable[[Any, Any], Any]) -> Callable[[_Symbol, Any], fx.Proxy]:
    return lambda symbol, other: symbol.tracer.create_proxy("call_function", function, (symbol, other), {})


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "matmul"):
    setattr(_Symbol, f"__i{_name}__", _in_place(getattr(operator, f"__i{_name}__")))


class _Tracer(fx.Tracer):
    """Traces with exactly this many inputs, whether the method names them, collects them or has more. What Python asks of symbols
    (which way, how often) is answered where it lies in sizes."""

    record_stack_traces = True

    def __init__(self, module: nn.Module, inputs: Sequence[Tensor], method: str) -> None:
        super().__init__(autowrap_modules=(math, *_traced_whole()))  # type: ignore[arg-type]
        self._inputs = len(inputs)
        self.sizes = Sizes(module, inputs)
        self._asking = False
        self.traced_func_name = method
        self.chance_at: dict[str, Generators] = {}

    def asked(self, symbol: Any, length: bool = False) -> Any:
        """A symbol's value, or its length, in sizes. Raises InputError."""
        self._asking = True
        try:
            return self.sizes.length(symbol.node) if length else self.sizes.of(symbol.node)
        finally:
            self._asking = False

    def to_bool(self, obj: fx.Proxy) -> bool:
        return bool(self.asked(obj))

    def iter(self, obj: fx.Proxy) -> Iterator[Any]:
        return iter([obj[k] for k in range(self.asked(obj, length=True))])  # type: ignore[index]

    def proxy(self, node: fx.Node) -> fx.Proxy:
        return _Symbol(node, self)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        return attr_val if self._asking else super().getattr(attr, attr_val, parameter_proxy_cache)

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if self._asking:
            return forward(*args, **kwargs)
        if isinstance(m, nn.Linear):
            self.chance_at[self.path_of_module(m)] = _chance()
        return super().call_module(m, forward, args, kwargs)

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        whole = type(m).__module__.partition(".")[0] in TRACED_WHOLE
        return whole or super().is_leaf_module(m, module_qualified_name)

    def create_args_for_root(
        self,
        root_fn: Any,
        is_module: bool,  # noqa: ARG002
        concrete_args: Any = None,  # noqa: ARG002
    ) -> tuple[Any, list[Any]]:
        proxies = [self.create_proxy("placeholder", f"input_{k}", (), {}) for k in range(self._inputs)]
        return root_fn, [self.root, *proxies]


def _traced_whole() -> tuple[ModuleType, ...]:
    """Those of `TRACED_WHOLE` that the user's code has imported."""
    return tuple(sys.modules[name] for name in TRACED_WHOLE if name in sys.modules)


def _chance() -> Generators:
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


@contextmanager
def _lengths_known(module: nn.Module) -> Iterator[None]:
    """In the files of the module's classes, `len` of a symbol may be a symbol: of a batch, Python wants a number there."""
    files = {type(one).__module__ for one in module.modules()}
    scopes = [
        vars(sys.modules[name]) for name in files if name in sys.modules and not name.startswith(("torch", "xgaze"))
    ]
    given = [one for one in scopes if "len" not in one]
    for scope in given:
        scope["len"] = _length
    try:
        yield
    finally:
        for scope in given:
            scope.pop("len", None)


def _length(value: Any) -> Any:
    try:
        return len(value)
    except InputError:
        return value.size(0)


def _said(node: fx.Node) -> tuple[str, ...]:
    return node.op, str(node.target), str(node.args), str(node.kwargs)


def _dropout_as_module(traced: fx.GraphModule, node: fx.Node) -> None:
    """F.dropout(x, training=self.training) is traced as a constant; a module knows by itself."""
    name = f"{node.name}_module"
    share, inplace = node.kwargs.get("p", 0.5), node.kwargs.get("inplace", False)
    traced.add_submodule(name, DROPOUTS[node.target](share, inplace))
    with traced.graph.inserting_before(node):
        known = traced.graph.call_module(name, (node.all_input_nodes[0],))
        known.stack_trace = node.stack_trace
        node.replace_all_uses_with(known)
    traced.graph.erase_node(node)
