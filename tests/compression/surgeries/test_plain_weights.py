"""Layers whose weights are computed anew at every forward are written out and cut; the teacher keeps computing its own."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from xgaze.compression.build import build_student
from xgaze.compression.plan import Plan
from xgaze.compression.surgeries.base import Probe
from xgaze.compression.surgeries.plain_weights import PlainWeights, plan_plain_weights
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead

NORMS = nn.utils.parametrizations


class Computed(FeatureHead):
    """Weight norm and spectral norm, of the new kind and of the old one; one layer is used twice."""

    def __init__(self, old):
        super().__init__()
        weight_norm, spectral_norm = (
            (nn.utils.weight_norm, nn.utils.spectral_norm) if old else (NORMS.weight_norm, NORMS.spectral_norm)
        )
        self.first = weight_norm(nn.Conv2d(1, 8, 3, padding=1))
        self.second = spectral_norm(nn.Conv2d(8, 8, 3, padding=1))
        self.again = self.second
        self.head = nn.Sequential(spectral_norm(nn.Linear(8 * 36, 9)), nn.ReLU(), nn.Linear(9, 2))

    def features(self, x):
        return torch.relu(self.again(torch.relu(self.second(torch.relu(self.first(x)))))).flatten(1)


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.filterwarnings("ignore"))])
def teacher(request):
    torch.manual_seed(0)
    model = Computed(request.param).eval()
    with torch.no_grad():
        model(torch.zeros(1, 1, 6, 6))  # the older hooks leave a tensor that can be copied
    return model


@torch.no_grad()
def probe_for(model):
    pictures = torch.randn(40, 1, 6, 6, generator=torch.Generator().manual_seed(1))
    return Probe((pictures,), model.features(pictures))


def test_the_student_is_the_teacher_with_channels_missing_and_the_teacher_stays(teacher):
    before, probe = copy.deepcopy(teacher.state_dict()), probe_for(teacher)
    student, steps = build_student(teacher, Plan(share=0.5), probe_for)
    assert [step.surgery.kind for step in steps] == ["plain_weights", "channels"]
    assert set(steps[0].surgery.layers) == {"first", "second", "again", "head.0"}
    assert student.first.weight.shape == (4, 1, 3, 3) and student.again is student.second
    assert [name for name in student.state_dict() if "first" in name] == ["first.weight", "first.bias"]
    assert all(torch.equal(value, before[key]) for key, value in teacher.state_dict().items())
    whole, _ = build_student(teacher, Plan(), probe_for)
    assert torch.allclose(whole(*probe.inputs), teacher(*probe.inputs), atol=1e-6)


def test_it_is_repeated_by_its_record_and_leaves_what_shall_be_kept(teacher):
    assert plan_plain_weights(teacher, ["second", "again", "head"]).layers == ("first",)
    student, steps = build_student(teacher, Plan(), probe_for)
    again = copy.deepcopy(teacher)
    PlainWeights(list(steps[0].surgery.layers)).reshape(again)
    again.load_state_dict(student.state_dict())
    pictures = probe_for(teacher).inputs[0]
    assert torch.equal(again(pictures), student(pictures))
    with pytest.raises(InputError, match=r"weights of 'head\.2': it is no layer whose weights are computed"):
        PlainWeights(("head.2",)).reshape(again)


def test_masks_of_torchs_own_pruning_are_written_out():
    model = Computed(old=False).eval()
    masked = model.head[2]
    prune.l1_unstructured(masked, "weight", 0.5)
    with torch.no_grad():
        model(torch.zeros(1, 1, 6, 6))
    student, steps = build_student(model, Plan(), probe_for)
    assert "head.2" in steps[0].surgery.layers and (student.head[2].weight == 0).sum() == 9
    pictures = probe_for(model).inputs[0]
    assert torch.allclose(student(pictures), model(pictures), atol=1e-6) and hasattr(masked, "weight_mask")
