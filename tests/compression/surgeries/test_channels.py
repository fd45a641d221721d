"""Which channels go, and the cut itself: groups, hidden units, what must be refused."""

import copy
import runpy
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from xgaze.capacity.sensitivity import channel_importance
from xgaze.compression.couplings.tracing import trace_units
from xgaze.compression.surgeries.channels import plan_going
from xgaze.compression.surgeries.cut import Cut, cut_of, from_ranges, to_ranges
from xgaze.errors import InputError

NETS = runpy.run_path(str(Path(__file__).parents[3] / "benchmarks" / "topologies.py"))
SIDE, Flattened, Grouped, Normalised = (NETS[name] for name in ("SIDE", "Flattened", "Grouped", "Normalised"))
Stepped, Mixed, ThroughSigmoid = (NETS[name] for name in ("Stepped", "Mixed", "ThroughSigmoid"))
built, cut_to = NETS["built"], NETS["cut_to"]


@pytest.fixture
def probe():
    return NETS["random_probe"]()


class ViewedAsEight(Flattened):
    """The number of channels stands in the code."""

    def features(self, x, y):
        return torch.relu(self.a(x)).view(-1, 8 * SIDE * SIDE)


class TimesTheMean(Flattened):
    """The mean over all channels is another one with channels at zero than without them, and no NaN tells of it."""

    def features(self, x, y):
        maps = torch.relu(self.a(x))
        return (maps * maps.nanmean()).flatten(1)


@pytest.mark.parametrize(
    ("topology", "words"),
    [
        (Stepped, "'a' cannot be traced: 8 of its 8 channels vanish"),
        (Mixed, "'a' cannot be traced: its channels arrive mixed at 'head.0'"),
    ],
)
def test_what_cannot_be_traced_stays_and_is_told(topology, words, probe):
    going = plan_going(built(topology), probe, {"a": 4})
    assert words in going.uncut["a"] and going.cut() is None


@pytest.mark.parametrize(
    ("topology", "words"),
    [
        (ViewedAsEight, "surgery on a refused: the layers no longer fit"),
        (TimesTheMean, "surgery on a refused: largest change of the output"),
    ],
)
def test_what_is_no_cut_is_refused_and_the_model_left_alone(topology, words, probe):
    model = built(topology)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(InputError, match=words):
        cut_to(model, probe, {"a": 4}).apply(model, probe)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize("topology", [Flattened, ThroughSigmoid])
def test_columns_of_another_channel_are_refused(topology, probe):
    model, area = built(topology), SIDE * SIDE
    with pytest.raises(InputError, match="surgery on a refused"):
        Cut({"a:out": "2:3", "head.0:in": f"{3 * area}:{4 * area}"}).apply(model, probe)
    assert Cut({"a:out": "2:3", "head.0:in": f"{2 * area}:{3 * area}"}).apply(model, probe).value <= 1e-6


def test_groups_lose_equally_many(probe):
    model = built(Grouped)
    cut = cut_to(model, probe, {"a": 3})  # rounded up to 2 of each group
    assert len(from_ranges(cut.removed["a:out"])) == 4
    removed = from_ranges(cut.removed["b:in"])
    assert sum(index < 4 for index in removed) == 2


def test_an_unbalanced_cut_is_refused(probe):
    model = built(Grouped)
    with pytest.raises(InputError, match="groups must lose equally many"):
        Cut({"a:out": "0:2", "b:in": "0:2"}).apply(model, probe)


def test_a_linear_layer_is_cut_like_a_convolution_and_outputs_never(probe):
    model = built(Flattened)
    assert cut_to(model, probe, {"head.0": 3}).apply(model, probe).value <= 1e-6
    assert (model.head[0].out_features, model.head[2].in_features) == (3, 3)
    assert "they reach the model's output" in plan_going(model, probe, {"head.2": 1}).uncut["head.2"]


def test_nothing_to_remove_is_no_surgery(probe):
    assert cut_to(built(Flattened), probe, {"a": 8}) is None


def test_the_sensitivity_of_a_linear_model_is_its_closed_form(probe):
    """y = V (x * gates) has dy_k/dgate_c = V_kc x_c, so E sum_k of its square is |V_c|^2 E x_c^2."""
    model = built(Flattened)
    model.head = nn.Sequential(nn.Linear(8 * SIDE * SIDE, 5), nn.Linear(5, 2, bias=False))
    with torch.no_grad():
        hidden = model.head[0](model.features(*probe.inputs))
    expected = model.head[1].weight.square().sum(0) * hidden.square().mean(0)
    found = channel_importance(model, ["head.0"], [probe.inputs])["head.0"].float()
    assert torch.allclose(found, expected, rtol=1e-4)


@given(st.sets(st.integers(0, 60), min_size=1))
@settings(max_examples=50, deadline=None)
def test_ranges_say_the_same_as_indices(indices):
    assert from_ranges(to_ranges(sorted(indices))) == sorted(indices)


def test_a_cut_of_units_names_every_layer_once(probe):
    units, _ = trace_units(built(Normalised), probe.inputs, ["a"])
    cut = cut_of(units[:2])
    assert set(cut.removed) == {"a:out", "norm:through", "b:in"}
    assert cut.removed["norm:through"] == "0:2"


def test_malformed_ranges_are_refused():
    with pytest.raises(InputError, match="malformed"):
        from_ranges("0-3")
