"""Knowledge fusion network: a photograph, and beside it what people looked at of it, each read by its own residual network."""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from xgaze.data.contract import Spec
from xgaze.models.architecture import Architecture
from xgaze.models.architectures.resnet import Channels, Depth, Dropout, Trunk
from xgaze.models.inputs import picture_place, place_of
from xgaze.models.layers import FeatureHead, Float32Sequential

MAP = "attention"
"""Name of the input that holds the human attention map."""


class KnowledgeFusion(FeatureHead):
    """Photograph (batch, 3, H, W) and attention map (batch, 1, H, W), both in [0, 1] -> logits (batch, classes).

    The masked twin is made here, of the very photograph the other trunk reads, so the two cannot be cropped differently. Where
    nobody looked it has the mean colour. Two ResNet-50 and 200 classes: 47,835,464 parameters.
    """

    def __init__(self, spec: Spec, *, depth: Depth = 50, channels: Channels = 64, dropout: Dropout = 0.0) -> None:
        super().__init__()
        self.map_place = place_of(spec, MAP, "channels x height x width")
        self.picture_place = picture_place(spec, [MAP])
        picture, attention = (spec.inputs[place].picture for place in (self.picture_place, self.map_place))
        if attention != (1, *picture[1:]):
            raise ValueError(f"'{MAP}' must be one channel of the photograph's height and width")
        self.image = Trunk(picture[0], depth, channels)
        self.looked_at = Trunk(picture[0], depth, channels)
        self.dropout = nn.Dropout(dropout)
        width = self.image.width + self.looked_at.width
        self.head = Float32Sequential(OrderedDict[str, nn.Module](fc=nn.Linear(width, spec.outputs)))

    def features(self, *inputs: Tensor) -> Tensor:
        picture = self.image.standardised(inputs[self.picture_place])
        masked = picture * inputs[self.map_place]
        out: Tensor = self.dropout(torch.cat([self.image(picture), self.looked_at(masked)], dim=1))
        return out

    def trunks(self) -> tuple[Trunk, ...]:
        """What stored weights can be loaded into: both begin alike."""
        return (self.image, self.looked_at)


ARCHITECTURE = Architecture("kfn", KnowledgeFusion)
