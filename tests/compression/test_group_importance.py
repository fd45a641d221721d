"""What channels that go together are worth: torch-pruning's measures on our own groups, against closed forms."""

import runpy
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import torch
import torch_pruning as tp

from xgaze.compression.build import build_student
from xgaze.compression.couplings.tracing import trace_units
from xgaze.compression.group_importance import IMPORTANCES, OUTPUTS, by_magnitude, by_taylor, graded
from xgaze.compression.plan import Plan
from xgaze.compression.surgeries.channels import plan_going
from xgaze.errors import InputError
from xgaze.recipe import Distill

NETS = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "topologies.py"))
SIDE, built = NETS["SIDE"], NETS["built"]
AREA = SIDE * SIDE


def squares(outputs):
    return outputs.square().sum()


@pytest.fixture
def probe():
    return replace(NETS["random_probe"](), loss=squares)


def units_of(model, probe, *layers):
    units, untraced = trace_units(model, probe.inputs, list(layers))
    assert not untraced
    return units


def test_a_recipe_can_name_each():
    assert get_args(Distill.model_fields["importance"].annotation) == tuple(IMPORTANCES)
    assert Distill().importance == Plan().importance == OUTPUTS


def test_magnitude_is_the_sum_of_squares_over_the_layers_of_a_group(probe):
    model = built(NETS["Normalised"])
    torch.nn.init.uniform_(model.norm.weight, 0.5, 2)
    units = units_of(model, probe, "a")
    found = by_magnitude(model, probe, {"a": units})
    made, read = model.a.weight.square().sum((1, 2, 3)), model.b.weight.square().sum((0, 2, 3))
    expected = (made + model.norm.weight.square() + read).detach()
    for unit in units:
        (channel,) = unit.of("a")
        assert found[unit] == pytest.approx(float(expected[channel]), rel=1e-5)


def test_taylor_is_weight_times_gradient_over_the_layers_of_a_group(probe):
    """One linear layer on flattened maps has the gradient of |y|^2 in closed form: dL/dW = 2 sum_n y_n x_n^T."""
    model = built(NETS["Flattened"])
    model.head = torch.nn.Sequential(torch.nn.Linear(8 * AREA, 2))
    units = units_of(model, probe, "a")
    found = by_taylor(model, probe, {"a": units})
    with torch.no_grad():
        features, linear = model.features(*probe.inputs), model.head[0]
        outputs = linear(features)
        read = (linear.weight * (2 * outputs.T @ features)).abs().sum(0).reshape(8, AREA).sum(1)
        back = 2 * outputs @ linear.weight * (features > 0)
        patches = torch.nn.functional.unfold(probe.inputs[0], 3, padding=1)
        gradient = torch.einsum("ncp,nkp->ck", back.reshape(5, 8, AREA), patches)
        made = (model.a.weight.flatten(1) * gradient).abs().sum(1)
    for unit in units:
        (channel,) = unit.of("a")
        assert found[unit] == pytest.approx(float(made[channel] + read[channel]), rel=1e-4)
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("topology", ["Flattened", "Normalised", "GroupedMaker"])
def test_where_torch_pruning_finds_the_same_group_its_scores_are_the_same(topology, probe):
    """From its own graph of dependencies; summed and not normalised, as here."""
    model = built(NETS[topology])
    units = units_of(model, probe, "a")
    with_gradients = graded(model, probe.inputs, squares)
    graph = tp.DependencyGraph().build_dependency(with_gradients, probe.inputs)
    settings = {"group_reduction": "sum", "normalizer": None}
    for ours, theirs in (
        (by_magnitude, tp.importance.GroupMagnitudeImportance(p=2, **settings)),
        (by_taylor, tp.importance.GroupTaylorImportance(**settings)),
    ):
        found = ours(model, probe, {"a": units})
        group = graph.get_pruning_group(with_gradients.a, tp.prune_conv_out_channels, list(range(8)))
        expected = theirs(group)
        assert [found[unit] for unit in units] == pytest.approx([float(expected[unit.of("a")[0]]) for unit in units])


def test_of_a_residual_sum_all_that_goes_counts(probe):
    """With torch-pruning's own graph, which reaches the second layer in another order, its Taylor scores mix channels up."""
    model = built(NETS["Residual"])
    units = units_of(model, probe, "a", "b")
    products = {
        name: (p * p.grad).abs().detach() for name, p in graded(model, probe.inputs, squares).named_parameters()
    }
    squared = {name: p.detach().square() for name, p in model.named_parameters()}
    for measure, of in ((by_magnitude, squared), (by_taylor, products)):
        second = of["b.weight"].sum((1, 2, 3)) + of["b.weight"].sum((0, 2, 3))
        expected = of["a.weight"].sum((1, 2, 3)) + second + of["head.0.weight"].reshape(12, 8, AREA).sum((0, 2))
        found = measure(model, probe, {"a": units})
        assert [found[unit] for unit in units] == pytest.approx([float(expected[unit.of("b")[0]]) for unit in units])


def test_columns_behind_the_second_of_two_towers_are_its_own(probe):
    """As they lie behind those of the first; torch-pruning's own graph takes others."""
    model = built(NETS["SeparateTowers"])
    units = [unit for unit in units_of(model, probe, "a", "b") if unit.of("b")]
    found = by_magnitude(model, probe, {"b": units})
    read = model.head[0].weight[:, 8 * AREA :].square().reshape(12, 8, AREA).sum((0, 2))
    expected = (model.b.weight.square().sum((1, 2, 3)) + read).detach()
    for unit in units:
        assert found[unit] == pytest.approx(float(expected[unit.of("b")[0]]), rel=1e-5)


def test_taylor_without_labels_is_refused(probe):
    model = built(NETS["Flattened"])
    with pytest.raises(InputError, match="no labels are known"):
        plan_going(model, replace(probe, loss=None), {"a": 4}, importance="taylor")


def test_the_measure_that_a_plan_names_says_which_channels_go(probe):
    """Large weights into channels that the outputs barely read: one measure keeps them, the others let them go."""
    model = built(NETS["Flattened"])
    with torch.no_grad():
        model.head[0].weight.reshape(12, 8, AREA)[:, :4] *= 1e-3
        model.a.weight[:4] *= 100
        model.a.bias[:4] = 0
    kept = {}
    for importance in IMPORTANCES:
        plan = Plan(share=0.5, importance=importance)
        student, steps = build_student(
            model, plan, lambda now: replace(probe, features=now.features(*probe.inputs).detach())
        )
        assert [step.surgery.kind for step in steps] == ["channels"]
        kept[importance] = student.a.weight
    assert torch.equal(kept["magnitude"], model.a.weight[:4])
    assert torch.equal(kept["outputs"], model.a.weight[4:]) and torch.equal(kept["taylor"], model.a.weight[4:])
