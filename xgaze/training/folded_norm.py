"""Batch normalisation that is there while a model trains, and folded into its convolutions afterwards: it stays what it is."""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

MOMENTUM, EPS = 0.1, 1e-5  # torch's own
NUMBERS = ("scale", "shift", "mean", "variance")


class NormedConv2d(nn.Conv2d):
    """A convolution whose channels are normalised over each batch while it trains. What it has besides is in `NUMBERS`."""

    scale: Tensor
    shift: Tensor
    mean: Tensor
    variance: Tensor

    def begin(self) -> None:
        """As if it had seen nothing."""
        channels = self.weight.detach()[:, 0, 0, 0]
        self.scale, self.shift = nn.Parameter(torch.ones_like(channels)), nn.Parameter(torch.zeros_like(channels))
        self.register_buffer("mean", torch.zeros_like(channels))
        self.register_buffer("variance", torch.ones_like(channels))

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


def put_norms(model: nn.Module) -> None:
    """Normalise what every convolution puts out, in place; layers stay the objects they are, for whoever else computes with them.

    Left as they are: a model that normalises batches itself, convolutions of other classes than torch's, and those without bias,
    which could not hold what is folded into them.
    """
    if any(isinstance(module, _BatchNorm) for module in model.modules()):
        return
    for layer in model.modules():
        if type(layer) is nn.Conv2d and layer.bias is not None:
            normed: nn.Module = layer
            normed.__class__ = NormedConv2d
            assert isinstance(normed, NormedConv2d)
            normed.begin()


def fold_norms(model: nn.Module) -> None:
    """Undo `put_norms` in place: the model is what it was, and puts out what it put out, in evaluation, with them."""
    for layer in model.modules():
        if isinstance(layer, NormedConv2d):
            layer.fold()
            plain: nn.Module = layer
            plain.__class__ = nn.Conv2d
