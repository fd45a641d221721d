"""Sizes of a graph's values are known without their numbers, and what depends on numbers or on the batch is not."""

import pytest
import torch
from torch import fx, nn

from xgaze.errors import InputError
from xgaze.models.own_networks.sizes import Sizes


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.scale = (
            nn.Sequential(nn.Conv2d(1, 4, 3, stride=2), nn.BatchNorm2d(4)),
            nn.Parameter(torch.ones(3, 2)),
        )

    def forward(self, x):
        y = self.body(x)
        parts = y.chunk(2, 1)
        return (
            y,
            y.shape[2] * y.size(3),
            y.shape[1] > 3,
            parts,
            y.shape,
            y.sum() > 0,
            y.shape[0],
            self.scale.shape[0] + 0,
        )


@pytest.fixture
def known():
    net = Net()
    traced = fx.symbolic_trace(net)
    nodes = list(traced.graph.output_node().args[0])
    yield Sizes(traced, [torch.ones(5, 1, 13, 9)]), nodes
    assert int(net.body[1].num_batches_tracked) == 0 and torch.equal(net.body[1].running_mean, torch.zeros(4))


def test_numbers_and_answers_that_lie_in_sizes_are_known(known):
    sizes, nodes = known
    assert [sizes.of(nodes[k]) for k in (1, 2, 7)] == [6 * 4, True, 3]


def test_parts_are_counted(known):
    sizes, nodes = known
    assert [sizes.length(nodes[k]) for k in (3, 4)] == [2, 4]


@pytest.mark.parametrize(
    ("place", "message"), [(0, "numbers in a tensor"), (5, "numbers in a tensor"), (6, "how many samples there are")]
)
def test_what_is_not_in_sizes_is_told(known, place, message):
    sizes, nodes = known
    with pytest.raises(InputError, match=message):
        sizes.of(nodes[place])


def test_samples_are_not_gone_through(known):
    sizes, nodes = known
    with pytest.raises(InputError, match="goes through the samples one by one"):
        sizes.length(nodes[0])
