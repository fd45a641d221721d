"""Traps in how Captum is called: what a user would run into, and that what we offer does not."""

import numpy as np
import pytest
import torch
from captum import attr
from captum.metrics import infidelity
from torch import nn

from xgaze.data.contract import InputSpec, Spec
from xgaze.errors import InputError
from xgaze.explanation.attribution.method import Effort, Question, attribute, known_methods
from xgaze.explanation.attribution.shapley import shapley
from xgaze.explanation.attribution.targets import Scalar, targets_for
from xgaze.explanation.test_set.perturbation import Perturbed, perturbation_curves, places_by_strength
from xgaze.explanation.trust.gate import judged_answers

METHODS = known_methods()

SIDE = 8
SPEC = Spec(tuple(InputSpec(f"eye{k}", (1, SIDE, SIDE)) for k in range(2)), "gaze", scene=(800, 600))
GAZE_X = targets_for(SPEC)[0]
TRUTH = torch.zeros(1, 2)
EFFORT = Effort(steps=40, shap_samples=8, occlusion_windows=4)
COMPLETE = [name for name, method in METHODS.items() if method.complete]


class Eyes(nn.Module):
    """Two eyes, each with a tower or both with the same; the last layer may be a softmax."""

    def __init__(self, shared=False, softmax=False):
        super().__init__()
        torch.manual_seed(0)

        def tower():
            return nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, 6), nn.Tanh())

        first = tower()
        self.towers = nn.ModuleList([first, first if shared else tower()])
        self.head = nn.Sequential(nn.Linear(12, 3), nn.Softmax(dim=1) if softmax else nn.Identity())

    def forward(self, *eyes):
        return self.head(torch.cat([tower(eye) for tower, eye in zip(self.towers, eyes, strict=True)], dim=1))


def eyes(count=1, seed=1):
    torch.manual_seed(seed)
    return tuple(torch.randn(count, 1, SIDE, SIDE) for _ in range(2))


BASELINE = eyes(seed=2)


def alone(many, k):
    return tuple(one[k : k + 1] for one in many)


@pytest.mark.parametrize("multiplied", [True, False])
def test_in_captum_a_samples_deep_lift_depends_on_its_batch_mates_so_samples_are_asked_one_by_one(multiplied):
    """Captum's softmax rule averages over the whole batch; with `multiply_by_inputs=False` there is no sum to reveal it."""
    model, several = Eyes(softmax=True).eval(), eyes(count=3)
    method = attr.DeepLift(Scalar(model, GAZE_X), multiply_by_inputs=multiplied)

    def first_of(batch):
        inputs = tuple(one.clone().requires_grad_() for one in batch)
        return method.attribute(inputs, BASELINE, additional_forward_args=(TRUTH.expand(len(batch[0]), 2),))[0][:1]

    by_itself, among_others = first_of(alone(several, 0)), first_of(several)
    assert (by_itself - among_others).abs().max() > 0.1 * by_itself.abs().max()

    ask = [Question(GAZE_X, alone(several, k), TRUTH, BASELINE) for k in (0, 1, 0)]
    first, _, again = (attribute("DeepLift", model, one).maps for one in ask)
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    with pytest.raises(InputError, match="one sample at a time, not of 3 at once"):
        attribute("DeepLift", model, Question(GAZE_X, several, TRUTH.expand(3, 2), BASELINE))


def test_deep_lift_raises_where_eyes_share_a_tower_and_is_refused_while_the_others_are_offered():
    model, inputs = Eyes(shared=True).eval(), eyes()
    with pytest.raises(RuntimeError, match="used more than once"):
        attr.DeepLift(Scalar(model, GAZE_X)).attribute(inputs, BASELINE, additional_forward_args=(TRUTH,))
    methods = {name: METHODS[name] for name in ("integrated gradients", "occlusion", "DeepLift")}
    asked = [Question(GAZE_X, eyes(seed=k), TRUTH, BASELINE) for k in (1, 3)]
    found = {one.name: one for one, _ in judged_answers(model, "teacher", asked, EFFORT, methods)}
    assert [one.offered for one in found.values()] == [True, True, False]
    assert found["DeepLift"].reason.startswith("it cannot be computed on this model: A Module Tanh() was detected")


@pytest.mark.parametrize("name", COMPLETE)
def test_a_scalar_baseline_is_refused_for_several_eyes_so_each_eye_has_its_own(name):
    methods = {
        "integrated gradients": attr.IntegratedGradients,
        "GradientShap": attr.GradientShap,
        "DeepLift": attr.DeepLift,
    }
    model, inputs = Eyes().eval(), eyes()
    with pytest.raises(AssertionError, match=r"[Bb]aseline"):
        methods[name](Scalar(model, GAZE_X)).attribute(inputs, 0.0, additional_forward_args=(TRUTH,))
    found = attribute(name, model, Question(GAZE_X, inputs, TRUTH, BASELINE), EFFORT)
    with torch.no_grad():
        change = float((model(*inputs) - model(*BASELINE))[0, 0])
    assert found.explained == pytest.approx(change, rel=1e-4) and len(found.maps) == 2


def test_ids_that_eyes_share_are_ablated_together_and_ours_are_not():
    """f = sum of the first eye - 2 x sum of the second."""

    class Sums(nn.Module):
        def forward(self, a, b):
            value = a.flatten(1).sum(dim=1) - 2 * b.flatten(1).sum(dim=1)
            return torch.stack([value, value], dim=1)

    model, inputs = Sums(), eyes()
    first, second = (float((one - there).sum()) for one, there in zip(inputs, BASELINE, strict=True))

    def ablated(*ids):
        masks = tuple(torch.full((1, 1, SIDE, SIDE), k) for k in ids)
        found = attr.FeatureAblation(Scalar(model, GAZE_X)).attribute(
            inputs, BASELINE, additional_forward_args=(TRUTH,), feature_mask=masks
        )
        return [float(one[0, 0, 0, 0]) for one in found]

    assert ablated(0, 0) == pytest.approx([first - 2 * second] * 2, abs=1e-4)
    assert ablated(0, 1) == pytest.approx([first, -2 * second], abs=1e-4)
    ours = shapley(model, [GAZE_X], inputs, TRUTH, BASELINE)["gaze x"][0]
    assert ours == pytest.approx([first, -2 * second], abs=1e-4)


def test_infidelity_judges_the_size_of_a_map_unless_normalised_and_our_curves_judge_its_order_alone():
    model, inputs = Eyes().eval(), eyes()
    maps = attribute("integrated gradients", model, Question(GAZE_X, inputs, TRUTH, BASELINE), EFFORT).maps

    def infidel(times, normalise):
        def perturb(given):
            noise = tuple(0.1 * torch.randn_like(one) for one in given)
            return noise, tuple(one - n for one, n in zip(given, noise, strict=True))

        torch.manual_seed(0)
        scaled = tuple(times * torch.from_numpy(one)[None, None] for one in maps)
        return infidelity(
            Scalar(model, GAZE_X),
            perturb,
            inputs,
            scaled,
            additional_forward_args=(TRUTH,),
            n_perturb_samples=20,
            normalize=normalise,
        ).item()

    with torch.no_grad():
        assert infidel(100.0, normalise=False) > 100 * infidel(1.0, normalise=False)
        assert infidel(100.0, normalise=True) == pytest.approx(infidel(1.0, normalise=True), rel=1e-3)
    subject = Perturbed(model, inputs, BASELINE, lambda outputs: outputs)
    areas = [
        perturbation_curves(subject, places_by_strength([times * one for one in maps])).areas() for times in (1, 128)
    ]
    assert areas[0] == areas[1] and areas[0][0] > 0
