"""Predictions of several models: those of each alone, and common towers computed once."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from xgaze.data.contract import rows_of
from xgaze.errors import InputError
from xgaze.models.inference import predict, predict_each
from xgaze.models.layers import FeatureHead


class Net(FeatureHead):
    """Towers that overwrite what they read, and a head that does."""

    calls = 0

    def __init__(self, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.tower = nn.Sequential(nn.ReLU(inplace=True), nn.AvgPool2d(8), nn.Conv2d(1, 3, 2), nn.Flatten())
        self.head = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(96, 2))

    def features(self, *inputs):
        self.calls += 1
        return torch.cat([self.tower(x) for x in inputs], 1)


@pytest.fixture
def models():
    """A net, another head on its towers, other towers, and the first net's twin whose towers are one weight away."""
    first, beside, other = Net(0), Net(0), Net(1)
    nn.init.normal_(beside.head[1].weight)
    near = copy.deepcopy(first)
    with torch.no_grad():
        near.tower[2].weight[0, 0, 0, 0] += 1e-3
    return {"first": first, "beside": beside, "other": other, "near": near}


def test_each_predicts_as_alone_and_common_towers_are_computed_once(models, gaze_recording):
    rows, told = rows_of(gaze_recording, "test"), []
    found = predict_each(models, gaze_recording, rows, 16, lambda *done: told.append(done))
    calls = {name: one.calls for name, one in models.items()}
    batches = -(-len(rows) // 16)
    assert calls == {"first": batches, "beside": 1, "other": batches, "near": batches}
    assert told[-1] == (len(rows), len(rows))
    for name, one in models.items():
        np.testing.assert_array_equal(found[name], predict(one, gaze_recording, rows, 16))


def test_the_model_that_predicts_no_numbers_is_named(models, gaze_recording):
    with torch.no_grad():
        models["beside"].head[1].bias[0] = float("nan")
    rows = rows_of(gaze_recording, "test")
    with pytest.raises(InputError, match=f"beside: {len(rows)} of {len(rows)} predictions are no finite numbers"):
        predict_each(models, gaze_recording, rows)
