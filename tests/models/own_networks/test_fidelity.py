"""What counts as the same function, and as a function at all."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from xgaze.data.contract import InputSpec, Spec
from xgaze.models.own_networks.fidelity import (
    apart,
    differences,
    outputs,
    require_function,
    synthetic_batches,
    training_difference,
)

SPEC = Spec((InputSpec("a", (2,)),), "value")


class Times(nn.Module):
    def __init__(self, factor=1.0, share=0.0):
        super().__init__()
        self.factor, self.drop, self.norm = factor, nn.Dropout(share), nn.BatchNorm1d(2)

    def forward(self, x):
        return self.factor * self.drop(self.norm(x)).sum(1, keepdim=True)


def numbers(*values):
    return torch.tensor(values)[:, None]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (numbers(1.0, 2.0), numbers(1.0, 2.5), 0.5),
        (numbers(1000.0, 1000.0), numbers(1000.0, 1000.009), 0),  # 1e-5 of the largest
        (numbers(1000.0, 1000.0), numbers(1000.0, 1000.02), 0.02),
        (numbers(0.0, 100.0), numbers(0.009, 100.0), 0),  # 1e-4 of the spread
        (numbers(0.0, 100.0), numbers(0.011, 100.0), 0.011),
        (numbers(1.0, float("nan")), numbers(1.0, float("nan")), 0),
        (numbers(1.0, float("nan")), numbers(1.0, 1.0), float("inf")),
        (numbers(1.0), numbers(1.0, 1.0), float("inf")),
    ],
)
def test_outputs_are_apart_by_their_largest_difference_beyond_float32(first, second, expected):
    assert apart(first, second) == pytest.approx(expected, rel=1e-2)


@settings(max_examples=25, deadline=None)
@given(st.integers(-9, 9), st.integers(-9, 9))
def test_two_multiples_are_the_same_function_where_they_are_the_same_multiple(one, other):
    found = differences(Times(one), Times(other), synthetic_batches(SPEC))
    assert (found == 0) == (one == other)


def test_synthetic_inputs_are_of_several_sizes_and_scales():
    sizes = [len(one[0]) for one in synthetic_batches(SPEC)]
    assert sizes == [3, 2, 3, 1, 1]
    assert synthetic_batches(SPEC)[1][0].abs().max() > 10 > synthetic_batches(SPEC)[0][0].abs().max()


def test_outputs_leave_modes_and_statistics_as_they_are():
    model = Times()
    model.norm.eval()
    outputs(model, (torch.randn(3, 2),))
    assert (model.training, model.norm.training, int(model.norm.num_batches_tracked)) == (True, False, 0)


@pytest.mark.parametrize("other", [Times(1.1), Times(1.0, 0.5)], ids=["outputs", "what is dropped"])
def test_training_tells_models_apart_that_are_the_same_in_use_or_not(other):
    model, same, batch = Times(), Times(), (torch.randn(4, 2),)
    same.norm = other.norm = model.norm
    assert training_difference(model, same, batch) == 0
    assert training_difference(model, other, batch) > 0


def test_training_is_looked_at_without_a_trace():
    model, state = Times(1.0, 0.5), torch.get_rng_state()
    training_difference(model, model, (torch.randn(4, 2, generator=torch.Generator().manual_seed(0)),))
    assert torch.equal(torch.get_rng_state(), state) and int(model.norm.num_batches_tracked) == 0


def test_a_function_of_each_sample_passes():
    require_function(Times(), synthetic_batches(SPEC)[0])
