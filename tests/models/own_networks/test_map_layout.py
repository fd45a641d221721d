"""Which maps stand flattened before the first linear layer: right, or none, however the code spells it."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from xgaze.models.own_networks.split import split

C, H, W = 4, 6, 5


class Gate(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(C, C)

    def forward(self, x):
        return x * self.fc(x.mean((2, 3))).sigmoid().view(-1, C, 1, 1)


class LastNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(C)

    def forward(self, x):
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def rows_and_columns_swapped(x):
    return x.reshape(x.shape[0], C, W, H).transpose(2, 3).reshape(x.shape[0], -1)


WAYS = {
    "flattened": (lambda x: x.flatten(1), (C, H, W)),
    "viewed": (lambda x: x.view(x.size(0), -1), (C, H, W)),
    "viewed by sizes": (lambda x: x.view(-1, C * H * W), (C, H, W)),
    "rectified after": (lambda x: F.leaky_relu(x.flatten(1), 0.1) * 3 - 1, (C, H, W)),
    "copied": (lambda x: x.contiguous().clone().flatten(1), (C, H, W)),
    "there and back": (lambda x: x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2).flatten(1), (C, H, W)),
    "twice": (lambda x: torch.cat([x, x * 2], 1).flatten(1), (2 * C, H, W)),
    "twice flat": (lambda x: torch.cat([x.flatten(1), x.relu().flatten(1)], 1), (2 * C, H, W)),
    "channels shuffled": (
        lambda x: x.view(-1, 2, C // 2, H, W).transpose(1, 2).reshape(-1, C, H, W).flatten(1),
        (C, H, W),
    ),
    "channels chosen": (lambda x: x[:, [2, 0, 3]].flatten(1), (3, H, W)),
    "masked": (lambda x: (x * (x > 0)).flatten(1), (C, H, W)),
    "residual": (lambda x: (x + x.relu()).flatten(1), (C, H, W)),
    "mean of maps": (lambda x: x.mean(1, keepdim=True).flatten(1), (1, H, W)),
    "pooled": (lambda x: F.avg_pool2d(x, 2, 1).flatten(1), (C, H - 1, W - 1)),
    "pooled to one": (lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1), (C, 1, 1)),
    "last channels": (lambda x: x.permute(0, 2, 3, 1).flatten(1), None),
    "last channels copied": (lambda x: x.permute(0, 2, 3, 1).contiguous().view(x.size(0), -1), None),
    "last channels rectified": (lambda x: x.permute(0, 2, 3, 1).contiguous().relu().reshape(x.size(0), -1), None),
    "turned": (lambda x: x.transpose(2, 3).contiguous().flatten(1), None),
    "turned by einsum": (lambda x: torch.einsum("nchw->nwhc", x).flatten(1), None),
    "swapped by sizes": (rows_and_columns_swapped, None),
    "rolled": (lambda x: x.roll(1, 3).flatten(1), None),
    "rolled flat": (lambda x: x.flatten(1).roll(1, 1), None),
    "flipped": (lambda x: x.flip(2).flatten(1), None),
    "columns chosen": (lambda x: x[..., [1, 0, 2, 3, 4]].flatten(1), None),
    "one column less": (lambda x: x[..., 1:].flatten(1), None),
    "padded": (lambda x: F.pad(x, (1, 0)).flatten(1), None),
    "folded": (lambda x: x.reshape(-1, C * 2, H // 2, W).transpose(1, 2).flatten(1), None),
    "sizes mixed": (lambda x: torch.cat([x.flatten(1), F.max_pool2d(x, 2).flatten(1)], 1), None),
    "more than maps": (lambda x: torch.cat([x.flatten(1), x.mean((2, 3))], 1), None),
    "sorted": (lambda x: x.flatten(1).sort(1).values, None),
    "mean over places": (lambda x: x.mean((2, 3)), None),
}
AFTER = {
    "gate": (Gate(), (C, H, W)),
    "norm of channels": (LastNorm(), (C, H, W)),
    "shuffle": (nn.PixelShuffle(2), (1, 2 * H, 2 * W)),
}


class Net(nn.Module):
    def __init__(self, way, after=None):
        super().__init__()
        self.conv, self.after, self.way = nn.Conv2d(1, C, 3), after or nn.Identity(), way
        with torch.no_grad():
            self.fc = nn.Linear(way(self.after(self.conv(torch.zeros(1, 1, H + 2, W + 2)))).shape[1], 2)

    def forward(self, x):
        return self.fc(self.way(self.after(self.conv(x))))


def found(net):
    return split(net, (torch.randn(2, 1, H + 2, W + 2),)).feature_shape


@pytest.mark.parametrize("way", WAYS)
def test_maps_are_known_where_they_stand_flattened_as_they_are_and_nowhere_else(way):
    function, shape = WAYS[way]
    assert found(Net(function)) == shape


@pytest.mark.parametrize("after", AFTER)
def test_what_weighs_or_rearranges_whole_maps_leaves_their_rows_and_columns(after):
    module, shape = AFTER[after]
    assert found(Net(lambda x: x.flatten(1), module)) == shape


def test_pictures_that_enter_the_head_themselves_are_maps():
    class Flat(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(2 * 63, 2)

        def forward(self, left, right):
            return self.fc(torch.cat([left.flatten(1), right.flatten(1)], 1))

    assert split(Flat(), (torch.randn(2, 1, 7, 9), torch.randn(2, 1, 7, 9))).feature_shape == (2, 7, 9)
