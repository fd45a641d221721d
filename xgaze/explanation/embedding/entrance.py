"""Where a model's embedding is: what its first fully connected layer puts out, or, where that is the answer, what enters it."""

import copy
from collections import OrderedDict
from collections.abc import Mapping

from torch import nn

from xgaze.models.layers import Beside, EachBlock, FeatureHead

ENTRANCE = "entrance"


def at_embedding(models: Mapping[str, FeatureHead], first: str) -> tuple[dict[str, FeatureHead], str]:
    """The models, and the path of the module that puts out the embedding in each of them. first: path of the first fully
    connected layer of the first of them; the others have modules of the same names.

    Where that layer is the last one too, the embedding of a model without maps is what enters it: the models are then copies
    whose heads begin with a module that does nothing. Where features pass beside the layer, or it reads
    them block by block, the embedding is what the next layer reads.
    """
    model = next(iter(models.values()))
    names = [name for name, _ in model.head.named_children()]
    name = first.split(".")[1]
    if isinstance(model.head.get_submodule(name), Beside | EachBlock):
        return dict(models), f"head.{_before_next_linear(model.head, names, name)}"
    rest = (model.head.get_submodule(one) for one in names[names.index(name) + 1 :])
    if model.feature_shape is not None or any(next(one.parameters(), None) is not None for one in rest):
        return dict(models), first
    return {role: _with_entrance(one) for role, one in models.items()}, f"head.{ENTRANCE}"


def _before_next_linear(head: nn.Module, names: list[str], start: str) -> str:
    following = names[names.index(start) :]
    linear = [k for k, one in enumerate(following) if k and isinstance(head.get_submodule(one), nn.Linear)]
    return following[linear[0] - 1] if linear else start


def _with_entrance(model: FeatureHead) -> FeatureHead:
    twin = copy.deepcopy(model)
    twin.head = type(twin.head)(OrderedDict([(ENTRANCE, nn.Identity()), *twin.head.named_children()]))
    return twin
