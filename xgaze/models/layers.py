"""Layers and the model interface that every architecture shares."""

import torch
from torch import Tensor, nn


class FeatureHead(nn.Module):
    """A model in two parts: `features` (towers, flattened and concatenated) and `head` (all fully connected layers).

    features(*inputs) -> (batch, width); head(features) -> (batch, outputs). Compression and capacity read the head from
    cached features, so the split must be exact: forward is nothing but head(features).
    """

    head: nn.Module

    def features(self, *inputs: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, *inputs: Tensor) -> Tensor:
        out: Tensor = self.head(self.features(*inputs))
        return out


class Float32Sequential(nn.Sequential):
    """A sequence that leaves autocast: an 8-bit mantissa would round a gaze point by up to 2 px."""

    def forward(self, x: Tensor) -> Tensor:
        if not torch.is_autocast_enabled(x.device.type):
            out: Tensor = super().forward(x)
            return out
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float())  # type: ignore[no-any-return]


class OutputScale(nn.Module):
    """Multiply by a constant: from the network's range to the target's unit (px)."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale

    def extra_repr(self) -> str:
        return f"scale={self.scale:g}"
