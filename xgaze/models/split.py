"""Split any module in two at its first fully connected layer, along its torch.fx graph: what comes before, and the head."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead, Float32Sequential

SUBCLASS = "Give it `features` and `head` by subclassing xgaze.models.layers.FeatureHead."

_DROPOUTS: dict[Any, type[nn.Module]] = {
    F.dropout: nn.Dropout,
    F.dropout1d: nn.Dropout1d,
    F.dropout2d: nn.Dropout2d,
    F.dropout3d: nn.Dropout3d,
    F.alpha_dropout: nn.AlphaDropout,
    F.feature_alpha_dropout: nn.FeatureAlphaDropout,
}
_JOINS = (torch.cat, torch.concat, torch.concatenate)
_LAYOUT_KEPT = (nn.Dropout, nn.Identity, nn.ReLU, nn.LeakyReLU)
_LAYOUT_CHANGED = ("permute", "transpose", "movedim", "moveaxis", "swapaxes", "swapdims")


class Imported(FeatureHead):
    """A user's module in two parts, whose composition is the module itself; the head begins with its first FC layer."""

    def __init__(
        self, features_net: nn.Module, head: nn.Sequential, feature_shape: tuple[int, int, int] | None
    ) -> None:
        super().__init__()
        self.features_net = features_net
        self.head = head
        self.feature_shape = feature_shape

    def features(self, *inputs: Tensor) -> Tensor:
        out: Tensor = self.features_net(*inputs)
        return out


def split(module: nn.Module, inputs: Sequence[Tensor]) -> Imported:
    """`module` as an `Imported` that shares its weights. inputs: one batch, each (n, channels, height, width).

    The split is at the first linear layer, in the order of execution, through which all goes that the output knows of the
    inputs. Raises InputError if torch.fx cannot trace the module, or if there is no such layer.
    """
    traced = _trace(module, len(inputs))
    training = module.training
    with torch.no_grad():
        _Shapes(traced.eval()).run(*inputs)
    _free_the_batch(traced.graph)
    fc, result = _first_fc(traced, module), _result(traced.graph)
    name = str(fc.target).replace(".", "_")
    parts = OrderedDict[str, nn.Module]({"tail_" if name == "tail" else name: traced.get_submodule(str(fc.target))})
    if result is not fc:
        _announce_readers(traced, fc)
        parts["tail"] = _part(traced, [fc], result)
    source = fc.all_input_nodes[0]
    whole = Imported(_part(traced, _placeholders(traced.graph), source), Float32Sequential(parts), _maps(source))
    whole.train(training)
    return whole


class _Tracer(fx.Tracer):
    """Traces with exactly this many inputs, whether forward names them, collects them in *inputs* or has more with defaults."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self._inputs = inputs

    def create_args_for_root(
        self,
        root_fn: Any,
        is_module: bool,  # noqa: ARG002
        concrete_args: Any = None,  # noqa: ARG002
    ) -> tuple[Any, list[Any]]:
        proxies = [self.create_proxy("placeholder", f"input_{k}", (), {}) for k in range(self._inputs)]
        return root_fn, [self.root, *proxies]


class _Shapes(fx.Interpreter):
    """Runs a graph and notes the shape of every tensor in it."""

    def run_node(self, n: fx.Node) -> Any:
        out = super().run_node(n)
        if isinstance(out, Tensor):
            n.meta["shape"] = tuple(out.shape)
        return out


def _trace(module: nn.Module, inputs: int) -> fx.GraphModule:
    """The module's graph. All that may differ between training and use is dropout, which becomes a module."""
    name, training = type(module).__name__, module.training
    try:
        taught, used = (_Tracer(inputs).trace(module.train(mode)) for mode in (True, False))
    except Exception as error:  # the user's code runs here: it may raise anything
        words = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"'{name}' cannot be traced by torch.fx ({words}). {SUBCLASS}") from None
    finally:
        module.train(training)
    traced = fx.GraphModule(module, used)
    pairs = list(zip(taught.nodes, traced.graph.nodes, strict=False))
    differing = [own for other, own in pairs if _said(other) != _said(own)]
    if len(taught.nodes) != len(used.nodes) or any(node.target not in _DROPOUTS for node in differing):
        raise InputError(f"'{name}' asks whether it is training, and torch.fx cannot keep that. {SUBCLASS}")
    for node in differing:
        _dropout_as_module(traced, node)
    traced.recompile()
    return traced


def _said(node: fx.Node) -> tuple[str, ...]:
    return node.op, str(node.target), str(node.args), str(node.kwargs)


def _dropout_as_module(traced: fx.GraphModule, node: fx.Node) -> None:
    """F.dropout(x, training=self.training) is traced as a constant; a module knows by itself."""
    name = f"{node.name}_module"
    traced.add_submodule(name, _DROPOUTS[node.target](p=node.kwargs.get("p", 0.5)))
    with traced.graph.inserting_before(node):
        node.replace_all_uses_with(traced.graph.call_module(name, (node.all_input_nodes[0],)))
    traced.graph.erase_node(node)


def _free_the_batch(graph: fx.Graph) -> None:
    """Views that flatten become `flatten`, whatever sizes they spell out, so that pruned maps still pass; other views become
    `reshape`, since channels_last maps cannot be viewed."""
    for node in graph.nodes:
        if node.op != "call_method" or node.target not in ("view", "reshape"):
            continue
        source, shape = node.args[0], node.meta["shape"]
        if len(shape) == 2 and source.meta["shape"][0] == shape[0]:
            node.target, node.args, node.kwargs = "flatten", (source, 1), {}
        elif not any(isinstance(one, torch.dtype) for one in (*node.args, *node.kwargs.values())):
            node.target = "reshape"


def _first_fc(traced: fx.GraphModule, module: nn.Module) -> fx.Node:
    calls = [node for node in traced.graph.nodes if node.op == "call_module"]
    linear: list[fx.Node] = [node for node in calls if isinstance(traced.get_submodule(str(node.target)), nn.Linear)]
    name = type(module).__name__
    if not linear:
        raise InputError(f"'{name}' has no nn.Linear, so there is no fully connected layer to shrink. {SUBCLASS}")
    once = [node for node in linear if sum(node.target == other.target for other in linear) == 1]
    for node in once:
        if len(node.all_input_nodes[0].meta["shape"]) == 2 and _all_goes_through(node, traced.graph):
            return node
    raise InputError(
        f"'{name}' has no nn.Linear, called once on (batch, features), through which everything goes; found "
        f"{', '.join(sorted({str(node.target) for node in linear}))}. {SUBCLASS}"
    )


def _announce_readers(traced: fx.GraphModule, fc: fx.Node) -> None:
    """Where other code than modules reads the layer's output, an identity does so first: whoever watches which modules read
    it (as folding does) learns that it is not the next linear layer alone."""
    readers = list(fc.users)
    if all(node.op == "call_module" for node in readers):
        return
    name = f"{fc.name}_output"
    traced.add_submodule(name, nn.Identity())
    with traced.graph.inserting_after(fc):
        known = traced.graph.call_module(name, (fc,))
    for node in readers:
        node.replace_input_with(fc, known)


def _all_goes_through(fc: fx.Node, graph: fx.Graph) -> bool:
    """Whether the output knows nothing of the inputs but what this node says."""
    knowing: set[fx.Node] = set()
    for node in graph.nodes:
        if node is not fc and (node.op == "placeholder" or knowing.intersection(node.all_input_nodes)):
            knowing.add(node)
    return _result(graph) not in knowing


def _result(graph: fx.Graph) -> fx.Node:
    results: list[fx.Node] = graph.output_node().all_input_nodes
    return results[0]


def _placeholders(graph: fx.Graph) -> list[fx.Node]:
    return [node for node in graph.nodes if node.op == "placeholder"]


def _part(traced: fx.GraphModule, sources: Sequence[fx.Node], result: fx.Node) -> fx.GraphModule:
    """The graph from `sources` to `result`, with the modules it calls."""
    graph = fx.Graph()
    copies = {source: graph.placeholder(f"input_{k}") for k, source in enumerate(sources)}
    needed = _needed(result, set(sources))
    for node in traced.graph.nodes:
        if node in needed:
            copies[node] = graph.node_copy(node, copies.__getitem__)
    graph.output(copies[result])
    return fx.GraphModule(traced, graph)


def _needed(result: fx.Node, sources: set[fx.Node]) -> set[fx.Node]:
    """The nodes that `result` is computed from, up to the sources."""
    needed: set[fx.Node] = set()
    waiting = [result]
    while waiting:
        node = waiting.pop()
        if node not in sources and node not in needed:
            needed.add(node)
            waiting += node.all_input_nodes
    return needed


def _maps(node: fx.Node) -> tuple[int, int, int] | None:
    """The maps (channels, height, width) that were flattened, or flattened and concatenated, into this node; None if none."""
    if node.op == "call_function" and node.target in _JOINS:
        return _joined([_maps(one) for one in node.all_input_nodes]) if _joins_columns(node) else None
    source = next(iter(node.all_input_nodes), None)
    if source is None or "shape" not in source.meta:
        return None
    shape, before = node.meta["shape"], source.meta["shape"]
    module = node.graph.owning_module.get_submodule(str(node.target)) if node.op == "call_module" else None  # type: ignore[union-attr]
    if isinstance(module, _LAYOUT_KEPT) or node.target in (F.relu, torch.relu, "relu"):
        return _maps(source)
    flattens = isinstance(module, nn.Flatten) or node.target in ("flatten", torch.flatten)
    if not flattens or len(before) != 4 or shape[0] != before[0] or _rearranged(source):
        return None
    return (before[1], before[2], before[3])


def _joins_columns(node: fx.Node) -> bool:
    axis = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", node.kwargs.get("axis", 0))
    return axis in (1, -1) and len(node.meta["shape"]) == 2


def _joined(maps: Iterable[tuple[int, int, int] | None]) -> tuple[int, int, int] | None:
    found = [one for one in maps if one is not None]
    sizes = {one[1:] for one in maps if one is not None}
    if len(sizes) != 1 or None in maps:
        return None
    ((height, width),) = sizes
    return (sum(one[0] for one in found), height, width)


def _rearranged(node: fx.Node) -> bool:
    """Whether the maps were turned, so that their second axis is not that of channels."""
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    return name in _LAYOUT_CHANGED
