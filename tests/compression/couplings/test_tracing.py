"""Exact coupling: every topology is cut and compared with exact zeroing; what cannot be traced is refused."""

import runpy
from pathlib import Path

import pytest
import torch

from xgaze.compression.couplings.tracing import Slot, trace_units
from xgaze.compression.surgeries.cut import Cut

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
NETS = runpy.run_path(str(BENCHMARKS / "topologies.py"))
judged = runpy.run_path(str(BENCHMARKS / "couplings.py"))["judged"]
SIDE, TOPOLOGIES, LEFT = NETS["SIDE"], NETS["CUT"], NETS["LEFT"]
Flattened = NETS["Flattened"]
SeparateTowers = NETS["SeparateTowers"]
SharedTower = NETS["SharedTower"]
ChannelsLast = NETS["ChannelsLast"]
BothEyesInOneBatch = NETS["BothEyesInOneBatch"]
Residual = NETS["Residual"]
ON_THE_WAY = [Flattened, SeparateTowers, SharedTower, ChannelsLast, BothEyesInOneBatch]
built, cut_to = NETS["built"], NETS["cut_to"]


@pytest.fixture
def probe():
    return NETS["random_probe"]()


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_the_cut_model_equals_the_one_with_the_channels_zeroed(topology):
    (verdict,) = judged(topology, ["xgaze"])
    assert verdict.outcome == "exact" and verdict.difference <= 1e-6, verdict.why
    assert not verdict.also


@pytest.mark.parametrize("topology", LEFT)
def test_what_cannot_be_cut_exactly_is_refused(topology):
    (verdict,) = judged(topology, ["xgaze"])
    assert verdict.outcome == "refused" and verdict.why


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_a_cut_is_repeated_on_a_fresh_model_by_its_record(topology, probe):
    model, fresh = built(topology), built(topology)
    cut = cut_to(model, probe, {"a": topology.left})
    cut.apply(model, probe)
    assert len(model.a.weight) == topology.left
    Cut(**{"removed": dict(cut.removed), "kind": cut.kind}).reshape(fresh)
    fresh.load_state_dict(model.state_dict())
    with torch.no_grad():
        assert torch.equal(fresh(*probe.inputs), model(*probe.inputs))


@pytest.mark.parametrize("topology", ON_THE_WAY)
def test_masking_on_the_way_hides_no_channel(topology, probe):
    class Masked(topology):
        def features(self, x, y):
            found = torch.nan_to_num(super().features(x, y))
            found[:, ::5] = 0.0
            return torch.where(found > 0, found, 0.0).masked_fill(found > 1, 1.0)

    assert trace_units(built(Masked), probe.inputs, ["a"]) == trace_units(built(topology), probe.inputs, ["a"])


@pytest.mark.parametrize("topology", ON_THE_WAY)
def test_what_vanishes_on_the_way_is_refused_in_every_topology(topology, probe):
    class Vanishing(topology):
        def features(self, x, y):
            return (super().features(x, y) > 0).to(x.dtype)

    units, untraced = trace_units(built(Vanishing), probe.inputs, ["a"])
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
