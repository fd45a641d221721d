"""Where the fully connected part of a model begins: its first linear layer, what enters it and what follows it."""

import torch
from torch import Tensor, nn

from xgaze.capacity.beside import Rejoined, told
from xgaze.errors import InputError
from xgaze.models.layers import Apart, Beside, EachBlock, FeatureHead

LARGE_SHARE = 0.1


def first_linear(model: FeatureHead) -> str:
    """Path of the first linear layer of the head, which reads all features, in a `Beside` the first of them, or in an `EachBlock`
    one block of them after the other. Raises InputError if the head has none or does not begin with it."""
    if isinstance(model.head, nn.Sequential):
        name, layer = next(iter(model.head.named_children()), ("", None))
        if isinstance(layer, Beside | EachBlock) and isinstance(layer.layer, nn.Linear):
            return f"head.{name}.layer"
        if isinstance(layer, nn.Linear):
            return f"head.{name}"
    raise InputError("the model's head does not begin with a linear layer, so there is no first FC layer to prune.")


def entrance(path: str) -> str:
    """Path of the head's child that holds the first linear layer at `path`: its input is all that enters the head."""
    return ".".join(path.split(".")[:2])


def tail_of(model: FeatureHead, path: str) -> nn.Sequential:
    """The head's modules after the child that holds `path`, sharing its weights: maps that layer's output, with what passes
    beside it (see `xgaze.capacity.beside`), to the model's output. What it is given stays as it is, whatever works in place."""
    return nn.Sequential(Apart(), *_children_after(model, path).values())


def further_large(model: FeatureHead, path: str) -> list[str]:
    """Paths of the head's linear layers after the child that holds `path` that a thin head must not leave whole: those that hold
    `LARGE_SHARE` or more of what is in its fully connected layers."""
    total = sum(one.weight.numel() for one in model.head.modules() if isinstance(one, nn.Linear))
    return [
        f"head.{name}"
        for name, one in _children_after(model, path).items()
        if isinstance(one, nn.Linear) and one.weight.numel() >= LARGE_SHARE * total
    ]


def rows_read(model: FeatureHead, path: str, features: Tensor) -> Tensor:
    """What the head's linear layer at `path` reads of the features (n, width): (n, in), or where it reads them block by block
    (n x blocks, in), the blocks of a sample one after the other. Raises InputError for a layer that does not run once."""
    seen: list[Tensor] = []
    handle = model.get_submodule(path).register_forward_pre_hook(lambda _module, read: seen.append(read[0]))
    training = model.head.training
    model.head.eval()
    try:
        with torch.no_grad():
            model.head(features.clone())
    finally:
        handle.remove()
        model.head.train(training)
    if len(seen) != 1:
        raise InputError(f"'{path}' runs {len(seen)} times in the head; only layers that run once can be pruned.")
    return seen[0].flatten(0, -2)


def tail_reading(model: FeatureHead, path: str, features: Tensor) -> nn.Module:
    """The model's output as a function of the outputs alone that the layer at `path` makes of `rows_read`, for these samples."""
    tail, holder = tail_of(model, path), model.get_submodule(entrance(path))
    if isinstance(holder, EachBlock):
        return Rejoined(tail, holder.blocks)
    layer = model.get_submodule(path)
    return told(tail, layer, features) if isinstance(holder, Beside) and isinstance(layer, nn.Linear) else tail


def _children_after(model: FeatureHead, path: str) -> dict[str, nn.Module]:
    """The head's children after the one that holds `path`, by name."""
    assert isinstance(model.head, nn.Sequential)
    children = dict(model.head.named_children())
    names = list(children)
    return {name: children[name] for name in names[names.index(entrance(path).removeprefix("head.")) + 1 :]}
