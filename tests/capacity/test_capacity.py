import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from xgaze.capacity.active_subspace import output_jacobian, sensitivity_matrix
from xgaze.capacity.embeddings import captured, collect_embeddings
from xgaze.capacity.layer_capacity import layer_capacity, layer_outputs
from xgaze.capacity.spectra import components_for, effective_rank, participation_ratio, variance_shares
from xgaze.data.contract import collate, rows_of
from xgaze.errors import InputError
from xgaze.models.registry import build


def test_n_equal_shares_count_as_n():
    shares = variance_shares(np.ones(8))
    assert effective_rank(shares) == pytest.approx(8) and participation_ratio(shares) == pytest.approx(8)
    assert components_for(shares) == 8 and components_for(shares, 0.5) == 4


def test_99_percent_means_of_variance_not_of_singular_values():
    singular = np.array([10.0, 1.0, 1.0])
    assert components_for(variance_shares(singular**2), 0.98) == 1
    assert components_for(variance_shares(singular), 0.98) == 3


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30).filter(lambda v: sum(v) > 1e-3))
def test_measures_lie_between_one_and_the_width(values):
    shares = variance_shares(values)
    assert shares.sum() == pytest.approx(1)
    for measure in (effective_rank, participation_ratio, components_for):
        assert 1 - 1e-9 <= measure(shares) <= len(values) + 1e-9


def test_a_constant_layer_has_no_spectrum():
    with pytest.raises(ValueError, match="constant"):
        variance_shares(np.zeros(3))


def test_the_jacobian_of_a_linear_tail_is_its_weight():
    tail = nn.Linear(5, 2)
    jacobian = output_jacobian(tail, torch.randn(7, 5))
    assert torch.allclose(jacobian, tail.weight.expand(7, 2, 5))
    expected = (tail.weight.T @ tail.weight).detach().numpy()
    assert np.allclose(sensitivity_matrix(tail, torch.randn(7, 5)), expected, atol=1e-6)


@pytest.mark.parametrize("planted", [1, 2, 3, 5])
def test_a_planted_output_dimension_is_found(planted):
    """The tail reads `planted` directions of a 24-wide embedding whose own variance is spread over all of it."""
    torch.manual_seed(planted)
    layer = nn.Linear(40, 24)
    tail = nn.Sequential(nn.Linear(24, planted), nn.Tanh(), nn.Linear(planted, 8))
    nn.init.orthogonal_(tail[0].weight)
    nn.init.orthogonal_(tail[2].weight)
    features = np.random.default_rng(0).normal(size=(1500, 40)).astype(np.float32)
    capacity = layer_capacity("head.x", layer, tail, features)
    assert capacity.expected_rank == planted
    assert capacity.components_99["output"] > 15
    assert capacity.components_99["prediction"] >= planted


def test_outputs_in_blocks_are_the_layers_outputs():
    layer = nn.Linear(6, 3)
    features = np.random.default_rng(0).normal(size=(1100, 6)).astype(np.float32)
    assert torch.allclose(layer_outputs(layer, features), layer(torch.from_numpy(features)), atol=1e-6)


def test_embeddings_are_what_flows_through_the_module(tmp_path, gaze_recording):
    spec = gaze_recording.spec
    model = build("multi-eye", {"first_stride": 1, "conv3_stride": 1, "conv3_padding": 2, "lrn": False}, spec).eval()
    rows = rows_of(gaze_recording, "test")
    stored = collect_embeddings(model, "head.embedding", gaze_recording, rows, tmp_path / "e.npy", "input")
    batch = collate([gaze_recording[int(row)] for row in rows], spec)
    with torch.no_grad():
        expected = model.features(*batch.inputs).numpy()
    assert isinstance(stored, np.memmap) and np.allclose(stored, expected, atol=1e-6)
    assert [p.name for p in tmp_path.iterdir()] == ["e.npy"]


def test_a_wrong_module_path_names_the_nearest(gaze_recording):
    model = nn.Sequential(nn.Linear(2, 2))
    with pytest.raises(InputError, match="no module '1'"), captured(model, "1", "output"):
        pass


def test_hooks_always_leave():
    model = nn.Sequential(nn.Linear(2, 2))
    with pytest.raises(RuntimeError), captured(model, "0", "output"):
        raise RuntimeError
    assert not model[0]._forward_hooks


FEATURES = np.random.default_rng(0).normal(size=(600, 6)).astype(np.float32)


def test_a_layer_with_a_single_output_has_rank_one():
    capacity = layer_capacity("head.x", nn.Linear(6, 1), nn.Linear(1, 2), FEATURES)
    assert (capacity.expected_rank, set(capacity.components_99.values())) == (1, {1})
    assert capacity.singular_share == capacity.output_share == capacity.active_share == [1.0]
    assert (capacity.effective_rank, capacity.participation_ratio) == (1.0, 1.0)


def constant(layer):
    nn.init.zeros_(layer.weight)
    return layer


def diverged(layer):
    nn.init.constant_(layer.weight, torch.nan)
    return layer


@pytest.mark.parametrize(
    ("layer", "tail", "message"),
    [
        (constant(nn.Linear(6, 3)), nn.Linear(3, 2), "'head.x' puts out the same values for all 600 samples"),
        (nn.Linear(6, 3), constant(nn.Linear(3, 2)), "what follows 'head.x' makes of it the same values"),
        (nn.Linear(6, 3), nn.Threshold(1e9, 0.5), "what follows 'head.x' makes of it the same values"),
        (diverged(nn.Linear(6, 3)), nn.Linear(3, 2), "'head.x' puts out values that are not finite"),
        (nn.Linear(6, 3), diverged(nn.Linear(3, 2)), "makes of it values that are not finite"),
    ],
)
def test_outputs_without_variance_are_refused_in_words(layer, tail, message):
    with pytest.raises(InputError, match=message):
        layer_capacity("head.x", layer, tail, FEATURES)


def test_one_output_of_the_model_makes_one_direction():
    torch.manual_seed(0)
    capacity = layer_capacity("head.x", nn.Linear(6, 4), nn.Linear(4, 1), FEATURES)
    assert capacity.expected_rank == 1 and capacity.active_share[0] == pytest.approx(1)
