"""Heads as AlexNet, VGG and MobileNetV3 have them, whose activations work in place, equal those that do not."""

import copy

import pytest
import torch
from torch import nn

from xgaze.capacity.embeddings import captured
from xgaze.capacity.layer_capacity import layer_capacity
from xgaze.capacity.sensitivity import rank_sensitivity
from xgaze.compression.build import build_student
from xgaze.compression.head import tail_of, tail_reading
from xgaze.compression.plan import Plan
from xgaze.compression.surgeries.base import Probe
from xgaze.models.layers import FeatureHead


class Headed(FeatureHead):
    """Flattened pictures, and a head of two hidden layers."""

    def __init__(self, activation, in_place):
        super().__init__()
        self.head = nn.Sequential(
            nn.Linear(36, 12),
            activation(inplace=in_place),
            nn.Dropout(),
            nn.Linear(12, 8),
            nn.ReLU(in_place),
            nn.Linear(8, 2),
        )

    def features(self, x):
        return x.flatten(1)


def twins(activation):
    models = []
    for in_place in (True, False):
        torch.manual_seed(0)
        models.append(Headed(activation, in_place).eval())
    torch.manual_seed(1)
    pictures = torch.randn(300, 1, 6, 6)
    return *models, Probe((pictures[:20],), pictures.flatten(1))


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Hardswish, nn.LeakyReLU, nn.SiLU])
def test_students_are_those_of_the_head_that_does_not_work_in_place(activation):
    over, apart, probe = twins(activation)
    (student, steps), (expected, _) = (build_student(one, Plan(rank=3), lambda _: probe) for one in (over, apart))
    assert [step.surgery.kind for step in steps] == ["low_rank", "low_rank"]
    assert all(torch.equal(own, other) for own, other in zip(student.parameters(), expected.parameters(), strict=True))


def test_capacity_and_sensitivity_read_what_the_layer_put_out():
    def measured(model, probe):
        linear, features = model.head[0], probe.features.numpy()
        tail = tail_reading(model, "head.0", probe.features)
        points = rank_sensitivity("head.0", linear, tail, features, lambda out: float((out**2).mean()), [2, 5, 12])
        return layer_capacity("head.0", linear, tail, features), points

    over, apart, probe = twins(nn.ReLU)
    assert measured(over, probe) == measured(apart, probe)


def test_what_a_tail_is_given_and_what_is_captured_stay_as_they_were():
    over, _, probe = twins(nn.ReLU)
    with torch.no_grad(), captured(over, "head.0", "output") as seen:
        expected = over.head[0](probe.features)
        over.head(probe.features)
        given = copy.deepcopy(expected)
        tail_of(over, "head.0")(given)
    assert torch.equal(seen[1], expected) and torch.equal(given, expected) and (expected < 0).any()
