"""Residual networks for photographs: the published ones, by torchvision's parameter names, and narrow ones for the CPU.

He, Zhang, Ren & Sun, "Deep residual learning for image recognition", CVPR 2016.
"""

from collections import OrderedDict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from xgaze.data.contract import Spec
from xgaze.models.architecture import Architecture, Layout
from xgaze.models.architectures.prediction import scaled_beside
from xgaze.models.inputs import only_picture
from xgaze.models.layers import FeatureHead, Float32Sequential
from xgaze.units import RADIANS

Depth = Literal[18, 34, 50]
Channels = Annotated[int, Field(ge=1)]
Dropout = Annotated[float, Field(ge=0, lt=1)]
BLOCKS: Mapping[int, tuple[int, int, int, int]] = MappingProxyType(
    {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
)
# Of the photographs that published weights were trained on, red, green and blue, in 0..1.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class ResNet(FeatureHead):
    """Photograph (batch, 3, H, W) in [0, 1] -> logits (batch, classes), or gaze. features: (batch, width), last maps averaged.

    depth 50 and 64 channels: ResNet-50, 23,508,032 parameters without `fc`; 23,917,832 with 200 classes; 23,512,130 with pitch
    and yaw, as ETH-XGaze's baseline has. depth 18: 11,177,538 with pitch and yaw. `fc` tells the recording's unit.
    Dropout comes before `fc` and belongs to the features, so that the head begins with its linear layer.
    """

    def __init__(self, spec: Spec, *, depth: Depth = 50, channels: Channels = 64, dropout: Dropout = 0.5) -> None:
        super().__init__()
        self.trunk = Trunk(only_picture(spec).picture[0], depth, channels)
        self.dropout = nn.Dropout(dropout)
        fc = nn.Linear(self.trunk.width, spec.outputs)
        self.head = Float32Sequential(OrderedDict[str, nn.Module](fc=fc, **scaled_beside(spec)))

    def features(self, *inputs: Tensor) -> Tensor:
        (picture,) = inputs
        out: Tensor = self.dropout(self.trunk(self.trunk.standardised(picture)))
        return out

    def trunks(self) -> tuple["Trunk", ...]:
        """What stored weights can be loaded into."""
        return (self.trunk,)


class Trunk(nn.Module):
    """All of a residual network but its `fc`, by torchvision's names: (batch, 3, H, W) -> (batch, width)."""

    mean: Tensor
    std: Tensor

    def __init__(self, picture_channels: int, depth: int, channels: int) -> None:
        super().__init__()
        # Grey pictures, too, are shifted and scaled as photographs are: by the mean of the three.
        colours = [MEAN, STD] if picture_channels == 3 else [(sum(one) / 3,) * picture_channels for one in (MEAN, STD)]
        for name, values in zip(("mean", "std"), colours, strict=True):
            self.register_buffer(name, torch.tensor(values).view(1, -1, 1, 1), persistent=False)
        self.conv1 = nn.Conv2d(picture_channels, channels, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        block = Bottleneck if depth >= 50 else BasicBlock
        width = channels
        stages = []
        for k, blocks in enumerate(BLOCKS[depth]):
            inner = channels * 2**k
            stages.append(nn.Sequential())
            for number in range(blocks):
                stages[-1].append(block(width, inner, 2 if k and not number else 1))
                width = inner * block.expansion
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.width = width
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def standardised(self, picture: Tensor) -> Tensor:
        """Values in 0..1 as published weights expect them: 0 is the mean colour."""
        return (picture - self.mean) / self.std

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        out: Tensor = self.avgpool(x)
        return out.flatten(1)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut; of ResNet-18 and -34."""

    expansion = 1

    def __init__(self, width: int, inner: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, inner, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(inner, inner, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.downsample = _shortcut(width, inner, stride)
        self.relu = nn.ReLU()  # one each: attribution rules allow no activation to be used twice

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        return self.relu(out + self.downsample(x))  # type: ignore[no-any-return]


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions beside a shortcut, the stride in the 3x3 one; of ResNet-50."""

    expansion = 4

    def __init__(self, width: int, inner: int, stride: int) -> None:
        super().__init__()
        outer = inner * self.expansion
        self.conv1 = nn.Conv2d(width, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.relu2 = nn.ReLU()
        self.conv3 = nn.Conv2d(inner, outer, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outer)
        self.downsample = _shortcut(width, outer, stride)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu1(self.bn1(self.conv1(x)))
        out = self.bn3(self.conv3(self.relu2(self.bn2(self.conv2(out)))))
        return self.relu(out + self.downsample(x))  # type: ignore[no-any-return]


def _shortcut(width: int, outer: int, stride: int) -> nn.Module:
    """The block's input where shapes agree, else a 1x1 convolution of it."""
    if stride == 1 and width == outer:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(width, outer, 1, stride, bias=False), nn.BatchNorm2d(outer))


TORCHVISION = Layout({"trunk.": "", "head.fc.": "fc."})
ETH_XGAZE = Layout(
    {"trunk.": "gaze_network.", "head.fc.": "gaze_fc.0."}, unread=("gaze_network.fc.",), unit=RADIANS, scaled="head.fc."
)
ARCHITECTURE = Architecture("resnet", ResNet, (TORCHVISION, ETH_XGAZE))
