"""The capacity sections of the report, made from a teacher and a student of the toy recording."""

import copy
import json

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from xgaze.capacity.codes import Codes
from xgaze.capacity.importance import ForestSettings
from xgaze.capacity.probes import whole_target
from xgaze.capacity.similarity import cka_without_each
from xgaze.explanation.embedding.capacity_report import CapacitySizes, explain_capacity, mean_sweep
from xgaze.explanation.embedding.embedding_capacity import People, probe_rows, similarity
from xgaze.models.registry import build

SMALL = CapacitySizes(72, 48, 2, 3, 6, 5, ForestSettings(5, 1, 30))
NET = {"first_stride": 1, "conv3_stride": 1, "conv3_padding": 2, "lrn": False, "embedding": 12, "hidden": 6}


def people_of(embedding, participants, truth=None):
    n = len(embedding)
    outputs = np.zeros((n, 2), np.float32) if truth is None else truth
    return Codes([f"s{k}" for k in range(n)], np.asarray(participants), embedding.astype(np.float32), outputs)


@pytest.fixture(scope="module")
def teacher(gaze_recording):
    torch.manual_seed(0)
    model = build("multi-eye", NET, gaze_recording.spec).eval()
    nn.init.normal_(model.head.embedding.weight, std=0.5)  # an untrained net hardly answers to its input
    return model


@pytest.fixture(scope="module")
def sections(gaze_recording, teacher):
    student = copy.deepcopy(teacher)
    with torch.no_grad():
        for parameter in student.head.hidden.parameters():
            parameter.mul_(3)  # like its teacher up to scale where the linear layers end
    tail = nn.Sequential(*list(teacher.head.children())[1:])
    models = {"teacher": teacher, "student": student}
    before = {name: one.clone() for name, one in teacher.state_dict().items()}
    found = explain_capacity(gaze_recording, models, "head.embedding", tail, 0, sizes=SMALL)
    assert all(torch.equal(one, before[name]) for name, one in teacher.state_dict().items())
    return found


def test_all_sections_are_there_and_are_json(sections):
    assert list(sections) == ["layers", "wiring", "embedding", "sweep_mean", "decision"]
    json.dumps(sections, allow_nan=False)


def test_layers_of_both_models_are_listed(sections, teacher):
    table = pd.DataFrame(sections["layers"])
    assert set(table["model"]) == {"teacher", "student"}
    own = table[table["model"] == "teacher"].set_index("layer")
    assert own.loc["head.embedding", "parameters"] == sum(p.numel() for p in teacher.head.embedding.parameters())
    assert own["latency_percent"].sum() == pytest.approx(100)


def test_a_scaled_student_is_like_its_teacher(sections):
    embedding = sections["embedding"]
    assert embedding["compared_at"] == {"teacher": "head.hidden", "student": "head.hidden"}
    assert embedding["cka"]["mean"] == pytest.approx(1, abs=1e-4)
    assert embedding["cka"]["low"] <= embedding["cka"]["mean"] <= embedding["cka"]["high"]


def test_probes_stand_for_both_models_with_intervals(sections):
    rows = sections["embedding"]["probes"]
    assert [(one["model"], one["what"], one["unit"]) for one in rows] == [
        ("teacher", "gaze point", "px"),
        ("student", "gaze point", "px"),
    ]
    assert rows[0]["score"]["low"] < rows[0]["score"]["mean"] < rows[0]["score"]["high"]
    assert rows[1]["r2"] == pytest.approx(rows[0]["r2"], abs=0.02)  # a linear probe does not mind the scale


def test_every_variable_has_four_measures_and_random_choice_stands_beside(sections):
    found = sections["embedding"]["importance"]
    assert [row["variable"] for row in found["rows"]] == list(range(12))
    assert found["methods"] == ["permutation", "ablation with refit", "integrated gradients", "random forest"]
    assert all(set(row) == {"variable", *found["methods"]} for row in found["rows"])
    assert len(found["agreement"]) == 6 and set(found["ties"]) == set(found["methods"])
    kept = {(row["order"], row["kept"]) for row in found["refit"]}
    assert kept == {(order, k) for order in (*found["methods"], "random") for k in (1, 2, 4, 8)}
    assert found["unit"] == found["refit_unit"] == "px" and found["whole_error"] > 0


def test_the_mean_sweep_lists_all_variables_the_strongest_first(sections):
    found = sections["sweep_mean"]
    reach = [one["reach_px"] for one in found["variables"]]
    assert found["samples"] == 6
    assert reach == sorted(reach, reverse=True) and {one["variable"] for one in found["variables"]} == set(range(12))


def test_the_decision_says_that_nothing_was_measured(sections):
    rank = sections["embedding"]["measures"]["active-subspace rank"]
    assert sections["decision"].startswith(f"Try {rank} of the 12 directions ")


def test_the_decision_reads_frontier_and_capacity(gaze_recording, teacher):
    tail = nn.Sequential(*list(teacher.head.children())[1:])
    measured = {"worse_percent_mean": 1.0, "worse_percent_low": -1.0, "worse_percent_high": 3.0, "chosen": True}
    plan = {"method": "xgaze", "rank": 5, "terms": None, "towers_share": 1.0, "coarse_input": False}
    frontier = pd.DataFrame([{**plan, "fc_parameters": 1234, "against": "control", "worse_unit": "%", **measured}])
    found = explain_capacity(
        gaze_recording,
        {"teacher": teacher},
        "head.embedding",
        tail,
        0,
        frontier,
        {"expected_rank": 5, "out_features": 6},
        SMALL,
    )
    assert found["decision"].startswith(
        "Keep 5 of the 6 directions of the first fully connected layer and all channels of the convolutions: on validation "
        "people this was measured to be 1.0 % worse"
    )
    assert found["embedding"]["cka"] is None
    assert {row["model"] for row in found["layers"]} == {"teacher"}


def test_classifiers_are_explained_too(class_recording):
    torch.manual_seed(0)
    model = build("heatmap-cnn", {"channels": (4, 4)}, class_recording.spec).eval()
    found = explain_capacity(class_recording, {"teacher": model}, "head.classes", nn.Sequential(), 0, sizes=SMALL)
    json.dumps(found, allow_nan=False)
    assert found["embedding"]["probes"][0]["what"] == "class"
    assert found["embedding"]["importance"]["unit"] == "logits"
    assert "reach" in found["sweep_mean"]["variables"][0] and len(found["sweep_mean"]["paths"][0]["score"]) > 1


def test_the_mean_sweep_of_a_linear_tail_is_weight_times_range():
    rng = np.random.default_rng(0)
    tail = nn.Linear(3, 2, bias=False)
    with torch.no_grad():
        tail.weight.copy_(torch.tensor([[3.0, 0, 1], [4.0, 0, 0]]))
    train = people_of(rng.uniform(-1, 1, (4000, 3)), ["p"] * 4000)
    found = mean_sweep(tail, People(train, people_of(rng.normal(size=(20, 3)), ["q"] * 20)), "px", SMALL)
    assert [one["variable"] for one in found["variables"]] == [0, 2, 1]
    assert [one["reach_px"] for one in found["variables"]] == pytest.approx([9.8, 1.96, 0], abs=0.1)


def test_the_paths_of_the_mean_sweep_start_at_each_samples_own_prediction():
    rng = np.random.default_rng(0)
    tail = nn.Linear(3, 2)
    with torch.no_grad():
        tail.weight.copy_(torch.tensor([[3.0, 0, 1], [4.0, 0, 0]]))
    train = people_of(rng.uniform(-1, 1, (4000, 3)), ["p"] * 4000)
    own = rng.normal(size=(20, 3))
    found = mean_sweep(tail, People(train, people_of(own, ["q"] * 20)), "px", CapacitySizes(sweep_samples=20))
    first = found["paths"][0]
    assert [one["variable"] for one in found["paths"]] == [0, 2, 1]
    assert first["values"] == pytest.approx(np.linspace(-0.98, 0.98, 11), abs=0.02)
    moved = np.array(first["values"]) - own[:, 0].mean()
    assert first["x_px"] == pytest.approx(3 * moved, abs=1e-4) and first["y_px"] == pytest.approx(4 * moved, abs=1e-4)


def test_the_interval_of_similarity_is_the_jackknife_over_participants():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 4))
    who = np.repeat([f"p{k}" for k in range(12)], 5)
    first, second = people_of(x, who), people_of(x + rng.normal(size=x.shape), who)
    found = similarity(first, second)
    parts = cka_without_each(first.embedding, second.embedding, first.ids, second.ids, who)
    half = 2.200985 * np.sqrt(11 / 12 * ((parts - parts.mean()) ** 2).sum())  # t of 11 degrees of freedom
    assert found["mean"] - found["low"] == pytest.approx(half, rel=1e-5)
    assert found["high"] - found["mean"] == pytest.approx(half, rel=1e-5)


def test_similarity_of_one_participant_has_no_interval_and_of_few_samples_no_value():
    x = np.random.default_rng(3).normal(size=(60, 4))
    alone, few = people_of(x, ["p"] * 60), people_of(x[:3], list("abc"))
    assert similarity(alone, alone) == pytest.approx(1)
    assert similarity(few, few) is None


def test_a_planted_probe_is_scored_per_participant():
    rng = np.random.default_rng(2)
    x, held = rng.normal(size=(200, 5)), rng.normal(size=(60, 5))
    fit, truth = (whole_target("gaze point", "px", one[:, :2] * 100) for one in (x, held))
    models = {
        "teacher": People(
            people_of(x, np.repeat(list("abcdefghij"), 20)), people_of(held, np.repeat(list("uvwxyz"), 10))
        )
    }
    (row,) = probe_rows(models, [fit], [truth])
    assert row["r2"] == pytest.approx(1, abs=1e-4)
    assert 0 < row["score"]["low"] < row["score"]["mean"] < row["score"]["high"] < 0.1
