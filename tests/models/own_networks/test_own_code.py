"""A network that does in training what no graph keeps is trained by its own code, whatever became of its layers."""

import copy
import importlib
import random
from pathlib import Path

import pytest
import torch
from torch import nn

from xgaze.data.contract import InputSpec, Spec
from xgaze.models.own_networks.fidelity import outputs
from xgaze.models.own_networks.imported import build_imported

EYES = Spec((InputSpec("left", (1, 12, 16)), InputSpec("right", (1, 12, 16))), "gaze", scene=(800, 600))


@pytest.fixture
def built(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)
    importlib.import_module("own_networks")
    return lambda name: build_imported(f"own_networks:{name}", {}, EYES)


def eyes(n=4):
    return tuple(torch.ones(n, 1, 12, 16) * k for k in (1, 2))


def test_one_eye_by_chance_is_blank_in_training_and_none_in_use(built):
    model = built("ViewLeftOut").train()
    blank = model.features(*(x * 0 for x in eyes()))
    torch.manual_seed(0)
    found = {
        tuple(
            half.equal(none) for half, none in zip(model.features(*eyes()).chunk(2, 1), blank.chunk(2, 1), strict=True)
        )
        for _ in range(20)
    }
    assert found == {(True, False), (False, True)}
    assert torch.equal(model.eval().features(*eyes()), model.eval().features(*eyes()))


def test_layers_put_in_the_place_of_others_are_those_that_training_uses(built):
    model = built("StochasticDepth").train()
    model.features_net.set_submodule("block", nn.Identity())
    random.seed(0)
    whole = model.features_net.eval()(*eyes())
    model.train()
    assert all(
        torch.equal(model.features(*eyes()), whole) for _ in range(20)
    )  # a block that does nothing may be skipped


def test_a_copy_trains_its_own_weights_and_counts_its_own_statistics(built):
    model = built("SkippedNorm").train()
    twin = copy.deepcopy(model)
    random.seed(0)
    for _ in range(4):
        twin(*eyes()).sum().backward()
    assert all(one.grad is not None for one in twin.parameters())
    assert all(one.grad is None for one in model.parameters())
    counted = [int(one.features_net.norm.num_batches_tracked) for one in (model, twin)]
    assert counted[0] == 0 < counted[1]
    assert "own_code" not in " ".join(model.state_dict())


def test_weights_moved_to_another_kind_are_moved_for_training_too(built):
    model = built("SkippedNorm").double().train()
    assert model.features(*(x.double() for x in eyes())).dtype == torch.float64
    assert outputs(model, tuple(x.double() for x in eyes())).dtype == torch.float64
