"""Columns of the first linear layer: chosen by their norm, and kept as they are."""

import numpy as np
import pytest
import torch
from torch import nn

from xgaze.compression.surgeries.base import Probe
from xgaze.compression.surgeries.columns import Columns, plan_columns
from xgaze.compression.surgeries.low_rank import LowRank
from xgaze.compression.surgeries.proof import outputs_of
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead

WIDTH = 24
LAYER = "head.first"


class Net(FeatureHead):
    def __init__(self, width=WIDTH, outputs=6, bias=True):
        super().__init__()
        torch.manual_seed(0)
        first = nn.Linear(width, outputs, bias=bias)
        self.head = nn.Sequential()
        self.head.add_module("first", first)
        self.head.add_module("act", nn.ReLU())
        self.head.add_module("last", nn.Linear(outputs, 2))


def mixed(samples=300):
    """Correlated features of unequal variance, far from mean zero."""
    torch.manual_seed(1)
    return torch.randn(samples, WIDTH) @ torch.randn(WIDTH, WIDTH) * torch.linspace(0.3, 3, WIDTH) + 5


@pytest.fixture
def model():
    return Net().eval()


@pytest.fixture
def probe():
    return Probe((), mixed())


def weights(model):
    return model.head.first.weight.detach().double().numpy()


def test_columns_are_chosen_by_the_norm_of_their_weights(model):
    norm = np.linalg.norm(weights(model), axis=0)
    assert plan_columns(model, LAYER, 7) == Columns(LAYER, tuple(sorted(np.argsort(norm)[-7:].tolist())))


def test_the_layer_equals_the_one_whose_columns_are_zero(model, probe):
    w, bias = model.head.first.weight.detach().clone(), model.head.first.bias.detach().clone()
    w[:, [k for k in range(WIDTH) if k not in (9, 1)]] = 0
    expected = probe.features @ w.T + bias
    proof = Columns(LAYER, (9, 1)).apply(model, probe)
    assert torch.allclose(model.head.first(probe.features), expected, rtol=1e-5, atol=1e-5)
    assert proof.value <= 1e-5 and proof.kind == "largest change of the output"


def test_a_single_output_and_a_layer_without_bias_are_fine(probe):
    model = Net(outputs=1, bias=False).eval()
    plan_columns(model, LAYER, 3).apply(model, probe)
    assert model.head.first.linear.weight.shape == (1, 3) and model.head.first.linear.bias is None


def test_columns_of_a_reduced_layer_are_columns_of_the_features(model, probe):
    LowRank(LAYER, 2).apply(model, probe)
    Columns(f"{LAYER}.reduce", tuple(range(12))).apply(model, probe)
    assert model.head.first.reduce.linear.weight.shape == (2, 12)
    assert "head.first.reduce.select.indices" not in model.state_dict()


@pytest.mark.parametrize(
    ("layer", "keep", "message"),
    [
        (LAYER, (), "none, or named twice"),
        (LAYER, (1, 1), "none, or named twice"),
        (LAYER, (0, 24), r"0\.\.24 is outside 0\.\.23"),
        (LAYER, (-1, 3), r"-1\.\.3 is outside"),
        ("head.act", (0,), "a ReLU, not a linear layer"),
        ("head.nowhere", (0,), "not in the model"),
        ("head.last", (0,), "does not read the model's features"),
    ],
)
def test_impossible_columns_are_refused_and_leave_the_model_as_it_was(model, probe, layer, keep, message):
    before = outputs_of(model.head, probe.features)
    with pytest.raises(InputError, match=message):
        Columns(layer, keep).apply(model, probe)
    assert torch.equal(outputs_of(model.head, probe.features), before)


@pytest.mark.parametrize("count", [0, 25])
def test_an_impossible_number_of_columns_is_refused(model, probe, count):
    with pytest.raises(InputError, match=rf"{count} is outside 1\.\.24"):
        plan_columns(model, LAYER, count)


def test_a_failed_proof_restores_the_layer(model, probe):
    before = model.head.first
    broken = Probe((), probe.features.clone())
    broken.features[0, 3] = torch.inf
    with pytest.raises(InputError, match=r"surgery on head\.first refused"):
        Columns(LAYER, (3, 4)).apply(model, broken)
    assert model.head.first is before
