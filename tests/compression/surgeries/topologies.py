"""Small nets, one for every way in which channels of one layer reach another."""

import torch
from torch import nn

from xgaze.compression.surgeries.base import Probe
from xgaze.compression.surgeries.channels import plan_going
from xgaze.models.layers import FeatureHead

SIDE = 6


class Net(FeatureHead):
    """conv (1 -> 8), and what each topology makes of it; the head is one hidden layer."""

    def __init__(self, width):
        super().__init__()
        self.head = nn.Sequential(nn.Linear(width, 12), nn.ReLU(), nn.Linear(12, 2))


def conv(inputs=1, outputs=8, **more):
    return nn.Conv2d(inputs, outputs, 3, padding=1, **more)


class Flattened(Net):
    def __init__(self):
        super().__init__(8 * SIDE * SIDE)
        self.a = conv()

    def features(self, x, y):
        return torch.relu(self.a(x)).flatten(1)


class SeparateTowers(Net):
    def __init__(self):
        super().__init__(2 * 8 * SIDE * SIDE)
        self.a, self.b = conv(), conv()

    def features(self, x, y):
        return torch.cat([torch.relu(self.a(x)).flatten(1), torch.relu(self.b(y)).flatten(1)], 1)


class SharedTower(Net):
    def __init__(self):
        super().__init__(2 * 8 * SIDE * SIDE)
        self.a = conv()

    def features(self, x, y):
        return torch.cat([torch.relu(self.a(one)).flatten(1) for one in (x, y)], 1)


class ConcatenatedMaps(Net):
    def __init__(self):
        super().__init__(2 * 8 * SIDE * SIDE)
        self.a, self.b = conv(), conv()

    def features(self, x, y):
        return torch.relu(torch.cat([self.a(x), self.b(y)], 1)).flatten(1)


class BothEyesInOneBatch(Net):
    def __init__(self):
        super().__init__(2 * 8 * SIDE * SIDE)
        self.a = conv()

    def features(self, x, y):
        both = torch.relu(self.a(torch.cat([x, y]))).flatten(1)
        return torch.cat(both.chunk(2), 1)


class ChannelsLast(Net):
    def __init__(self):
        super().__init__(8 * SIDE * SIDE)
        self.a = conv()

    def features(self, x, y):
        return torch.relu(self.a(x)).permute(0, 2, 3, 1).flatten(1)


class PerEyeLinear(Net):
    def __init__(self):
        super().__init__(10)
        self.a, self.b = conv(), conv()
        self.left, self.right = (nn.Linear(8 * SIDE * SIDE, 5) for _ in range(2))

    def features(self, x, y):
        return torch.cat([self.left(torch.relu(self.a(x)).flatten(1)), self.right(torch.relu(self.b(y)).flatten(1))], 1)


class PooledThenConcatenated(Net):
    def __init__(self):
        super().__init__(16)
        self.a, self.b = conv(), conv()

    def features(self, x, y):
        return torch.cat([torch.relu(one).mean(dim=(2, 3)) for one in (self.a(x), self.b(y))], 1)


class Grouped(Net):
    def __init__(self):
        super().__init__(8 * SIDE * SIDE)
        self.a, self.b = conv(), conv(8, 8, groups=2)

    def features(self, x, y):
        return torch.relu(self.b(nn.functional.leaky_relu(self.a(x)))).flatten(1)


class GroupedMaker(Net):
    def __init__(self):
        super().__init__(8 * SIDE * SIDE)
        self.first, self.a = conv(), conv(8, 8, groups=2)

    def features(self, x, y):
        return torch.relu(self.a(torch.relu(self.first(x)))).flatten(1)


class Depthwise(Net):
    def __init__(self):
        super().__init__(8 * SIDE * SIDE)
        self.a, self.b = conv(), conv(8, 8, groups=8)

    def features(self, x, y):
        return torch.relu(self.b(self.a(x))).flatten(1)


class Normalised(Net):
    def __init__(self):
        super().__init__(8 * SIDE * SIDE)
        self.a, self.norm, self.b = conv(), nn.BatchNorm2d(8), conv(8, 8)
        self.norm.running_mean.uniform_(-1, 1)
        self.norm.running_var.uniform_(0.5, 2)

    def features(self, x, y):
        return torch.relu(self.b(torch.relu(self.norm(self.a(x))))).flatten(1)


class Residual(Net):
    def __init__(self):
        super().__init__(8 * SIDE * SIDE)
        self.a, self.b = conv(), conv(8, 8)

    def features(self, x, y):
        once = torch.relu(self.a(x))
        return (once + torch.relu(self.b(once))).flatten(1)


TOPOLOGIES = [
    Flattened,
    SeparateTowers,
    SharedTower,
    ConcatenatedMaps,
    BothEyesInOneBatch,
    ChannelsLast,
    PerEyeLinear,
    PooledThenConcatenated,
    Grouped,
    GroupedMaker,
    Depthwise,
    Normalised,
    Residual,
]


def built(topology):
    torch.manual_seed(0)
    return topology().eval()


def cut_to(model, probe, widths):
    """The cut to these widths, of layers that can all be traced."""
    going = plan_going(model, probe, widths)
    assert not going.uncut
    return going.cut()


def random_probe():
    """Two grey pictures, five samples; no features."""
    torch.manual_seed(1)
    return Probe(tuple(torch.randn(5, 1, SIDE, SIDE) for _ in range(2)), torch.zeros(0))
