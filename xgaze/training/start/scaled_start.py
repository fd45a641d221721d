"""Random weights scaled by data before the first step (LSUV, Mishkin & Matas 2016, without its orthogonal start)."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

SCALED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
LAST_SPREAD = 0.1
"""Of the output: a training that begins near one answer for all finds out soonest in which direction to leave it."""
SAMPLES = 24


class _Reached(Exception):  # says where a forward is, not what is wrong
    """The layer that was waited for has put this out."""

    def __init__(self, output: Tensor) -> None:
        self.output = output


@torch.no_grad()
def scale_start(model: nn.Module, inputs: Sequence[Tensor]) -> None:
    """Scale each layer in place, in the order of the forward, so that what it puts out of `inputs` (a batch each) deviates by 1,
    and the last by LAST_SPREAD; biases become zero. A layer that puts out the same for all stays as it is."""
    training = model.training
    model.eval()
    layers = _in_order(model, inputs)
    for layer in layers:
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
        spread = float(_output_of(layer, model, inputs).std())
        if spread > 0:
            layer.weight.mul_((LAST_SPREAD if layer is layers[-1] else 1.0) / spread)
    model.train(training)


def _in_order(model: nn.Module, inputs: Sequence[Tensor]) -> list[Any]:
    """Layers with weights of their own, each once."""
    seen: dict[int, nn.Module] = {}
    handles = [
        one.register_forward_hook(lambda layer, *_: seen.setdefault(id(layer), layer) and None)
        for one in model.modules()
        if isinstance(one, SCALED)
    ]
    try:
        model(*(x.clone() for x in inputs))
    finally:
        for handle in handles:
            handle.remove()
    return list(seen.values())


def _output_of(layer: nn.Module, model: nn.Module, inputs: Sequence[Tensor]) -> Tensor:
    """Where the layer is called several times, at its first call."""

    def reached(_layer: nn.Module, _given: Any, output: Tensor) -> None:
        raise _Reached(output)

    handle = layer.register_forward_hook(reached)
    try:
        model(*(x.clone() for x in inputs))
    except _Reached as found:
        return found.output
    finally:
        handle.remove()
    raise AssertionError("a layer that was called before was not called again")
