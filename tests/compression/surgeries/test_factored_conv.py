"""Kernels as several thin ones: exact where the kernel is made of such, and what is lost is what was predicted."""

import copy

import pytest
import torch
from torch import nn

from xgaze.compression.build import build_student
from xgaze.compression.export.onnx import export_checked
from xgaze.compression.plan import Plan
from xgaze.compression.student import surgery_from_json
from xgaze.compression.surgeries.base import Probe, surgery_to_json
from xgaze.compression.surgeries.factored_conv import FORMS, FactoredConv, factored, plan_factored_conv
from xgaze.compression.surgeries.proof import outputs_of
from xgaze.compression.surgeries.surgery_kinds import SURGERIES
from xgaze.data.contract import InputSpec, Spec
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead
from xgaze.models.registry import build
from xgaze.models.size import count_parameters

SETTINGS = [{"stride": 2, "padding": 2}, {"stride": (1, 2), "padding": (0, 1), "dilation": (2, 1)}, {}]


class Net(FeatureHead):
    def __init__(self, conv):
        super().__init__()
        self.conv = conv
        self.head = nn.Sequential(nn.LazyLinear(2))

    def features(self, x):
        return self.conv(x).flatten(1)


@pytest.fixture
def probe():
    torch.manual_seed(0)
    return Probe((torch.randn(24, 8, 15, 17),), torch.zeros(0))


def net_of(conv, probe):
    model = Net(conv).eval()
    outputs_of(model, *probe.inputs)
    return model


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("settings", SETTINGS)
def test_a_kernel_that_is_made_of_thin_ones_is_found_again(form, settings, probe):
    torch.manual_seed(1)
    conv = nn.Conv2d(8, 12, 5, **settings)
    thin = factored(conv, form)
    with torch.no_grad():
        conv.weight.copy_(whole(thin, conv))
    model = net_of(conv, probe)
    before = outputs_of(model, *probe.inputs)
    proof = FactoredConv(("conv",), form).apply(model, probe)
    assert proof.value <= 1e-6 and count_parameters(model.conv) < count_parameters(conv)
    torch.testing.assert_close(outputs_of(model, *probe.inputs), before, rtol=1e-3, atol=1e-3)


def whole(thin, conv):
    """The kernel of one convolution that does what these do: what they make of an impulse, turned."""
    height, width = ((side - 1) * step + 1 for side, step in zip(conv.kernel_size, conv.dilation, strict=True))
    layers = [copy.deepcopy(layer) for layer in thin]
    for layer in layers:
        layer.stride, layer.bias = (1, 1), None
        layer.padding = tuple((side - 1) * step for side, step in zip(layer.kernel_size, layer.dilation, strict=True))
    impulses = torch.zeros(conv.in_channels, conv.in_channels, 1, 1)
    impulses[range(conv.in_channels), range(conv.in_channels)] = 1
    made = impulses
    for layer in layers:
        made = layer(made)
    kernel = made.flip(-1, -2).transpose(0, 1)
    assert kernel.shape[2:] == (height, width)
    return kernel[:, :, :: conv.dilation[0], :: conv.dilation[1]]


@pytest.mark.parametrize("form", FORMS)
def test_of_any_kernel_as_much_is_lost_as_was_predicted(form, probe):
    torch.manual_seed(2)
    model = net_of(nn.Conv2d(8, 12, 3, padding=1, bias=False), probe)
    before = model.conv(probe.inputs[0]).detach()
    proof = FactoredConv(("conv",), form).apply(model, probe)
    lost = (model.conv(probe.inputs[0]).detach() - before).square().mean() / before.square().mean()
    assert proof.value <= proof.limit and 0.01 < lost < 0.9
    assert [one.bias is not None for one in model.conv] == [False] * (len(model.conv) - 1) + [True]


def test_the_last_layer_is_the_best_there_is(probe):
    """Any step away from the fitted weights loses more."""
    model = net_of(nn.Conv2d(8, 12, 3), probe)
    expected = model.conv(probe.inputs[0]).detach()
    FactoredConv(("conv",)).apply(model, probe)

    def lost():
        return (model.conv(probe.inputs[0]) - expected).square().mean().item()

    best = lost()
    for seed in range(5):
        generator = torch.Generator().manual_seed(seed)
        step = 0.01 * torch.randn(model.conv.point.weight.shape, generator=generator)
        with torch.no_grad():
            model.conv.point.weight.add_(step)
            assert lost() > best
            model.conv.point.weight.sub_(step)


def test_groups_stay_apart_in_the_pointwise_layer(probe):
    torch.manual_seed(3)
    model = net_of(nn.Conv2d(8, 12, 5, padding=2, groups=2), probe)
    FactoredConv(("conv",)).apply(model, probe)
    assert (model.conv.depth.groups, model.conv.point.groups) == (8, 2)
    x = probe.inputs[0].clone()
    before = model.conv(x)[:, :6]
    x[:, 4:] = 0
    assert torch.equal(model.conv(x)[:, :6], before)


@pytest.mark.parametrize(
    ("conv", "form"),
    [
        (nn.Conv2d(8, 12, 1), "depthwise"),
        (nn.Conv2d(8, 12, (1, 5)), "rows"),
        (nn.Conv2d(8, 12, 3, groups=2), "tucker"),
        (nn.Conv2d(8, 8, 3, groups=8), "depthwise"),
        (nn.Conv2d(8, 12, 3, padding="same"), "depthwise"),
        (nn.Conv2d(8, 12, 3, padding=1, padding_mode="reflect"), "rows"),
    ],
)
def test_what_cannot_be_written_so_is_refused_and_stays(conv, form, probe):
    model = net_of(conv, probe)
    with pytest.raises(InputError, match=rf"factored conv: no convolution of this model is smaller as {form}"):
        plan_factored_conv(model, form)
    with pytest.raises(InputError, match=r"factored conv: 'conv' is Conv2d.* cannot be written as"):
        FactoredConv(("conv",), form).apply(model, probe)
    assert model.conv is conv


def test_a_layer_that_reads_few_channels_or_would_not_shrink_is_left(probe):
    model = nn.Sequential(nn.Conv2d(3, 64, 7), nn.Conv2d(64, 64, 3), nn.Conv2d(64, 4, 2))
    assert plan_factored_conv(model, "depthwise") == FactoredConv(("1", "2"), "depthwise")
    assert plan_factored_conv(model, "rows") == FactoredConv(("1", "2"), "rows")


def test_an_unknown_form_names_those_there_are(probe):
    with pytest.raises(InputError, match="no such form 'tuckre'; there are: depthwise, rows, tucker"):
        SURGERIES["factored_conv"].planned(nn.Sequential(), "", "tuckre", probe)


@pytest.fixture(scope="module")
def teacher():
    torch.manual_seed(0)
    spec = Spec(tuple(InputSpec(f"eye{k}", (1, 64, 80)) for k in range(2)), "gaze", scene=(800, 600))
    args = {"first_stride": 2, "conv3_stride": 1, "conv3_padding": 2, "lrn": False}
    return build("multi-eye", args, spec).eval(), spec


def test_a_student_of_thin_kernels_is_shared_cut_stored_and_exported(teacher, tmp_path):
    model, spec = teacher
    inputs = tuple(torch.randn(6, 1, 64, 80, generator=torch.Generator().manual_seed(k)) for k in range(2))

    def probe(one):
        with torch.no_grad():
            return Probe(inputs, one.features(*inputs), (False, True))

    plan = Plan(share=0.5, others=(("factored_conv", "depthwise"), ("shared_towers", "mean")))
    student, steps = build_student(model, plan, probe)
    assert [step.surgery.kind for step in steps][:2] == ["factored_conv", "shared_towers"]
    assert all(step.proof.value <= step.proof.limit for step in steps)
    towers = [sum(p.numel() for name, p in one.named_parameters() if "towers" in name) for one in (model, student)]
    assert towers[0] / towers[1] > 25
    again = copy.deepcopy(model)
    for step in steps:
        surgery_from_json(surgery_to_json(step.surgery)).reshape(again)
    again.load_state_dict(student.state_dict())
    assert torch.equal(outputs_of(again, *inputs), outputs_of(student, *inputs))
    export_checked(student, spec, tmp_path / "student.onnx", inputs)
