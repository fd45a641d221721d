"""Folding linear layers: exact, and never across an activation."""

import pytest
import torch

from xgaze.compression.surgeries.fold import Fold, plan_fold
from xgaze.compression.surgeries.proof import outputs_of
from xgaze.errors import InputError
from xgaze.models.size import count_fc_parameters

LAYER = "head.embedding"


def test_folding_changes_nothing_and_halves_the_layer(model, probe):
    before, size = outputs_of(model.head, probe.features), count_fc_parameters(model)
    plan = plan_fold(model, LAYER, probe)
    assert plan == Fold(LAYER, "head.hidden")
    proof = plan.apply(model, probe)
    assert torch.allclose(outputs_of(model.head, probe.features), before, rtol=1e-5)
    assert proof.value <= 1e-5
    assert count_fc_parameters(model) < 0.55 * size
    assert plan_fold(model, LAYER, probe) is None  # an activation follows now


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
def test_nothing_is_folded_across_an_activation(model, probe, with_head, activation):
    other = with_head(model, embedding_activation=activation).eval()
    assert plan_fold(other, LAYER, probe) is None
    with pytest.raises(InputError, match=r"surgery on head\.embedding and head\.hidden refused"):
        Fold(LAYER, "head.hidden").apply(other, probe)
