"""Widths by what they cost: known costs, the cheapest loss first, never dearer than even widths."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from xgaze.compression.build import build_student
from xgaze.compression.couplings.tracing import trace_units
from xgaze.compression.plan import Plan
from xgaze.compression.search.smallest import whole_plan
from xgaze.compression.surgeries.base import Probe
from xgaze.compression.width_allocation import Costs, allocated
from xgaze.models.layers import FeatureHead, Float32Sequential
from xgaze.models.size import count_macs, count_parameters

INPUTS = (torch.randn(2, 1, 12, 12, generator=torch.Generator().manual_seed(0)),)
SPEC = SimpleNamespace(inputs=[SimpleNamespace(shape=(1, 12, 12))])
LAYERS = ("a", "b")


class Chain(FeatureHead):
    """Many cheap places and few weights, then few places and many weights."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(1, 16, 3, padding=1, bias=False)
        self.b = nn.Conv2d(16, 32, 3, stride=4, padding=1, bias=False)
        self.head = Float32Sequential(nn.Linear(32 * 9, 8, bias=False), nn.Linear(8, 2, bias=False))
        self.feature_shape = (32, 3, 3)

    def features(self, x):
        return torch.relu(self.b(torch.relu(self.a(x)))).flatten(1)


@pytest.fixture(scope="module")
def chain():
    torch.manual_seed(0)
    return Chain().eval()


@pytest.fixture(scope="module")
def units(chain):
    found, why = trace_units(chain, INPUTS, list(LAYERS))
    assert not why
    return {name: [unit for unit in found if unit.of(name)] for name in LAYERS}


def scored(units, of):
    return {unit: of[name] * (1 + unit.of(name)[0] / 100) for name, own in units.items() for unit in own}


def test_a_layer_costs_half_of_its_share_of_weights_and_half_of_that_of_products(chain):
    costs = Costs(chain, INPUTS, {})
    weights, macs = (
        {"a": 144, "b": 4608, "head.0": 2304, "head.1": 16},
        {"a": 20736, "b": 41472, "head.0": 2304, "head.1": 16},
    )
    assert (sum(weights.values()), sum(macs.values())) == (count_parameters(chain), count_macs(chain, SPEC))
    expected = {name: weights[name] / 7072 / 2 + macs[name] / 64528 / 2 for name in weights}
    assert costs.share == pytest.approx(expected) and sum(costs.share.values()) == pytest.approx(1)
    left = costs.whole.copy()
    left["a", "out"] -= 4
    left["b", "in"] -= 4
    left["b", "out"] -= 16
    assert costs.of(["a", "b"], left) == pytest.approx(expected["a"] * 3 / 4 + expected["b"] * 3 / 4 / 2)


def test_layers_that_will_be_thin_cost_what_they_will(chain):
    costs = Costs(chain, INPUTS, {"head.0": 100})
    assert costs.share["head.0"] == pytest.approx(100 / (7072 - 2204) / 2 + 100 / (64528 - 2204) / 2)


def test_the_layer_that_matters_little_goes_first(chain, units):
    even = {"a": 12, "b": 24}
    assert allocated(chain, INPUTS, units, scored(units, {"a": 1e3, "b": 1}), even, 4, {})["a"] == 16
    assert allocated(chain, INPUTS, units, scored(units, {"a": 1, "b": 1e3}), even, 4, {})["b"] == 32


def test_never_below_one_step_and_others_stay(chain, units):
    found = allocated(chain, INPUTS, units, scored(units, {"a": 1, "b": 1}), {"a": 1, "b": 1, "other": 5}, 4, {})
    assert found == {"a": 4, "b": 4, "other": 5}


@settings(max_examples=25, deadline=None)
@given(st.floats(0.01, 100), st.sampled_from([4, 8, 12]), st.sampled_from([4, 12, 24, 28]))
def test_never_dearer_than_even_widths_and_in_steps(matters, a, b):
    torch.manual_seed(0)
    chain = Chain().eval()
    found, _ = trace_units(chain, INPUTS, list(LAYERS))
    units = {name: [unit for unit in found if unit.of(name)] for name in LAYERS}
    widths = allocated(chain, INPUTS, units, scored(units, {"a": matters, "b": 1}), {"a": a, "b": b}, 4, {})
    costs = Costs(chain, INPUTS, {})

    def cost(wide):
        left = costs.whole.copy()
        left.update({("a", "out"): wide["a"] - 16, ("b", "in"): wide["a"] - 16})
        left.update({("b", "out"): wide["b"] - 32, ("head.0", "in"): 9 * (wide["b"] - 32)})
        return costs.of(costs.share, left)

    assert cost(widths) <= cost({"a": a, "b": b}) + 1e-12 and all(one % 4 == 0 and one >= 4 for one in widths.values())


@pytest.mark.parametrize(("asked", "by_cost"), [("even", False), ("by-cost", True)])
def test_whole_students_are_planned_as_the_recipe_says(asked, by_cost, chain, make_recipe):
    wanted = make_recipe(distill={"widths": asked}).distill
    capacity = SimpleNamespace(in_features=288, out_features=8, expected_rank=2)
    assert whole_plan(capacity, chain, 0.5, False, wanted).by_cost == by_cost
    assert ("widths" in wanted.model_dump()) == by_cost  # recipes of older runs keep their hashes


def test_a_plan_by_cost_is_another_student_of_about_the_size(chain):
    probe = Probe(INPUTS, torch.randn(64, 288))
    sizes = {}
    for by_cost in (False, True):
        plan = Plan(share=0.5, by_cost=by_cost)
        student, _ = build_student(chain, plan, lambda model: Probe(INPUTS, model.features(*INPUTS).detach()))
        sizes[plan.name] = (len(student.a.weight), len(student.b.weight))
        assert count_parameters(student) < 0.62 * count_parameters(chain)
    assert sizes["towers-0.5"] == (8, 16) and sizes["towers-0.5_by-cost"] != (8, 16)
    assert probe.features.shape == (64, 288) and "widths by what they cost" in plan.in_words
