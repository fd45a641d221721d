"""Halved pictures: exact where the kernel cannot tell four pixels apart, planned only where the grid stays."""

import pytest
import torch
from torch import nn

from xgaze.compression.surgeries.base import Probe
from xgaze.compression.surgeries.coarse_input import CoarseInput, plan_coarse_input
from xgaze.compression.surgeries.proof import outputs_of
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead


class Net(FeatureHead):
    """Two eyes through one convolution and a third through another; only the first two are read at an even stride."""

    def __init__(self, kernel=4):
        super().__init__()
        self.shared, self.other = nn.Conv2d(1, 3, kernel, stride=2), nn.Conv2d(1, 3, kernel, stride=3)
        self.second = nn.Conv2d(3, 3, 2, stride=2)
        self.head = nn.Sequential(nn.LazyLinear(2))

    def features(self, x, y, z):
        maps = [self.second(self.shared(x)), self.second(self.shared(y)), self.other(z)]
        return torch.cat([one.flatten(1) for one in maps], 1)


@pytest.fixture
def probe():
    torch.manual_seed(0)
    return Probe(tuple(torch.randn(6, 1, 16, 16) for _ in range(3)), torch.zeros(0))


@pytest.fixture
def net(probe):
    torch.manual_seed(1)
    model = Net()
    outputs_of(model, *probe.inputs)
    return model


def test_only_what_reads_pictures_at_an_even_stride_is_planned_once(net, probe):
    assert plan_coarse_input(net, probe) == [CoarseInput("shared")]
    assert net.training and not any(one._forward_pre_hooks for one in net.modules())


@pytest.mark.parametrize(
    "conv", [nn.Conv2d(1, 3, 4, 2, padding=1), nn.Conv2d(1, 3, 2, 2, dilation=3), nn.Conv2d(1, 3, 4, (2, 1))]
)
def test_other_convolutions_are_neither_planned_nor_halved(net, probe, conv):
    net.shared = conv
    net.head = nn.Sequential(nn.LazyLinear(2))
    assert plan_coarse_input(net, probe) == []
    with pytest.raises(InputError, match="coarse input of 'shared'"):
        CoarseInput("shared").apply(net, probe)


def test_a_kernel_of_equal_squares_is_halved_without_loss(net, probe):
    """Sum over a 2x2 square of equal weights is 4 times the weight of the average."""
    small = torch.randn(3, 1, 2, 2)
    with torch.no_grad():
        net.shared.weight.copy_(small.repeat_interleave(2, 2).repeat_interleave(2, 3))
    before = outputs_of(net, *probe.inputs)
    (plan,) = plan_coarse_input(net, probe)
    assert plan.apply(net, probe).value <= 1e-5
    assert torch.allclose(net.shared.conv.weight, 4 * small, atol=1e-3)
    assert torch.allclose(outputs_of(net, *probe.inputs), before, atol=1e-3)


def test_a_grid_that_would_change_is_refused_and_the_model_left_alone():
    """5 of 17 pixels at every second fit seven times; 3 of 8 averages fit six times."""
    net, probe = Net(kernel=5), Probe(tuple(torch.randn(2, 1, 17, 17) for _ in range(3)), torch.zeros(0))
    before = net.shared
    with pytest.raises(InputError, match="the grid of its outputs would change"):
        CoarseInput("shared").apply(net, probe)
    assert net.shared is before
