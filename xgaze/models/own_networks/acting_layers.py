"""What acts as a fully connected layer and is none of torch.nn's: made one, with the same weights, so that it can be shrunk."""

import copy
import operator
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional as F

from xgaze.models.own_networks.fidelity import SCALES, apart
from xgaze.models.own_networks.graph_parts import all_goes_through, part, result_of

MOST_WEIGHED = 4096
"""Numbers in a vector, at most, that constants weigh: a heat map of 64 x 64."""


def layers_of_functions(traced: fx.GraphModule) -> None:
    """`F.linear` with the module's own weights becomes a layer that holds them."""
    made = dict[tuple[int, int], str]()
    for node in [one for one in traced.graph.nodes if one.target is F.linear]:
        given: dict[str, Any] = {**dict(zip(("input", "weight", "bias"), node.args, strict=False)), **node.kwargs}
        weight, bias = _parameter(given["weight"], traced), _parameter(given.get("bias"), traced)
        if weight is None or (bias is None and given.get("bias") is not None):
            continue
        held = id(weight), id(bias)
        if held not in made:
            made[held] = f"{node.name}_layer"
            layer: nn.Linear = nn.utils.skip_init(nn.Linear, *reversed(weight.shape), bias is not None)
            layer.weight, layer.bias = weight, bias  # type: ignore[assignment]
            traced.add_submodule(made[held], layer)
        with traced.graph.inserting_before(node):
            called = traced.graph.call_module(made[held], (given["input"],))
        called.stack_trace = node.stack_trace
        node.replace_all_uses_with(called)
        traced.graph.erase_node(node)


def _parameter(node: Any, traced: fx.GraphModule) -> nn.Parameter | None:
    """The weights that a node is, where nothing but `F.linear` reads them."""
    if not isinstance(node, fx.Node) or node.op != "get_attr":
        return None
    found = operator.attrgetter(str(node.target))(traced)
    alone = all(one.target is F.linear and node is not one.args[0] for one in node.users)
    return found if alone and isinstance(found, nn.Parameter) else None


@torch.no_grad()
def layer_of_whole_maps(traced: fx.GraphModule) -> fx.Node | None:
    """The first convolution through which all goes and whose kernel covers the maps that it reads, as a layer that reads them
    flattened; None where there is none. Its weights are views of that layer's, so that they stay the same."""
    calls = [node for node in traced.graph.nodes if node.op == "call_module"]
    for node in calls:
        conv, read = traced.get_submodule(str(node.target)), node.all_input_nodes[0]
        if type(conv) is not nn.Conv2d or conv.groups > 1 or sum(node.target == other.target for other in calls) > 1:
            continue
        covers = (*conv.kernel_size, 0, 0) == (*read.meta["shape"][2:], *map(int, _padding(conv)))
        if not (covers and all_goes_through([node], traced.graph)):
            continue
        layer: nn.Linear = nn.utils.skip_init(
            nn.Linear, conv.weight[0].numel(), conv.out_channels, conv.bias is not None
        )
        layer.weight.copy_(conv.weight.flatten(1))
        conv.weight.data, layer.bias = layer.weight.data.view_as(conv.weight), conv.bias  # type: ignore[assignment]
        traced.add_submodule(f"{node.name}_layer", layer)
        with traced.graph.inserting_before(node):
            flat = traced.graph.call_method("flatten", (read, 1))
            called = traced.graph.call_module(f"{node.name}_layer", (flat,))
            node.replace_all_uses_with(traced.graph.call_method("unflatten", (called, 1, (-1, 1, 1))))
        flat.meta["shape"] = (read.meta["shape"][0], layer.in_features)
        called.meta["shape"], called.stack_trace = (read.meta["shape"][0], layer.out_features), node.stack_trace
        traced.graph.erase_node(node)
        return called
    return None


def _padding(conv: nn.Conv2d) -> tuple[int, ...]:
    """0, 0 for none; by its name, "same" is some."""
    return (0, 0) if conv.padding == "valid" else (1, 1) if isinstance(conv.padding, str) else conv.padding


@torch.no_grad()
def layer_of_constants(traced: fx.GraphModule) -> fx.Node | None:
    """Where all goes through a vector of which the outputs are sums weighed by constants, a layer in the place of these; None
    where it does not. It does not learn, as they do not."""
    result = result_of(traced.graph)
    outputs = result.meta["shape"][1]
    for node in traced.graph.nodes:
        shape = node.meta.get("shape", ())
        if len(shape) != 2 or not outputs < shape[1] <= MOST_WEIGHED or not all_goes_through([node], traced.graph):
            continue
        tail = part(traced, [node], result)
        if list(tail.parameters()) or any(one.op == "call_module" for one in tail.graph.nodes):
            continue
        if _weighed(_with_other_constants(tail), shape[1]) and (layer := _weighed(tail, shape[1])):
            traced.add_submodule(f"{result.name}_constants", layer)
            with traced.graph.inserting_after(node):
                called = traced.graph.call_module(f"{result.name}_constants", (node,))
            called.meta["shape"] = (shape[0], layer.out_features)
            result.replace_all_uses_with(called)
            return called
    return None


def _with_other_constants(tail: fx.GraphModule) -> fx.GraphModule:
    """What is no sum weighed by constants may look like one where these are zeros, as before weights are loaded."""
    other = copy.deepcopy(tail)
    for one in (one for one in other.buffers() if one.is_floating_point()):
        one.copy_(torch.rand(one.shape, generator=torch.Generator().manual_seed(1)))
    return other


def _weighed(tail: fx.GraphModule, width: int) -> nn.Linear | None:
    """The layer that `tail` is, of (batch, width); None where it is none."""
    try:
        shift = tail(torch.zeros(1, width))
        weight = tail(torch.eye(width)) - shift
        layer: nn.Linear = nn.utils.skip_init(nn.Linear, width, weight.shape[1]).requires_grad_(False)
    except (IndexError, RuntimeError, TypeError):
        return None
    layer.weight.copy_(weight.T)
    layer.bias.copy_(shift[0])
    drawn = torch.randn(7, width, generator=torch.Generator().manual_seed(0))
    return None if any(apart(tail(k * drawn), layer(k * drawn)) for k in SCALES) else layer
