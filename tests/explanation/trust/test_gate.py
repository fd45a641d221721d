"""The gate: what is offered, what is refused and why; the randomisation test against scipy and known maps."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from xgaze.data.contract import InputSpec, Spec
from xgaze.explanation.attribution.method import Effort, Method, Question, attribute, known_methods
from xgaze.explanation.attribution.targets import targets_for
from xgaze.explanation.trust.gate import judged_answers
from xgaze.explanation.trust.randomisation import similarity, with_random_weights
from xgaze.models.layers import SeparableLinear

METHODS = known_methods()

SPEC = Spec(tuple(InputSpec(f"eye{k}", (1, 16, 20)) for k in range(2)), "gaze", scene=(800, 600))
GAZE_X = targets_for(SPEC)[0]
EFFORT = Effort(steps=30, shap_samples=8, occlusion_windows=5)


class Eyes(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.towers = nn.ModuleList(nn.Sequential(nn.Conv2d(1, 4, 5), nn.Tanh()) for _ in range(2))
        self.head = nn.Linear(2 * 4 * 12 * 16, 2)

    def forward(self, *inputs):
        return 100 * self.head(torch.cat([t(x).flatten(1) for t, x in zip(self.towers, inputs, strict=True)], 1))


def questions(count=3):
    torch.manual_seed(1)
    nothing = tuple(torch.zeros(1, 1, 16, 20) for _ in range(2))
    return [
        Question(GAZE_X, tuple(torch.randn(1, 1, 16, 20) for _ in range(2)), torch.zeros(1, 2), nothing)
        for _ in range(count)
    ]


def test_every_method_gets_a_verdict_and_only_those_that_claim_a_sum_are_held_to_it():
    found = {one.name: one for one, _ in judged_answers(Eyes(), "student", questions(), EFFORT)}
    assert list(found) == list(METHODS)
    assert {name for name, one in found.items() if one.completeness_percent is None} == {
        "saliency",
        "input x gradient",
        "Grad-CAM",
        "occlusion",
    }
    ig = found["integrated gradients"]
    assert ig.offered and ig.completeness_percent < 0.1 and ig.randomised_similarity < 0.3 and ig.reason is None
    assert all(one.milliseconds > 0 and one.role == "student" for one in found.values())
    keys = {
        "name",
        "role",
        "offered",
        "completeness_percent",
        "randomised_similarity",
        "reason",
        "milliseconds",
        "target",
    }
    assert set(json.loads(json.dumps(ig.to_json(), allow_nan=False))) == keys


def judge_alone(method):
    ((found, _),) = judged_answers(Eyes(), "teacher", questions(), EFFORT, {"mine": method})
    return found


def test_a_map_that_only_shows_the_picture_is_unusable():
    edges = Method(lambda _, asked, __: tuple(one.diff(dim=3, append=one[..., :1]) for one in asked.inputs), False)
    found = judge_alone(edges)
    assert not found.offered and found.randomised_similarity == pytest.approx(1)
    assert "hardly change when the weights are random (similarity 1.00, at most 0.80)" in found.reason


def test_a_map_that_is_the_same_upside_down_is_unusable_too():
    """Random weights may turn the sign of a map of the picture; it remains a map of the picture."""
    signed = Method(
        lambda scalar, asked, _: tuple(one * scalar.model.head.weight[0, 0].sign() for one in asked.inputs), False
    )
    assert judge_alone(signed).randomised_similarity == pytest.approx(1)


def test_maps_that_do_not_add_up_are_refused_with_how_much_is_missing():
    def halved(scalar, asked, effort):
        return tuple(one / 2 for one in METHODS["integrated gradients"].attribute(scalar, asked, effort))

    found = judge_alone(Method(halved, complete=True))
    assert not found.offered and found.completeness_percent == pytest.approx(50, abs=0.1)
    assert found.reason.startswith("its maps leave 50 % of the prediction's change unexplained")


def test_a_method_that_cannot_be_computed_is_refused_and_the_others_are_not():
    model = Eyes()
    model.towers[1] = model.towers[0]
    found = {one.name: one for one, _ in judged_answers(model, "teacher", questions(), EFFORT)}
    assert found["Grad-CAM"].reason.startswith("it cannot be computed on this model: Grad-CAM needs convolutions")
    assert found["Grad-CAM"].milliseconds is None and not found["Grad-CAM"].offered
    assert found["integrated gradients"].offered


def test_not_a_number_is_never_offered():
    found = judge_alone(Method(lambda _, asked, __: tuple(one * torch.nan for one in asked.inputs), complete=False))
    assert not found.offered and found.randomised_similarity is None
    assert "not a number" in found.reason


def test_answers_that_are_known_are_judged_and_not_computed_again():
    asked, calls = questions(), []

    def counted(scalar, question, effort):
        calls.append(scalar.model.head.weight[0, 0].item())
        return METHODS["integrated gradients"].attribute(scalar, question, effort)

    methods = {"mine": Method(counted, complete=True)}
    model = Eyes()
    known = [attribute("mine", model, one, EFFORT, methods) for one in asked]
    fresh = judged_answers(model, "teacher", asked, EFFORT, methods)
    own = model.head.weight[0, 0].item()
    assert calls.count(own) == 6 and len(calls) == 8  # twice three of the model, two of its twin
    calls.clear()
    ((verdict, answers),) = judged_answers(model, "teacher", asked, EFFORT, methods, {"mine": known})
    assert len(calls) == 2 and own not in calls
    assert list(answers) == known and verdict.milliseconds > 0
    assert replace(verdict, milliseconds=0) == replace(fresh[0][0], milliseconds=0)
    halved = [replace(one, maps=tuple(m / 2 for m in one.maps)) for one in known]
    ((verdict, _),) = judged_answers(model, "teacher", asked, EFFORT, methods, {"mine": halved})
    assert verdict.completeness_percent == pytest.approx(50, abs=0.1) and not verdict.offered


def test_similarity_is_the_absolute_rank_correlation_over_all_inputs():
    chance = np.random.default_rng(0)
    a, b = ([chance.normal(size=(5, 6)).astype(np.float32) for _ in range(2)] for _ in range(2))
    b = [one + other for one, other in zip(a, b, strict=True)]
    expected = spearmanr(np.concatenate(a).ravel(), np.concatenate(b).ravel()).statistic
    assert similarity(a, b) == pytest.approx(expected)
    assert similarity(a, [-one for one in b]) == pytest.approx(expected)
    assert similarity(a, [np.exp(one) for one in a]) == pytest.approx(1)
    flat = [np.zeros((5, 6), np.float32)] * 2
    assert (similarity(a, flat), similarity(flat, flat)) == (0, 1)


def test_random_weights_replace_all_weights_alike_for_the_same_seed_and_touch_nothing_else():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(24, 24), nn.PReLU(3), SeparableLinear((2, 3, 4), 6, 2))
    model[2].reset_parameters()
    bare = nn.Module()
    bare.weight = nn.Parameter(torch.arange(50.0))
    model.append(bare)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    first, again = with_random_weights(model, 3), with_random_weights(model, 3)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    for name, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])
        assert not torch.equal(value, before[name]) or "1." in name  # PReLU begins at one constant
    assert torch.equal(first[3].weight.sort().values, before["3.weight"])
