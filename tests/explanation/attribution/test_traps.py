"""Traps that were measured in this field, each reproduced: what goes wrong unnoticed elsewhere is refused or put right here."""

import pytest
import torch
from captum.attr import LayerIntegratedGradients
from torch import Tensor, nn
from torch.nn import functional as F

from xgaze.data.contract import InputSpec, Spec
from xgaze.explanation.attribution.method import Effort, Question, known_methods
from xgaze.explanation.attribution.prepared import analysis_copy
from xgaze.explanation.attribution.targets import Scalar, targets_for
from xgaze.explanation.trust.gate import judged_answers, wrong_gradients
from xgaze.explanation.trust.gradient_check import gradient_errors, is_custom
from xgaze.models.layers import OutputScale, SelectColumns, SeparableLinear
from xgaze.models.own_networks.split import split

METHODS = known_methods()

SIDE = 60
SPEC = Spec(tuple(InputSpec(f"eye{k}", (1, SIDE, SIDE)) for k in range(2)), "gaze", scene=(800, 600))
GAZE_X, _, ERROR = targets_for(SPEC)
EFFORT = Effort(steps=60, occlusion_windows=3, shap_samples=8)
CHOSEN = {name: METHODS[name] for name in ("integrated gradients", "DeepLift")}


class Towers(nn.Module):
    """Two towers as published: convolution, in-place activation, normalisation, pooling; then a head."""

    def __init__(self, pool=False, norm=None, functional=False, inplace=True):
        super().__init__()
        torch.manual_seed(0)
        norm = norm or nn.LocalResponseNorm

        def tower():
            layers = [
                nn.Conv2d(1, 8, 11, 4),
                nn.LeakyReLU(inplace=inplace),
                norm(5),
                nn.MaxPool2d(3, 2) if pool else nn.Identity(),
            ]
            return nn.Sequential(*layers, nn.Flatten())

        self.towers = nn.ModuleList([tower(), tower()])
        with torch.no_grad():
            width = sum(t(torch.zeros(1, 1, SIDE, SIDE)).numel() for t in self.towers)
        self.hidden, self.gaze, self.functional = nn.Linear(width, 32), nn.Linear(32, 2), functional
        self.activation = nn.ReLU(inplace=inplace)
        nn.init.normal_(self.hidden.weight, std=4 / width**0.5)

    def forward(self, *inputs):
        flat = self.hidden(torch.cat([t(x) for t, x in zip(self.towers, inputs, strict=True)], 1))
        if self.functional:
            return 1000 * torch.sigmoid(self.gaze(F.relu(flat)))
        return 1000 * self.gaze(self.activation(flat))


def questions(target=GAZE_X, count=3):
    torch.manual_seed(1)
    baseline = tuple(torch.randn(1, 1, SIDE, SIDE) for _ in range(2))
    return [
        Question(target, tuple(2 * torch.randn(1, 1, SIDE, SIDE) for _ in range(2)), torch.zeros(1, 2), baseline)
        for _ in range(count)
    ]


def verdicts(model, target=GAZE_X, methods=CHOSEN):
    return {one.name: one for one, _ in judged_answers(model, "teacher", questions(target), EFFORT, methods)}


@pytest.mark.parametrize(
    ("what", "target"),
    [({"pool": True}, GAZE_X), ({"functional": True}, GAZE_X), ({"pool": True}, ERROR)],
    ids=["overlapping pool", "functional activations", "error"],
)
def test_deep_lift_is_refused_where_it_does_not_add_up_and_integrated_gradients_are_not(what, target):
    found = verdicts(Towers(**what), target)
    assert found["integrated gradients"].offered
    assert found["integrated gradients"].completeness_percent < 5 < found["DeepLift"].completeness_percent
    assert not found["DeepLift"].offered
    assert "of the prediction's change unexplained (at most 5 % are allowed)" in found["DeepLift"].reason


def test_deep_lift_is_offered_where_it_adds_up():
    class Plain(Towers):
        def __init__(self):
            super().__init__()
            for tower in self.towers:
                tower[2] = nn.Identity()

    found = verdicts(Plain())
    assert found["DeepLift"].offered and found["DeepLift"].completeness_percent < 0.1


def test_a_hook_before_an_in_place_activation_sees_overwritten_maps_and_the_analysis_copy_does_not():
    asked, seen = questions(count=1)[0], []
    for model in (Towers(inplace=False).eval(), Towers().eval(), analysis_copy(Towers())):
        handle = model.towers[0][0].register_forward_hook(lambda *a: seen.append(a[2]))
        with torch.no_grad():
            model(*asked.inputs)
        handle.remove()
    assert not torch.allclose(seen[1], seen[0], atol=1e-3)
    assert torch.equal(seen[2], seen[0])


def test_captums_layer_attribution_fails_before_an_in_place_activation_and_runs_on_the_analysis_copy():
    asked = questions(count=1)[0]

    def layer_gradients(model):
        method = LayerIntegratedGradients(Scalar(model, GAZE_X), model.towers[0][0])
        return method.attribute(asked.inputs, asked.baseline, additional_forward_args=(asked.truth,), n_steps=4)

    with pytest.raises(RuntimeError, match="in-place"):
        layer_gradients(Towers().eval())
    assert layer_gradients(analysis_copy(Towers())).abs().sum() > 0


def test_an_imported_model_lets_hooks_see_what_in_place_calls_would_overwrite():
    class Functional(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(1, 3, 3), nn.Linear(3 * 16, 2)

        def forward(self, x):
            return self.fc(F.relu(self.conv(x), inplace=True).flatten(1))

    whole = split(Functional().eval(), (torch.randn(2, 1, 6, 6),))
    copied, x = analysis_copy(whole), torch.randn(1, 1, 6, 6)
    seen: list[Tensor] = []
    for one in (whole, copied):
        next(m for m in one.modules() if isinstance(m, nn.Conv2d)).register_forward_hook(lambda *a: seen.append(a[2]))
    with torch.no_grad():
        assert torch.equal(whole(x), copied(x))
    assert (seen[0] < 0).any() and (seen[1] < 0).any()


def test_cross_map_lrn_has_a_wrong_gradient_and_every_gradient_method_is_refused_for_it():
    model = Towers(norm=nn.CrossMapLRN2d, inplace=False)
    for tower in model.towers:
        tower[2].alpha, tower[2].beta = 1.0, 0.75
    found = verdicts(model, methods={name: METHODS[name] for name in ("saliency", "integrated gradients", "occlusion")})
    assert [one.offered for one in found.values()] == [False, False, True]
    assert "(CrossMapLRN2d) is wrong by" in found["saliency"].reason
    assert "Use nn.LocalResponseNorm instead" in found["saliency"].reason
    assert wrong_gradients(Towers(), questions()[0]) is None


class Doubled(torch.autograd.Function):
    """The identity, with a backward pass that is not."""

    @staticmethod
    def forward(_ctx, x):
        return x.clone()

    @staticmethod
    def backward(_ctx, gradient):
        return 2 * gradient


class Wrong(nn.Module):
    def __init__(self):
        super().__init__()
        self.child = nn.Identity()

    def forward(self, x):
        return Doubled.apply(self.child(x))


class Stubborn(nn.Module):
    """Right, but in float32 whatever it is given."""

    def forward(self, x):
        return x.float().square()


def test_the_gradients_of_custom_layers_are_measured():
    torch.manual_seed(0)
    separable = SeparableLinear((2, 3, 4), 6, 2)
    separable.reset_parameters()
    model = nn.Sequential(separable, SelectColumns([3, 0, 5]), OutputScale(7.0), Stubborn(), Wrong(), nn.Linear(3, 2))
    errors = gradient_errors(analysis_copy(model), (torch.randn(4, 24),))
    assert list(errors) == ["0", "1", "2", "3", "4"]
    assert max(errors[k] for k in "012") < 1e-4
    assert errors["3"] < 1
    assert errors["4"] == pytest.approx(100, rel=1e-4)
    assert "layer '4' (Wrong) is wrong by 100 %" in wrong_gradients(
        model, Question(GAZE_X, (torch.randn(4, 24),), torch.zeros(4, 2), (torch.zeros(1, 24),))
    )


class Pooled(nn.Module):
    """Two kinks where many values are equal behind a ReLU."""

    def forward(self, x):
        return nn.functional.max_pool2d(x, 2) - x[:, :, ::2, ::2].relu()


def test_values_that_are_equal_behind_a_relu_accuse_no_layer():
    model = nn.Sequential(nn.ReLU(), Pooled())
    torch.manual_seed(0)
    seen, baseline = torch.randn(2, 3, 16, 16) - 1, torch.full((2, 3, 16, 16), 0.5)
    for other in (None, (baseline,)):
        assert gradient_errors(model, (seen,), baseline=other)["1"] < 0.5


def test_torch_vouches_for_its_own_layers_but_one():
    assert not any(
        is_custom(one) for one in (nn.Conv2d(1, 1, 3), nn.LocalResponseNorm(5), nn.Sequential(OutputScale(1)))
    )
    assert is_custom(nn.CrossMapLRN2d(5)) and is_custom(OutputScale(1))
