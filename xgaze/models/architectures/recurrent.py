"""Recurrent layers over zero-padded sequences of known length, without packing: packed sequences cannot be exported."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

import torch
from torch import Tensor, nn

Cell = Literal["rnn", "lstm", "gru"]
_CELLS: Mapping[str, Any] = MappingProxyType({"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU})


class Recurrent(nn.Module):
    """(batch, steps, features) -> hidden states (batch, steps, width); equal to torch's layers on packed sequences.

    A reader of the forward direction never sees what follows. That of the backward direction starts at the last true step,
    since each sequence is turned round within its own length. States at padded steps mean nothing.
    """

    def __init__(self, cell: Cell, features: int, hidden: int, layers: int = 1, bidirectional: bool = False) -> None:
        super().__init__()
        directions = 2 if bidirectional else 1
        widths = [features] + [hidden * directions] * (layers - 1)
        self.layers = nn.ModuleList(
            nn.ModuleList(_CELLS[cell](width, hidden, batch_first=True) for _ in range(directions)) for width in widths
        )
        self.width = hidden * directions

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        for layer in self.layers:
            forward, *backward = layer.children()
            states = [forward(x)[0], *(turned(one(turned(x, length))[0], length) for one in backward)]
            x = torch.cat(states, dim=2)
        return x

    def last(self, states: Tensor, length: Tensor) -> Tensor:
        """The last state that each direction reads to, (batch, width): forward at the last true step, backward at the first."""
        hidden = states.shape[2] // len(self.layers[0])  # type: ignore[arg-type]
        end = at_step(states[:, :, :hidden], length - 1)
        return torch.cat([end, states[:, 0, hidden:]], dim=1)


def mean_and_maximum(states: Tensor, length: Tensor) -> Tensor:
    """Of the states at true steps: (batch, 2 x width)."""
    real = (torch.arange(states.shape[1], device=states.device)[None, :] < length[:, None])[:, :, None]
    mean = states.where(real, 0.0).sum(dim=1) / length[:, None]
    return torch.cat([mean, states.where(real, torch.finfo(states.dtype).min).amax(dim=1)], dim=1)


def true_lengths(length: Tensor, steps: int) -> Tensor:
    """(batch, 1) as a recording gives it -> int64 (batch,), at least 1 and at most `steps`."""
    return length.detach().flatten().round().clamp(1, steps).long()


def at_step(states: Tensor, step: Tensor) -> Tensor:
    """states (batch, steps, width), step (batch,) -> (batch, width)."""
    place = step[:, None, None].expand(-1, 1, states.shape[2])
    return states.gather(1, place).squeeze(1)


def turned(x: Tensor, length: Tensor) -> Tensor:
    """Each sequence in reverse order within its length; padding stays behind it. Its own inverse."""
    steps = torch.arange(x.shape[1], device=x.device)[None, :]
    mirrored = length[:, None] - 1 - steps
    place = torch.where(mirrored >= 0, mirrored, steps)
    return x.gather(1, place[:, :, None].expand(-1, -1, x.shape[2]))
