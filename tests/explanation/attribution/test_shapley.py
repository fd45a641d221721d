"""Exact Shapley values per camera against Captum's, additive games and the axioms."""

import numpy as np
import pytest
import torch
from captum.attr import ShapleyValues
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from xgaze.data.contract import InputSpec, Spec
from xgaze.errors import InputError
from xgaze.explanation.attribution.coalitions import coalition_outputs, coalitions
from xgaze.explanation.attribution.method import Question
from xgaze.explanation.attribution.shapley import shapley, shapley_weights
from xgaze.explanation.attribution.targets import Scalar, targets_for
from xgaze.models.layers import FeatureHead

SPEC = Spec(tuple(InputSpec(f"eye{k}", (1, 3, 4)) for k in range(4)), "gaze", scene=(800, 600))
TARGETS = targets_for(SPEC)


class Cameras(nn.Module):
    """Gaze from cameras that depend on each other, or, if additive, do not."""

    def __init__(self, count=4, additive=False):
        super().__init__()
        torch.manual_seed(0)
        self.towers = nn.ModuleList(nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.Tanh()) for _ in range(count))
        self.head = (
            nn.Linear(5, 2) if additive else nn.Sequential(nn.Linear(5, 8), nn.ReLU(inplace=True), nn.Linear(8, 2))
        )
        self.calls = 0

    def forward(self, *inputs):
        self.calls += 1
        return 100 * self.head(sum(tower(x) for tower, x in zip(self.towers, inputs, strict=True)))


def pictures(samples=1, count=4, seed=1):
    torch.manual_seed(seed)
    return tuple(torch.randn(samples, 1, 3, 4) for _ in range(count))


def test_equal_to_captums_over_all_orders():
    model, inputs, baseline, truth = Cameras(), pictures(), pictures(seed=2), torch.tensor([[30.0, 20.0]])
    found = shapley(model, TARGETS, inputs, truth, baseline)
    masks = tuple(torch.full((1, 1, 3, 4), k) for k in range(4))
    for target in TARGETS:
        theirs = ShapleyValues(Scalar(model, target)).attribute(
            inputs, baseline, additional_forward_args=(truth,), feature_mask=masks
        )
        expected = [float(one.flatten()[0]) for one in theirs]
        assert found[target.name][0] == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_all_coalitions_and_all_targets_take_one_forward():
    model = Cameras()
    shapley(model, TARGETS, pictures(), torch.zeros(1, 2), pictures(seed=2))
    assert model.calls == 1


def test_of_an_additive_model_they_are_the_terms():
    model, inputs, baseline = Cameras(additive=True), pictures(3), pictures(seed=2)
    found = shapley(model, TARGETS, inputs, torch.zeros(3, 2), baseline)
    with torch.no_grad():
        for k, tower in enumerate(model.towers):
            term = 100 * (tower(inputs[k]) - tower(baseline[k])) @ model.head.weight.T
            assert np.allclose(found["gaze x"][:, k], term[:, 0], atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 999))
def test_they_sum_to_the_change_of_the_output(count, samples, seed):
    model, inputs, baseline = Cameras(count), pictures(samples, count, seed), pictures(1, count, seed + 1)
    truth = torch.randn(samples, 2)
    found = shapley(model, TARGETS, inputs, truth, baseline)
    with torch.no_grad():
        for target in TARGETS:
            everywhere = [one.expand(samples, -1, -1, -1) for one in baseline]
            change = target.read(model(*inputs), truth) - target.read(model(*everywhere), truth)
            assert np.allclose(found[target.name].sum(axis=1), change, atol=1e-3)


def test_a_batch_gives_what_its_samples_give_alone():
    model, inputs, truth, baseline = Cameras(), pictures(9), torch.randn(9, 2), pictures(seed=2)
    together = shapley(model, TARGETS, inputs, truth, baseline)["error"]
    alone = [shapley(model, TARGETS, [x[k : k + 1] for x in inputs], truth[k : k + 1], baseline) for k in range(9)]
    assert np.allclose(together, np.concatenate([one["error"] for one in alone]), atol=1e-4)


def test_a_camera_that_is_ignored_gets_nothing_and_twins_get_the_same():
    model, inputs = Cameras(), list(pictures())
    nn.init.zeros_(model.towers[0][1].weight)
    model.towers[2].load_state_dict(model.towers[1].state_dict())
    inputs[2] = inputs[1]
    baseline = list(pictures(seed=2))
    baseline[2] = baseline[1]
    values = shapley(model, TARGETS, inputs, torch.zeros(1, 2), baseline)["error"][0]
    assert values[0] == pytest.approx(0, abs=1e-4)
    assert values[1] == pytest.approx(values[2], abs=1e-4)


def test_weights_of_two_players_are_the_textbooks():
    assert coalitions(2).tolist() == [[False, False], [True, False], [False, True], [True, True]]
    assert shapley_weights(2).tolist() == [[-0.5, 0.5, -0.5, 0.5], [-0.5, -0.5, 0.5, 0.5]]


def test_too_many_inputs_are_refused():
    with pytest.raises(InputError, match=r"of 11 inputs need 2\^11 predictions; at most 10"):
        shapley(Cameras(11), TARGETS, pictures(count=11), torch.zeros(1, 2), pictures(count=11))


def question(target=TARGETS[0]):
    return Question(target, pictures(), torch.tensor([[30.0, 20.0]]), pictures(seed=2))


class Split(FeatureHead):
    """Towers and head apart. `mixed`: every feature sees all inputs; `hiding`: the second input hides that it is not a number."""

    def __init__(self, mixed=False, hiding=False):
        super().__init__()
        torch.manual_seed(0)
        self.towers = nn.ModuleList(nn.Sequential(nn.Conv2d(1, 3, 2), nn.Tanh(), nn.Flatten()) for _ in range(4))
        self.head = nn.Sequential(nn.Linear(72, 9), nn.ReLU(), nn.Linear(9, 2))
        self.mixed, self.hiding, self.rows = mixed, hiding, []

    def features(self, *inputs):
        self.rows.append(len(inputs[0]))
        if self.hiding:
            inputs = (inputs[0], inputs[1].nan_to_num(0), *inputs[2:])
        flat = torch.cat([tower(x) for tower, x in zip(self.towers, inputs, strict=True)], 1)
        return flat + flat.mean(dim=1, keepdim=True) if self.mixed else flat


@pytest.mark.parametrize("kind", ["", "mixed", "hiding"])
def test_the_towers_see_each_picture_once_and_only_where_the_features_can_be_put_together(kind):
    model = Split(**({kind: True} if kind else {})).eval()
    inputs, baseline = pictures(2), pictures(seed=2)
    found = coalition_outputs(model, inputs, baseline)
    rows = list(model.rows)
    present = torch.tensor(coalitions(4))
    with torch.no_grad():
        for sample in range(2):
            for k, who in enumerate(present):
                shown = [x[sample : sample + 1] if w else b for w, x, b in zip(who, inputs, baseline, strict=True)]
                assert torch.allclose(found[16 * sample + k], model(*shown)[0], atol=1e-5)
    assert rows == ([8, 32] if kind else [8])
