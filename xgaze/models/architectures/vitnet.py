"""VitNet (Sims & Conati 2020): a picture of the scanpath and the scanpath itself, fused; with cross attention if asked for."""

from collections import OrderedDict
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from xgaze.data.contract import Spec
from xgaze.models.architecture import Architecture
from xgaze.models.architectures.blocks import Blocks, Positive, build_cnn, large_resnet
from xgaze.models.architectures.prediction import prediction_layers
from xgaze.models.architectures.recurrent import Cell, Recurrent, true_lengths
from xgaze.models.architectures.scanpath_rnn import LENGTH, SEQUENCE
from xgaze.models.inputs import picture_place, place_of
from xgaze.models.layers import Beside, FeatureHead, Float32Sequential


class VitNet(FeatureHead):
    """A picture, "sequence" (batch, steps, features), "length" (batch, 1) -> logits, or numbers in the target's unit.

    Features: [flattened maps | what the sequence says]: its projected last state or, with cross attention, all hidden states
    and the length. The head begins with the one large layer, maps -> width, beside which the rest passes. The defaults, on
    1x100x100 and three features with two classes, have 12,709,602 parameters: ResNet 2,398,304; maps 10,240,064; step
    projection 256, LSTM(64, 64, 2 layers) 66,560, its projection 4,160; classes 258.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        blocks: Blocks | None = None,
        width: Positive = 64,
        cell: Cell = "lstm",
        units: Positive = 64,
        layers: Positive = 2,
        bidirectional: bool = False,
        fusion: Literal["concat", "add"] = "concat",
        cross_attention: bool = False,
        heads: Positive = 8,
        hidden: tuple[Positive, ...] = (),
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
        output_scale: Annotated[float, Field(gt=0)] = 100.0,
    ) -> None:
        super().__init__()
        self.places = (
            picture_place(spec, (SEQUENCE, LENGTH)),
            place_of(spec, SEQUENCE, "steps x features"),
            place_of(spec, LENGTH, "steps", unchanged=True),
        )
        picture, sequence = (spec.inputs[k] for k in self.places[:2])
        steps, features = sequence.shape
        self.body, self.feature_shape = build_cnn(blocks or large_resnet(), picture.picture)
        self.step_projection = nn.Linear(features, units)
        self.recurrent = Recurrent(cell, units, units, layers, bidirectional)
        states = self.recurrent.width
        self.sequence_projection = None if cross_attention else nn.Linear(states, width)
        maps = self.feature_shape[0] * self.feature_shape[1] * self.feature_shape[2]
        beside = steps * states + 1 if cross_attention else width
        parts = OrderedDict[str, nn.Module](image=Beside(nn.Linear(maps, width), beside))
        if cross_attention:
            parts["attention"] = CrossAttention(width, states, heads)
        if fusion == "add":
            parts["sum"] = AddHalves()
        fused = width if fusion == "add" else 2 * width
        parts.update(prediction_layers(spec, fused, hidden, dropout, output_scale))
        self.head = Float32Sequential(parts)

    def features(self, *inputs: Tensor) -> Tensor:
        picture, sequence, length = (inputs[k] for k in self.places)
        steps = true_lengths(length, sequence.shape[1])
        states = self.recurrent(self.step_projection(sequence), steps)
        if self.sequence_projection is None:
            said = [states.flatten(1), steps[:, None].to(states.dtype)]
        else:
            said = [self.sequence_projection(self.recurrent.last(states, steps))]
        return torch.cat([self.body(picture).flatten(1), *said], dim=1)


class CrossAttention(nn.Module):
    """[query | states, flattened | length] -> [query | what it attends to], (batch, 2 width).

    Keys and values are the hidden states of the true steps: counted by the length, so that a true zero is never hidden.
    """

    def __init__(self, width: int, states: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not divisible by {heads} heads")
        self.width, self.states, self.heads = width, states, heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(states, width)
        self.value = nn.Linear(states, width)
        self.join = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        image, states, length = x[:, : self.width], x[:, self.width : -1], x[:, -1:]
        sequence = states.unflatten(1, (-1, self.states))
        hidden = torch.arange(sequence.shape[1], device=x.device)[None, :] >= length
        query = self.query(image).unflatten(1, (self.heads, 1, -1))
        key, value = (by(sequence).unflatten(2, (self.heads, -1)).transpose(1, 2) for by in (self.key, self.value))
        scores = (query * key).sum(dim=3) / (self.width / self.heads) ** 0.5
        weight = scores.masked_fill(hidden[:, None, :], -torch.inf).softmax(dim=2)
        attended = (weight[..., None] * value).sum(dim=2).flatten(1)
        return torch.cat([image, self.join(attended)], dim=1)


class AddHalves(nn.Module):
    """(batch, 2 width) -> (batch, width): the first half plus the second."""

    def forward(self, x: Tensor) -> Tensor:
        first, second = x.chunk(2, dim=1)
        return first + second


ARCHITECTURE = Architecture("vitnet", VitNet)
