"""A small net of two eyes, and a training that is stopped."""

from contextlib import contextmanager

import pytest
import torch
from torch import nn

from xgaze.training.task import GazeTask


class Eyes(nn.Module):
    def __init__(self):
        super().__init__()
        self.towers = nn.ModuleList(nn.Sequential(nn.Conv2d(1, 4, 9, stride=4), nn.ReLU()) for _ in range(2))
        self.head = nn.Linear(2 * 4 * 64, 2)

    def forward(self, *inputs):
        return self.head(torch.cat([tower(x).flatten(1) for tower, x in zip(self.towers, inputs, strict=True)], 1))


@pytest.fixture
def eyes():
    """A net that begins the same each time it is made."""

    def made():
        torch.manual_seed(0)
        return Eyes()

    return made


@pytest.fixture
def stop_in_last_epoch(monkeypatch):
    """number of an epoch -> a context in which trainings are stopped as it begins."""

    @contextmanager
    def stopping(last):
        begin = GazeTask.on_train_epoch_start

        def begin_or_stop(task):
            begin(task)
            if task.current_epoch == last:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(GazeTask, "on_train_epoch_start", begin_or_stop)
            yield

    return stopping
