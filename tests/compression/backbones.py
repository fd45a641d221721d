"""Backbones as libraries offer them, small, on two eye pictures (batch, 1, 40, 40). Random weights; statistics of normalisations
as after training."""

import torch
from torch import nn
from torch.nn import functional as F

from xgaze.models.own_networks.split import split

SIDE = 40


def block(inputs, outputs, kernel=3, stride=1, groups=1, activation=nn.ReLU):
    """Convolution, normalisation, activation that works in place."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), activation(inplace=True))


class Basic(nn.Module):
    """ResNet-18's block."""

    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class Squeeze(nn.Module):
    """Squeeze and excitation."""

    def __init__(self, width):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(width, width // 4, 1), nn.Conv2d(width // 4, width, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(F.adaptive_avg_pool2d(x, 1)))))


class Inverted(nn.Module):
    """MobileNetV2's block, and with squeeze and SiLU EfficientNet's."""

    def __init__(self, inputs, outputs, stride=1, activation=nn.ReLU6, squeeze=False):
        super().__init__()
        width = 4 * inputs
        self.residual = stride == 1 and inputs == outputs
        self.conv = nn.Sequential(
            block(inputs, width, 1, activation=activation),
            block(width, width, 3, stride, width, activation),
            Squeeze(width) if squeeze else nn.Identity(),
            nn.Conv2d(width, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


class RegBlock(nn.Module):
    """RegNet's block: a grouped convolution between two of 1 x 1."""

    def __init__(self, inputs, outputs, stride, groups):
        super().__init__()
        self.f = nn.Sequential(
            block(inputs, outputs, 1),
            block(outputs, outputs, 3, stride, groups),
            nn.Conv2d(outputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.proj = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return F.relu(self.proj(x) + self.f(x))


class Inception(nn.Module):
    """GoogLeNet's block: four branches side by side."""

    def __init__(self, inputs, width):
        super().__init__()
        self.branch1 = block(inputs, width, 1)
        self.branch2 = nn.Sequential(block(inputs, width, 1), block(width, 2 * width))
        self.branch3 = nn.Sequential(block(inputs, width, 1), block(width, width))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), block(inputs, width, 1))

    def forward(self, x):
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class Shuffled(nn.Module):
    """ShuffleNetV2's block: half of the channels pass, half are convolved; then both are shuffled."""

    def __init__(self, width):
        super().__init__()
        half = width // 2
        self.branch = nn.Sequential(
            block(half, half, 1),
            nn.Conv2d(half, half, 3, 1, 1, groups=half),
            nn.BatchNorm2d(half),
            block(half, half, 1),
        )

    def forward(self, x):
        one, two = x.chunk(2, dim=1)
        x = torch.cat((one, self.branch(two)), dim=1)
        n, width, height, length = x.size()
        x = x.view(n, 2, width // 2, height, length).transpose(1, 2).contiguous()
        return x.view(n, width, height, length)


class Pooled(nn.Module):
    """Both eyes as channels through `trunk`, each map averaged, one fully connected layer."""

    def __init__(self, trunk, width, dropout=False):
        super().__init__()
        self.trunk, self.avgpool, self.fc = trunk, nn.AdaptiveAvgPool2d((1, 1)), nn.Linear(width, 2)
        self.dropout = nn.Dropout(0.2) if dropout else nn.Identity()

    def forward(self, a, b):
        x = torch.flatten(self.avgpool(self.trunk(torch.cat([a, b], 1))), 1)
        return 100 * self.fc(self.dropout(x))


def resnet18():
    stages = (Basic(8, 8), Basic(8, 8), Basic(8, 16, 2), Basic(16, 16), Basic(16, 32, 2), Basic(32, 32))
    stem = (nn.Conv2d(2, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1))
    return Pooled(nn.Sequential(*stem, *stages), 32)


def mobilenet_v2():
    stages = (Inverted(8, 8), Inverted(8, 16, 2), Inverted(16, 16), block(16, 64, 1, activation=nn.ReLU6))
    return Pooled(nn.Sequential(block(2, 8, 3, 2, activation=nn.ReLU6), *stages), 64, dropout=True)


def efficientnet():
    more = {"activation": nn.SiLU, "squeeze": True}
    stages = (Inverted(8, 8, **more), Inverted(8, 16, 2, **more), block(16, 64, 1, activation=nn.SiLU))
    return Pooled(nn.Sequential(block(2, 8, 3, 2, activation=nn.SiLU), *stages), 64, dropout=True)


def regnet():
    return Pooled(nn.Sequential(block(2, 8, 3, 2), RegBlock(8, 16, 2, 2), RegBlock(16, 32, 2, 4)), 32)


def googlenet():
    stem = (block(2, 8, 7, 2), nn.MaxPool2d(3, 2, ceil_mode=True))
    return Pooled(nn.Sequential(*stem, Inception(8, 8), nn.MaxPool2d(3, 2, ceil_mode=True), Inception(40, 8)), 40, True)


def shufflenet_v2():
    return Pooled(nn.Sequential(block(2, 16, 3, 2), nn.MaxPool2d(2), Shuffled(16), Shuffled(16), block(16, 32, 1)), 32)


def shufflenet_v1():
    """Grouped convolutions of 1 x 1 with a shuffle between them."""
    parts = (block(16, 32, 1, groups=2), nn.ChannelShuffle(2), block(32, 32, 3, 1, 32), block(32, 32, 1, groups=2))
    return Pooled(nn.Sequential(block(2, 16, 3, 2), *parts), 32)


BACKBONES = {
    "resnet-18": resnet18,
    "mobilenet-v2": mobilenet_v2,
    "efficientnet": efficientnet,
    "regnet": regnet,
    "googlenet": googlenet,
    "shufflenet-v1": shufflenet_v1,
    "shufflenet-v2": shufflenet_v2,
}


def backbone(make, inputs):
    """The net split as a user's import is, with lively weights and statistics; inputs: a batch of each picture."""
    torch.manual_seed(0)
    model = make().eval()
    for one in model.modules():
        if isinstance(one, nn.BatchNorm2d):
            one.running_mean.uniform_(-0.3, 0.3)
            one.running_var.uniform_(0.5, 1.5)
        if isinstance(one, nn.BatchNorm2d | nn.GroupNorm | nn.InstanceNorm2d):
            one.weight.data.uniform_(0.5, 1.5)
            one.bias.data.uniform_(-0.2, 0.2)
    return split(model, inputs).eval()
