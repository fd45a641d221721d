"""Split any module in two at its first fully connected layer, along its torch.fx graph: what comes before, and the head."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn

from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead, Float32Sequential
from xgaze.models.own_networks.acting_layers import layer_of_constants, layer_of_whole_maps, layers_of_functions
from xgaze.models.own_networks.call_forms import class_of
from xgaze.models.own_networks.graph_parts import all_goes_through, needed, part, placeholders, result_of
from xgaze.models.own_networks.in_place import without_in_place
from xgaze.models.own_networks.map_layout import maps_in
from xgaze.models.own_networks.own_code import OwnCode, same_values
from xgaze.models.own_networks.trace import Traced, first_odd, traced_in

SUBCLASS = "Give it `features` and `head` by subclassing xgaze.models.layers.FeatureHead."


class Imported(FeatureHead):
    """A user's module in two parts, whose composition is the module itself; the head begins with its first FC layer. own_code:
    what makes the features in training, where that is not the same."""

    def __init__(
        self,
        features_net: fx.GraphModule,
        head: nn.Sequential,
        feature_shape: tuple[int, int, int] | None,
        own_code: OwnCode | None = None,
    ) -> None:
        super().__init__()
        self.features_net = features_net
        self.head = head
        self.feature_shape = feature_shape
        self.own_code = own_code

    def features(self, *inputs: Tensor) -> Tensor:
        if self.own_code is not None and self.features_net.training:
            return self.own_code.features(self.features_net, inputs)
        out: Tensor = self.features_net(*inputs)
        return out


def split(module: nn.Module, inputs: Sequence[Tensor]) -> Imported:
    """`module` as an `Imported` that shares its weights. inputs: one batch, each (n, channels, height, width).

    The split is at the first linear layer, in the order of execution, through which all goes that the output knows of the
    inputs; layers beside each other that read the same features are one layer then. Where no linear layer reads features it is at
    a convolution as large as the maps it reads, or where outputs are sums weighed by constants, as a heat map's centre is: those
    become a layer that does not learn. Raises InputError if the module cannot be traced, if there is no such layer, or if what it
    overwrites in place cannot be told.
    """
    training = module.training
    try:
        return _split(module, inputs).train(training)
    except InputError as error:
        raise InputError(f"{error} {SUBCLASS}") from None
    finally:
        module.train(training)


def _split(module: nn.Module, inputs: Sequence[Tensor]) -> Imported:
    used, taught = (traced_in(module, inputs, training) for training in (False, True))
    traced = without_in_place(used.graph_module.eval(), inputs).eval()
    if not (odd := first_odd(used, taught)):  # the own code in training knows functions as they are
        layers_of_functions(traced)
    with torch.no_grad():
        _Shapes(traced).run(*(one.clone() for one in inputs))
    _free_the_batch(traced.graph)
    first = _first_fc(traced, module)
    ends = [str(one.target) for one in first]
    own_code = _own_code(module, traced, taught, ends, inputs) if odd else None
    fc, result = _joined(traced, first), result_of(traced.graph)
    name = str(fc.target).replace(".", "_")
    parts = OrderedDict[str, nn.Module]({"tail_" if name == "tail" else name: traced.get_submodule(str(fc.target))})
    if result is not fc:
        _announce_readers(traced, fc)
        parts["tail"] = part(traced, [fc], result)
    source = fc.all_input_nodes[0]
    traced.recompile()
    features = part(traced, placeholders(traced.graph), source)
    return Imported(features, Float32Sequential(parts), maps_in(traced, source, inputs), own_code)


def _own_code(
    module: nn.Module, traced: fx.GraphModule, taught: Traced, ends: list[str], inputs: Sequence[Tensor]
) -> OwnCode:
    """What makes the features in training, after which all is as in use. Raises InputError where it is not."""
    other = without_in_place(taught.graph_module.eval(), inputs).eval()
    name = class_of(module)
    if odd := same_values(traced, other, ends):
        raise InputError(
            f"'{name}' asks after '{ends[0]}' whether it is training ({odd}), and a head cannot keep that."
        )
    if any(taught.at_layer.get(end) != taught.after for end in ends):
        raise InputError(f"'{name}' draws numbers by chance after '{ends[0]}', which torch.fx would draw once for all.")
    return OwnCode(module, ends)


class _Shapes(fx.Interpreter):
    """Runs a graph and notes the shape of every tensor in it."""

    def run_node(self, n: fx.Node) -> Any:
        out = super().run_node(n)
        if isinstance(out, Tensor):
            n.meta["shape"] = tuple(out.shape)
        return out


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


def _first_fc(traced: fx.GraphModule, module: nn.Module) -> list[fx.Node]:
    """The first linear layer through which all goes, or the first ones that read the same and through which all goes together; or
    what acts as one."""
    calls = [node for node in traced.graph.nodes if node.op == "call_module"]
    linear: list[fx.Node] = [node for node in calls if isinstance(traced.get_submodule(str(node.target)), nn.Linear)]
    name = class_of(module)
    once = [node for node in linear if sum(node.target == other.target for other in linear) == 1]
    flat = [node for node in once if len(node.all_input_nodes[0].meta["shape"]) == 2]
    plain = [node for node in flat if type(traced.get_submodule(str(node.target))) is nn.Linear]
    beside = [[one for one in plain if one.all_input_nodes == node.all_input_nodes] for node in plain]
    for nodes in [*([node] for node in flat), *beside]:
        if all_goes_through(nodes, traced.graph):
            return [node for node in nodes if node in needed(result_of(traced.graph), set())]
    if not flat and list(module.parameters()):
        acting = layer_of_whole_maps(traced) or layer_of_constants(traced)
        if acting is not None:
            return [acting]
    if not linear:
        raise InputError(f"'{name}' has no nn.Linear, so there is no fully connected layer to shrink.")
    raise InputError(
        f"'{name}' has no nn.Linear, called once on (batch, features), through which everything goes; found "
        f"{', '.join(sorted({str(node.target) for node in linear}))}."
    )


def _joined(traced: fx.GraphModule, nodes: list[fx.Node]) -> fx.Node:
    """Linear layers that read the same as one that puts out all their outputs side by side. Theirs are views of its weights, so
    that they stay the same."""
    if len(nodes) == 1:
        return nodes[0]
    paths = [str(node.target) for node in nodes]
    name = "_".join(path.replace(".", "_") for path in paths)
    layers = [layer for path in paths if isinstance(layer := traced.get_submodule(path), nn.Linear)]
    traced.add_submodule(name, wide := _side_by_side(layers))
    with traced.graph.inserting_before(nodes[0]):
        whole = traced.graph.call_module(name, (nodes[0].all_input_nodes[0],))
    whole.meta["shape"], start = (*nodes[0].meta["shape"][:1], wide.out_features), 0
    place = whole
    for node, layer in zip(nodes, layers, strict=True):
        with traced.graph.inserting_after(place):
            place = traced.graph.call_method("narrow", (whole, 1, start, layer.out_features))
        node.replace_all_uses_with(place)
        start += layer.out_features
    return whole


def _side_by_side(layers: Sequence[nn.Linear]) -> nn.Linear:
    biased = any(one.bias is not None for one in layers)
    first = layers[0].weight
    outputs = sum(one.out_features for one in layers)
    wide: nn.Linear = nn.utils.skip_init(
        nn.Linear, layers[0].in_features, outputs, biased, device=first.device, dtype=first.dtype
    )
    start = 0
    for one in layers:
        rows = slice(start, start + one.out_features)
        wide.weight.data[rows] = one.weight.data
        one.weight.data = wide.weight.data[rows]
        if biased:
            wide.bias.data[rows] = 0 if one.bias is None else one.bias.data
        if one.bias is not None:
            one.bias.data = wide.bias.data[rows]
        start = rows.stop
    return wide


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
