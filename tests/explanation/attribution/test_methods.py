"""Attribution methods against linear models, and against Captum called by hand."""

import numpy as np
import pytest
import torch
from captum import attr
from torch import nn
from torch.nn import functional as F

from xgaze.data.contract import InputSpec, Spec
from xgaze.errors import InputError
from xgaze.explanation.attribution.method import Effort, Question, attribute, known_methods
from xgaze.explanation.attribution.targets import Scalar, targets_for

METHODS = known_methods()

SPEC = Spec((InputSpec("eye0", (1, 16, 20)), InputSpec("eye1", (1, 16, 20))), "gaze", scene=(800, 600))
GAZE_X, _, ERROR = targets_for(SPEC)
TRUTH = torch.tensor([[3.0, -2.0]])
QUICK = Effort(steps=20, shap_samples=12, occlusion_windows=8, internal_batch_size=5)
COMPLETE = [name for name, method in METHODS.items() if method.complete]


class LinearEyes(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Linear(320, 2), nn.Linear(320, 2, bias=False)

    def forward(self, a, b):
        return self.first(a.flatten(1)) + self.second(b.flatten(1))


class Eyes(nn.Module):
    """Two small towers, their activations modules that overwrite nothing; linear up to the last maps if `plain`."""

    def __init__(self, plain=False, inplace=False):
        super().__init__()
        torch.manual_seed(0)

        def act():
            return nn.Identity() if plain else nn.LeakyReLU(0.1, inplace=inplace)

        def tower():
            return nn.Sequential(nn.Conv2d(1, 6, 3), act(), nn.Conv2d(6, 4, 3), act(), nn.Flatten())

        self.towers = nn.ModuleList([tower(), tower()])
        self.head = nn.Sequential(nn.Linear(2 * 4 * 12 * 16, 2))

    def forward(self, *inputs):
        return 100 * self.head(torch.cat([t(x) for t, x in zip(self.towers, inputs, strict=True)], 1))


def eyes(seed=1):
    torch.manual_seed(seed)
    return tuple(torch.randn(1, 1, 16, 20) for _ in range(2))


def asked(target=ERROR, baseline=None):
    return Question(target, eyes(), TRUTH, baseline or eyes(2))


NOTHING = tuple(torch.zeros(1, 1, 16, 20) for _ in range(2))


@pytest.mark.parametrize("name", [*COMPLETE, "input x gradient"])
def test_on_a_linear_model_every_complete_method_gives_weight_times_change(name):
    model, question = LinearEyes(), asked(GAZE_X, NOTHING)
    found = attribute(name, model, question, QUICK)
    for layer, picture, got in zip((model.first, model.second), question.inputs, found.maps, strict=True):
        assert np.allclose(got, (layer.weight[0].reshape(16, 20) * picture[0, 0]).detach(), atol=1e-5)
    assert found.completeness_percent < 0.01


def test_saliency_is_the_signed_gradient():
    model = LinearEyes()
    found = attribute("saliency", model, asked(GAZE_X), QUICK)
    assert np.allclose(found.maps[1], model.second.weight[0].reshape(16, 20).detach(), atol=1e-6)
    assert (found.maps[1] < 0).any()


def test_occluding_single_pixels_of_a_linear_model_gives_weight_times_change():
    model, question = LinearEyes(), asked(GAZE_X)
    found = attribute("occlusion", model, question, Effort(occlusion_windows=20, internal_batch_size=32))
    change = (question.inputs[0] - question.baseline[0])[0, 0]
    assert np.allclose(found.maps[0], (model.first.weight[0].reshape(16, 20) * change).detach(), atol=1e-5)


def test_occlusion_spreads_a_windows_effect_over_its_pixels():
    model, question = LinearEyes(), asked(GAZE_X)
    found = attribute("occlusion", model, question, Effort(occlusion_windows=1))
    with torch.no_grad():
        effect = (model(*question.inputs) - model(question.baseline[0], question.inputs[1]))[0, 0]
    # the corner is seen by the whole-picture window alone
    assert found.maps[0][0, 0] * 320 == pytest.approx(float(effect), rel=1e-4)


def by_hand(name, scalar, question):
    extra = {"additional_forward_args": (question.truth,)}
    inputs = tuple(one.clone().requires_grad_() for one in question.inputs)
    if name == "saliency":
        return attr.Saliency(scalar).attribute(inputs, abs=False, **extra)
    if name == "input x gradient":
        return attr.InputXGradient(scalar).attribute(inputs, **extra)
    if name == "integrated gradients":
        return attr.IntegratedGradients(scalar).attribute(inputs, question.baseline, n_steps=20, **extra)
    if name == "DeepLift":
        return attr.DeepLift(scalar).attribute(inputs, question.baseline, **extra)
    if name == "occlusion":
        shapes = ((1, 2, 3), (1, 2, 3))
        found = attr.Occlusion(scalar).attribute(
            inputs, shapes, strides=((1, 1, 2), (1, 1, 2)), baselines=question.baseline, **extra
        )
        return tuple(one / 6 for one in found)
    raise AssertionError(name)


@pytest.mark.parametrize("name", ["saliency", "input x gradient", "integrated gradients", "DeepLift", "occlusion"])
@pytest.mark.parametrize("target", [GAZE_X, ERROR], ids=lambda one: one.name)
def test_a_method_gives_what_captum_gives_by_hand(name, target):
    model, question = Eyes(), asked(target)
    expected = by_hand(name, Scalar(model, target), question)
    for got, wanted in zip(attribute(name, model, question, QUICK).maps, expected, strict=True):
        assert np.allclose(got, wanted[0, 0].detach(), atol=1e-5 * float(wanted.detach().abs().max()))


def test_grad_cam_reads_the_last_maps_of_each_tower_with_their_sign():
    model, question = Eyes(), asked(GAZE_X)
    found = attribute("Grad-CAM", model, question, QUICK)
    inputs = tuple(one.clone().requires_grad_() for one in question.inputs)
    for tower, got in zip(model.towers, found.maps, strict=True):
        coarse = attr.LayerGradCam(Scalar(model, GAZE_X), tower[3]).attribute(inputs, additional_forward_args=(TRUTH,))
        fine = F.interpolate(coarse, (16, 20), mode="bilinear")[0, 0].detach() * (12 * 16) / (16 * 20)
        assert np.allclose(got, fine, atol=1e-5)
        assert (got < 0).any() and (got > 0).any()


def test_grad_cam_of_averaged_maps_is_what_the_tower_contributes():
    """With a head that averages each map, Grad-CAM's weights are exact: the maps add up to the output."""
    model = Eyes()
    model.head = nn.Linear(2 * 4, 2, bias=False)
    model.towers = nn.ModuleList(
        nn.Sequential(*list(t)[:4], nn.AdaptiveAvgPool2d(1), nn.Flatten()) for t in model.towers
    )
    question = asked(GAZE_X)
    found = attribute("Grad-CAM", model, question, QUICK)
    with torch.no_grad():
        whole = float(model(*question.inputs)[0, 0])
    assert sum(float(one.sum()) for one in found.maps) == pytest.approx(whole, rel=0.05)


def test_grad_cam_refuses_a_model_whose_inputs_share_their_tower():
    model = Eyes()
    model.towers[1] = model.towers[0]
    with pytest.raises(InputError, match="convolutions of its own for every input; input 1 has none"):
        attribute("Grad-CAM", model, asked(), QUICK)


def test_gradient_shap_is_drawn_again_alike_and_leaves_the_generators_alone():
    model, question = Eyes(), asked()
    np.random.seed(5)  # noqa: NPY002
    torch.manual_seed(5)
    expected = (np.random.uniform(), float(torch.rand(())))  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    torch.manual_seed(5)
    first = attribute("GradientShap", model, question, QUICK)
    assert (np.random.uniform(), float(torch.rand(()))) == expected  # noqa: NPY002
    again = attribute("GradientShap", model, question, QUICK)
    other = attribute("GradientShap", model, question, Effort(shap_samples=12, seed=1))
    assert all(np.array_equal(a, b) for a, b in zip(first.maps, again.maps, strict=True))
    assert not np.array_equal(first.maps[0], other.maps[0])


@pytest.mark.parametrize("name", METHODS)
def test_a_model_that_overwrites_is_analysed_as_if_it_did_not_and_left_as_it_is(name):
    overwriting, question = Eyes(inplace=True), asked()
    overwriting.train()
    found = attribute(name, overwriting, question, QUICK)
    expected = attribute(name, Eyes(), question, QUICK)
    assert all(np.array_equal(a, b) for a, b in zip(found.maps, expected.maps, strict=True))
    assert overwriting.towers[0][1].inplace and overwriting.training
    assert all(one.requires_grad and one.grad is None for one in overwriting.parameters())
    assert not any(one._forward_hooks or one._forward_pre_hooks or one._backward_hooks for one in overwriting.modules())
    assert all(one.dtype == np.float32 and one.shape == (16, 20) for one in found.maps)


def test_an_unknown_method_is_named_with_the_nearest_known():
    with pytest.raises(InputError, match="'GradCAM' is not known; did you mean 'Grad-CAM'"):
        attribute("GradCAM", Eyes(), asked())
    with pytest.raises(TypeError):
        METHODS["new"] = METHODS["saliency"]
