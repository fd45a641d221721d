"""Explanations against known answers: linear models, closed forms, and Captum called by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from xgaze.data.contract import InputSpec, Spec, rows_of
from xgaze.explanation.attribution.attribution import integrated_gradients, mean_inputs
from xgaze.explanation.attribution.targets import Scalar, targets_for
from xgaze.explanation.embedding.sweep import sweep_embedding
from xgaze.explanation.embedding.sweep_section import explain_embedding
from xgaze.explanation.explain import explain_samples, stored_attribution, write_explanation
from xgaze.explanation.test_set.regions import mean_shares, region_shares
from xgaze.models.registry import build
from xgaze.recipe import Explain

GAZE = Spec((InputSpec("eye0", (1, 4, 5)), InputSpec("eye1", (1, 4, 5))), "gaze", scene=(800, 600))


class LinearEyes(nn.Module):
    """Gaze = A eye0 + B eye1: attributions are known exactly."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Linear(20, 2), nn.Linear(20, 2, bias=False)

    def forward(self, a, b):
        return self.first(a.flatten(1)) + self.second(b.flatten(1))


def eyes():
    torch.manual_seed(1)
    return tuple(torch.randn(1, 1, 4, 5) for _ in range(2)), tuple(torch.randn(1, 1, 4, 5) for _ in range(2))


def test_integrated_gradients_of_a_linear_model_are_weight_times_change():
    model, (inputs, baseline) = LinearEyes(), eyes()
    found = integrated_gradients(model, targets_for(GAZE)[1], inputs, torch.zeros(1, 2), baseline)
    for layer, here, there, got in zip((model.first, model.second), inputs, baseline, found.maps, strict=True):
        assert np.allclose(got, (layer.weight[1].reshape(4, 5) * (here - there)[0, 0]).detach(), atol=1e-6)
    assert found.completeness_percent < 1e-3
    assert found.explained == pytest.approx(float(sum(one.sum() for one in found.maps)), rel=1e-5)
    assert sum(found.share_percent()) == pytest.approx(100)


def test_the_error_in_px_is_attributed_and_complete():
    model, (inputs, baseline) = LinearEyes(), eyes()
    truth = torch.tensor([[3.0, -2.0]])
    target = targets_for(GAZE)[2]
    found = integrated_gradients(model, target, inputs, truth, baseline, steps=200)
    with torch.no_grad():
        change = (model(*inputs) - truth).norm() - (model(*baseline) - truth).norm()
    assert (target.name, target.unit) == ("error", "px")
    assert found.explained == pytest.approx(float(change), rel=1e-5)
    assert found.completeness_percent < 1


def test_an_input_the_model_ignores_gets_nothing():
    model, (inputs, baseline) = LinearEyes(), eyes()
    nn.init.zeros_(model.second.weight)
    found = integrated_gradients(model, targets_for(GAZE)[0], inputs, torch.zeros(1, 2), baseline)
    assert found.share_percent() == pytest.approx([100, 0])


def test_the_logit_of_a_class_is_read_against_the_others():
    spec = Spec((InputSpec("image", (1, 2, 2)),), "class", unit="AUC", classes=("a", "b", "c"))
    (target,) = targets_for(spec, predicted_class=2)
    scalar = Scalar(nn.Identity(), target)
    assert scalar(torch.tensor([[1.0, 3.0, 7.0]]), torch.tensor([0])).item() == 5
    assert target.name == "class c"


def test_region_shares_are_of_absolute_mass_and_of_area():
    maps = [np.array([[3.0, -1.0], [0.0, 0.0]], np.float32)]
    regions = np.array([[[0, 1], [1, 1]]], np.uint8)
    assert region_shares(maps, regions, ("pupil", "skin", "lash")) == {"pupil": (75, 25), "skin": (25, 75)}
    with pytest.raises(ValueError, match="same shape"):
        region_shares(maps, regions[:, :1], ("pupil", "skin"))
    rows = [{"model": "t", "target": "x", "region": "pupil", "share_percent": s, "area_percent": 1.0} for s in (2, 4)]
    assert mean_shares(rows) == [
        {"model": "t", "target": "x", "region": "pupil", "share_percent": 3.0, "area_percent": 1.0}
    ]


def test_a_sweep_moves_one_variable_over_its_observed_range():
    tail = nn.Linear(3, 2, bias=False)
    with torch.no_grad():
        tail.weight.copy_(torch.tensor([[1.0, 0, 0], [0, 5, 0]]))
    observed = np.random.default_rng(0).uniform(-1, 1, (5000, 3))
    sweep = sweep_embedding(tail, np.array([10.0, 20, 30]), observed, 11)
    assert np.allclose(sweep.values[:, 0], -0.98, atol=0.02) and np.allclose(sweep.values[:, -1], 0.98, atol=0.02)
    assert sweep.outputs[0, :, 0] == pytest.approx(sweep.values[0], abs=1e-5)  # only variable 0 moves x
    assert sweep.outputs[0, :, 1] == pytest.approx(100)
    assert sweep.reach() == pytest.approx([1.96, 9.8, 0], abs=0.1)
    assert sweep.strongest(2) == [1, 0]


def test_the_baseline_is_the_mean_picture(gaze_recording):
    rows = rows_of(gaze_recording, "train")
    baseline = mean_inputs(gaze_recording, rows)
    expected = (gaze_recording.images[rows, 0].mean(axis=0) - 40) / 60
    assert np.allclose(baseline[0][0, 0], expected, atol=1e-4)


def of(recording):
    """The baseline."""
    return mean_inputs(recording, rows_of(recording, "train"))


@pytest.fixture(params=["gaze", "class"])
def explained(request, gaze_recording, class_recording):
    recording = gaze_recording if request.param == "gaze" else class_recording
    torch.manual_seed(0)
    args = {"first_stride": 1, "conv3_stride": 1, "conv3_padding": 2, "lrn": False}
    name = "multi-eye" if request.param == "gaze" else "heatmap-cnn"
    args = args if request.param == "gaze" else {"channels": (4, 4)}
    models = {role: build(name, args, recording.spec).eval() for role in ("teacher", "student")}
    for model in models.values():  # an untrained net hardly answers to its input; a percentage of nothing says nothing
        nn.init.normal_(model.head[-3].weight if request.param == "gaze" else model.head[-1].weight, std=5.0)
    return recording, models


def test_samples_are_explained_for_both_models_and_written(tmp_path, explained):
    recording, models = explained
    row = int(rows_of(recording, "test")[3])
    section, regions, maps = explain_samples(recording, models, [row], of(recording), Explain(steps=100))
    sample = section["samples"][0]
    targets = ["gaze x", "gaze y", "error"] if recording.spec.kind == "gaze" else section["targets"]
    assert section["targets"] == targets
    for role in models:
        for target in targets:
            assert sample["completeness_percent"][role][target] < 5
            assert sum(sample["share_percent"][role][target].values()) == pytest.approx(100)
            shares = [r["share_percent"] for r in regions if (r["model"], r["target"]) == (role, target)]
            assert sum(shares) == pytest.approx(100)
            names = [one.name for one in recording.spec.inputs]
            kept = stored_attribution(sample, maps, 0, role, target, names)
            assert 100 * abs(kept.attributed / kept.explained - 1) == pytest.approx(kept.completeness_percent, abs=1e-3)
            for one in recording.spec.inputs:
                assert maps[f"0/{role}/{target}/{one.name}"].shape == one.shape[1:]
    write_explanation(tmp_path, {"key": "k", "attribution": section}, maps)
    with np.load(tmp_path / "maps.npz", allow_pickle=False) as stored:
        assert set(stored.files) == set(maps)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["explanation.json", "maps.npz"]


def test_shares_of_regions_add_up_over_samples_where_not_every_region_is_in_view(gaze_recording):
    torch.manual_seed(0)
    rows = [int(row) for row in rows_of(gaze_recording, "test")[:2]]
    images = gaze_recording.images.copy()
    images[rows[1]] = 20  # all skin
    recording = replace(gaze_recording, images=images)
    model = build("multi-eye", {"first_stride": 1, "conv3_stride": 1, "conv3_padding": 2, "lrn": False}, recording.spec)
    _, regions, _ = explain_samples(recording, {"teacher": model.eval()}, rows, of(recording), Explain(steps=8))
    for kind in ("share_percent", "area_percent"):
        found = {row["region"]: row[kind] for row in regions if row["target"] == "error"}
        assert set(found) == {"skin", "pupil"} and sum(found.values()) == pytest.approx(100)
        assert 0 < found["pupil"] < 50


def test_samples_of_different_classes_keep_their_own_targets(class_recording):
    torch.manual_seed(0)
    model = build("heatmap-cnn", {"channels": (4, 4)}, class_recording.spec).eval()
    nn.init.normal_(model.head[-1].weight, std=5.0)
    rows = [int(row) for row in rows_of(class_recording, "test")[:2]]
    section, _, maps = explain_samples(class_recording, {"teacher": model}, rows, of(class_recording), Explain(steps=8))
    assert sorted(section["targets"]) == ["class left", "class right"]
    own = [list(one["completeness_percent"]["teacher"]) for one in section["samples"]]
    assert sorted(own) == [["class left"], ["class right"]]
    assert all(f"{k}/teacher/{target}/eye0" in maps for k, (target,) in enumerate(own))


def test_the_sweep_passes_through_the_models_own_prediction(tmp_path, explained):
    recording, models = explained
    teacher = models["teacher"]
    layer = "head.embedding" if recording.spec.kind == "gaze" else "head.classes"
    tail = nn.Sequential(*list(teacher.head.children())[1:])
    row = int(rows_of(recording, "test")[0])
    found = explain_embedding(recording, teacher, layer, tail, row, Explain(sweep_points=5), 0, tmp_path)
    assert len(found["variables"]) == (10 if recording.spec.kind == "gaze" else 2)
    reaches = [one.get("reach_px", one.get("reach")) for one in found["variables"]]
    assert reaches == sorted(reaches, reverse=True)
    assert all(len(one["values"]) == 5 for one in found["variables"])
