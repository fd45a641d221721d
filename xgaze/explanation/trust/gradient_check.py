"""Are the gradients of custom layers right? Autograd against central differences, in float64, on what the model feeds them."""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn

DIRECTIONS = 3
CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict, fx.GraphModule)


def is_custom(module: nn.Module) -> bool:
    """Whether torch does not vouch for its gradient; for nn.CrossMapLRN2d it should not."""
    if isinstance(module, CONTAINERS):
        return False
    return not type(module).__module__.startswith("torch.nn.") or isinstance(module, nn.CrossMapLRN2d)


def gradient_errors(
    model: nn.Module, inputs: Sequence[Tensor], seed: int = 0, baseline: Sequence[Tensor] | None = None
) -> dict[str, float]:
    """Path of each custom layer -> error of its gradient, in % of the directional derivative.

    model: an analysis copy. inputs: one batch. The model itself is not checked, only what it is made of; layers are checked on
    what reaches them at this forward, in a few random directions; with a `baseline`, only of what differs from it there: a layer
    may well count or mask with what no attribution moves.
    """
    paths = {name: one for name, one in model.named_modules() if name and is_custom(one)}
    fed = _fed(model, paths, inputs)
    other = fed if baseline is None else _fed(model, paths, baseline)
    moved = {name: _differing(given, None if baseline is None else other.get(name)) for name, given in fed.items()}
    return {name: _error_percent(paths[name], given, moved[name], seed) for name, given in fed.items()}


def _differing(given: tuple[Tensor, ...], other: tuple[Tensor, ...] | None) -> tuple[Tensor, ...]:
    """1 where the two differ, else 0; all 1 where there is nothing to compare with."""
    if other is None or [one.shape for one in given] != [one.shape for one in other]:
        return tuple(torch.ones_like(one) for one in given)
    return tuple((one != own).to(one.dtype) for one, own in zip(given, other, strict=True))


@torch.no_grad()
def _fed(model: nn.Module, paths: dict[str, nn.Module], inputs: Sequence[Tensor]) -> dict[str, tuple[Any, ...]]:
    """What each module is given at its first call; modules called with keywords or without tensors are left out."""
    fed: dict[str, tuple[Any, ...]] = {}

    def watch(name: str) -> Any:
        def hook(_module: nn.Module, given: tuple[Any, ...]) -> None:
            if given and all(isinstance(one, Tensor) and one.is_floating_point() for one in given):
                fed.setdefault(name, tuple(one.detach().clone() for one in given))

        return hook

    handles = [one.register_forward_pre_hook(watch(name)) for name, one in paths.items()]
    try:
        model(*inputs)
    finally:
        for handle in handles:
            handle.remove()
    return fed


def _error_percent(module: nn.Module, given: tuple[Tensor, ...], moved: tuple[Tensor, ...], seed: int) -> float:
    twin, chance = copy.deepcopy(module).double(), torch.Generator().manual_seed(seed)
    places = [_off_ties(one.double(), own, chance).requires_grad_() for one, own in zip(given, moved, strict=True)]
    with torch.enable_grad():
        output = twin(*places)
    if not isinstance(output, Tensor) or not output.requires_grad:
        return 0.0
    # a layer that insists on float32 needs a longer step, or rounding drowns the difference
    step = 1e-6 if output.dtype == torch.float64 else 1e-2
    ahead = torch.randn(output.shape, generator=chance, dtype=torch.float64).to(output)
    gradients = torch.autograd.grad((output * ahead).sum(), places, allow_unused=True)
    differences, sizes = 0.0, 0.0
    for _ in range(DIRECTIONS):
        drawn = [torch.randn(one.shape, generator=chance, dtype=torch.float64).to(one) for one in places]
        ways = [way * one.to(way) for way, one in zip(drawn, moved, strict=True)]
        claimed = sum(float((g * way).sum()) for g, way in zip(gradients, ways, strict=True) if g is not None)
        measured = float(((_moved(twin, places, ways, step) - _moved(twin, places, ways, -step)) * ahead).sum())
        differences += abs(claimed - measured / (2 * step))
        sizes += abs(measured / (2 * step))
    return 100 * differences / max(sizes, 1e-12)


def _off_ties(given: Tensor, moved: Tensor, chance: torch.Generator) -> Tensor:
    """Moved at random by a hundredth of its spread: behind a ReLU many values are equal, and what a maximum of equal values, or
    another ReLU, makes of them has no one gradient that differences could be held against."""
    spread = float(given.std(correction=0)) or 1.0
    drawn = torch.randn(given.shape, generator=chance, dtype=torch.float64).to(given)
    return given + 1e-2 * spread * moved.to(given) * drawn


@torch.no_grad()
def _moved(module: nn.Module, places: Sequence[Tensor], ways: Sequence[Tensor], step: float) -> Tensor:
    moved: Tensor = module(*[place + step * way for place, way in zip(places, ways, strict=True)])
    return moved.double()
