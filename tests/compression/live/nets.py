"""A student with a low-rank head, small enough for tests."""

import torch
from torch import nn

from xgaze.models.layers import OutputScale


class LowRank(nn.Module):
    """A tower per camera (40 x 40 pixels), `rank` numbers, and a gaze point in px."""

    def __init__(self, cameras, rank, last=None):
        super().__init__()
        self.towers = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(1, 6, 5, stride=2),
                nn.LeakyReLU(),
                nn.MaxPool2d(3, 2),
                nn.Conv2d(6, 4, 3, padding=1),
                nn.ReLU(),
            )
            for _ in range(cameras)
        )
        self.rank = nn.Linear(cameras * 4 * 8 * 8, rank, bias=False)
        self.hidden = nn.Sequential(nn.Linear(rank, 16), nn.ReLU(), nn.Linear(16, 2), nn.Sigmoid(), OutputScale(1000))
        self.last = last

    def forward(self, *cameras):
        seen = torch.cat([tower(x).flatten(1) for tower, x in zip(self.towers, cameras, strict=True)], 1)
        found = self.hidden(4 * self.rank(seen))
        return found if self.last is None else self.last(found)


class Plain(LowRank):
    """As it, with `outputs` numbers at its end: logits of classes, or a value."""

    def __init__(self, cameras, rank, outputs):
        super().__init__(cameras, rank)
        self.hidden = nn.Sequential(nn.Linear(rank, 16), nn.ReLU(), nn.Linear(16, outputs))


class Summed(nn.Module):
    def forward(self, x):
        return torch.cumsum(x, 1)
