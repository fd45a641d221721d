"""CNN on pictures of gaze (heatmaps, scanpaths): two convolutions and one linear classifier."""

from collections import OrderedDict
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from xgaze.data.contract import Spec
from xgaze.models.architecture import Architecture
from xgaze.models.inputs import only_picture
from xgaze.models.layers import FeatureHead, Float32Sequential


class HeatmapCNN(FeatureHead):
    """(batch, 3, 128, 128) in [0, 1] -> logits (batch, classes); 938,242 parameters with two classes."""

    def __init__(
        self,
        spec: Spec,
        *,
        channels: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (128, 256),
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.4,
    ) -> None:
        super().__init__()
        picture = only_picture(spec).picture
        first, second = channels
        self.body = nn.Sequential(
            OrderedDict[str, nn.Module](
                norm0=nn.BatchNorm2d(picture[0], affine=False),
                conv1=nn.Conv2d(picture[0], first, 3),
                act1=nn.ReLU(),
                pool1=nn.MaxPool2d(2),
                norm1=nn.BatchNorm2d(first, affine=False),
                drop1=nn.Dropout(dropout),
                conv2=nn.Conv2d(first, second, 5, stride=2),
                act2=nn.ReLU(),
                pool2=nn.MaxPool2d(2),
                norm2=nn.BatchNorm2d(second, affine=False),
                drop2=nn.Dropout(dropout),
            )
        )
        self.body.eval()  # the size probe below must not move BatchNorm's running statistics
        with torch.no_grad():
            maps = self.body(torch.zeros(1, *picture))[0]
        self.body.train()
        self.feature_shape = tuple(maps.shape)
        width = maps.numel()
        self.head = Float32Sequential(OrderedDict[str, nn.Module](classes=nn.Linear(width, spec.outputs)))

    def features(self, *inputs: Tensor) -> Tensor:
        (picture,) = inputs
        out: Tensor = self.body(picture)
        return out.flatten(1)


ARCHITECTURE = Architecture("heatmap-cnn", HeatmapCNN)
