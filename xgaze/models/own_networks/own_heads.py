"""A `FeatureHead` of the user's own: used as it is, or so arranged that its head begins with a linear layer."""

import copy
from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, fx, nn

from xgaze.errors import InputError
from xgaze.models.layers import Beside, EachBlock, FeatureHead
from xgaze.models.own_networks.fidelity import Inputs, differences, outputs, training_difference
from xgaze.models.own_networks.in_place import without_in_place
from xgaze.models.own_networks.map_layout import Shape, maps_in
from xgaze.models.own_networks.split import Imported, split
from xgaze.models.own_networks.trace import trace
from xgaze.models.torch_internals import version_of


class Rearranged(FeatureHead):
    """What stood before the head's first linear layer belongs to the features."""

    def __init__(self, own: FeatureHead, start: nn.Module, head: nn.Module, shape: Shape | None) -> None:
        super().__init__()
        self.own, self.start, self.head, self.feature_shape = own, start, head, shape

    def features(self, *inputs: Tensor) -> Tensor:
        out: Tensor = self.start(self.own.features(*inputs))
        return out


class Composed(nn.Module):
    """What a FeatureHead is taken for: its head on its features, whatever its forward does."""

    def __init__(self, model: FeatureHead) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: Tensor) -> Tensor:
        out: Tensor = self.model.head(self.model.features(*inputs))
        return out


def parted_head(own: FeatureHead, batches: Sequence[Inputs]) -> FeatureHead:
    """`own`, or a model that shares its weights, overwrites nothing in place, and whose head begins with a linear layer.

    Raises InputError where `feature_shape` is not that of its features.
    """
    model = _not_in_place(own, batches)
    features = outputs(_Features(model), batches[0])
    begins = _begins_with_linear(model.head, features)
    if features.ndim != 2 or (begins and own.feature_shape is None):
        return model if begins else _rearranged(model, features, None)
    graph = _features_graph(own, batches[0])
    measured = maps_in(graph, graph.graph.output_node().all_input_nodes[0], batches[0]) if graph else None
    if own.feature_shape is not None:
        _check_shape(own, features, measured, traced=graph is not None)
    return model if begins else _rearranged(model, features, own.feature_shape or measured)


def require_composed(own: FeatureHead, batches: Sequence[Inputs]) -> None:
    """Raises InputError where its forward is not its head on its features, in use and in training."""
    composed = Composed(own)
    if differences(own, composed, batches) or training_difference(own, composed, batches[0]):
        raise InputError(f"forward of '{type(own).__name__}' is not head(features(...)), which xgaze takes it for.")


class _Features(nn.Module):
    def __init__(self, model: FeatureHead) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.model.features(*inputs)


def sharing_copy(model: FeatureHead) -> FeatureHead:
    """A deep copy with the very parameters and buffers of `model`."""
    shared = [*model.parameters(), *model.buffers()]
    return copy.deepcopy(model, {id(one): one for one in shared})


def _not_in_place(own: FeatureHead, batches: Sequence[Inputs]) -> FeatureHead:
    """Its in-place modules work out of place; where that is another function, or statements overwrite what modules put out, the
    graph of its features makes that explicit."""
    twin = sharing_copy(own)
    for one in twin.modules():
        if getattr(one, "inplace", False) is True:
            one.inplace = False  # type: ignore[assignment]
    differs = bool(differences(own, twin, batches))
    if not differs and not _overwrites(twin, batches[0]):
        return twin
    try:
        graph = without_in_place(trace(own, batches[0], "features").eval(), batches[0])
    except InputError as error:
        if not differs:
            return twin
        raise InputError(f"a layer overwrites in place what is read later, and {error}") from None
    return Imported(graph.train(own.training), twin.head, own.feature_shape)  # type: ignore[arg-type]


def _overwrites(model: nn.Module, inputs: Inputs) -> bool:
    """Whether what a module puts out is overwritten later, so that who watches modules sees something else."""
    seen: list[tuple[Tensor, int]] = []
    hooks = [
        one.register_forward_hook(lambda _m, _i, out: seen.append((out, _version(out)))) for one in model.modules()
    ]
    try:
        outputs(model, inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return any(_version(out) != version for out, version in seen)


def _version(out: object) -> int:
    return version_of(out) if isinstance(out, Tensor) else 0


def _check_shape(own: FeatureHead, features: Tensor, measured: Shape | None, traced: bool) -> None:
    """Raises InputError where `feature_shape` is not that of the maps in the features; measured where they can be traced."""
    channels, height, width = told = own.feature_shape or (0, 0, 0)
    if features.shape[1] != channels * height * width:
        known = f"{measured}, as measured" if measured else "that of the maps that are flattened"
        raise InputError(
            f"feature_shape {told} has {channels * height * width} values, features {features.shape[1]}: set it to {known}, or "
            "to None."
        )
    if measured is not None and measured != told:
        raise InputError(f"feature_shape is {told}, but features are maps of {measured}, flattened: set it so.")
    if measured is None and traced:
        raise InputError(
            f"feature_shape is {told}, but features are no such maps flattened as channels x height x width (as by "
            "torch.flatten): set it to None, or flatten them so."
        )


def _features_graph(own: FeatureHead, inputs: Inputs) -> fx.GraphModule | None:
    try:
        return without_in_place(trace(own, inputs, "features").eval(), inputs)
    except InputError:
        return None


def _begins_with_linear(head: nn.Module, features: Tensor) -> bool:
    """Whether the head is a sequence that begins with a linear layer, alone, beside what passes or for each block."""
    children = list(head.children()) if isinstance(head, nn.Sequential) else []
    first = (
        children[0].layer if children and isinstance(children[0], Beside | EachBlock) else next(iter(children), None)
    )
    return isinstance(first, nn.Linear) and not differences(head, nn.Sequential(*children), [(features,)])


def _rearranged(model: FeatureHead, features: Tensor, shape: Shape | None) -> Rearranged:
    single = type(model.head).__module__.startswith("torch.nn") and not isinstance(model.head, nn.Sequential)
    head = nn.Sequential(OrderedDict([("fc", model.head)])) if single else model.head
    try:
        parted = split(head, [features])
    except InputError as error:
        raise InputError(f"the head does not begin with a linear layer, and {error}") from None
    own = sharing_copy(model)
    own.head = nn.Identity()
    shape = _shape_after(parted.features_net, shape) if features.ndim == 2 else parted.feature_shape
    return Rearranged(own, parted.features_net, parted.head, shape).train(model.training)


def _shape_after(start: nn.Module, shape: Shape | None) -> Shape | None:
    """The shape of the maps in start(features), where those of the features are known."""
    if shape is None:
        return None
    maps = [torch.zeros(2, *shape)]
    graph = trace(nn.Sequential(nn.Flatten(), start).eval(), maps)
    source: fx.Node = graph.graph.output_node().all_input_nodes[0]
    return maps_in(graph, source, maps)
