"""Towers are read off what a model computes, whatever code stands between its layers."""

import pytest
import torch
from torch import nn

from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead
from xgaze.models.towers import alike, find_towers, mirrored_inputs

EYES = (torch.zeros(2, 1, 16, 16), torch.zeros(2, 1, 16, 16))


class Net(FeatureHead):
    def __init__(self, left, right, joint=None):
        super().__init__()
        self.left, self.right, self.joint = left, right, joint or nn.Identity()
        self.head = nn.Sequential(nn.LazyLinear(2))

    def features(self, x, y):
        return torch.cat([self.joint(self.left(x)).flatten(1), self.joint(self.right(y)).flatten(1)], 1)


def tower(stride=2, norm=nn.BatchNorm2d):
    return nn.Sequential(nn.Conv2d(1, 4, 3, stride=stride), norm(4), nn.ReLU(), nn.Conv2d(4, 2, 3))


def test_layers_of_each_input_alone_are_its_tower_and_shared_ones_are_nobodys():
    model = Net(tower(), tower(), nn.Conv2d(2, 2, 1))
    towers = find_towers(model, EYES)
    assert [one.holding(model) for one in towers] == [[f"{eye}.{k}" for k in (0, 1, 3)] for eye in ("left", "right")]
    assert [one.input for one in towers] == [0, 1] and alike(towers) == [towers]
    assert model.training and not any(one._forward_hooks for one in model.modules())


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (tower(stride=1), r"'left\.0' is Conv2d\(.*stride=\(2, 2\)\).*'right\.0' is Conv2d\(.*stride=\(1, 1\)\)"),
        (tower(norm=lambda width: nn.GroupNorm(2, width)), r"'left\.1' is BatchNorm2d.*'right\.1' is GroupNorm"),
        (nn.Sequential(*tower()[:3], nn.Conv2d(4, 3, 3)), r"'left\.3' is Conv2d\(4, 2.*'right\.3' is Conv2d\(4, 3"),
    ],
)
def test_towers_that_look_alike_and_are_not_are_refused_with_the_layer(other, said):
    with pytest.raises(InputError, match=f"no towers to share: {said}"):
        alike(find_towers(Net(tower(), other), EYES))


def test_a_net_without_towers_of_its_own_inputs_says_so():
    shared = tower()
    with pytest.raises(InputError, match="no two inputs of one shape go through layers of their own"):
        alike(find_towers(Net(shared, shared), EYES))


def test_a_mirror_image_is_measured_or_declared():
    torch.manual_seed(0)
    ramp = torch.linspace(-1, 1, 16).expand(5, 1, 16, 16)
    noise = [0.3 * torch.randn(5, 1, 16, 16) for _ in range(3)]
    inputs = (ramp + noise[0], ramp + noise[1], ramp.flip(-1) + noise[2])
    assert mirrored_inputs(inputs) == (False, False, True)
    assert mirrored_inputs(inputs, (True, False, False)) == (True, False, False)


def test_what_looks_the_same_both_ways_is_not_mirrored():
    bump = torch.linspace(-1, 1, 16).square().expand(5, 1, 16, 16)
    assert mirrored_inputs((bump, bump.clone())) == (False, False)
    assert mirrored_inputs((torch.randn(5, 7), torch.randn(5, 7))) == (False, False)
