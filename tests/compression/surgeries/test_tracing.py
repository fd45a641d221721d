"""Exact coupling: every topology is cut and compared with exact zeroing; what cannot be traced is refused."""

import copy
import runpy
from pathlib import Path

import pytest
import torch

from xgaze.compression.surgeries.cut import Cut, masked
from xgaze.compression.surgeries.tracing import Slot, trace_units

NETS = runpy.run_path(str(Path(__file__).parent / "topologies.py"))
SIDE, TOPOLOGIES = NETS["SIDE"], NETS["TOPOLOGIES"]
Flattened = NETS["Flattened"]
SeparateTowers = NETS["SeparateTowers"]
SharedTower = NETS["SharedTower"]
ChannelsLast = NETS["ChannelsLast"]
BothEyesInOneBatch = NETS["BothEyesInOneBatch"]
Residual = NETS["Residual"]
built, cut_to = NETS["built"], NETS["cut_to"]


@pytest.fixture
def probe():
    return NETS["random_probe"]()


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_the_cut_model_equals_the_one_with_the_channels_zeroed(topology, probe):
    model = built(topology)
    cut = cut_to(model, probe, {"a": 4})
    zeroed = copy.deepcopy(model)
    makers = [part for part in cut._parts() if part[1] in ("out", "through")]
    with torch.no_grad(), masked(zeroed, makers):
        expected = zeroed(*probe.inputs)
    assert cut.apply(model, probe).value <= 1e-6
    with torch.no_grad():
        assert (model(*probe.inputs) - expected).abs().max() <= 1e-6
    assert model.get_submodule("a").out_channels == 4


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_a_cut_is_repeated_on_a_fresh_model_by_its_record(topology, probe):
    model, fresh = built(topology), built(topology)
    cut = cut_to(model, probe, {"a": 6})
    cut.apply(model, probe)
    Cut(**{"removed": dict(cut.removed), "kind": cut.kind}).reshape(fresh)
    fresh.load_state_dict(model.state_dict())
    with torch.no_grad():
        assert torch.equal(fresh(*probe.inputs), model(*probe.inputs))


@pytest.mark.parametrize("topology", [Flattened, SeparateTowers, SharedTower, ChannelsLast, BothEyesInOneBatch])
def test_masking_on_the_way_is_refused_in_every_topology(topology, probe):
    class Masked(topology):
        def features(self, x, y):
            return torch.nan_to_num(super().features(x, y))

    units, untraced = trace_units(built(Masked), probe.inputs, ["a"])
    assert not units and list(untraced) == ["a"] and "vanish before any layer reads them" in untraced["a"]


def test_the_columns_of_one_tower_among_two_are_its_own(probe):
    units, _ = trace_units(built(SeparateTowers), probe.inputs, ["a", "b"])
    area = SIDE * SIDE
    (third,) = [unit for unit in units if Slot("b", "out", 3) in unit.slots]
    assert third.of("head.0", "in") == list(range((8 + 3) * area, (8 + 4) * area))
    assert not third.of("a")


def test_residual_channels_go_together(probe):
    units, _ = trace_units(built(Residual), probe.inputs, ["a", "b"])
    (second,) = [unit for unit in units if Slot("a", "out", 2) in unit.slots]
    assert second.of("b") == [2] and second.of("b", "in") == [2]
