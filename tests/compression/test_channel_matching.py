"""The mean of towers whose channels only stand in another order is the first tower."""

import numpy as np
import pytest
import torch

from xgaze.compression.channel_matching import assignment, matched_mean
from xgaze.compression.surgeries.proof import outputs_of

LAYERS = [f"conv{k}" for k in range(1, 6)]
PAIR = {f"towers.0.{name}": f"towers.1.{name}" for name in LAYERS}


def test_every_channel_finds_the_one_it_resembles_inside_its_block():
    torch.manual_seed(0)
    first = torch.randn(200, 4)
    second = first[:, [1, 0, 3, 2]] * 5 + 0.1 * torch.randn(200, 4)
    assert assignment(first, second, 2).tolist() == [1, 0, 3, 2]
    assert assignment(first, first[:, [2, 3, 0, 1]], 4).tolist() == [0, 1, 2, 3]  # no channel leaves its block
    assert assignment(torch.zeros(9, 2), torch.zeros(9, 2), 1).tolist() == [0, 1]


def shuffled(tower, orders, mirrored):
    """The tower's weights with its channels in another order, its kernels mirrored."""
    before = None
    for name in LAYERS:
        conv = getattr(tower, name)
        weight, bias = conv.weight.clone(), conv.bias.clone()
        if before is not None:
            rows = conv.out_channels // conv.groups
            width = conv.in_channels // conv.groups
            parts = [
                weight[k * rows : (k + 1) * rows][:, before[k * width : (k + 1) * width] - k * width]
                for k in range(conv.groups)
            ]
            weight = torch.cat(parts)
        before = orders.get(name, np.arange(conv.out_channels))
        weight, bias = weight[before], bias[before]
        conv.weight.copy_(weight.flip(-1) if mirrored else weight)
        conv.bias.copy_(bias)


@pytest.mark.parametrize("mirrored", [False, True])
@torch.no_grad()
def test_a_tower_in_another_order_is_put_back(model, probe, mirrored):
    """Of 32 channels that two groups read, and of 64 in two groups, none leaves its group."""
    random = np.random.default_rng(0)
    orders = {
        "conv1": np.concatenate([random.permutation(16), 16 + random.permutation(16)]),
        "conv2": np.concatenate([random.permutation(32), 32 + random.permutation(32)]),
        "conv3": random.permutation(32),
        "conv4": random.permutation(16),
    }
    model.towers[1].load_state_dict(model.towers[0].state_dict())
    shuffled(model.towers[1], orders, mirrored)
    before = outputs_of(model, *probe.inputs)
    mean = matched_mean(model, [PAIR], tuple(PAIR.values()) if mirrored else (), probe.inputs)
    for path, state in mean.items():
        torch.testing.assert_close(state["weight"], model.get_submodule(path).weight.data)
        torch.testing.assert_close(state["bias"], model.get_submodule(path).bias.data)
    assert torch.equal(outputs_of(model, *probe.inputs), before)
