"""ResNet-8 with activations first (He et al. 2016) and head pose, layer for layer as in pytorch_mpiigaze, for MPIIGaze."""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from xgaze.data.contract import Spec
from xgaze.models.architecture import Architecture, Layout
from xgaze.models.architectures.blocks import Positive
from xgaze.models.architectures.prediction import in_unit_of
from xgaze.models.inputs import pictures_and_vectors
from xgaze.models.layers import FeatureHead, Float32Sequential


class ResNetPreact(FeatureHead):
    """Eye (batch, 1, 36, 60) in [0, 1] and head pose (batch, 2) rad -> pitch and yaw; any other picture and vectors likewise.

    Features: [the last maps averaged | head pose]. With these inputs 77,046 parameters.
    """

    def __init__(self, spec: Spec, *, channels: Positive = 16) -> None:
        super().__init__()
        (self.eye_place,), self.vector_places = pictures_and_vectors(spec, 1)
        self.conv = nn.Conv2d(spec.inputs[self.eye_place].picture[0], channels, 3, padding=1, bias=False)
        widths = [channels, channels, 2 * channels, 4 * channels]
        self.stage1, self.stage2, self.stage3 = (
            nn.Sequential(OrderedDict(block1=PreactBlock(read, made, stride)))
            for read, made, stride in zip(widths, widths[1:], (1, 2, 2), strict=False)
        )
        self.bn = nn.BatchNorm2d(widths[-1])
        self.relu = nn.ReLU()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        for one in self.modules():
            if isinstance(one, nn.Conv2d):
                nn.init.kaiming_normal_(one.weight, mode="fan_out")
        width = widths[-1] + sum(spec.inputs[k].shape[0] for k in self.vector_places)
        fc = nn.Linear(width, spec.outputs)
        nn.init.zeros_(fc.bias)
        self.head = Float32Sequential(OrderedDict[str, nn.Module](fc=fc, **in_unit_of(spec, "rad")))

    def features(self, *inputs: Tensor) -> Tensor:
        x = self.conv(inputs[self.eye_place])
        for stage in (self.stage1, self.stage2, self.stage3):
            x = stage(x)
        means = self.avgpool(self.relu(self.bn(x))).flatten(1)
        return torch.cat([means, *(inputs[k] for k in self.vector_places)], dim=1)


class PreactBlock(nn.Module):
    """Two 3x3 convolutions, each after BatchNorm and ReLU, beside what the first of these put out (through 1x1 where channels
    change)."""

    def __init__(self, read: int, made: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(read)
        self.relu1 = nn.ReLU()
        self.conv1 = nn.Conv2d(read, made, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(made)
        self.relu2 = nn.ReLU()
        self.conv2 = nn.Conv2d(made, made, 3, padding=1, bias=False)
        self.shortcut = nn.Sequential()
        if read != made:
            self.shortcut.add_module("conv", nn.Conv2d(read, made, 1, stride, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        active = self.relu1(self.bn1(x))
        changed = self.conv2(self.relu2(self.bn2(self.conv1(active))))
        out: Tensor = changed + self.shortcut(active)
        return out


ARCHITECTURE = Architecture("resnet-preact", ResNetPreact, (Layout({"head.fc.": "fc."}, unit="rad"),))
