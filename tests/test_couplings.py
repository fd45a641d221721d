"""The judge of couplings: what is exact, what a wrong cut is, and what refuses or breaks down."""

import runpy
from pathlib import Path

import pytest
import torch
from torch import nn

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SUITE = runpy.run_path(str(BENCHMARKS / "couplings.py"))
NETS = SUITE["NETS"]
AREA = NETS["AREA"]


def judged_with(monkeypatch, cutter, topology="SeparateTowers"):
    """What the judge says of a cut that is made by `cutter`; channels 1 and 6 are asked for."""
    monkeypatch.setitem(SUITE["TOOLS"], "planted", cutter)
    return SUITE["verdict"](NETS["built"](NETS[topology]), NETS["random_probe"](), [1, 6], "planted")


def remove(net, gone, first):
    """Channels of `a`, and as many blocks of the head's columns, counted from the block `first`."""
    keep = [k for k in range(8) if k not in gone]
    net.a.weight, net.a.bias = nn.Parameter(net.a.weight[keep]), nn.Parameter(net.a.bias[keep])
    out = {(first + k) * AREA + pixel for k in gone for pixel in range(AREA)}
    columns = [k for k in range(net.head[0].in_features) if k not in out]
    net.head[0].weight = nn.Parameter(net.head[0].weight[:, columns])
    net.head[0].in_features = len(columns)


def test_a_right_cut_is_exact(monkeypatch):
    found = judged_with(monkeypatch, lambda net, probe, layer, gone: remove(net, gone, first=0))
    assert found.outcome == "exact" and found.difference <= 1e-6 and found.fc_inputs == (16 * AREA, 14 * AREA)


def test_columns_of_the_other_tower_are_a_wrong_cut(monkeypatch):
    found = judged_with(monkeypatch, lambda net, probe, layer, gone: remove(net, gone, first=8))
    assert found.outcome == "wrong" and found.difference > 0.01 and str(found).startswith("wrong ")


def test_other_channels_than_those_asked_for_are_a_wrong_cut(monkeypatch):
    found = judged_with(monkeypatch, lambda net, probe, layer, gone: remove(net, [2, 6], first=0))
    assert found.outcome == "wrong" and found.why == "of 'a' [2, 6] are gone, not [1, 6]"


def test_what_breaks_down_refuses_or_never_ends_is_told(monkeypatch):
    def refusing(net, probe, layer, gone):
        raise SUITE["Refused"]("why\nmore")

    def endless(net, probe, layer, gone):
        with SUITE["limited"](0.05):
            while True:
                pass

    one, other, last = (judged_with(monkeypatch, cutter) for cutter in (refusing, endless, half_a_cut))
    assert (one.outcome, one.why) == ("refused", "why")
    assert (other.outcome, other.why) == ("crashed", "TimeoutError: has not ended after 0.05 CPU seconds")
    assert last.outcome == "crashed" and last.why.startswith("RuntimeError: mat1 and mat2 shapes")
    table = SUITE["in_words"]([one, other, last])
    assert "planted: 2 crashed, 1 refused" in table and f"planted, {one.topology}: refused: why" in table


def half_a_cut(net, probe, layer, gone):
    """Of the first layer alone."""
    net.a.weight, net.a.bias = nn.Parameter(net.a.weight[2:]), nn.Parameter(net.a.bias[2:])


def test_a_tool_that_is_not_installed_is_left_out(monkeypatch):
    monkeypatch.setitem(SUITE["TOOLS"], "no-such-tool", half_a_cut)
    (found,) = SUITE["judged"](NETS["Flattened"], ["no-such-tool"])
    assert found.outcome == "not installed"


@pytest.mark.parametrize(("topology", "widths"), [("AdaptivelyPooled", (6400, 5000)), ("WideAndDeep", (44, 40))])
def test_published_symptoms_come_out_right(topology, widths):
    (found,) = SUITE["judged"](NETS[topology], ["xgaze"])
    assert found.outcome == "exact" and found.fc_inputs == widths


def test_what_is_zeroed_is_zero_where_it_is_read():
    net, probe = NETS["built"](NETS["ThroughSigmoid"]), NETS["random_probe"]()
    with torch.no_grad(), SUITE["zeroed"](net, {"a": [3]}):
        maps = net.features(*probe.inputs).view(5, 8, AREA)
    assert not maps[:, 3].any() and maps[:, [0, 1, 2, 4, 5, 6, 7]].all()
