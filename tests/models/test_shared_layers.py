"""A borrowed layer: the owner's numbers, stored once, heard by whoever listens to the owner."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from xgaze.models.shared_layers import Borrowed, ChannelShift


class Pair(nn.Module):
    def __init__(self, mirrored, shift=None):
        super().__init__()
        self.first = nn.Conv2d(2, 4, (3, 5), stride=2, padding=1, groups=2)
        self.second = Borrowed(self.first, mirrored, shift)

    def forward(self, x):
        return self.first(x) + self.second(x)


@pytest.mark.parametrize("mirrored", [False, True])
def test_it_computes_with_the_owners_kernel_or_its_mirror_image(mirrored):
    torch.manual_seed(0)
    pair, x = Pair(mirrored), torch.randn(3, 2, 9, 12)
    kernel = pair.first.weight.flip(-1) if mirrored else pair.first.weight
    expected = F.conv2d(x, kernel, pair.first.bias, 2, 1, groups=2)
    torch.testing.assert_close(pair.second(x), expected, rtol=0, atol=0)


def test_its_weights_are_stored_once_and_learn_from_both():
    torch.manual_seed(0)
    pair = Pair(True)
    assert set(pair.state_dict()) == {"first.weight", "first.bias"}
    x = torch.randn(3, 2, 9, 12)
    pair.first(x).sum().backward()
    alone = pair.first.bias.grad.clone()
    pair.zero_grad()
    pair(x).sum().backward()
    torch.testing.assert_close(pair.first.bias.grad, 2 * alone)


def test_listeners_to_the_owner_hear_every_call():
    pair, heard = Pair(True), []
    pair.first.register_forward_hook(lambda *_: heard.append(1))
    pair(torch.zeros(1, 2, 9, 12))
    assert len(heard) == 2


def test_a_copy_of_the_model_borrows_from_its_own_layer():
    pair = Pair(True)
    other = copy.deepcopy(pair)
    assert other.second.owner is other.first is not pair.first


def test_a_shift_is_added_per_channel_and_begins_as_nothing():
    pair, x = Pair(False, ChannelShift(4)), torch.randn(1, 2, 9, 12)
    assert torch.equal(pair.second(x), pair.first(x))
    with torch.no_grad():
        pair.second.shift.bias.copy_(torch.arange(4.0))
    torch.testing.assert_close((pair.second(x) - pair.first(x)).mean((0, 2, 3)), torch.arange(4.0))
    pair.second.shift.reset_parameters()
    assert torch.equal(pair.second(x), pair.first(x))
