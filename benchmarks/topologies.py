"""Small nets, one for every way in which channels of one layer reach another."""

import torch
from torch import nn
from torch.nn.functional import adaptive_avg_pool2d, leaky_relu

from xgaze.compression.surgeries.base import Probe
from xgaze.compression.surgeries.channels import plan_going
from xgaze.models.layers import FeatureHead

SIDE = 6
AREA = SIDE * SIDE


class Net(FeatureHead):
    """Of two grey pictures: a first layer `a` of eight channels, and what each topology makes of it; the head has one hidden
    layer.

    layer: where channels are cut, left: how many stay. together: the layers that lose channels with it. last: the last module
    on the way of the channels, where zero no longer means zero at `layer`.
    """

    layer, left, together = "a", 4, ("a",)
    last: str | None = None

    def __init__(self, width):
        super().__init__()
        self.head = nn.Sequential(nn.Linear(width, 12), nn.ReLU(), nn.Linear(12, 2))

    def forward(self, x, y):
        """Two named inputs: torch.fx cannot follow a number of them."""
        return self.head(self.features(x, y))


def conv(inputs=1, outputs=8, **more):
    return nn.Conv2d(inputs, outputs, 3, padding=1, **more)


class Flattened(Net):
    """conv -> flatten -> FC"""

    def __init__(self, maps=1):
        super().__init__(maps * 8 * AREA)
        self.a = conv()

    def features(self, x, y):
        return torch.relu(self.a(x)).flatten(1)


class Apart(Net):
    """Two towers."""

    def __init__(self, width=2 * 8 * AREA):
        super().__init__(width)
        self.a, self.b = conv(), conv()

    def both(self, x, y):
        return torch.relu(self.a(x)), torch.relu(self.b(y))


class Shared(Net):
    """One tower for both pictures."""

    def __init__(self, width=2 * 8 * AREA):
        super().__init__(width)
        self.a = conv()

    def both(self, x, y):
        return torch.relu(self.a(x)), torch.relu(self.a(y))


class SeparateTowers(Apart):
    """towers apart: flatten -> concat -> FC"""

    def features(self, x, y):
        return torch.cat([one.flatten(1) for one in self.both(x, y)], 1)


class SharedTower(Shared):
    """one tower: flatten -> concat -> FC"""

    features = SeparateTowers.features


class ConcatenatedMaps(Apart):
    """towers apart: concat -> flatten -> FC"""

    def features(self, x, y):
        return torch.cat(self.both(x, y), 1).flatten(1)


class SharedConcatenatedMaps(Shared):
    """one tower: concat -> flatten -> FC"""

    features = ConcatenatedMaps.features


class PerEyeLinear(Apart):
    """towers apart: FC -> concat"""

    def __init__(self):
        super().__init__(10)
        self.left_eye, self.right_eye = (nn.Linear(8 * AREA, 5) for _ in range(2))

    def features(self, x, y):
        left, right = self.both(x, y)
        return torch.cat([self.left_eye(left.flatten(1)), self.right_eye(right.flatten(1))], 1)


class SharedPerEyeLinear(Shared):
    """one tower: FC -> concat"""

    def __init__(self):
        super().__init__(10)
        self.eye = nn.Linear(8 * AREA, 5)

    def features(self, x, y):
        return torch.cat([self.eye(one.flatten(1)) for one in self.both(x, y)], 1)


class PooledThenConcatenated(Apart):
    """towers apart: global pool -> concat"""

    def __init__(self):
        super().__init__(16)

    def features(self, x, y):
        return torch.cat([one.mean(dim=(2, 3)) for one in self.both(x, y)], 1)


class SharedPooledThenConcatenated(Shared):
    """one tower: global pool -> concat"""

    def __init__(self):
        super().__init__(16)

    features = PooledThenConcatenated.features


class BothEyesInOneBatch(Shared):
    """both eyes in one batch, chunked"""

    def features(self, x, y):
        both = torch.relu(self.a(torch.cat([x, y]))).flatten(1)
        return torch.cat(both.chunk(2), 1)


class BothEyesSliced(Shared):
    """both eyes in one batch, sliced at x.size(0)"""

    def features(self, x, y):
        both = torch.relu(self.a(torch.cat([x, y]))).flatten(1)
        return torch.cat([both[: x.size(0)], both[x.size(0) :]], 1)


class StackedThenViewed(Shared):
    """one tower: stack -> view -> FC"""

    def features(self, x, y):
        return torch.stack(self.both(x, y), 1).view(x.size(0), -1)


class ChannelsLast(Flattened):
    """permute to NHWC -> flatten -> FC"""

    def features(self, x, y):
        return torch.relu(self.a(x)).permute(0, 2, 3, 1).flatten(1)


class ChannelsLastReshaped(Flattened):
    """permute to NHWC -> reshape -> FC"""

    def features(self, x, y):
        return torch.relu(self.a(x)).permute(0, 2, 3, 1).reshape(x.shape[0], -1)


class ComparedMask(Flattened):
    """times a comparison of itself -> flatten -> FC"""

    def features(self, x, y):
        maps = self.a(x)
        return (maps * (maps > 0)).flatten(1)


class ComparedWhere(Flattened):
    """where a comparison holds, else zero -> flatten -> FC"""

    def features(self, x, y):
        maps = self.a(x)
        return torch.where(maps > 0, maps, 0.0).flatten(1)


class MaskedPixels(Flattened):
    """where the pixel is inside, else zero -> flatten -> FC"""

    def __init__(self):
        super().__init__()
        self.register_buffer("inside", torch.arange(SIDE) < 4)

    def features(self, x, y):
        return torch.where(self.inside, torch.relu(self.a(x)), 0.0).flatten(1)


class Overwritten(Flattened):
    """columns of pixels overwritten with zero -> flatten -> FC"""

    def features(self, x, y):
        maps = torch.relu(self.a(x)).clone()  # else it could not be trained
        maps[..., 4:] = 0.0
        return maps.flatten(1)


class Filled(Flattened):
    """masked_fill, nan_to_num -> flatten -> FC"""

    def features(self, x, y):
        maps = self.a(x)
        return torch.nan_to_num(maps.masked_fill(maps < 0, 0.0)).flatten(1)


class Stepped(Flattened):
    """a comparison turned into numbers -> flatten -> FC"""

    def features(self, x, y):
        return (self.a(x) > 0).to(x.dtype).flatten(1)


class Mixed(Flattened):
    """LocalResponseNorm across channels -> flatten -> FC: to be refused"""

    def __init__(self):
        super().__init__()
        self.norm = nn.LocalResponseNorm(5)

    def features(self, x, y):
        return self.norm(torch.relu(self.a(x))).flatten(1)


class AdaptivelyPooled(Net):
    """adaptive pool -> flatten -> FC of 6,400"""

    left = 200

    def __init__(self):
        super().__init__(256 * 25)
        self.a = conv(1, 256)

    def features(self, x, y):
        return adaptive_avg_pool2d(torch.relu(self.a(x)), 5).flatten(1)


class WideAndDeep(Net):
    """wide inputs beside a deep FC -> concat -> FC"""

    def __init__(self):
        super().__init__(AREA + 8)
        self.a = nn.Linear(AREA, 8)

    def features(self, x, y):
        return torch.cat([y.flatten(1), torch.relu(self.a(x.flatten(1)))], 1)


class Conv1dFlattened(Flattened):
    """Conv1d -> flatten -> FC"""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv1d(1, 8, 3, padding=1)

    def features(self, x, y):
        return torch.relu(self.a(x.flatten(2))).flatten(1)


class Transposed(Conv1dFlattened):
    """Conv1d -> transpose -> flatten -> FC"""

    def features(self, x, y):
        return torch.relu(self.a(x.flatten(2))).transpose(1, 2).flatten(1)


class Grouped(Flattened):
    """conv -> grouped conv"""

    def __init__(self):
        super().__init__()
        self.b = conv(8, 8, groups=2)

    def features(self, x, y):
        return torch.relu(self.b(leaky_relu(self.a(x)))).flatten(1)


class GroupedMaker(Flattened):
    """grouped conv -> flatten -> FC"""

    def __init__(self):
        super().__init__()
        self.first, self.a = conv(), conv(8, 8, groups=2)

    def features(self, x, y):
        return torch.relu(self.a(torch.relu(self.first(x)))).flatten(1)


class Depthwise(Flattened):
    """conv -> depthwise conv -> flatten -> FC"""

    together = ("a", "b")

    def __init__(self):
        super().__init__()
        self.b = conv(8, 8, groups=8)

    def features(self, x, y):
        return torch.relu(self.b(self.a(x))).flatten(1)


class Normalised(Flattened):
    """conv -> BatchNorm -> conv"""

    together = ("a", "norm")

    def __init__(self):
        super().__init__()
        self.norm, self.b = nn.BatchNorm2d(8), conv(8, 8)

    def features(self, x, y):
        return torch.relu(self.b(torch.relu(self.norm(self.a(x))))).flatten(1)


class Residual(Flattened):
    """residual sum -> flatten -> FC"""

    together = ("a", "b")

    def __init__(self):
        super().__init__()
        self.b = conv(8, 8)

    def features(self, x, y):
        once = torch.relu(self.a(x))
        return (once + torch.relu(self.b(once))).flatten(1)


class Shuffled(Flattened):
    """channel shuffle -> conv"""

    def __init__(self):
        super().__init__()
        self.b = conv(8, 8)

    def features(self, x, y):
        n, c, h, w = self.a(x).shape
        mixed = torch.relu(self.a(x)).view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        return torch.relu(self.b(mixed)).flatten(1)


class ThroughSigmoid(Flattened):
    """sigmoid -> flatten -> FC"""

    last = "bend"

    def __init__(self):
        super().__init__()
        self.bend = nn.Sigmoid()

    def features(self, x, y):
        return self.bend(self.a(x)).flatten(1)


class OutputAsked(Flattened):
    """the output layer itself: to be refused"""

    layer, left, together = "head.2", 1, ("head.2",)


CUT = [
    Flattened,
    SeparateTowers,
    SharedTower,
    ConcatenatedMaps,
    SharedConcatenatedMaps,
    PerEyeLinear,
    SharedPerEyeLinear,
    PooledThenConcatenated,
    SharedPooledThenConcatenated,
    BothEyesInOneBatch,
    BothEyesSliced,
    StackedThenViewed,
    ChannelsLast,
    ChannelsLastReshaped,
    ComparedMask,
    AdaptivelyPooled,
    WideAndDeep,
    Conv1dFlattened,
    Transposed,
    Grouped,
    GroupedMaker,
    Depthwise,
    Normalised,
    Residual,
    Shuffled,
    ComparedWhere,
    MaskedPixels,
    Overwritten,
    Filled,
    ThroughSigmoid,
]
"""What can be cut exactly."""
LEFT = [Stepped, Mixed, OutputAsked]
"""What xgaze leaves alone."""


def built(topology):
    """The net with random weights, those of its norms too, in evaluation mode."""
    torch.manual_seed(0)
    net = topology().eval()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.bias.data, module.running_mean, module.running_var):
                tensor.uniform_(0.5, 2)
    return net


def cut_to(model, probe, widths):
    """The cut to these widths, of layers that can all be traced."""
    going = plan_going(model, probe, widths)
    assert not going.uncut
    return going.cut()


def random_probe():
    """Two grey pictures, five samples; no features."""
    torch.manual_seed(1)
    return Probe(tuple(torch.randn(5, 1, SIDE, SIDE) for _ in range(2)), torch.zeros(0))
