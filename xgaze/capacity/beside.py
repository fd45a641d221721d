"""A layer that reads only the first of the features, or one block of them after the other: a tail of its outputs alone."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


class Told(nn.Module):
    """The tail of a layer beside which features pass: (n, layer's outputs) -> tail([outputs | beside]).

    beside (n, rest) belongs to the very samples whose outputs come, in their order.
    """

    beside: Tensor

    def __init__(self, tail: nn.Module, beside: Tensor) -> None:
        super().__init__()
        self.tail = tail
        self.register_buffer("beside", beside, persistent=False)

    def forward(self, output: Tensor) -> Tensor:
        out: Tensor = self.tail(torch.cat([output, self.beside.to(output)], dim=1))
        return out


class Rejoined(nn.Module):
    """The tail of a layer that reads features block by block: (n x blocks, outputs) -> tail((n, blocks x outputs))."""

    def __init__(self, tail: nn.Module, blocks: int) -> None:
        super().__init__()
        self.tail = tail
        self.blocks = blocks

    def forward(self, output: Tensor) -> Tensor:
        out: Tensor = self.tail(output.unflatten(0, (-1, self.blocks)).flatten(1))
        return out


def told(tail: nn.Module, layer: nn.Linear, features: Tensor | NDArray[np.float32]) -> nn.Module:
    """`tail` as a function of the output of `layer` alone, for these samples: features (n, width).

    Where the layer reads all of them, the tail itself; else whatever it does not read passes beside it, as given.
    """
    if features.shape[1] == layer.in_features:
        return tail
    return Told(tail, torch.as_tensor(np.ascontiguousarray(features[:, layer.in_features :])))
