"""Small nets for one layer kind each, and what runs them as C."""

import torch
from torch import nn
from torch.nn import functional

from xgaze.models.layers import SeparableLinear
from xgaze.models.shared_layers import Borrowed


class Two(nn.Module):
    """Two cameras, what `join` makes of them, and two numbers."""

    def __init__(self, join, width):
        super().__init__()
        self.join, self.last = join, nn.Linear(width, 2)

    def forward(self, *cameras):
        return self.last(self.join(*cameras).flatten(1))


class Towers(nn.Module):
    """A layer on each camera, side by side."""

    def __init__(self, layer, width):
        super().__init__()
        self.layer, self.last = layer, nn.Linear(width, 2)

    def forward(self, *cameras):
        return self.last(torch.cat([self.layer(x).flatten(1) for x in cameras], dim=1))


class SharedMirrored(nn.Module):
    """One kernel for both cameras, turned left to right for the second."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 5)
        self.turned, self.last = Borrowed(self.conv, mirrored=True), nn.Linear(8 * 8 * 12 * 2, 2)

    def forward(self, *cameras):
        maps = zip((self.conv, self.turned), cameras, strict=True)
        return self.last(torch.cat([layer(x).relu().flatten(1) for layer, x in maps], dim=1))


class Say(nn.Module):
    """A function as a module."""

    def __init__(self, said):
        super().__init__()
        self.said = said

    def forward(self, *x):
        return self.said(*x)


class Ends(nn.Module):
    """A net of two outputs, and what is made of them."""

    def __init__(self, said):
        super().__init__()
        self.net, self.said = Two(Say(torch.add), 12 * 16), said

    def forward(self, *cameras):
        return self.said(self.net(*cameras))


class Then(nn.Module):
    """What `join` makes of both cameras, and a layer on it."""

    def __init__(self, join, layer):
        super().__init__()
        self.join, self.layer = join, layer

    def forward(self, *cameras):
        return self.layer(self.join(*cameras))


def separable():
    torch.manual_seed(1)
    layer = SeparableLinear((1, 12, 16), 5, 2)
    layer.reset_parameters()
    return nn.Sequential(nn.Flatten(), layer, nn.ReLU())


def norm():
    layer = nn.BatchNorm2d(3)
    layer.running_mean.copy_(torch.tensor([0.1, -0.2, 0.3]))
    layer.running_var.copy_(torch.tensor([0.5, 1.0, 2.0]))
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), layer, nn.Sigmoid())


def on_rows(said):
    return Say(lambda x: said(x.squeeze(1)))


conv = nn.Conv2d
LAYERS = {
    "a kernel turned for a mirrored camera": SharedMirrored,
    "convolution": lambda: Towers(conv(1, 4, 3), 4 * 10 * 14 * 2),
    "stride, padding": lambda: Towers(conv(1, 3, 5, stride=(2, 3), padding=(2, 1)), 3 * 6 * 5 * 2),
    "groups": lambda: Towers(nn.Sequential(conv(1, 4, 3, stride=2), conv(4, 6, 3, padding=1, groups=2)), 6 * 5 * 7 * 2),
    "dilation": lambda: Towers(conv(1, 2, 3, dilation=2), 2 * 8 * 12 * 2),
    "convolution of one dimension": lambda: Towers(on_rows(nn.Conv1d(12, 4, 3, padding=1)), 4 * 16 * 2),
    "relu": lambda: Towers(nn.Sequential(conv(1, 3, 3), nn.ReLU()), 3 * 10 * 14 * 2),
    "leaky relu": lambda: Towers(nn.Sequential(conv(1, 3, 3), nn.LeakyReLU(0.2)), 3 * 10 * 14 * 2),
    "relu read twice": lambda: Towers(nn.Sequential(conv(1, 3, 3), Say(lambda x: x.relu() + x)), 3 * 140 * 2),
    "clip": lambda: Towers(nn.Sequential(conv(1, 3, 3), nn.Hardtanh(-0.5, 0.75)), 3 * 10 * 14 * 2),
    "sigmoid": lambda: Towers(nn.Sequential(conv(1, 3, 3), nn.Sigmoid()), 3 * 10 * 14 * 2),
    "tanh": lambda: Towers(nn.Sequential(conv(1, 3, 3), nn.Tanh()), 3 * 10 * 14 * 2),
    "hard swish": lambda: Towers(nn.Sequential(conv(1, 3, 3), nn.Hardswish()), 3 * 10 * 14 * 2),
    "hard sigmoid": lambda: Towers(nn.Sequential(conv(1, 3, 3), nn.Hardsigmoid()), 3 * 10 * 14 * 2),
    "max pool": lambda: Towers(nn.MaxPool2d(3, 2), 5 * 7 * 2),
    "max pool, padded": lambda: Towers(nn.MaxPool2d((3, 2), (2, 1), padding=1, ceil_mode=True), 7 * 17 * 2),
    "a pool over a convolution": lambda: Towers(
        nn.Sequential(conv(1, 4, 3, padding=1), nn.LeakyReLU(), nn.MaxPool2d(3, 2)), 4 * 5 * 7 * 2
    ),
    "a padded pool over a convolution": lambda: Towers(
        nn.Sequential(conv(1, 4, 3), nn.MaxPool2d((3, 2), (2, 1), padding=1, ceil_mode=True)), 4 * 6 * 15 * 2
    ),
    "a pool over a convolution that leaves rows out": lambda: Towers(
        nn.Sequential(conv(1, 4, 3, bias=False), nn.ReLU(), nn.MaxPool2d(2, 3)), 4 * 3 * 5 * 2
    ),
    "average pool": lambda: Towers(nn.AvgPool2d(2), 6 * 8 * 2),
    "average pool, padding counts": lambda: Towers(nn.AvgPool2d(3, 2, padding=1), 6 * 8 * 2),
    "average pool, padding does not": lambda: Towers(nn.AvgPool2d(3, 2, padding=1, count_include_pad=False), 6 * 8 * 2),
    "mean": lambda: Towers(nn.Sequential(conv(1, 6, 3), nn.AdaptiveAvgPool2d(1)), 12),
    "sum": lambda: Towers(nn.Sequential(conv(1, 6, 3), Say(lambda x: x.sum((2, 3)))), 12),
    "linear": lambda: Towers(nn.Sequential(nn.Flatten(), nn.Linear(192, 7)), 14),
    "linear, row by row": lambda: Towers(nn.Linear(16, 3), 12 * 3 * 2),
    "no bias": lambda: Towers(nn.Sequential(nn.Flatten(), nn.Linear(192, 7, bias=False), nn.LeakyReLU()), 14),
    "separable": lambda: Towers(separable(), 10),
    "batch normalisation": lambda: Towers(norm(), 3 * 10 * 14 * 2),
    "add": lambda: Two(Say(torch.add), 192),
    "subtract": lambda: Two(Say(torch.sub), 192),
    "multiply": lambda: Two(Say(torch.mul), 192),
    "multiply, repeated": lambda: Two(Say(lambda a, b: a * b.mean(3, keepdim=True)), 192),
    "add a number": lambda: Two(Say(lambda a, b: a + 1.5 - b), 192),
    "numbers per channel": lambda: Towers(
        nn.Sequential(conv(1, 2, 1), Say(lambda x: (x - torch.tensor([[[0.5]], [[1.0]]])) / 2)), 2 * 192 * 2
    ),
    "concatenate channels": lambda: Two(Say(lambda a, b: torch.cat([a, b], 1)), 384),
    "concatenate columns": lambda: Two(Say(lambda a, b: torch.cat([a, b], 3)), 384),
    "concatenate, then convolve": lambda: Two(Then(lambda a, b: torch.cat([a, b], 1), conv(2, 4, 3)), 4 * 10 * 14),
    "slice": lambda: Two(Say(lambda a, b: torch.cat([a[:, :, 2:8:2], b[:, :, -3:]], 2)), 6 * 16),
    "split": lambda: Two(Say(lambda a, b: torch.cat([*a.chunk(2, 3)[::-1], b], 3)), 384),
    "transpose": lambda: Two(
        Say(lambda a, b: torch.cat([a.permute(0, 3, 1, 2), b.transpose(1, 3).transpose(2, 3)], 2)), 384
    ),
    "pad": lambda: Towers(Say(lambda x: functional.pad(x, (1, 2, 0, 3), value=0.5)), 15 * 19 * 2),
    "second camera first": lambda: Two(Say(lambda a, b: torch.cat([b * 2, a], 1)), 384),
    "power": lambda: Two(Say(lambda a, b: (a * a + 1) ** 0.75 + (b * b + 1).sqrt()), 192),
}
FLOATS = {
    "divide": lambda: Two(Say(lambda a, b: a / (b * b + 1)), 192),
    "local response normalisation": lambda: Towers(nn.Sequential(conv(1, 6, 3), nn.LocalResponseNorm(5)), 6 * 140 * 2),
    "instance normalisation": lambda: Towers(nn.Sequential(conv(1, 4, 3), nn.InstanceNorm2d(4)), 4 * 140 * 2),
    "group normalisation": lambda: Towers(nn.Sequential(conv(1, 4, 3), nn.GroupNorm(2, 4)), 4 * 140 * 2),
}
"""What there is in floats only, but at the end."""
ENDS = {
    "sigmoid of the output": lambda: Ends(lambda x: x.sigmoid() * 1000),
    "tanh of the output": lambda: Ends(lambda x: x.tanh() * 500 + 400),
    "softmax, expectation": lambda: Ends(
        lambda x: torch.cat([(x.softmax(1) * torch.tensor([3.0, 5.0])).sum(1, keepdim=True), x[:, :1] - 1], 1)
    ),
    "parts of the output": lambda: Ends(lambda x: torch.stack([x[:, 1] / 2, x[:, 0] - x[:, 1]], 1)),
}
