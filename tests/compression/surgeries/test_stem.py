"""Small maps: pooled kernels are the old ones on even squares, and the head reads enlarged maps as it did."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from xgaze.compression.head import first_linear
from xgaze.compression.surgeries.base import Probe
from xgaze.compression.surgeries.proof import outputs_of
from xgaze.compression.surgeries.stem import SURGERY, Stem, enlarging, plan_stem, pooled
from xgaze.errors import InputError
from xgaze.models.size import count_parameters


@pytest.fixture
def big(model, with_head):
    """A net whose maps bear to be halved."""
    torch.manual_seed(0)
    return with_head(model, conv4_padding=1).eval()


def shown(model, side=40):
    torch.manual_seed(1)
    inputs = tuple(torch.randn(3, 1, side, side) for _ in range(2))
    return Probe(inputs, model.features(*inputs).detach())


@pytest.mark.parametrize(("kernel", "padding", "factor"), [(11, 0, 2), (6, 2, 2), (7, 3, 2), (5, 1, 3), (4, 0, 4)])
def test_a_pooled_kernel_is_the_old_one_on_pictures_of_even_squares(kernel, padding, factor):
    torch.manual_seed(0)
    conv = nn.Conv2d(1, 3, kernel, stride=1, padding=padding)
    small = torch.randn(2, 1, 12, 12)
    squares = small.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    before = F.conv2d(squares, conv.weight, None, factor, padding)
    after = F.conv2d(small, pooled(conv, factor), None, 1, -(-padding // factor))
    size = min(before.shape[-1], after.shape[-1])
    torch.testing.assert_close(before[..., :size, :size], after[..., :size, :size], atol=1e-5, rtol=1e-5)
    assert pooled(conv, factor).sum().item() == pytest.approx(conv.weight.sum().item(), abs=1e-4)


def test_maps_are_enlarged_by_straight_lines():
    torch.testing.assert_close(enlarging(2, 4), torch.tensor([[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]]))
    assert torch.allclose(enlarging(3, 7).sum(1), torch.ones(7))


def test_the_plan_names_first_layers_and_the_maps_before_and_after(big):
    probe = shown(big)
    assert big.feature_shape == (16, 6, 6)
    plan = plan_stem(big, probe)
    assert plan == Stem(("towers.0.conv1", "towers.1.conv1"), 2, "head.embedding", (6, 6, 3, 3))
    assert SURGERY.in_words(plan) == "pictures averaged 2x2 at the old stride, maps of 6x6 now 3x3"
    assert big.feature_shape == (16, 6, 6) and isinstance(big.towers[0].conv1, nn.Conv2d)


def test_every_map_shrinks_and_the_head_says_of_enlarged_maps_what_it_said(big):
    probe, old = shown(big), copy.deepcopy(big)
    proof = plan_stem(big, probe).apply(big, probe)
    assert proof.value <= 1e-6
    assert big.feature_shape == (16, 3, 3) and big.head.embedding.in_features == 144
    assert big.towers[0].conv1.conv.kernel_size == (6, 6)
    maps = torch.randn(5, 16, 3, 3)
    enlarged = F.interpolate(maps, (6, 6), mode="bilinear", align_corners=False)
    torch.testing.assert_close(big.head(maps.flatten(1)), old.head(enlarged.flatten(1)), atol=1e-2, rtol=1e-5)  # px
    assert count_parameters(big) < count_parameters(old)


def test_a_grid_that_is_too_small_is_refused_and_the_model_left_alone(model, probe):
    before = dict(model.named_modules())
    with pytest.raises(InputError, match="too small to be averaged"):
        plan_stem(model, probe, 4)
    assert dict(model.named_modules()) == before and model.feature_shape == (16, 4, 4)


def test_a_net_that_pools_all_its_maps_keeps_its_head():
    model = Pooling()
    probe = shown(model)
    plan = plan_stem(model, probe)
    assert plan == Stem(("conv",), 2)
    assert plan.apply(model, probe).value <= 1e-5
    assert outputs_of(model, *probe.inputs).shape == (3, 2)


class Pooling(nn.Module):
    """Both eyes through one convolution whose maps are averaged."""

    feature_shape = None

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 7, stride=2, padding=3)
        self.head = nn.Sequential(nn.Linear(8, 2))

    def features(self, a, b):
        return torch.cat([self.conv(x).mean((2, 3)) for x in (a, b)], 1)

    def forward(self, a, b):
        return self.head(self.features(a, b))


def test_pictures_that_no_convolution_reads_itself_are_refused(model, probe):
    model.towers = nn.ModuleList(nn.Sequential(nn.BatchNorm2d(1), one) for one in model.towers)
    with pytest.raises(InputError, match="no plain convolution reads"):
        plan_stem(model, probe)


def test_features_that_are_no_maps_of_one_size_are_refused(big):
    big.feature_shape = None
    with pytest.raises(InputError, match=r"'head\.embedding' reads more than flattened maps of one size"):
        plan_stem(big, shown(big))
    assert first_linear(big) == "head.embedding"


def test_other_factors_are_refused(big):
    with pytest.raises(InputError, match="averaged by 2, 3, 4, not by 5"):
        SURGERY.planned(big, "head.embedding", 5, shown(big))
