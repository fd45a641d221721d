"""What layers cost, against closed forms and the totals of the model."""

import pytest
import torch
from safetensors.torch import save
from torch import nn

from xgaze.capacity.layer_costs import BETWEEN, layer_costs, own_amounts
from xgaze.models.registry import build
from xgaze.models.size import count_macs, count_parameters


class Clock:
    """A clock that only moves when a module says so."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Ticking(nn.Module):
    """Takes `before`, runs its part, takes `after`."""

    def __init__(self, clock, before, part=None, after=0.0):
        super().__init__()
        self.clock, self.before, self.after = clock, before, after
        self.part = part

    def forward(self, x):
        self.clock.now += self.before
        x = x if self.part is None else self.part(x)
        self.clock.now += self.after
        return x


class Convolved(nn.Module):
    """One convolution for two pictures, then a linear layer."""

    def __init__(self):
        super().__init__()
        self.tower = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.act = nn.ReLU()
        self.fc = nn.Linear(4 * 6 * 6 * 2, 2)

    def forward(self, a, b):
        return self.fc(torch.cat([self.act(self.norm(self.tower(x))).flatten(1) for x in (a, b)], dim=1))


def by_layer(table):
    return {one.layer: one for one in table}


def test_time_belongs_to_the_innermost_running_module():
    clock = Clock()
    inner = Ticking(clock, 5)
    middle = Ticking(clock, 1, inner, 2)
    model = nn.Sequential(middle, Ticking(clock, 10), inner)
    own = own_amounts(model, [torch.zeros(1)], clock)
    assert {name: own[name] for name in ("0", "0.part", "1")} == {"0": 3, "0.part": 10, "1": 10}
    assert sum(own.values()) == clock.now == 23


def test_watching_leaves_nothing_behind():
    model = Ticking(Clock(), 1)
    own_amounts(model, [torch.zeros(1)], Clock())
    assert not model._forward_hooks and not model._forward_pre_hooks


def test_a_shared_convolution_holds_its_weights_once_and_works_twice():
    costs = by_layer(layer_costs(Convolved(), [torch.zeros(1, 1, 8, 8)] * 2, forwards=2))
    assert (costs["tower"].kind, costs["tower"].parameters) == ("Conv2d", 4 * 9 + 4)
    assert costs["tower"].macs == 2 * 36 * 4 * 9
    assert costs["fc"].macs == 288 * 2 and costs["fc"].bytes == 4 * (288 * 2 + 2)
    assert costs["act"].parameters == costs["act"].macs == costs["act"].bytes == 0
    assert costs["norm"].bytes == 4 * 4 * 4 + 8  # weight, bias, mean and variance, and a 64-bit counter


def test_columns_sum_to_the_whole_model(gaze_recording):
    spec = gaze_recording.spec
    model = build("multi-eye", {"first_stride": 1, "conv3_stride": 1, "conv3_padding": 2, "lrn": False}, spec)
    costs = layer_costs(model, [torch.zeros(1, *one.shape) for one in spec.inputs], forwards=2)
    assert sum(one.parameters for one in costs) == count_parameters(model)
    assert sum(one.macs for one in costs) == count_macs(model, spec)
    assert sum(one.latency_percent for one in costs) == pytest.approx(100)
    assert all(one.latency_percent > 0 for one in costs)
    file = len(save(model.state_dict()))
    assert 0 < file - sum(one.bytes for one in costs) < 8192  # but for the file's table of contents
    assert costs[-1].layer == BETWEEN and costs[-1].parameters == 0


def test_a_layer_that_holds_weights_beside_its_parts_is_a_row_of_its_own():
    costs = by_layer(layer_costs(nn.Sequential(nn.TransformerEncoderLayer(8, 2, 16)), [torch.zeros(1, 3, 8)], 1))
    assert costs["0.self_attn"].parameters == 3 * 8 * 8 + 3 * 8
    assert costs["0.self_attn.out_proj"].parameters == 8 * 8 + 8
    assert "0" not in costs


def test_the_model_and_its_weights_stay_as_they_are():
    model, inputs = Convolved().eval(), [torch.rand(1, 1, 8, 8)] * 2
    before = model(*inputs)
    layer_costs(model, inputs, forwards=1)
    assert torch.equal(model(*inputs), before)
