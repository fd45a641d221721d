"""Where the fully connected part of a model begins: its first linear layer and what follows it."""

from torch import nn

from xgaze.errors import InputError
from xgaze.models.layers import Beside, FeatureHead


def first_linear(model: FeatureHead) -> str:
    """Path of the first linear layer of the head, which reads all features or, in a `Beside`, the first of them. Raises
    InputError if the head has none or does not begin with it."""
    if isinstance(model.head, nn.Sequential):
        name, layer = next(iter(model.head.named_children()), ("", None))
        if isinstance(layer, Beside) and isinstance(layer.layer, nn.Linear):
            return f"head.{name}.layer"
        if isinstance(layer, nn.Linear):
            return f"head.{name}"
    raise InputError("the model's head does not begin with a linear layer, so there is no first FC layer to prune.")


def entrance(path: str) -> str:
    """Path of the head's child that holds the first linear layer at `path`: its input is all that enters the head."""
    return ".".join(path.split(".")[:2])


def tail_of(model: FeatureHead, path: str) -> nn.Sequential:
    """The head's modules after the child that holds `path`, sharing its weights: maps that layer's output, with what passes
    beside it (see `xgaze.capacity.beside`), to the model's output."""
    assert isinstance(model.head, nn.Sequential)
    children = dict(model.head.named_children())
    names = list(children)
    after = names[names.index(entrance(path).removeprefix("head.")) + 1 :]
    return nn.Sequential(*(children[name] for name in after))
