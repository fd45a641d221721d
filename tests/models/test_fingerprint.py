"""Weights under edited code are refused: a stored model puts out what it did when it was stored, or none is loaded."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from xgaze.data.contract import InputSpec, Spec
from xgaze.errors import InputError
from xgaze.models.fingerprint import OUTPUTS_OF_PATTERNS, allowed, patterns, require_reproduced, stored_outputs
from xgaze.models.registry import build

EYE = InputSpec("eye", (1, 20, 24))
GAZE = Spec((EYE,), "gaze", scene=(800, 600))


class Net(nn.Module):
    def __init__(self, scale=100.0):
        super().__init__()
        torch.manual_seed(0)
        self.fc, self.scale = nn.Linear(480, 2), scale

    def forward(self, x):
        return self.scale * self.fc(x.flatten(1)) + 400


def require(model, stored, spec=GAZE):
    require_reproduced(model, spec, {OUTPUTS_OF_PATTERNS: stored}, {"import": "mynet:MyNet"})


def test_patterns_are_the_same_everywhere_and_of_four_contrasts():
    eye, other = patterns(Spec((EYE, InputSpec("sequence", (9, 3), 0.0, 1.0, "float32")), "class"))
    assert (eye.shape, other.shape) == ((4, 1, 20, 24), (4, 9, 3))
    assert [round(float(one), 3) for one in eye.flatten()[:3] * 255] == [158.0, 60.0, 218.0]
    assert np.allclose(other.std((1, 2)) / other[0].std(), [1, 0.5, 0.25, 0], atol=1e-6)
    assert not torch.equal(eye[0].flatten()[:27], other[0].flatten())


def test_the_same_code_reproduces_what_is_stored_and_small_numerics_pass():
    model, stored = Net(), stored_outputs(Net(), GAZE)
    require(model, stored)
    require(model.double().float(), (np.array(stored) * (1 + 5e-5)).tolist())
    require(Net(scale=3.0), None)  # a card of an older version says nothing


@pytest.mark.parametrize("scale", [99.0, -100.0])
def test_edited_code_is_refused_with_how_far_apart_it_is(scale):
    edited = Net(scale)
    stored = np.array(stored_outputs(Net(), GAZE))
    apart = np.abs(stored - np.array(stored_outputs(edited, GAZE))).max()
    with pytest.raises(
        InputError, match=rf"mynet:MyNet gives other outputs .*\(up to {apart:.3g} px apart\): the class"
    ) as caught:
        require(edited, stored.tolist())
    assert "Train again with --force, or undo the edit" in str(caught.value)


@pytest.mark.parametrize("fault", [float("nan"), float("inf")])
def test_a_model_that_makes_no_numbers_now_is_refused(fault):
    with pytest.raises(InputError, match="or none at all"):
        require(Net(scale=fault), stored_outputs(Net(), GAZE))


@pytest.mark.parametrize("edited", ["many", [[1, "x"]] * 4, [[1.0], [1.0, 2.0]], [[1.0]] * 4, {"a": 1}, []])
def test_an_edited_card_is_refused(edited):
    with pytest.raises(InputError, match="are not four rows of numbers"):
        require(Net(), edited)


def test_what_cannot_read_patterns_stores_nothing():
    assert stored_outputs(nn.Embedding(3, 2), GAZE) is None
    assert stored_outputs(Net(scale=float("nan")), GAZE) is None


def test_the_difference_allowed_is_a_thousandth_of_the_spread_and_a_tenthousandth_of_the_largest():
    assert allowed(np.array([[1000.0, 5.0], [900.0, 5.0]])) == pytest.approx(0.1 + 0.1)


def test_registered_architectures_reproduce_themselves_in_another_memory_format():
    spec = Spec(tuple(InputSpec(f"eye{k}", (1, 40, 40)) for k in range(2)), "gaze", scene=(800, 600))
    args = {"first_stride": 1, "conv3_stride": 1, "conv3_padding": 2, "lrn": False}
    model = build("multi-eye", args, spec).eval()
    stored = stored_outputs(model, spec)
    twin = copy.deepcopy(model).to(memory_format=torch.channels_last)
    require(twin, stored, spec)
    with torch.no_grad():
        next(twin.parameters()).mul_(1.5)
    with pytest.raises(InputError, match="gives other outputs"):
        require(twin, stored, spec)
