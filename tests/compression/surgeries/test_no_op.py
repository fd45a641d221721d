"""Layers that do next to nothing: found, measured in the output's unit, removed; those that do something are refused."""

import pytest
import torch
from torch import nn

from xgaze.compression.surgeries.base import Probe, probe_of
from xgaze.compression.surgeries.no_op import NO_OP_LIMIT, RemoveNoOp, plan_no_ops
from xgaze.data.contract import rows_of
from xgaze.errors import InputError
from xgaze.models.layers import FeatureHead
from xgaze.models.registry import build

ARGS = {"first_stride": 1, "conv3_stride": 1, "conv3_padding": 2, "lrn": True}
NORMS = ("towers.0.norm1", "towers.0.norm2", "towers.1.norm1", "towers.1.norm2")


@pytest.fixture
def model(gaze_recording):
    """Untrained, its convolutions made twice as strong so that its output answers to what happens in the towers."""
    torch.manual_seed(0)
    model = build("multi-eye", ARGS, gaze_recording.spec).eval()
    with torch.no_grad():
        for module in model.towers.modules():
            if isinstance(module, nn.Conv2d):
                module.weight *= 2
    return model


@pytest.fixture
def probe(model, gaze_recording):
    return probe_of(model, gaze_recording, rows_of(gaze_recording, "train")[:12], shown=8)


def predictions(model, probe):
    with torch.no_grad():
        return model(*probe.inputs)


def strengthen(model, *paths):
    for path in paths:
        model.get_submodule(path).alpha = 1.0


def test_weak_normalisation_is_removed_with_its_measured_change(model, probe):
    before = predictions(model, probe)
    plan = plan_no_ops(model, probe)
    assert plan == RemoveNoOp(NORMS)
    assert torch.equal(predictions(model, probe), before)  # planning changes nothing
    proof = plan.apply(model, probe)
    change = float((predictions(model, probe) - before).abs().max())
    assert (proof.value, proof.limit, proof.unit) == (change, NO_OP_LIMIT, "px")
    assert 0 < change < NO_OP_LIMIT
    assert all(isinstance(model.get_submodule(path), nn.Identity) for path in NORMS)


def test_nothing_is_planned_twice_or_where_nothing_is_idle(model, probe, gaze_recording):
    plan_no_ops(model, probe).apply(model, probe)
    assert plan_no_ops(model, probe) is None
    without = build("multi-eye", {**ARGS, "lrn": False}, gaze_recording.spec)
    assert plan_no_ops(without, probe) is None


def test_strong_normalisation_is_refused_by_name_and_stays(model, probe):
    strengthen(model, "towers.1.norm2")
    before = predictions(model, probe)
    with pytest.raises(InputError, match=r"towers\.0\.norm1, towers\.1\.norm2 refused: largest change .* px, above"):
        RemoveNoOp(("towers.0.norm1", "towers.1.norm2")).apply(model, probe)
    assert torch.equal(predictions(model, probe), before)
    assert isinstance(model.towers[0].norm1, nn.LocalResponseNorm)


def test_the_plan_leaves_out_the_layer_that_does_something(model, probe):
    strengthen(model, "towers.1.norm2")
    plan = plan_no_ops(model, probe)
    assert sorted(plan.layers) == [path for path in NORMS if path != "towers.1.norm2"]
    plan.apply(model, probe)
    assert isinstance(model.towers[1].norm2, nn.LocalResponseNorm)


def test_the_limit_holds_for_all_layers_together(model, probe):
    """Each alone moves the output by less than the limit, all together by more: some must stay."""
    strengthen(model, *NORMS)
    alone = [RemoveNoOp((path,), limit=1e9) for path in NORMS]
    changes = [measured(model, one, probe) for one in alone]
    together = measured(model, RemoveNoOp(NORMS, limit=1e9), probe)
    limit = (max(changes) + together) / 2
    assert max(changes) < limit < together
    plan = plan_no_ops(model, probe, limit=limit)
    assert 1 <= len(plan.layers) < len(NORMS)
    assert plan.apply(model, probe).value <= limit


def measured(model, surgery, probe):
    originals = {path: model.get_submodule(path) for path in surgery.layers}
    value = surgery.apply(model, probe).value
    for path, module in originals.items():
        model.set_submodule(path, module)
    return value


def test_logits_have_their_own_unit_and_limit(class_recording):
    torch.manual_seed(0)
    model = build("multi-eye", {**ARGS, "output": "none", "output_scale_px": 1.0}, class_recording.spec).eval()
    probe = probe_of(model, class_recording, rows_of(class_recording, "train")[:6])
    proof = plan_no_ops(model, probe, unit="logits", limit=0.01).apply(model, probe)
    assert (proof.unit, proof.limit) == ("logits", 0.01) and proof.value <= 0.01


class Net(FeatureHead):
    """Idle: the normalisation across channels with alpha 0. Not so: the activation, though all that it reads is positive, what
    nothing reads, and dropout, which matters in the tuning that follows."""

    def __init__(self):
        super().__init__()
        self.positive = nn.ReLU()
        self.pool = nn.MaxPool2d(1)
        self.dropout = nn.Dropout(0.5)
        self.unread = nn.Dropout(0.5)
        self.nothing = nn.Identity()
        self.bounded = nn.Sequential(nn.BatchNorm2d(1, affine=False), nn.LocalResponseNorm(2, alpha=0.0))
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))

    def features(self, x):
        return self.nothing(self.bounded(self.dropout(self.pool(self.positive(x)))))


def test_only_idle_layers_are_found_and_the_mode_is_kept():
    model, probe = Net().train(), Probe((torch.rand(5, 1, 2, 2),), torch.zeros(0))
    statistics = model.bounded[0].running_mean.clone()
    plan = plan_no_ops(model, probe)
    assert plan.layers == ("bounded.1",)
    assert plan.apply(model, probe).value == 0
    assert model.training and torch.equal(model.bounded[0].running_mean, statistics)


@pytest.mark.parametrize(
    ("layers", "message"),
    [((), "no layer is named"), (("towers.0.conv1",), "a Conv2d has weights"), (("nowhere",), "no such layer")],
)
def test_what_cannot_be_removed_is_refused(model, probe, layers, message):
    with pytest.raises(InputError, match=message):
        RemoveNoOp(layers).apply(model, probe)
