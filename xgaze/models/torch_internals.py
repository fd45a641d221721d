"""What torch keeps to itself and offers no public way to: read from torch 2.13, and nowhere else in the package."""

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.utils.prune import BasePruningMethod
from torch.utils import _pytree as pytree

Part = TypeVar("Part")


def version_of(tensor: Tensor) -> int:
    """How often a tensor has been written in place."""
    return int(tensor._version)


def tensors_in(value: Any) -> list[Tensor]:
    """All tensors of nested tuples, lists, mappings and whatever else torch knows to hold tensors, in order."""
    return [one for one in pytree.tree_leaves(value) if isinstance(one, Tensor)]


def pre_hooks(module: nn.Module) -> Mapping[int, Callable[..., Any]]:
    """What runs before every forward of a module, by number."""
    return module._forward_pre_hooks


def has_hooks(module: nn.Module) -> bool:
    """Whether anything runs before or after its forward."""
    return bool(module._forward_hooks or module._forward_pre_hooks)


def pruned_weight(hook: BasePruningMethod) -> str:
    """The name of the weight that a hook of `torch.nn.utils.prune` masks."""
    return str(hook._tensor_name)


def rebuilt(
    module: nn.Module, kind: Any, parameters: Mapping[str, nn.Parameter], less: Collection[str], hooks: Collection[int]
) -> nn.Module:
    """A module of class `kind` that shares with `module` all but the attributes, parameters, buffers and submodules named `less`
    and the pre-forward hooks of these numbers; `parameters` come first among its own."""
    plain: nn.Module = kind.__new__(kind)
    plain.__dict__.update(_without(module.__dict__, less))
    plain.__dict__["_parameters"] = {**parameters, **_without(module._parameters, less)}
    plain.__dict__["_buffers"] = _without(module._buffers, less)
    plain.__dict__["_modules"] = _without(module._modules, less)
    plain.__dict__["_forward_pre_hooks"] = type(module._forward_pre_hooks)(_without(module._forward_pre_hooks, hooks))
    return plain


def _without(parts: Mapping[Any, Part], names: Collection[Any]) -> dict[Any, Part]:
    return {key: one for key, one in parts.items() if key not in names}


def shapes_alone() -> AbstractContextManager[Any]:
    """Tensors made and computed within hold a shape and no numbers; what asks for a number raises a RuntimeError."""
    return FakeTensorMode(allow_non_fake_inputs=True)
