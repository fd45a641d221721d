"""Where the fully connected part of a model begins: its first linear layer and what follows it."""

from torch import nn

from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead


def first_linear(model: FeatureHead) -> str:
    """Path of the first linear layer of the head. Raises InputError if the head has none or does not begin with it."""
    if isinstance(model.head, nn.Sequential):
        name, layer = next(iter(model.head.named_children()), ("", None))
        if isinstance(layer, nn.Linear):
            return f"head.{name}"
    raise InputError("the model's head does not begin with a linear layer, so there is no first FC layer to prune.")


def tail_of(model: FeatureHead, path: str) -> nn.Sequential:
    """The head's modules after the one at `path`, sharing its weights: maps that layer's output to the model's output."""
    assert isinstance(model.head, nn.Sequential)
    children = dict(model.head.named_children())
    names = list(children)
    after = names[names.index(path.removeprefix("head.")) + 1 :]
    return nn.Sequential(*(children[name] for name in after))
