"""A head whose first layer reads the maps of every scale with the same weights: every tool for first layers works on it."""

import copy
import json

import numpy as np
import pytest
import torch
from torch import nn

from xgaze.artifacts import WEIGHTS_FILE, ModelCard, write_card, write_weights
from xgaze.capacity.active_subspace import output_jacobian
from xgaze.capacity.beside import Rejoined
from xgaze.capacity.layer_capacity import layer_capacity
from xgaze.capacity.sensitivity import rank_sensitivity
from xgaze.compression.build import build_student
from xgaze.compression.export.onnx import export_onnx, open_session, run_onnx
from xgaze.compression.head import entrance, first_linear, further_large, rows_read, tail_of, tail_reading
from xgaze.compression.plan import Plan, widths_of
from xgaze.compression.search.rivals import columns_by_norm, from_scratch, plain_svd
from xgaze.compression.student import load_model
from xgaze.compression.surgeries.base import Probe
from xgaze.compression.surgeries.channels import plan_going
from xgaze.compression.surgeries.columns import plan_columns
from xgaze.compression.surgeries.fold import plan_fold
from xgaze.compression.surgeries.low_rank import LowRank, plan_thinner
from xgaze.compression.surgeries.proof import outputs_of
from xgaze.compression.surgeries.separable import Separable, plan_separable
from xgaze.data.contract import InputSpec, Spec
from xgaze.explanation.embedding.entrance import at_embedding
from xgaze.models.registry import build
from xgaze.models.size import count_fc_parameters

LAYER = "head.branch.layer"
SPEC = Spec(
    tuple(InputSpec(f"crop_{scale}", (3, 42, 42)) for scale in (400, 250, 150)),
    "class",
    unit="AUC",
    classes=("no", "yes"),
)
ARGS = {"share_towers": True, "hidden": 24}
MAPS, HIDDEN = 2592, 24


@pytest.fixture(scope="module")
def whole():
    torch.manual_seed(0)
    model = build("mrcnn", ARGS, SPEC).eval()
    with torch.no_grad():
        model.head.joint.weight.mul_(8)
    return model


@pytest.fixture
def model(whole):
    return copy.deepcopy(whole)


@torch.no_grad()
def probe_for(model, samples=40):
    torch.manual_seed(1)
    inputs = tuple(torch.randn(samples, 3, 42, 42) for _ in range(3))
    return Probe(tuple(x[:4] for x in inputs), model.features(*inputs))


@pytest.fixture(scope="module")
def shared(whole):
    return probe_for(whole)


@pytest.fixture
def probe(shared):
    return shared


def test_the_first_layer_lies_inside_and_reads_one_block_after_the_other(model, probe):
    assert (first_linear(model), entrance(LAYER), model.feature_shape) == (LAYER, "head.branch", (288, 3, 3))
    read = rows_read(model, LAYER, probe.features)
    assert torch.equal(read, probe.features.reshape(-1, MAPS))
    with torch.no_grad():
        assert torch.equal(tail_of(model, LAYER)(model.head.branch(probe.features)), model.head(probe.features))


def test_the_tail_reads_the_outputs_of_all_blocks_of_a_sample(model, probe):
    layer, read = model.get_submodule(LAYER), rows_read(model, LAYER, probe.features)
    tail = tail_reading(model, LAYER, probe.features)
    assert isinstance(tail, Rejoined)
    output = layer(read).detach()
    assert torch.allclose(tail(output), model.head(probe.features), atol=1e-6)
    n = len(probe.features)
    gradient = output_jacobian(tail, output)  # of a block's outputs: what the plain tail has for its third of them
    plain = output_jacobian(tail_of(model, LAYER), model.head.branch(probe.features).detach())
    expected = plain.reshape(n, 2, 3, HIDDEN).movedim(2, 1).reshape(3 * n, 2, HIDDEN)
    assert torch.allclose(gradient, expected, atol=1e-6)


def test_further_layers_are_read_where_they_stand(model, probe):
    read = rows_read(model, "head.joint", probe.features)
    with torch.no_grad():
        assert torch.allclose(read, model.head.branch(probe.features).relu(), atol=1e-6)
        tail = tail_reading(model, "head.joint", probe.features)
        assert torch.allclose(tail(model.head.joint(read)), model.head(probe.features), atol=1e-6)


@pytest.mark.parametrize("weighting", ["variance", "sensitivity"])
@pytest.mark.parametrize("layer", [LAYER, "head.joint"])
def test_low_rank_loses_what_its_spectrum_predicts(model, probe, layer, weighting):
    proof = LowRank(layer, 3, weighting).apply(model, probe)
    assert proof.value <= 1e-5
    assert model.get_submodule(layer).reduce.weight.shape[0] == 3


def test_full_rank_changes_nothing(model, probe):
    before = outputs_of(model.head, probe.features)
    LowRank(LAYER, HIDDEN).apply(model, probe)
    LowRank("head.joint", HIDDEN).apply(model, probe)
    assert torch.allclose(outputs_of(model.head, probe.features), before, atol=1e-4)


def test_one_projection_serves_all_blocks_and_is_the_best_for_them_together(model, probe):
    read = rows_read(model, LAYER, probe.features)
    with torch.no_grad():
        before = model.get_submodule(LAYER)(read).double()
        LowRank(LAYER, 3).apply(model, probe)
        lost = (model.get_submodule(LAYER)(read).double() - before).square().sum(dim=1).mean()
    eigenvalues = torch.linalg.eigvalsh(torch.cov(before.T, correction=0))
    assert float(lost) == pytest.approx(float(eigenvalues[:-3].sum()), rel=1e-4)


def test_filters_are_separated_on_the_maps_of_one_scale(model, probe):
    LowRank(LAYER, 3).apply(model, probe)
    plan = plan_separable(model, f"{LAYER}.reduce", 1)
    assert plan == Separable(f"{LAYER}.reduce", 1, 288, 3, 3)
    assert plan.apply(model, probe).value <= 1e-5
    assert model(*probe.inputs).shape == (4, 2)


def test_nothing_is_folded_across_the_joining_of_scales(model, probe):
    assert plan_fold(model, LAYER, probe) is None


def test_columns_are_chosen_for_all_scales_at_once(model, probe):
    layer = copy.deepcopy(model.get_submodule(LAYER))
    read = rows_read(model, LAYER, probe.features)
    plan = plan_columns(model, LAYER, 60)
    assert len(plan.keep) == 60 and max(plan.keep) < MAPS and plan.apply(model, probe).value <= 1e-5
    others = [k for k in range(MAPS) if k not in plan.keep]
    with torch.no_grad():
        layer.weight[:, others] = 0
        assert torch.allclose(model.get_submodule(LAYER)(read), layer(read), atol=1e-5)


@pytest.mark.parametrize("plan", [Plan(rank=2, terms=1), Plan(rank=4)])
def test_a_student_is_proved_exported_and_rebuilt_bit_equal(plan, tmp_path):
    torch.manual_seed(0)
    args = {**ARGS, "hidden": 160}  # so that the joint layer is large too
    model = build("mrcnn", args, SPEC).eval()
    probe = probe_for(model)
    student, steps = build_student(model, plan, lambda _: probe, "class")
    layers = [getattr(step.surgery, "layer", "") for step in steps]
    assert layers == [LAYER, *([f"{LAYER}.reduce"] if plan.terms else []), "head.joint"]
    assert all(step.proof.value <= step.proof.limit for step in steps)
    stored = json.loads(json.dumps([step.to_json() for step in steps]))
    write_weights(tmp_path / WEIGHTS_FILE, student.state_dict())
    architecture = {"name": "mrcnn", "args": args}
    write_card(
        tmp_path, ModelCard("student", architecture, SPEC.to_json(), {"name": "toy"}, "hash", 0, surgeries=stored)
    )
    again, _ = load_model(tmp_path)
    with torch.no_grad():
        assert torch.equal(again(*probe.inputs), student(*probe.inputs))
    export_onnx(student, SPEC, tmp_path / "m.onnx")
    session, exactly = open_session(tmp_path / "m.onnx"), copy.deepcopy(student).double()
    for samples in (1, 4):
        shown = [x[:samples] for x in probe.inputs]
        expected = exactly(*(x.double() for x in shown)).detach().numpy()  # torch rounds by more
        assert np.abs(run_onnx(session, shown) - expected).max() < 1e-5 * np.abs(expected).max()


def test_thirty_times_fewer_parameters_need_both_large_layers():
    model = build("mrcnn", {}, SPEC).eval()
    assert further_large(model, LAYER) == ["head.joint"]
    before = count_fc_parameters(model)
    LowRank(LAYER, 8).reshape(model)
    Separable(f"{LAYER}.reduce", 1, 288, 3, 3).reshape(model)
    assert before / count_fc_parameters(model) < 3
    LowRank("head.joint", 8).reshape(model)
    assert count_fc_parameters(model) == 8 * 288 * 6 + 8 * 512 + 512 + 8 * (1536 + 512) + 512 + 513
    assert before / count_fc_parameters(model) > 50


def test_small_layers_and_ranks_that_save_nothing_are_left_whole(model, probe):
    assert plan_thinner(model, "head.joint", 18, probe) is None  # 18 x (72 + 24) = 72 x 24
    assert plan_thinner(model, "head.joint", 17, probe) is not None
    head = nn.Sequential(nn.Linear(500, 64), nn.ReLU(), nn.Linear(64, 40), nn.ReLU(), nn.Linear(40, 2))
    model.head = head
    assert further_large(model, "head.0") == []


def test_channels_are_cut_in_the_maps_of_all_scales(model, probe):
    cut = plan_going(model, probe, {**widths_of(model, 1.0), "towers.0.conv3": 144}).cut()
    assert cut.apply(model, probe).value <= 1e-5
    assert model.feature_shape == (144, 3, 3) and model.get_submodule(LAYER).in_features == MAPS // 2


def test_the_baselines_of_other_tools_work(model, probe):
    x = probe.inputs
    small = plain_svd(model, LAYER, HIDDEN)
    with torch.no_grad():
        assert torch.allclose(small(*x), model(*x), atol=1e-4)
    assert columns_by_norm(model, LAYER, 20, probe)(*x).shape == (4, 2)
    fresh = from_scratch(small, 3)
    assert not torch.equal(fresh.get_submodule(LAYER).reduce.weight, small.get_submodule(LAYER).reduce.weight)


@pytest.mark.parametrize("q", [2, 5])
def test_capacity_finds_the_rank_planted_into_the_shared_layer(model, q):
    """Its weight has rank q, its features are independent: q principal components are all there is."""
    torch.manual_seed(q)
    features = torch.randn(700, 3 * MAPS)
    with torch.no_grad():
        left, right = torch.linalg.qr(torch.randn(HIDDEN, HIDDEN))[0], torch.linalg.qr(torch.randn(MAPS, q))[0]
        model.get_submodule(LAYER).weight.copy_(left[:, :q] @ right.T)
    rows, tail = rows_read(model, LAYER, features), tail_reading(model, LAYER, features)
    capacity = layer_capacity(LAYER, model.get_submodule(LAYER), tail, rows.numpy())
    assert (capacity.in_features, capacity.out_features) == (MAPS, HIDDEN)
    assert capacity.components_99["output"] == capacity.components_99["weight"] == q
    assert capacity.expected_rank <= q


def test_rank_sensitivity_of_the_layer_is_exact_at_full_rank_and_grows_below(model, probe):
    whole = outputs_of(model.head, probe.features).numpy()

    def score(outputs):
        assert outputs.shape == whole.shape
        return float(np.square(outputs - whole).mean())

    rows, tail = rows_read(model, LAYER, probe.features), tail_reading(model, LAYER, probe.features)
    points = rank_sensitivity(LAYER, model.get_submodule(LAYER), tail, rows.numpy(), score, [1, 6, HIDDEN])
    assert points[0].error > points[1].error > points[2].error
    assert points[2].error < 1e-9


def test_the_embedding_to_explain_is_what_the_next_layer_reads(model):
    models, path = at_embedding({"teacher": model}, LAYER)
    assert path == "head.branch_drop" and models["teacher"] is model
