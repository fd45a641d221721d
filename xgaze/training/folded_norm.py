"""Batch normalisation that is there while a model trains, and folded into its convolutions afterwards: it stays what it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from xgaze.models.layers import heard

MOMENTUM, EPS = 0.1, 1e-5  # torch's own
NUMBERS = ("scale", "shift", "mean", "variance")


class NormedConv2d(nn.Conv2d):
    """A convolution whose channels are normalised over each batch while it trains. What it has besides is in `NUMBERS`."""

    scale: Tensor
    shift: Tensor
    mean: Tensor
    variance: Tensor

    def begin(self, seen: "Seen | None" = None) -> None:
        """As if it had seen nothing; or so that what it puts out is, at first, what it would put out without, of inputs like
        those that were `seen`."""
        channels = self.weight.detach()[:, 0, 0, 0]
        zeros, ones = torch.zeros_like(channels), torch.ones_like(channels)
        mean, variance = (zeros, ones) if seen is None else (seen.mean, seen.variance)
        scale = ones if seen is None else (variance + EPS).sqrt()
        self.scale, self.shift = nn.Parameter(scale.clone()), nn.Parameter(mean.clone())
        self.register_buffer("mean", mean.clone())
        self.register_buffer("variance", variance.clone())

    def forward(self, x: Tensor) -> Tensor:
        made = super().forward(x)
        return functional.batch_norm(
            made, self.mean, self.variance, self.scale, self.shift, self.training, MOMENTUM, EPS
        )

    @torch.no_grad()
    def fold(self) -> None:
        """Its weight and bias become those of a plain convolution that puts out what this one does in evaluation."""
        factor = self.scale / (self.variance + EPS).sqrt()
        self.weight.mul_(factor.view(-1, 1, 1, 1))
        if self.bias is not None:
            self.bias.copy_((self.bias - self.mean) * factor + self.shift)
        for name in NUMBERS:
            delattr(self, name)


@dataclass(frozen=True)
class Seen:
    """Of what a convolution puts out, per channel."""

    mean: Tensor
    variance: Tensor


def put_norms(model: nn.Module, inputs: Sequence[Tensor], as_is: bool = False) -> None:
    """Normalise what every convolution puts out that an activation reads, in place; layers stay the objects they are, for whoever
    else computes with them. inputs: a sample of each, to see who reads what; with `as_is` some more, since the model then puts
    out in evaluation what it put out before.

    Left as they are: a model that normalises batches itself; convolutions of other classes than torch's, and those without bias,
    which could not hold what is folded into them; and those read by the head, which would have to learn from noisy numbers.
    """
    if any(isinstance(module, _BatchNorm) for module in model.modules()):
        return
    for layer, out in _activated(model, inputs).items():
        if type(layer) is nn.Conv2d and layer.bias is not None:
            normed: nn.Module = layer
            normed.__class__ = NormedConv2d
            assert isinstance(normed, NormedConv2d)
            normed.begin(_seen(out) if as_is else None)


def _seen(sums: Tensor) -> Seen:
    """sums (3, channels): of ones, numbers and their squares, over all cameras that a layer is shared by."""
    count, total, squares = sums
    mean = total / count
    return Seen(mean.float(), (squares / count - mean**2).clamp_min(0).float())


def _sums(out: Tensor) -> Tensor:
    values = out.transpose(0, 1).flatten(1).double()
    return torch.stack([torch.full_like(values[:, 0], values.shape[1]), values.sum(1), values.square().sum(1)])


@torch.no_grad()
def _activated(model: nn.Module, inputs: Sequence[Tensor]) -> dict[nn.Module, Tensor]:
    """Convolutions whose output goes into an activation, with `_sums` of all that they put out."""
    made: dict[int, tuple[Tensor, nn.Module]] = {}  # the tensors too, so that no other comes to lie where one was
    found: dict[nn.Module, Tensor] = {}

    def note(module: nn.Module, _read: Any, out: Any) -> None:
        made[id(out)] = out, module

    def look(_module: nn.Module, read: tuple[Any, ...]) -> None:
        if read and id(read[0]) in made:
            out, module = made.pop(id(read[0]))
            found[module] = found.get(module, 0) + _sums(out)  # an activation may work in place

    handles = [one.register_forward_hook(note) for one in model.modules() if isinstance(one, nn.Conv2d)]
    handles += [one.register_forward_pre_hook(look) for one in model.modules() if _is_activation(one)]
    heard(model, inputs, handles)
    return found


def _is_activation(module: nn.Module) -> bool:
    return type(module).__module__ == nn.ReLU.__module__


def fold_norms(model: nn.Module) -> None:
    """Undo `put_norms` in place: the model is what it was, and puts out what it put out, in evaluation, with them."""
    for layer in model.modules():
        if isinstance(layer, NormedConv2d):
            layer.fold()
            plain: nn.Module = layer
            plain.__class__ = nn.Conv2d
