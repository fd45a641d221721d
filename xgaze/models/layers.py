"""Layers and the model interface that every architecture shares."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle


class FeatureHead(nn.Module):
    """A model in two parts: `features` (towers, flattened and concatenated) and `head` (all fully connected layers).

    features(*inputs) -> (batch, width); head(features) -> (batch, outputs). Compression and capacity read the head from
    cached features, so the split must be exact: forward is nothing but head(features). feature_shape says which maps
    (channels, height, width) the head's first layer reads, flattened, or None where it reads no maps of one size.
    """

    head: nn.Module
    feature_shape: tuple[int, int, int] | None = None

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


class OutputScales(nn.Module):
    """Of several targets: times a constant each, and more by another; from the network's range to units of their own."""

    scales: Tensor
    middles: Tensor

    def __init__(self, scales: Sequence[float], middles: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("scales", torch.tensor(scales), persistent=False)
        self.register_buffer("middles", torch.tensor(middles), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scales + self.middles

    def extra_repr(self) -> str:
        return f"scales={self.scales.tolist()}, middles={self.middles.tolist()}"


class OfMain(nn.Module):
    """A layer on the first outputs alone, those of the main target; those of targets beside it pass."""

    def __init__(self, layer: nn.Module, count: int) -> None:
        super().__init__()
        self.layer = layer
        self.count = count

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.layer(x[:, : self.count]), x[:, self.count :]], dim=1)


class MainAlone(nn.Module):
    """Outputs (n, all) -> those of the main target (n, count)."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, x: Tensor) -> Tensor:
        return x[:, : self.count]


class Apart(nn.Module):
    """A copy of what comes in, so that a layer after it that works in place overwrites nothing else."""

    def forward(self, x: Tensor) -> Tensor:
        return x.clone()


class Beside(nn.Module):
    """A layer for the first features, beside which the last `beside` ones pass: x -> [layer(first of x) | rest of x].

    (batch, width) -> (batch, layer's outputs + beside). So one large fully connected layer on flattened maps is the head's first,
    and can be pruned, though the head reads more than maps; and its activation leaves the rest as it is.
    """

    def __init__(self, layer: nn.Module, beside: int) -> None:
        super().__init__()
        self.layer = layer
        self.beside = beside

    def forward(self, x: Tensor) -> Tensor:
        own = x.shape[1] - self.beside  # what passes beside it stays, whatever pruning leaves of the layer and its maps
        return torch.cat([self.layer(x[:, :own]), x[:, own:]], dim=1)

    def extra_repr(self) -> str:
        return f"beside={self.beside}"


class EachBlock(nn.Module):
    """One layer applied to each of `blocks` equal parts of the features: (batch, blocks x width) -> (batch, blocks x outputs).

    So towers share a fully connected layer on their maps, and it can be pruned for all of them at once.
    """

    def __init__(self, layer: nn.Module, blocks: int) -> None:
        super().__init__()
        self.layer = layer
        self.blocks = blocks

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layer(x.unflatten(1, (self.blocks, -1)))
        return out.flatten(1)

    def extra_repr(self) -> str:
        return f"blocks={self.blocks}"


class SeparableLinear(nn.Module):
    """A linear layer on flattened maps whose filter on each channel is a sum of `terms` (height x width) outer products.

    (batch, channels x height x width) -> (batch, outputs), no bias; outputs x channels x terms x (height + width)
    parameters instead of outputs x channels x height x width.
    """

    def __init__(self, shape: tuple[int, int, int], outputs: int, terms: int) -> None:
        super().__init__()
        channels, height, width = shape
        self.rows = nn.Parameter(torch.zeros(outputs, channels, height, terms))
        self.columns = nn.Parameter(torch.zeros(outputs, channels, terms, width))

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Random factors whose product varies as the weight of a fresh nn.Linear: 1 / (3 inputs)."""
        _, channels, height, terms = self.rows.shape
        inputs = channels * height * self.columns.shape[-1]
        variance = (3 * inputs * terms) ** -0.5
        for factor in (self.rows, self.columns):
            nn.init.uniform_(factor, -((3 * variance) ** 0.5), (3 * variance) ** 0.5)

    @property
    def weight(self) -> Tensor:
        """The filters written out: (outputs, channels x height x width)."""
        return (self.rows @ self.columns).flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.weight)

    def extra_repr(self) -> str:
        outputs, channels, height, terms = self.rows.shape
        return f"{channels}x{height}x{self.columns.shape[-1]} -> {outputs}, terms={terms}"


class SelectColumns(nn.Module):
    """Some of the features, in a given order: (batch, width) -> (batch, len(indices)).

    The indices belong to the structure, not to the weights, so they are in no state dict.
    """

    indices: Tensor

    def __init__(self, indices: Sequence[int]) -> None:
        super().__init__()
        self.register_buffer("indices", torch.tensor(indices, dtype=torch.long), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return x.index_select(-1, self.indices)

    def extra_repr(self) -> str:
        return f"{len(self.indices)} columns"


@contextmanager
def evaluated(module: nn.Module) -> Iterator[None]:
    """The module in evaluation mode, its own mode restored afterwards."""
    training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(training)


def unstacked(joined: Tensor, blocks: int) -> Tensor:
    """Of inputs that went through one network as one batch, what it made of each, side by side: (blocks x batch, ...) -> (batch,
    blocks x ...), flattened. Any batch, in ONNX too, where `chunk` holds the one it was made with."""
    beside: Tensor = joined.unflatten(0, (blocks, -1)).transpose(0, 1).flatten(1)
    return beside


@torch.no_grad()
def shape_after(net: nn.Module, shape: Sequence[int]) -> tuple[int, ...]:
    """Of what it makes of one sample of this shape. Raises RuntimeError where that is too small for it."""
    with evaluated(net):
        return tuple(net(torch.zeros(1, *shape)).shape[1:])


def heard(model: nn.Module, inputs: Sequence[Tensor], hooks: Sequence[RemovableHandle]) -> None:
    """One forward in evaluation mode, on copies of the inputs, for those who listen; their hooks are removed after it."""
    try:
        with evaluated(model):
            model(*(x.clone() for x in inputs))
    finally:
        for hook in hooks:
            hook.remove()
