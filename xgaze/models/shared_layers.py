"""A layer that computes with another's weights: one tower for several cameras, those of the other eye mirrored."""

import torch
from torch import Tensor, nn
from torch.func import functional_call

MIRRORABLE = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""Layers whose weight ends in an axis of the picture's columns."""


class Borrowed(nn.Module):
    """What the layer `owner` makes of x, its kernel mirrored left to right where `mirrored`, plus its own `shift` per channel.

    The owner is a module elsewhere in the same model, and no child of this one: its weights are stored, counted and cut there
    once. It is called as a module, so that whoever listens to it hears every input.
    """

    def __init__(self, owner: nn.Module, mirrored: bool = False, shift: "ChannelShift | None" = None) -> None:
        super().__init__()
        self._owner = (owner,)  # in a tuple, so that it is not registered; a copy of the whole model copies it once
        self.mirrored = mirrored
        self.shift = shift

    @property
    def owner(self) -> nn.Module:
        return self._owner[0]

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.owner(x) if not self.mirrored else functional_call(self.owner, self._mirrored(), (x,))
        return out if self.shift is None else self.shift(out)

    def _mirrored(self) -> dict[str, Tensor]:
        weight = self.owner.weight
        assert isinstance(weight, Tensor)
        return {"weight": weight.flip(-1)} if weight.shape[-1] > 1 else {}

    def extra_repr(self) -> str:
        return f"{type(self.owner).__name__}{', mirrored' * self.mirrored}"


class ChannelShift(nn.Module):
    """Adds a number to every channel: (batch, channels, ...) -> the same. It begins as nothing."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.num_features = channels
        self.bias = nn.Parameter(torch.zeros(channels))

    @torch.no_grad()
    def reset_parameters(self) -> None:
        self.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias.view(-1, *[1] * (x.ndim - 2))


def can_be_mirrored(layer: nn.Module) -> bool:
    """Whether its weight has an axis of the picture's columns, or none of the picture's at all (one number per channel)."""
    return isinstance(layer, MIRRORABLE) or all(value.ndim < 2 for value in layer.state_dict().values())
