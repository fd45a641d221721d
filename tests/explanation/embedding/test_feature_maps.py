"""Outputs of layers and their mean activation, of a model whose outputs are known."""

import numpy as np
import pytest
import torch
from torch import nn

from xgaze.data.contract import collate, rows_of
from xgaze.errors import InputError
from xgaze.explanation.embedding.feature_maps import feature_maps, layer_names, mean_activations


@pytest.fixture
def model():
    """Two 1x1 convolutions, of which one puts out the picture and the other zeros; then their means."""
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(2 * 40 * 40, 2))
    net[0].weight.data = torch.tensor([1.0, 0.0]).view(2, 1, 1, 1)
    net[0].bias.data.zero_()
    return net


def test_mean_activation_is_that_of_all_values_over_all_samples(model, class_recording):
    rows = rows_of(class_recording, "test")
    pictures = np.concatenate([collate([class_recording[int(row)]], class_recording.spec).inputs[0] for row in rows])
    found = {one.layer: one for one in mean_activations(model, class_recording, rows, layer_names(model))}
    assert list(found) == ["0", "1", "2", "3"] and found["0"].kind == "Conv2d" and found["0"].shape == (2, 40, 40)
    assert found["0"].mean == pytest.approx(pictures.mean() / 2, rel=1e-4)
    assert found["0"].mean_absolute == pytest.approx(np.abs(pictures).mean() / 2, rel=1e-4)  # before the in-place ReLU
    assert found["1"].mean == pytest.approx(pictures.clip(0).mean() / 2, rel=1e-4)
    assert found["1"].silent_share == pytest.approx(0.5 + (pictures <= 0).mean() / 2)
    assert (found["1"].channels, found["1"].dead_channels) == (2, 1)


def test_feature_maps_are_what_a_layer_puts_out_for_one_sample(model, class_recording):
    maps = feature_maps(model, class_recording, 3, ["0", "3"])
    picture = collate([class_recording[3]], class_recording.spec).inputs[0]
    np.testing.assert_allclose(maps["0"][0], picture[0, 0], rtol=1e-6)
    assert not maps["0"][1].any() and maps["3"].shape == (2,)
    assert not model[0]._forward_hooks


def test_a_layer_that_is_not_there_is_told_with_the_nearest(model):
    named = nn.Sequential()
    named.add_module("conv", model[0])
    with pytest.raises(InputError, match="no layer 'conf'; did you mean 'conv'"):
        layer_names(named, ["conf"])
    assert layer_names(named, ["conv"]) == ["conv"]
