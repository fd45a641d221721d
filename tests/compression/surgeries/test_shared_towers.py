"""One tower for several cameras: the old wiring with equal weights, exactly; stored, cut, traced and exported once."""

import copy

import onnx
import pytest
import torch
from torch import nn

from xgaze.compression.export.onnx import export_checked
from xgaze.compression.surgeries.base import Probe
from xgaze.compression.surgeries.channels import plan_going
from xgaze.compression.surgeries.proof import outputs_of
from xgaze.compression.surgeries.shared_towers import (
    LIMIT,
    SURGERY,
    SharedTowers,
    fresh_states,
    mirror,
    plan_shared_towers,
)
from xgaze.compression.surgeries.surgery_kinds import Step
from xgaze.data.batches import ordered_batches
from xgaze.data.contract import rows_of
from xgaze.errors import InputError
from xgaze.models.size import count_parameters
from xgaze.models.towers import alike, find_towers

CONVS = [f"conv{k}" for k in range(1, 6)]


@pytest.fixture
def shown(probe):
    return Probe(probe.inputs, probe.features, (False, True))


def test_the_plan_pairs_all_layers_and_mirrors_the_right_eye(model, shown):
    plan = plan_shared_towers(model, shown)
    assert plan.layers == {f"towers.1.{name}": f"towers.0.{name}" for name in CONVS}
    assert plan.mirrored == tuple(plan.layers)
    assert plan_shared_towers(model, shown, mirrors="none").mirrored == ()
    assert plan_shared_towers(model, shown, mirrors="measured").mirrored == ()  # noise looks the same both ways
    assert SURGERY.in_words(plan) == "1 tower with another's 5 layers, 1 mirrored, begun from the mean"


@pytest.mark.parametrize("start", ["first", "mean", "fresh"])
def test_it_equals_the_old_wiring_with_equal_weights(model, shown, gaze_recording, start):
    """On real samples, with other weights than it was proved with. 40 pixels do not come out even for any kernel of the tower."""
    apart = copy.deepcopy(model)
    plan = plan_shared_towers(model, shown, start)
    whole = count_parameters(model)
    proof = plan.apply(model, shown)
    assert proof.value <= proof.limit == LIMIT
    one_tower = sum(p.numel() for p in apart.towers[1].parameters())
    assert count_parameters(model) == whole - one_tower
    with torch.no_grad():
        for path, state in fresh_states(apart, dict.fromkeys(plan.layers.values()), seed=5).items():
            model.get_submodule(path).load_state_dict(state)
            apart.get_submodule(path).load_state_dict(state)
        for path, of in plan.layers.items():
            apart.get_submodule(path).load_state_dict(mirror(apart.get_submodule(of).state_dict(), True))
    inputs = next(iter(ordered_batches(gaze_recording, rows_of(gaze_recording, "test")[:8]))).inputs
    expected = outputs_of(apart, *inputs)
    assert float((outputs_of(model, *inputs) - expected).abs().max()) <= 1e-6 * float(expected.abs().max())


def test_where_it_begins(model, shown):
    with torch.no_grad():
        model.towers[0].conv3.weight.mul_(2)  # it was drawn with the seed of fresh ones
    first = model.towers[0].conv3.weight.clone()
    for start in ("first", "fresh", "mean"):
        student = copy.deepcopy(model)
        plan_shared_towers(student, shown, start).apply(student, shown)
        same = torch.equal(student.towers[0].conv3.weight, first)
        assert same == (start == "first")
    assert torch.equal(model.towers[0].conv3.weight, first)


def test_channels_are_cut_for_all_cameras_with_their_shifts(model, shown):
    plan_shared_towers(model, shown, own="shift").apply(model, shown)
    with torch.no_grad():
        for shift in (one for name, one in model.named_parameters() if "shift" in name):
            shift.normal_()
    cut = plan_going(model, shown, {"towers.0.conv1": 16, "towers.0.conv5": 4}).cut()
    assert cut.apply(model, shown).value <= 1e-5
    assert model.towers[0].conv1.out_channels == len(model.towers[1].conv1.shift.bias) == 16
    assert model.head.embedding.in_features == 2 * 4 * 16 and model.feature_shape == (8, 4, 4)


def test_an_exported_file_holds_the_shared_weights_once(model, shown, gaze_recording, tmp_path):
    plan_shared_towers(model, shown).apply(model, shown)
    file = tmp_path / "student.onnx"
    exported = export_checked(model, gaze_recording.spec, file, shown.inputs)
    assert exported.parity < 1e-5 and exported.batch == "any"
    numbers = sum(len(one.raw_data) // 4 for one in onnx.load(file).graph.initializer if one.data_type == 1)
    assert count_parameters(model) <= numbers < count_parameters(model) + 100


@pytest.mark.parametrize("name", ["vgg", "batch norm", "group norm", "shuffled towers", "layer norm"])
def test_an_imported_net_shares_its_towers(gaze_recording, net, name):
    model = net(name, gaze_recording)
    inputs = next(iter(ordered_batches(gaze_recording, rows_of(gaze_recording, "train")[:4]))).inputs
    probe = Probe(inputs, model.features(*inputs).detach(), (False, True))
    before = count_parameters(model)
    features = sum(p.numel() for key, p in model.named_parameters() if not key.startswith("head"))
    proof = plan_shared_towers(model, probe).apply(model, probe)
    assert proof.value <= LIMIT
    assert count_parameters(model) == before - features // 2


def test_a_net_that_shares_already_has_nothing_to_share(gaze_recording, net):
    model = net("one batch", gaze_recording)
    inputs = next(iter(ordered_batches(gaze_recording, rows_of(gaze_recording, "train")[:4]))).inputs
    with pytest.raises(InputError, match="no towers to share"):
        plan_shared_towers(model, Probe(inputs, torch.zeros(0)))


class Flat(nn.Sequential):
    """A tower that ends in a fully connected layer of its own."""

    def __init__(self):
        super().__init__(nn.Conv2d(1, 4, 5, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 81, 8))


def test_a_tower_with_a_layer_that_has_no_mirror_image_is_shared_as_it_is(model, shown):
    model.towers = nn.ModuleList([Flat(), Flat()])
    model.head = nn.Sequential(nn.Linear(16, 2))
    plan = plan_shared_towers(model, shown)
    assert plan.mirrored == () and len(plan.layers) == 2
    turned = SharedTowers({"towers.1.3": "towers.0.3"}, ("towers.1.3",))
    with pytest.raises(InputError, match="has no mirror image"):
        turned.apply(model, shown)
    assert plan.apply(model, shown).value <= LIMIT


def test_layers_that_are_not_alike_are_refused_by_name(model, shown):
    before = model.towers[1].conv1
    with pytest.raises(InputError, match=r"'towers\.1\.conv1' is Conv2d\(1, 32.*'towers\.0\.conv5' is Conv2d\(16, 8"):
        SharedTowers({"towers.1.conv1": "towers.0.conv5"}).apply(model, shown)
    assert model.towers[1].conv1 is before


def test_a_start_that_is_not_known_is_refused(model, shown):
    with pytest.raises(InputError, match="no such start 'median'; there are: mean, first"):
        SURGERY.planned(model, "head.embedding", "median", shown)


def test_its_step_says_what_was_done(model, shown):
    plan = SURGERY.planned(model, "head.embedding", "fresh-shifts", shown)
    told = Step(plan, plan.apply(model, shown)).to_json()
    assert told["words"] == "1 tower with another's 5 layers, 1 mirrored, a shift per channel each, begun anew"
    assert told["where"].startswith("5 layers, by towers.0.conv1, towers.0.conv2")


def test_an_imported_net_has_the_same_towers(gaze_recording, net):
    towers = find_towers(net("vgg", gaze_recording), (torch.zeros(2, 1, 40, 40),) * 2)
    assert alike(towers) == [towers]
    assert [call.said for call in towers[0].calls] == [call.said for call in towers[1].calls]
    assert len(towers[0].calls) == 6
