"""Measures of an embedding against closed forms and against the capacity of the whole layer."""

import numpy as np
import pytest
import torch
from torch import nn

from xgaze.capacity.directions import embedding_measures
from xgaze.capacity.layer_capacity import layer_capacity, layer_outputs
from xgaze.errors import InputError


def test_equal_variances_count_in_full_and_the_output_needs_what_it_reads():
    rng = np.random.default_rng(0)
    codes = np.linalg.qr(rng.normal(size=(400, 7)) - 0.0)[0]
    codes = (codes - codes.mean(axis=0)).astype(np.float32)
    tail = nn.Linear(7, 2, bias=False)
    nn.init.zeros_(tail.weight)
    with torch.no_grad():
        tail.weight[0, 0] = tail.weight[1, 1] = 1
    found = embedding_measures(tail, codes)
    assert found["variables"] == 7
    assert found["effective rank"] == pytest.approx(7, abs=0.01)
    assert found["participation ratio"] == pytest.approx(7, abs=0.02)
    assert found["components for 99 % of the embedding's variance"] == 7
    assert found["active-subspace rank"] == 2


def test_the_counts_are_those_of_the_layer(planted_head):
    layer, tail, features = planted_head(5, 1.0, True)
    expected = layer_capacity("fc", layer, tail, features)
    found = embedding_measures(tail, layer_outputs(layer, features).numpy())
    assert found["effective rank"] == pytest.approx(expected.effective_rank, rel=1e-3)
    assert found["participation ratio"] == pytest.approx(expected.participation_ratio, rel=1e-3)
    assert found["components for 99 % of the embedding's variance"] == expected.components_99["output"]
    assert found["components for 99 % of the output's variance"] == expected.components_99["prediction"]
    assert found["active-subspace rank"] == expected.expected_rank == 5


def test_an_embedding_that_never_changes_is_refused():
    with pytest.raises(InputError, match="train the model first"):
        embedding_measures(nn.Linear(3, 2), np.ones((10, 3), np.float32))
