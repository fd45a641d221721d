"""Separable filters: exact where they are already, else what their singular values predict."""

import pytest
import torch

from xgaze.compression.surgeries.low_rank import LowRank
from xgaze.compression.surgeries.proof import outputs_of
from xgaze.compression.surgeries.separable import Separable, plan_separable
from xgaze.errors import InputError

LAYER = "head.embedding"


@pytest.fixture
def reduced(model, probe):
    LowRank(LAYER, 4).apply(model, probe)
    return model


def separable(model, terms):
    return Separable(f"{LAYER}.reduce", terms, *model.feature_shape)


def test_the_features_are_flattened_maps(model, gaze_recording):
    inputs = [torch.randn(2, *one.shape) for one in gaze_recording.spec.inputs]
    with torch.no_grad():
        maps = torch.cat([tower(x) for tower, x in zip(model.towers, inputs, strict=True)], dim=1)
        assert torch.equal(maps.flatten(1), model.features(*inputs))
    assert tuple(maps.shape[1:]) == model.feature_shape


def test_filters_that_are_separable_already_stay_as_they_are(reduced, probe):
    channels, height, width = reduced.feature_shape
    layer = reduced.get_submodule(f"{LAYER}.reduce")
    with torch.no_grad():
        outer = torch.randn(4, channels, height, 1) @ torch.randn(4, channels, 1, width)
        layer.weight.copy_(outer.flatten(1))
    before = outputs_of(reduced.head, probe.features)
    separable(reduced, 1).apply(reduced, probe)
    assert torch.allclose(outputs_of(reduced.head, probe.features), before, rtol=1e-4)


@pytest.mark.parametrize("terms", [1, 3])
def test_separable_filters_lose_what_their_singular_values_predict(reduced, probe, terms):
    channels, height, width = reduced.feature_shape
    proof = separable(reduced, terms).apply(reduced, probe)
    assert proof.value <= 1e-5
    layer = reduced.get_submodule(f"{LAYER}.reduce")
    assert sum(p.numel() for p in layer.parameters()) == 4 * channels * terms * (height + width)


def test_impossible_separable_filters_are_refused(reduced, probe):
    with pytest.raises(InputError, match="terms; a"):
        separable(reduced, 4).apply(reduced, probe)
    with pytest.raises(InputError, match="expected a linear layer without bias on 1x2x3 maps"):
        Separable(f"{LAYER}.reduce", 1, 1, 2, 3).apply(reduced, probe)


def test_a_plan_reads_the_maps_off_the_model_and_needs_some(reduced):
    path = f"{LAYER}.reduce"
    assert plan_separable(reduced, path, 2) == Separable(path, 2, 16, 4, 4)
    with pytest.raises(InputError, match=r"4 terms; a 4x4 filter allows 1\.\.3"):
        plan_separable(reduced, path, 4)
    with pytest.raises(InputError, match="expected a linear layer without bias on 16x4x4 maps"):
        plan_separable(reduced, "head.hidden", 1)
    reduced.feature_shape = None
    assert plan_separable(reduced, path, 2) is None
