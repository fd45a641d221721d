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
from xgaze.compression.fold import Fold, plan_fold
from xgaze.compression.head import first_linear, tail_of
from xgaze.compression.low_rank import LowRank, project
from xgaze.compression.proof import Proof, checked, outputs_of
from xgaze.compression.separable import Separable
from xgaze.compression.student import SURGERIES, load_model, rebuild, surgery_from_json, surgery_to_json
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
def features(model):
    torch.manual_seed(1)
    return torch.randn(400, model.head.embedding.in_features)


def with_head(model, **changes):
    return build("multi-eye", {**ARGS, **changes}, model_spec(model))


def model_spec(model):
    return Spec(tuple(InputSpec(f"eye{k}", (1, 40, 40)) for k in range(len(model.towers))), "gaze", scene=(800, 600))


def test_folding_changes_nothing_and_halves_the_layer(model, features):
    before, size = outputs_of(model.head, features), count_fc_parameters(model)
    plan = plan_fold(model, LAYER, model.head, features)
    assert plan == Fold(LAYER, "head.hidden")
    proof = plan.apply(model, model.head, features)
    assert torch.allclose(outputs_of(model.head, features), before, rtol=1e-5)
    assert proof.value <= 1e-5
    assert count_fc_parameters(model) < 0.55 * size
    assert plan_fold(model, LAYER, model.head, features) is None  # an activation follows now


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
def test_nothing_is_folded_across_an_activation(model, features, activation):
    other = with_head(model, embedding_activation=activation).eval()
    assert plan_fold(other, LAYER, other.head, features) is None
    with pytest.raises(InputError, match=r"surgery on head\.embedding and head\.hidden refused"):
        Fold(LAYER, "head.hidden").apply(other, other.head, features)


def test_a_proof_that_fails_or_is_nan_names_the_layers():
    for value in (2e-5, float("nan")):
        with pytest.raises(InputError, match=r"surgery on head\.x refused"):
            checked(Proof("change", value, 1e-5, "share"), "head.x")


@pytest.mark.parametrize("weighting", ["variance", "sensitivity"])
@pytest.mark.parametrize("rank", [1, 3, 20])
def test_low_rank_loses_exactly_what_its_spectrum_predicts(model, features, weighting, rank):
    proof = LowRank(LAYER, rank, weighting).apply(model, tail_of(model, LAYER), features)
    assert proof.value <= 1e-5
    pair = model.get_submodule(LAYER)
    assert pair.reduce.weight.shape == (rank, features.shape[1]) and pair.expand.out_features == 128


def test_low_rank_equals_the_activation_aware_svd(model, features):
    """The textbook form: truncate W C^1/2 and map back; the bias absorbs the mean."""
    features = features * torch.linspace(0.1, 3, features.shape[1]) + 1
    layer = copy.deepcopy(model.get_submodule(LAYER))
    w, x = layer.weight.detach().double().numpy(), features.double().numpy()
    mean = x.mean(axis=0)
    covariance = np.cov(x.T, bias=True)
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    u, s, vt = np.linalg.svd(w @ root, full_matrices=False)
    textbook = ((u[:, :5] * s[:5]) @ vt[:5] @ np.linalg.pinv(root, rcond=1e-9)) @ (x - mean).T
    LowRank(LAYER, 5).apply(model, tail_of(model, LAYER), features)
    ours = (
        model.get_submodule(LAYER)(features).detach().numpy() - layer(torch.from_numpy(mean).float()).detach().numpy()
    )
    assert np.abs(ours - textbook.T).max() < 1e-3 * np.abs(textbook).max()


def test_full_rank_is_exact(model, features):
    before = outputs_of(model.head, features)
    LowRank(LAYER, 128).apply(model, tail_of(model, LAYER), features)
    assert torch.allclose(outputs_of(model.head, features), before, rtol=1e-4)


def test_a_layer_of_planted_rank_needs_no_more(model, features):
    layer = model.get_submodule(LAYER)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(128, 3) @ torch.randn(3, layer.in_features) / 50)
    before = outputs_of(model.head, features)
    LowRank(LAYER, 3).apply(model, tail_of(model, LAYER), features)
    assert torch.allclose(outputs_of(model.head, features), before, rtol=1e-4)


def test_the_projection_in_a_metric_keeps_what_the_metric_weighs():
    torch.manual_seed(0)
    output = torch.randn(500, 4) * torch.tensor([10.0, 1, 1, 1])
    metric = np.diag([1e-3, 1.0, 5.0, 1.0])
    kept = project(output, metric, 1)
    assert abs(float(kept.inward[0, 2])) > 100 * abs(float(kept.inward[0, 0]))


@pytest.mark.parametrize("rank", [0, 129])
def test_an_impossible_rank_is_refused(model, features, rank):
    with pytest.raises(InputError, match=rf"rank {rank} is outside 1\.\.128"):
        LowRank(LAYER, rank).apply(model, tail_of(model, LAYER), features)


def test_a_head_without_a_first_linear_layer_is_refused(model):
    model.head = nn.Sequential(nn.ReLU())
    with pytest.raises(InputError, match="no first FC layer"):
        first_linear(model)


@pytest.fixture
def reduced(model, features):
    LowRank(LAYER, 4).apply(model, tail_of(model, LAYER), features)
    return model


def separable(model, terms):
    return Separable(f"{LAYER}.reduce", terms, *model.feature_shape)


def test_the_features_are_flattened_maps(model, gaze_recording):
    inputs = [torch.randn(2, *one.shape) for one in gaze_recording.spec.inputs]
    with torch.no_grad():
        maps = torch.cat([tower(x) for tower, x in zip(model.towers, inputs, strict=True)], dim=1)
        assert torch.equal(maps.flatten(1), model.features(*inputs))
    assert tuple(maps.shape[1:]) == model.feature_shape


def test_filters_that_are_separable_already_stay_as_they_are(reduced, features):
    channels, height, width = reduced.feature_shape
    layer = reduced.get_submodule(f"{LAYER}.reduce")
    with torch.no_grad():
        outer = torch.randn(4, channels, height, 1) @ torch.randn(4, channels, 1, width)
        layer.weight.copy_(outer.flatten(1))
    before = outputs_of(reduced.head, features)
    separable(reduced, 1).apply(reduced)
    assert torch.allclose(outputs_of(reduced.head, features), before, rtol=1e-4)


@pytest.mark.parametrize("terms", [1, 3])
def test_separable_filters_lose_what_their_singular_values_predict(reduced, terms):
    channels, height, width = reduced.feature_shape
    proof = separable(reduced, terms).apply(reduced)
    assert proof.value <= 1e-5
    layer = reduced.get_submodule(f"{LAYER}.reduce")
    assert sum(p.numel() for p in layer.parameters()) == 4 * channels * terms * (height + width)


def test_impossible_separable_filters_are_refused(model, reduced):
    with pytest.raises(InputError, match="terms; a"):
        separable(reduced, 4).apply(reduced)
    with pytest.raises(InputError, match="expected a linear layer without bias on 1x2x3 maps"):
        Separable(f"{LAYER}.reduce", 1, 1, 2, 3).apply(reduced)


EVERY = [Fold(LAYER, "head.hidden"), LowRank(LAYER, 4, "sensitivity"), Separable(f"{LAYER}.reduce", 1, 16, 4, 4)]


def test_every_surgery_has_a_case_and_survives_json():
    assert {one.kind for one in EVERY} == set(SURGERIES)
    for one in EVERY:
        stored = json.loads(json.dumps({**surgery_to_json(one), "proof": {"value": 0.0}}))
        assert surgery_from_json(stored) == one


def test_malformed_surgeries_are_refused():
    with pytest.raises(InputError, match="did you mean 'low_rank'"):
        surgery_from_json({"kind": "lowrank"})
    with pytest.raises(InputError, match="malformed"):
        surgery_from_json({"kind": "low_rank", "layer": LAYER, "ranks": 3})


@pytest.fixture
def stored_student(tmp_path, model, features):
    EVERY[0].apply(model, model.head, features)
    EVERY[1].apply(model, tail_of(model, LAYER), features)
    EVERY[2].apply(model)
    card = ModelCard(
        "student",
        {"name": "multi-eye", "args": ARGS},
        model_spec(model).to_json(),
        {"name": "toy"},
        "hash",
        0,
        surgeries=[surgery_to_json(one) for one in EVERY],
    )
    write_weights(tmp_path / WEIGHTS_FILE, model.state_dict())
    write_card(tmp_path, card)
    return tmp_path, model


def test_a_student_rebuilt_in_a_fresh_process_is_bit_equal(stored_student):
    folder, model = stored_student
    inputs = [torch.linspace(-1, 1, 1600).reshape(1, 1, 40, 40)] * 2
    with torch.no_grad():
        expected = model(*inputs).numpy().tobytes().hex()
    script = (
        "import sys, torch; from pathlib import Path; from xgaze.compression.student import load_model\n"
        "model, card = load_model(Path(sys.argv[1]))\n"
        "x = [torch.linspace(-1, 1, 1600).reshape(1, 1, 40, 40)] * 2\n"
        "with torch.no_grad(): print(model(*x).numpy().tobytes().hex())"
    )
    done = subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected


def test_weights_that_do_not_fit_the_card_are_named(stored_student):
    folder, _ = stored_student
    weights = read_weights(folder / WEIGHTS_FILE)
    weights["head.embedding.reduce.rows"] = torch.zeros(5, 3)
    write_weights(folder / WEIGHTS_FILE, weights)
    with pytest.raises(InputError, match=r"weights do not fit .*head\.embedding\.reduce\.rows"):
        load_model(folder)


def test_rebuilding_needs_no_weights_of_the_teacher(stored_student):
    folder, model = stored_student
    card = load_model(folder)[1]
    assert {k: v.shape for k, v in rebuild(card).state_dict().items()} == {
        k: v.shape for k, v in model.state_dict().items()
    }
