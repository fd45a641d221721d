"""The corridor from teacher to student on a toy recording: choice, control, figures, files."""

import json

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch

from xgaze.artifacts import read_card
from xgaze.capacity.layer import LayerCapacity
from xgaze.compression.distill import distill, finished_student, student_of_teacher
from xgaze.compression.export import export_onnx, measure_latency_ms, onnx_parity, open_session
from xgaze.compression.search import Candidate, Judge, calibration_rows, choose, ranks_to_try
from xgaze.compression.student import load_model
from xgaze.data.contract import collate, rows_of, targets_of
from xgaze.evaluation.gaze import error_px
from xgaze.models.inference import predict
from xgaze.training.teacher import finished_teacher, train_teacher


@pytest.fixture(scope="module")
def run(tmp_path_factory, gaze_recording):
    """A teacher and its student."""
    from xgaze.recipe import Recipe

    recipe = Recipe.model_validate(
        {
            "name": "toy",
            "data": {"source": "rendered"},
            "model": {
                "name": "multi-eye",
                "args": {"first_stride": 1, "conv3_stride": 1, "conv3_padding": 2, "lrn": False},
            },
            "training": {"epochs": 10, "batch_size": 12, "precision": "32-true", "loss": "euclidean"},
            "distill": {
                "tuning_epochs": 2,
                "ranks": [1, 8],
                "calibration_samples": 64,
                "end_to_end_epochs": 1,
                "separable_terms": [1],
            },
        }
    )
    folder = tmp_path_factory.mktemp("checkpoints") / "toy"
    train_teacher(recipe, gaze_recording, folder / "teacher")
    teacher, card = load_model(folder / "teacher")
    student = distill(recipe, gaze_recording, teacher, card, folder / "student")
    return recipe, folder, student


def test_the_teacher_is_found_again_and_scored_on_people_it_never_saw(run, gaze_recording):
    recipe, folder, _ = run
    card = finished_teacher(recipe, folder / "teacher")
    model, _ = load_model(folder / "teacher")
    test = rows_of(gaze_recording, "test")
    errors = error_px(predict(model, gaze_recording, test), targets_of(gaze_recording, test))
    assert card.metrics["error"]["mean"] == pytest.approx(errors.mean(), rel=1e-5)
    assert card.metrics["participants"] == {"train": 12, "validation": 8, "test": 8}
    assert card.metrics["baselines"]["mean gaze"]["mean"] > 2 * errors.mean()
    assert set(pd.read_csv(folder / "teacher" / "predictions.csv")["split"]) == {"validation", "test"}
    assert not (folder / "teacher" / "training").exists()


def test_figures_are_those_of_the_models_that_were_stored(run, gaze_recording):
    _, folder, card = run
    figures = card.metrics
    test = rows_of(gaze_recording, "test")
    truth = targets_of(gaze_recording, test)
    student, _ = load_model(folder / "student")
    errors = error_px(predict(student, gaze_recording, test), truth)
    assert figures["student"]["error"]["mean"] == pytest.approx(errors.mean(), rel=1e-6)
    beside = {
        "teacher": figures["teacher"]["error"]["mean"],
        "control": figures["control"]["error"]["mean"],
    }[figures["reference"]]
    assert figures["difference_percent"]["mean"] == pytest.approx(100 * (errors.mean() / beside - 1), rel=1e-4)
    assert figures["student"]["bytes"] == (folder / "student" / "model.safetensors").stat().st_size
    assert figures["fc_reduction"] == figures["teacher"]["fc_parameters"] / figures["student"]["fc_parameters"]
    assert figures["budget_met"] == (figures["difference_percent"]["high"] <= 2.0)


def test_both_onnx_files_equal_torch_with_any_batch(run, gaze_recording):
    _, folder, card = run
    spec = gaze_recording.spec
    batch = collate([gaze_recording[k] for k in range(7)], spec)
    for role in ("teacher", "student"):
        assert card.metrics[role]["onnx_parity"] <= 1e-5
        model, _ = load_model(folder / role)
        session = onnxruntime.InferenceSession(str(folder / role / "model.onnx"))
        feed = {one.name: x.numpy() for one, x in zip(spec.inputs, batch.inputs, strict=True)}
        with torch.no_grad():
            expected = model(*batch.inputs).numpy()
        assert np.abs(session.run(None, feed)[0] - expected).max() <= 1e-5 * np.abs(expected).max()
        stored = json.loads(session.get_modelmeta().custom_metadata_map["xgaze.spec"])
        assert stored["inputs"][0]["mean"] == 40.0
        assert not list((folder / role).glob("*.data"))


def test_the_frontier_holds_every_student_and_marks_the_chosen_one(run):
    _, folder, _ = run
    frontier = pd.read_csv(folder / "student" / "budget.csv")
    assert list(frontier["rank"])[:4] == [1, 1, 8, 8]
    tried = len(frontier) - 1
    assert list(frontier["stage"]) == ["no training", "head tuned"] * (tried // 2) + ["tuned end to end"]
    assert list(frontier["chosen"]) == [False] * tried + [True]
    assert set(frontier["terms"].dropna()) == {1.0}
    assert set(frontier["against"]) <= {"teacher", "control"}
    assert (frontier["worse_percent_low"] <= frontier["worse_percent_high"]).all()
    chosen = json.loads((folder / "student" / "capacity.json").read_text())["chosen_rank"]
    assert chosen == frontier.loc[frontier["chosen"], "rank"].item()


def test_surgeries_are_stored_with_their_proofs(run):
    _, folder, _ = run
    stored = read_card(folder / "student").surgeries
    assert [one["kind"] for one in stored][:2] == ["fold", "low_rank"]
    assert all(one["proof"]["value"] <= one["proof"]["limit"] == 1e-5 for one in stored)


def test_a_student_is_found_by_its_budget_or_by_its_teacher(run):
    recipe, folder, _ = run
    other = recipe.model_copy(update={"distill": recipe.distill.model_copy(update={"max_worse_percent": 9.0})})
    assert finished_student(recipe, folder / "student") is not None
    assert finished_student(other, folder / "student") is None
    assert student_of_teacher(other, folder / "student") is not None
    assert student_of_teacher(recipe.model_copy(update={"seed": 1}), folder / "student") is None


def test_the_embeddings_are_memory_mapped_files(run, gaze_recording):
    _, folder, _ = run
    stored = np.load(folder / "student" / "embeddings" / "head.embedding.input.train.npy", mmap_mode="r")
    assert stored.shape[0] == len(rows_of(gaze_recording, "train")) and stored.dtype == np.float32


def test_classes_are_distilled_too(tmp_path, class_recording, make_recipe):
    recipe = make_recipe(
        model={"name": "heatmap-cnn", "args": {"channels": [8, 8]}},
        training={"epochs": 4, "batch_size": 12, "precision": "32-true", "loss": "cross-entropy"},
        distill={"tuning_epochs": 2, "calibration_samples": 64},
    )
    train_teacher(recipe, class_recording, tmp_path / "teacher")
    teacher, card = load_model(tmp_path / "teacher")
    figures = distill(recipe, class_recording, teacher, card, tmp_path / "student").metrics
    assert figures["student"]["error"]["unit"] == "AUC"
    worse = figures["difference_percent"]["mean"]
    reference = figures["teacher" if figures["reference"] == "teacher" else "control"]["error"]["mean"]
    assert worse == pytest.approx(100 * (reference - figures["student"]["error"]["mean"]) / reference)
    assert json.loads((tmp_path / "student" / "capacity.json").read_text())["chosen_rank"] == 1
    assert figures["fc_reduction"] > 1.9
    frontier = pd.read_csv(tmp_path / "student" / "budget.csv")
    separable = frontier[frontier["terms"].notna()]
    assert len(separable) and separable["fc_reduction"].max() > 3


PEOPLE = np.arange(40)
TRUTH = np.zeros((40, 2), np.float32)


def candidate(judge, size, error_px):
    """A student whose errors on 40 people are those given."""
    outputs = np.stack([np.broadcast_to(error_px, 40), np.zeros(40)], axis=1).astype(np.float32)
    return Candidate(None, [], "head tuned", size, 0.0, judge.worse_percent(outputs), judge.name, outputs)


def judge_of(error_px, spec):
    reference = np.stack([np.broadcast_to(error_px, 40), np.zeros(40)], axis=1).astype(np.float32)
    return Judge(spec, TRUTH, PEOPLE, reference, "control")


def test_the_smallest_that_holds_is_chosen(gaze_recording):
    judge = judge_of(10.0, gaze_recording.spec)
    tried = [candidate(judge, size, error) for size, error in ((900, 10.0), (500, 10.19), (100, 10.21), (10, 11.0))]
    assert choose(tried, 2.0, judge) == (tried[1], True)


def test_where_the_reference_is_noisy_students_are_compared_with_the_best_of_them(gaze_recording):
    people = np.random.default_rng(0).uniform(5, 15, 40)
    judge = judge_of(people, gaze_recording.spec)
    own = people[::-1].copy()  # the same mean, but other people: the upper bound against the reference is wide
    tried = [candidate(judge, size, own * factor) for size, factor in ((900, 1.0), (500, 1.01), (100, 1.03))]
    assert all(one.worse_percent.high > 2 for one in tried)
    assert choose(tried, 2.0, judge) == (tried[1], False)


def test_where_nothing_holds_the_nearest_is_taken_with_a_plain_no(gaze_recording):
    judge = judge_of(10.0, gaze_recording.spec)
    tried = [candidate(judge, size, error) for size, error in ((900, 10.5), (500, 10.4), (100, 12.0))]
    assert choose(tried, 2.0, judge) == (tried[1], False)


def test_the_reference_is_the_better_of_teacher_and_control(gaze_recording):
    truth = np.zeros((4, 2), np.float32)
    judge = Judge(gaze_recording.spec, truth, np.arange(4), truth + 2, "teacher")
    assert judge.better({"teacher": truth + 2, "control": truth + 1}) == "control"
    assert judge.better({"teacher": truth + 2, "control": truth + 3}) == "teacher"
    assert judge.worse_percent(truth + 3).mean == pytest.approx(50)


def test_ranks_lie_around_what_capacity_expects():
    capacity = LayerCapacity("head.x", 100, 12, [], [], [], {}, 0.0, 0.0, expected_rank=3)
    assert ranks_to_try(capacity, None) == [2, 3, 4, 5, 6]
    assert ranks_to_try(capacity, [0, 20, 5, 12]) == [5, 12]
    assert calibration_rows(10, 4, 0).tolist() == sorted(calibration_rows(10, 4, 0).tolist())


def test_latency_is_measured_per_sample(tmp_path, gaze_recording, run):
    _, folder, _ = run
    model, _ = load_model(folder / "student")
    export_onnx(model, gaze_recording.spec, tmp_path / "m.onnx")
    session = open_session(tmp_path / "m.onnx")
    inputs = collate([gaze_recording[0]], gaze_recording.spec).inputs
    latency = measure_latency_ms(session, inputs, repeats=20)
    assert 0 < latency.median <= latency.p95
    assert onnx_parity(model, session, inputs) <= 1e-5
