import numpy as np
import pytest
import torch
from torch import nn

from xgaze.capacity.layer_capacity import layer_capacity, layer_outputs
from xgaze.capacity.sensitivity import (
    SensitivityPoint,
    channel_importance,
    channel_sensitivity,
    least_kept,
    rank_sensitivity,
)
from xgaze.compression.surgeries.base import Probe
from xgaze.compression.surgeries.low_rank import plan_low_rank
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead

PLANTED = range(1, 17)


class Net(nn.Module):
    """Eight maps, of which the outputs read channels 2 and 5 only, 5 three times as strongly."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 1)
        self.fc = nn.Linear(8, 2, bias=False)
        self.unused = nn.Linear(2, 2)
        with torch.no_grad():
            self.conv.weight.copy_(torch.ones(8, 1, 1, 1))
            self.conv.bias.zero_()
            self.conv.weight[0] = 50  # the loudest channel, which nobody reads
            self.fc.weight.zero_()
            self.fc.weight[0, 2], self.fc.weight[1, 5] = 1, 3

    def forward(self, x):
        return self.fc(self.conv(x).mean(dim=(2, 3)))


BATCHES = [(torch.full((3, 1, 4, 4), 1.0),), (torch.full((2, 1, 4, 4), 2.0),)]
TRUTH = np.array([[1, 3]] * 3 + [[2, 6]] * 2, np.float32)


def score(outputs):
    return float(np.abs(outputs - TRUTH).sum(axis=1).mean())


def test_importance_is_the_squared_change_of_the_outputs_when_a_channel_goes():
    importance = channel_importance(Net(), ["conv"], BATCHES)["conv"]
    mean_square = (3 * 1 + 2 * 4) / 5
    expected = torch.zeros(8, dtype=torch.float64)
    expected[2], expected[5] = mean_square, 9 * mean_square
    assert torch.allclose(importance, expected)


def test_importance_does_not_depend_on_how_samples_are_batched():
    whole = [(torch.cat([batch[0] for batch in BATCHES]),)]
    model = Net()
    split, joined = (channel_importance(model, ["conv", "fc"], one) for one in (BATCHES, whole))
    assert all(torch.allclose(split[name], joined[name]) for name in split)


def test_a_curve_tells_the_error_of_what_is_kept():
    points = channel_sensitivity(Net(), ["conv", "fc"], BATCHES, score)
    assert [(p.layer, p.kept, p.kept_share) for p in points] == [
        *(("conv", kept, kept / 8) for kept in (8, 6, 4, 2, 1)),
        ("fc", 2, 1.0),
        ("fc", 1, 0.5),
    ]
    mean = 1.4  # of the samples' brightness
    assert [p.error for p in points] == pytest.approx([0, 0, 0, 0, mean, 0, mean], abs=1e-6)


def test_the_least_that_holds_needs_all_larger_ones_to_hold():
    errors = {8: 10.0, 4: 10.1, 2: 10.5, 1: 10.15}
    points = [SensitivityPoint("a", kept / 8, kept, error) for kept, error in errors.items()]
    assert [least_kept(points, percent)["a"] for percent in (0, 1, 2, 5)] == [8, 4, 4, 1]


def test_shares_may_be_held_within_points():
    points = [SensitivityPoint("a", kept / 8, kept, error) for kept, error in ((8, 0.1), (4, 0.115), (1, 0.2))]
    assert [least_kept(points, most, whole=1.0)["a"] for most in (1, 2, 10.5)] == [8, 4, 1]


def test_measuring_leaves_the_model_as_it_was():
    model = Net().eval()
    with torch.no_grad():
        before = model(*BATCHES[0])
        channel_sensitivity(model, ["conv"], BATCHES, score)
        assert torch.equal(model(*BATCHES[0]), before)
    assert not model.conv._forward_hooks and all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize(
    ("layer", "message"),
    [("cnv", "did you mean 'conv'"), ("", "is a Net"), ("unused", "'unused' is not used when the model runs")],
)
def test_layers_without_channels_are_refused(layer, message):
    with pytest.raises(InputError, match=message):
        channel_sensitivity(Net(), [layer], BATCHES, score)


def test_the_rank_curve_is_what_factoring_gives(planted_head):
    layer, tail, features = planted_head(6, 2.0, balanced=True)
    inputs = torch.from_numpy(features)
    seen = []
    rank_sensitivity("head.x", layer, tail, features, lambda out: seen.append(out) or 0.0, [1, 3, 6])
    for rank, found in zip([1, 3, 6], seen, strict=True):
        model, probe = FeatureHead(), Probe((), inputs)
        model.head = nn.Sequential(nn.Linear(*layer.weight.shape[::-1]), *tail)
        model.head[0].load_state_dict(layer.state_dict())
        plan_low_rank(model, "head.0", rank, probe).apply(model, probe)
        with torch.no_grad():
            assert np.allclose(found, model.head(inputs).numpy(), atol=1e-4 * np.abs(found).max())


def test_ranks_the_layer_does_not_have_are_refused(planted_head):
    layer, tail, features = planted_head(1, 2.0, balanced=True)
    with pytest.raises(InputError, match=r"'head\.x' has no rank 129; give ranks from 1 to 128"):
        rank_sensitivity("head.x", layer, tail, features, lambda _: 0.0, [129])


def unexplained(truth):
    """Share of the variance of `truth` that outputs leave."""
    return lambda outputs: float(np.square(outputs - truth).sum() / np.square(truth - truth.mean(axis=0)).sum())


def figures_of(layer, tail, features, ranks):
    """The rank that capacity expects, and the least that keeps 99 % of the output's variance without training."""
    with torch.no_grad():
        truth = tail(layer_outputs(layer, features)).numpy()
    points = rank_sensitivity("head.x", layer, tail, features, unexplained(truth), ranks)
    needed = next(point.kept for point in points if point.error <= 0.01)
    return layer_capacity("head.x", layer, tail, features).expected_rank, needed


@pytest.mark.parametrize(("decay", "balanced"), [(1.0, False), (2.0, False), (2.0, True), (3.0, True)])
def test_a_planted_output_dimension_is_expected_within_a_factor_of_one_and_a_half(planted_head, decay, balanced):
    figures = [figures_of(*planted_head(q, decay, balanced), range(1, 21)) for q in PLANTED]
    expected, needed = np.array(figures, float).T
    assert 1 / 1.5 <= np.median(expected / np.array(PLANTED)) <= 1.5
    assert 1 / 1.2 <= np.median(expected / needed) <= 1.2
    assert np.all((expected / needed >= 1 / 1.5) & (expected / needed <= 1.5))


def test_directions_that_hardly_move_are_not_counted_and_not_needed(planted_head):
    """Where the embedding's variance falls off steeply, fewer directions than planted carry 99 % of the output."""
    expected, needed = figures_of(*planted_head(16, 3.0, balanced=False), range(1, 21))
    assert expected < 12 and needed < 12 and 1 / 1.5 <= expected / needed <= 1.5


def test_a_model_without_such_layers_has_no_curve():
    assert channel_sensitivity(nn.Linear(3, 2), [], [(torch.ones(4, 3),)], lambda _: 0.0) == []
