"""Surgeries: each is proved, rebuilt bit-equal, and refused where it cannot be proved."""

import copy
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from xgaze.artifacts import WEIGHTS_FILE, ModelCard, read_weights, write_card, write_weights
from xgaze.compression.coarse_input import CoarseInput
from xgaze.compression.columns import Columns
from xgaze.compression.cut import Cut
from xgaze.compression.fold import Fold, plan_fold
from xgaze.compression.head import first_linear
from xgaze.compression.low_rank import LowRank, project
from xgaze.compression.no_op import RemoveNoOp
from xgaze.compression.proof import Proof, checked, outputs_of
from xgaze.compression.separable import Separable
from xgaze.compression.student import SURGERIES, load_model, rebuild, surgery_from_json
from xgaze.compression.surgery import Probe, operate, surgery_to_json
from xgaze.data.contract import InputSpec, Spec
from xgaze.errors import InputError
from xgaze.models.registry import build
from xgaze.models.size import count_fc_parameters

ARGS = {"first_stride": 1, "conv3_stride": 1, "conv3_padding": 2, "lrn": False}
LAYER = "head.embedding"


@pytest.fixture
def model(gaze_recording):
    torch.manual_seed(0)
    return build("multi-eye", ARGS, gaze_recording.spec).eval()


@pytest.fixture
def probe(model):
    return probe_for(model)


def probe_for(model):
    torch.manual_seed(1)
    inputs = tuple(torch.randn(4, 1, 40, 40) for _ in model.towers)
    return Probe(inputs, torch.randn(400, model.head.embedding.in_features))


def with_head(model, **changes):
    return build("multi-eye", {**ARGS, **changes}, model_spec(model))


def model_spec(model):
    return Spec(tuple(InputSpec(f"eye{k}", (1, 40, 40)) for k in range(len(model.towers))), "gaze", scene=(800, 600))


def test_folding_changes_nothing_and_halves_the_layer(model, probe):
    before, size = outputs_of(model.head, probe.features), count_fc_parameters(model)
    plan = plan_fold(model, LAYER, probe)
    assert plan == Fold(LAYER, "head.hidden")
    proof = plan.apply(model, probe)
    assert torch.allclose(outputs_of(model.head, probe.features), before, rtol=1e-5)
    assert proof.value <= 1e-5
    assert count_fc_parameters(model) < 0.55 * size
    assert plan_fold(model, LAYER, probe) is None  # an activation follows now


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
def test_nothing_is_folded_across_an_activation(model, probe, activation):
    other = with_head(model, embedding_activation=activation).eval()
    assert plan_fold(other, LAYER, probe) is None
    with pytest.raises(InputError, match=r"surgery on head\.embedding and head\.hidden refused"):
        Fold(LAYER, "head.hidden").apply(other, probe)


def test_a_proof_that_fails_or_is_nan_names_the_layers():
    for value in (2e-5, float("nan")):
        with pytest.raises(InputError, match=r"surgery on head\.x refused"):
            checked(Proof("change", value, 1e-5, "share"), "head.x")


@pytest.mark.parametrize("weighting", ["variance", "sensitivity"])
@pytest.mark.parametrize("rank", [1, 3, 20])
def test_low_rank_loses_exactly_what_its_spectrum_predicts(model, probe, weighting, rank):
    proof = LowRank(LAYER, rank, weighting).apply(model, probe)
    assert proof.value <= 1e-5
    pair = model.get_submodule(LAYER)
    assert pair.reduce.weight.shape == (rank, probe.features.shape[1]) and pair.expand.out_features == 128


def test_low_rank_equals_the_activation_aware_svd(model, probe):
    """The textbook form: truncate W C^1/2 and map back; the bias absorbs the mean."""
    features = probe.features * torch.linspace(0.1, 3, probe.features.shape[1]) + 1
    layer = copy.deepcopy(model.get_submodule(LAYER))
    w, x = layer.weight.detach().double().numpy(), features.double().numpy()
    mean = x.mean(axis=0)
    covariance = np.cov(x.T, bias=True)
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    u, s, vt = np.linalg.svd(w @ root, full_matrices=False)
    textbook = ((u[:, :5] * s[:5]) @ vt[:5] @ np.linalg.pinv(root, rcond=1e-9)) @ (x - mean).T
    LowRank(LAYER, 5).apply(model, Probe(probe.inputs, features))
    ours = (
        model.get_submodule(LAYER)(features).detach().numpy() - layer(torch.from_numpy(mean).float()).detach().numpy()
    )
    assert np.abs(ours - textbook.T).max() < 1e-3 * np.abs(textbook).max()


def test_full_rank_is_exact(model, probe):
    before = outputs_of(model.head, probe.features)
    LowRank(LAYER, 128).apply(model, probe)
    assert torch.allclose(outputs_of(model.head, probe.features), before, rtol=1e-4)


def test_a_layer_of_planted_rank_needs_no_more(model, probe):
    layer = model.get_submodule(LAYER)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(128, 3) @ torch.randn(3, layer.in_features) / 50)
    before = outputs_of(model.head, probe.features)
    LowRank(LAYER, 3).apply(model, probe)
    assert torch.allclose(outputs_of(model.head, probe.features), before, rtol=1e-4)


def test_the_projection_in_a_metric_keeps_what_the_metric_weighs():
    torch.manual_seed(0)
    output = torch.randn(500, 4) * torch.tensor([10.0, 1, 1, 1])
    metric = np.diag([1e-3, 1.0, 5.0, 1.0])
    kept = project(output, metric, 1)
    assert abs(float(kept.inward[0, 2])) > 100 * abs(float(kept.inward[0, 0]))


@pytest.mark.parametrize("rank", [0, 129])
def test_an_impossible_rank_is_refused(model, probe, rank):
    with pytest.raises(InputError, match=rf"rank {rank} is outside 1\.\.128"):
        LowRank(LAYER, rank).apply(model, probe)


def test_a_head_without_a_first_linear_layer_is_refused(model):
    model.head = nn.Sequential(nn.ReLU())
    with pytest.raises(InputError, match="no first FC layer"):
        first_linear(model)


@pytest.fixture
def reduced(model, probe):
    LowRank(LAYER, 4).apply(model, probe)
    return model


def separable(model, terms):
    return Separable(f"{LAYER}.reduce", terms, *model.feature_shape)


def test_the_features_are_flattened_maps(model, gaze_recording):
    inputs = [torch.randn(2, *one.shape) for one in gaze_recording.spec.inputs]
    with torch.no_grad():
        maps = torch.cat([tower(x) for tower, x in zip(model.towers, inputs, strict=True)], dim=1)
        assert torch.equal(maps.flatten(1), model.features(*inputs))
    assert tuple(maps.shape[1:]) == model.feature_shape


def test_filters_that_are_separable_already_stay_as_they_are(reduced, probe):
    channels, height, width = reduced.feature_shape
    layer = reduced.get_submodule(f"{LAYER}.reduce")
    with torch.no_grad():
        outer = torch.randn(4, channels, height, 1) @ torch.randn(4, channels, 1, width)
        layer.weight.copy_(outer.flatten(1))
    before = outputs_of(reduced.head, probe.features)
    separable(reduced, 1).apply(reduced, probe)
    assert torch.allclose(outputs_of(reduced.head, probe.features), before, rtol=1e-4)


@pytest.mark.parametrize("terms", [1, 3])
def test_separable_filters_lose_what_their_singular_values_predict(reduced, probe, terms):
    channels, height, width = reduced.feature_shape
    proof = separable(reduced, terms).apply(reduced, probe)
    assert proof.value <= 1e-5
    layer = reduced.get_submodule(f"{LAYER}.reduce")
    assert sum(p.numel() for p in layer.parameters()) == 4 * channels * terms * (height + width)


def test_impossible_separable_filters_are_refused(reduced, probe):
    with pytest.raises(InputError, match="terms; a"):
        separable(reduced, 4).apply(reduced, probe)
    with pytest.raises(InputError, match="expected a linear layer without bias on 1x2x3 maps"):
        Separable(f"{LAYER}.reduce", 1, 1, 2, 3).apply(reduced, probe)


# Students by what was done to them: arguments of the architecture beside ARGS, and the surgeries in order.
STUDENTS = {
    "factored": (
        {},
        [Fold(LAYER, "head.hidden"), LowRank(LAYER, 4, "sensitivity"), Separable(f"{LAYER}.reduce", 1, 16, 4, 4)],
    ),
    "columns": ({}, [Fold(LAYER, "head.hidden"), Columns(LAYER, tuple(range(3, 200, 7)))]),
    "sliced columns": ({}, [Columns(LAYER, (5, 1), refit=False)]),
    "no_op": ({"lrn": True}, [RemoveNoOp(("towers.0.norm1", "towers.1.norm2"))]),
    "channels": ({}, [Cut({"towers.0.conv3:out": "0:4,8:12", "towers.0.conv4:in": "0:4,8:12"})]),
    "hidden_units": ({}, [Cut({"head.hidden:out": "0:60", "head.gaze:in": "0:60"}, "hidden_units")]),
    "coarse_input": ({"first_stride": 2}, [CoarseInput("towers.0.conv1")]),
}
EVERY = [surgery for _, surgeries in STUDENTS.values() for surgery in surgeries]
INPUTS = "[torch.linspace(-1, 1, 1600).reshape(1, 1, 40, 40)] * 2"
SHOW = f"with torch.no_grad(): print(model(*{INPUTS}).numpy().tobytes().hex())"


def test_every_surgery_is_in_some_student_and_survives_json():
    assert {one.kind for one in EVERY} == set(SURGERIES)
    for one in EVERY:
        stored = json.loads(json.dumps({**surgery_to_json(one), "proof": {"value": 0.0}}))
        assert surgery_from_json(stored) == one


def test_malformed_surgeries_are_refused():
    with pytest.raises(InputError, match="did you mean 'low_rank'"):
        surgery_from_json({"kind": "lowrank"})
    with pytest.raises(InputError, match="malformed"):
        surgery_from_json({"kind": "low_rank", "layer": LAYER, "ranks": 3})
    with pytest.raises(InputError, match="malformed"):
        surgery_from_json({"kind": "columns", "layer": LAYER, "keep": ["0", "x"]})


@pytest.fixture
def store(tmp_path, model):
    """Make a student of STUDENTS and store it: its folder and the model."""

    def make(name):
        changes, surgeries = STUDENTS[name]
        torch.manual_seed(0)
        student = with_head(model, **changes).eval()
        steps = operate(student, surgeries, probe_for(student))
        architecture = {"name": "multi-eye", "args": {**ARGS, **changes}}
        stored = [step.to_json() for step in steps]
        spec = model_spec(model).to_json()
        (tmp_path / name).mkdir()
        write_weights(tmp_path / name / WEIGHTS_FILE, student.state_dict())
        write_card(
            tmp_path / name, ModelCard("student", architecture, spec, {"name": "toy"}, "hash", 0, surgeries=stored)
        )
        return tmp_path / name, student

    return make


def test_students_rebuilt_in_a_fresh_process_are_bit_equal(store):
    students = [store(name) for name in STUDENTS]
    expected = []
    for _, model in students:
        with torch.no_grad():
            expected.append(model(*eval(INPUTS)).numpy().tobytes().hex())
    script = (
        "import sys, torch; from pathlib import Path; from xgaze.compression.student import load_model\n"
        f"for folder in sys.argv[1:]:\n model, card = load_model(Path(folder))\n {SHOW}"
    )
    folders = [str(folder) for folder, _ in students]
    done = subprocess.run([sys.executable, "-c", script, *folders], capture_output=True, text=True, check=True)
    assert done.stdout.split() == expected


def test_weights_that_do_not_fit_the_card_are_named(store):
    folder, _ = store("factored")
    weights = read_weights(folder / WEIGHTS_FILE)
    weights["head.embedding.reduce.rows"] = torch.zeros(5, 3)
    write_weights(folder / WEIGHTS_FILE, weights)
    with pytest.raises(InputError, match=r"weights do not fit .*head\.embedding\.reduce\.rows"):
        load_model(folder)


@pytest.mark.parametrize("name", STUDENTS)
def test_rebuilding_needs_no_weights_of_the_teacher(store, name):
    folder, model = store(name)
    card = load_model(folder)[1]
    assert {k: v.shape for k, v in rebuild(card).state_dict().items()} == {
        k: v.shape for k, v in model.state_dict().items()
    }
