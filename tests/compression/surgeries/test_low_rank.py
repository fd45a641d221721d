"""Data-aware low rank: its loss in closed form, parity with the textbook."""

import copy

import numpy as np
import pytest
import torch

from xgaze.compression.surgeries.base import Probe
from xgaze.compression.surgeries.low_rank import LowRank, plan_low_rank
from xgaze.compression.surgeries.proof import outputs_of
from xgaze.errors import InputError

LAYER = "head.embedding"


@pytest.mark.parametrize("weighting", ["variance", "sensitivity"])
@pytest.mark.parametrize("rank", [1, 3, 20])
def test_low_rank_loses_exactly_what_its_spectrum_predicts(model, probe, weighting, rank):
    proof = LowRank(LAYER, rank, weighting).apply(model, probe)
    assert proof.value <= 1e-5
    pair = model.get_submodule(LAYER)
    assert pair.reduce.weight.shape == (rank, probe.features.shape[1]) and pair.expand.out_features == 128


def test_low_rank_equals_the_activation_aware_svd(model, probe):
    """The textbook form: truncate W C^1/2 and map back; the bias absorbs the mean."""
    features = probe.features * torch.linspace(0.1, 3, probe.features.shape[1]) + 1
    layer = copy.deepcopy(model.get_submodule(LAYER))
    w, x = layer.weight.detach().double().numpy(), features.double().numpy()
    mean = x.mean(axis=0)
    covariance = np.cov(x.T, bias=True)
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    u, s, vt = np.linalg.svd(w @ root, full_matrices=False)
    textbook = ((u[:, :5] * s[:5]) @ vt[:5] @ np.linalg.pinv(root, rcond=1e-9)) @ (x - mean).T
    LowRank(LAYER, 5).apply(model, Probe(probe.inputs, features))
    ours = (
        model.get_submodule(LAYER)(features).detach().numpy() - layer(torch.from_numpy(mean).float()).detach().numpy()
    )
    assert np.abs(ours - textbook.T).max() < 1e-3 * np.abs(textbook).max()


def test_full_rank_is_exact(model, probe):
    before = outputs_of(model.head, probe.features)
    LowRank(LAYER, 128).apply(model, probe)
    assert torch.allclose(outputs_of(model.head, probe.features), before, rtol=1e-4)


def test_a_layer_of_planted_rank_needs_no_more(model, probe):
    layer = model.get_submodule(LAYER)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(128, 3) @ torch.randn(3, layer.in_features) / 50)
    before = outputs_of(model.head, probe.features)
    LowRank(LAYER, 3).apply(model, probe)
    assert torch.allclose(outputs_of(model.head, probe.features), before, rtol=1e-4)


@pytest.mark.parametrize("rank", [0, 129])
def test_an_impossible_rank_is_refused(model, probe, rank):
    with pytest.raises(InputError, match=rf"rank {rank} is outside 1\.\.128"):
        LowRank(LAYER, rank).apply(model, probe)


@pytest.mark.parametrize("rank", [1, 4])
def test_the_plan_is_the_weighting_that_stays_closer_and_changes_nothing(model, probe, rank):
    before = outputs_of(model.head, probe.features)

    def lost(weighting):
        other = copy.deepcopy(model)
        LowRank(LAYER, rank, weighting).apply(other, probe)
        return float((outputs_of(other.head, probe.features) - before).square().mean())

    plan = plan_low_rank(model, LAYER, rank, probe)
    assert plan == LowRank(LAYER, rank, min(("variance", "sensitivity"), key=lost))
    assert torch.equal(outputs_of(model.head, probe.features), before)


def test_what_is_no_linear_layer_or_has_no_such_rank_is_not_planned(model, probe):
    with pytest.raises(InputError, match=r"rank 129 is outside 1\.\.128"):
        plan_low_rank(model, LAYER, 129, probe)
    with pytest.raises(InputError, match=r"'head\.hidden_activation': it is a ReLU, not a linear layer"):
        plan_low_rank(model, "head.hidden_activation", 1, probe)
