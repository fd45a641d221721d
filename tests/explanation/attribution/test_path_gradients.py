"""Our integrated gradients against Captum's, and what is taken for an affine beginning."""

import copy

import pytest
import torch
from captum.attr import IntegratedGradients
from torch import nn

from xgaze.data.contract import InputSpec, Spec
from xgaze.explanation.attribution.path_gradients import affine_front, integrate
from xgaze.explanation.attribution.prepared import analysis_copy
from xgaze.explanation.attribution.targets import Scalar, targets_for
from xgaze.models.registry import build

SPEC = Spec(tuple(InputSpec(f"eye{k}", (1, 96, 112)) for k in range(4)), "gaze", scene=(800, 600))
ERROR = targets_for(SPEC)[2]
TRUTH = torch.tensor([[300.0, 200.0]])


def pictures(shape=(1, 1, 96, 112), count=4):
    torch.manual_seed(1)
    return [torch.randn(shape) for _ in range(count)], [torch.randn(shape) for _ in range(count)]


def captums(scalar, inputs, baseline, steps):
    return IntegratedGradients(scalar).attribute(
        tuple(inputs), tuple(baseline), additional_forward_args=(TRUTH,), n_steps=steps, internal_batch_size=4
    )


def assert_close(ours, theirs):
    scale = max(float(one.abs().max()) for one in theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert float((a - b).abs().max()) < 1e-5 * scale


@pytest.mark.parametrize("lrn", [True, False])
def test_the_published_net_gives_what_captum_gives(lrn):
    torch.manual_seed(0)
    model = analysis_copy(
        build("multi-eye", {"first_stride": 2, "conv3_stride": 1, "conv3_padding": 2, "lrn": lrn}, SPEC)
    )
    scalar, (inputs, baseline) = Scalar(model, ERROR), pictures()
    ours = integrate(scalar, inputs, TRUTH, baseline, 10, 4)
    assert affine_front(scalar, inputs, TRUTH) == tuple(tower.conv1 for tower in model.towers)
    assert_close(ours, captums(copy.deepcopy(scalar), inputs, baseline, 10))


class Net(nn.Module):
    """Two inputs through `first` and `second`, plus whatever `around` makes of the first."""

    def __init__(self, first, second, around=None, viewed=False):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second, self.around, self.viewed = first, second, around, viewed
        self.head = nn.Sequential(nn.LazyLinear(8), nn.Tanh(), nn.Linear(8, 2))

    def forward(self, a, b):
        parts = [self.first(a), self.second(b)]
        flat = [torch.tanh(one).view(len(one), -1) if self.viewed else torch.tanh(one).flatten(1) for one in parts]
        if self.around is not None:
            flat[0] = flat[0] + self.around(a.flatten(1)).tanh()
        return 100 * self.head(torch.cat(flat, 1))


def conv(kernel=3):
    return nn.Conv2d(1, 4, kernel)


SHARED = conv()
CASES = {
    "plain": (lambda: Net(conv(), conv()), True),
    "averaged first": (
        lambda: Net(nn.Sequential(nn.AvgPool2d(2), conv()), nn.Sequential(conv(), nn.Conv2d(4, 2, 3))),
        True,
    ),
    "shared tower": (lambda: Net(SHARED, SHARED), False),
    "way around": (lambda: Net(conv(), conv(), nn.LazyLinear(4 * 10 * 12)), False),
    "no affine layer": (lambda: Net(nn.Tanh(), conv()), False),
    "views": (lambda: Net(conv(), conv(), viewed=True), None),
    "overwritten": (lambda: Net(nn.Sequential(conv(), nn.LeakyReLU(inplace=True)), conv()), None),
}


@pytest.mark.parametrize("name", CASES)
def test_every_model_gives_what_captum_gives_whether_or_not_it_begins_affinely(name):
    make, affine = CASES[name]
    inputs, baseline = pictures((1, 1, 12, 14), 2)
    model = make().eval()
    model(*inputs)
    frozen = model.requires_grad_(False)
    if affine is not None:
        assert (affine_front(Scalar(frozen, ERROR), inputs, TRUTH) is not None) == affine
    theirs = captums(Scalar(copy.deepcopy(frozen), ERROR), inputs, baseline, 9)
    assert_close(integrate(Scalar(frozen, ERROR), inputs, TRUTH, baseline, 9, 4), theirs)
    assert sum(float(one.abs().sum()) for one in theirs) > 0


def test_the_front_lies_behind_the_last_layer_of_the_affine_beginning():
    net = Net(nn.Sequential(nn.AvgPool2d(2), conv()), nn.Sequential(conv(), nn.Conv2d(4, 2, 3))).eval()
    inputs, _ = pictures((1, 1, 12, 14), 2)
    net(*inputs)
    assert affine_front(Scalar(net.requires_grad_(False), ERROR), inputs, TRUTH) == (net.first[1], net.second[1])
