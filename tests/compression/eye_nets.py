"""Hand-written gaze nets, small, on two eye pictures (batch, 1, 40, 40): a tower for each eye, and habits that break tools."""

import torch
from torch import nn
from torch.nn import functional as F


class Towers(nn.Module):
    """A tower for each eye, its maps flattened and joined, and a head."""

    def __init__(self, tower, head, width):
        super().__init__()
        self.towers = nn.ModuleList(tower() for _ in range(2))
        self.head = head(2 * width)

    def forward(self, a, b):
        return 100 * self.head(
            torch.cat([tower(x).flatten(1) for tower, x in zip(self.towers, (a, b), strict=True)], 1)
        )


def shuffled_towers():
    def tower():
        first = (nn.Conv2d(1, 8, 5, stride=2), nn.ReLU(), nn.ChannelShuffle(2))
        return nn.Sequential(*first, nn.Conv2d(8, 12, 3, stride=2), nn.ReLU())

    return Towers(tower, lambda n: nn.Sequential(nn.Linear(n, 16), nn.ReLU(), nn.Linear(16, 2)), 12 * 8 * 8)


def vgg():
    def tower():
        first = (nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2))
        return nn.Sequential(*first, nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2))

    return Towers(tower, in_place_head, 8 * 100)


def in_place_head(n):
    layers = (nn.Linear(n, 24), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(24, 16), nn.ReLU(inplace=True))
    return nn.Sequential(*layers, nn.Dropout(), nn.Linear(16, 2))


def one_unit():
    return Towers(vgg_tower, lambda n: nn.Sequential(nn.Linear(n, 1), nn.Tanh(), nn.Linear(1, 2)), 8 * 100)


def vgg_tower():
    return vgg().towers[0]


def normed(norm):
    def tower():
        first = (nn.Conv2d(1, 16, 5, 2, 2), norm(16), nn.ReLU(inplace=True), nn.MaxPool2d(2))
        return nn.Sequential(*first, nn.Conv2d(16, 8, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2))

    return Towers(tower, in_place_head, 8 * 25)


class LayerNormed(nn.Module):
    """As in ConvNeXt."""

    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)

    def forward(self, x):
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class OneBatch(nn.Module):
    """Both eyes in one batch through one tower, unpacked by name."""

    def __init__(self):
        super().__init__()
        self.tower, self.head = vgg_tower(), in_place_head(2 * 8 * 100)

    def forward(self, a, b):
        a, b = self.tower(torch.cat([a, b], dim=0)).chunk(2, dim=0)
        return 100 * self.head(torch.cat([a.flatten(1), b.flatten(1)], 1))


class NoOnnx(nn.Module):
    """A layer that ONNX does not have."""

    def __init__(self):
        super().__init__()
        self.tower = nn.Sequential(nn.Conv2d(1, 8, 5, stride=4), nn.ReLU(), nn.AdaptiveMaxPool2d((3, 4)))
        self.fc1, self.fc2 = nn.Linear(2 * 8 * 12, 16), nn.Linear(16, 2)

    def forward(self, a, b):
        return 100 * self.fc2(self.fc1(torch.cat([self.tower(x).flatten(1) for x in (a, b)], 1)).relu())


class Gated(nn.Module):
    """A hard gate per channel, from a convolution of its own: neither can lose channels alone."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(2, 16, 5, 2, 2), nn.ReLU(inplace=True))
        self.tower = nn.Sequential(nn.Conv2d(16, 16, 3, 1, 1), nn.ReLU(inplace=True))
        self.gate = nn.Conv2d(2, 16, 5, stride=2, padding=2)
        self.head = in_place_head(16 * 100)

    def forward(self, a, b):
        x = torch.cat([a, b], 1)
        maps = self.tower(self.stem(x)) * (self.gate(x) > 0)
        return 100 * self.head(F.max_pool2d(maps, 2).flatten(1))


CUT = {
    "shuffled towers": shuffled_towers,
    "vgg": vgg,
    "one unit": one_unit,
    "batch norm": lambda: normed(nn.BatchNorm2d),
    "instance norm": lambda: normed(lambda width: nn.InstanceNorm2d(width, affine=True)),
    "group norm": lambda: normed(lambda width: nn.GroupNorm(4, width)),
    "one batch": OneBatch,
}
"""Nets all of whose convolutions can be cut."""
PARTLY = {"layer norm": lambda: normed(LayerNormed), "gated": Gated}
"""Nets some of whose convolutions cannot."""
