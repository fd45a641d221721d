"""The corridor from teacher to student on a toy recording: choice, control, figures, files."""

import json
import shutil

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch

from xgaze.artifacts import read_card
from xgaze.capacity.layer import LayerCapacity
from xgaze.compression.bench import calibration_rows, open_bench
from xgaze.compression.distill import check_hints, distill, finished_student, student_of_teacher
from xgaze.compression.explore import expectation
from xgaze.compression.export import export_onnx, measure_latency_ms, onnx_parity, open_session
from xgaze.compression.plan import Plan
from xgaze.compression.search import ranks_to_try
from xgaze.compression.student import load_model
from xgaze.compression.trial import Trial, latency_ms, run_trial
from xgaze.data.contract import collate, rows_of, targets_of
from xgaze.errors import InputError
from xgaze.evaluation.gaze import error_px
from xgaze.models.inference import predict
from xgaze.recipe.schema import Hint
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
                "shares": [0.5, 0.25],
                "teacher_weight": 0.5,
            },
        }
    )
    folder = tmp_path_factory.mktemp("checkpoints") / "toy"
    train_teacher(recipe, gaze_recording, folder / "teacher")
    teacher, card = load_model(folder / "teacher")
    student = distill(recipe, gaze_recording, teacher, card, folder / "student", baselines=True)
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


def test_the_frontier_holds_everything_tried_and_marks_the_chosen_one(run):
    _, folder, _ = run
    frontier = pd.read_csv(folder / "student" / "budget.csv")
    assert frontier["chosen"].sum() == 1
    heads = frontier[frontier["stage"] != "tuned end to end"]
    assert set(heads["rank"]) >= {1, 8} and set(heads["terms"].dropna()) == {1.0}
    own = heads[(heads["method"] == "xgaze") & (heads["teaching"] == "recipe")]
    assert (own["stage"] == "no training").sum() == (own["stage"] == "head tuned").sum() == 6
    wholes = frontier[(frontier["stage"] == "tuned end to end") & (frontier["method"] == "xgaze")]
    assert len(wholes) >= 1 and (wholes["towers_share"] < 1).any() and (wholes["latency_ms"] > 0).all()
    assert frontier["against"].nunique() == 1  # every student is judged by the same, once all controls are known
    assert (frontier["worse_percent_low"] <= frontier["worse_percent_high"]).all()
    chosen = json.loads((folder / "student" / "capacity.json").read_text())["chosen_rank"]
    assert chosen == frontier.loc[frontier["chosen"], "rank"].item()


def test_surgeries_are_stored_with_their_proofs(run):
    _, folder, _ = run
    stored = read_card(folder / "student").surgeries
    assert {"fold", "low_rank"} <= {one["kind"] for one in stored}
    assert all(one["proof"]["value"] <= one["proof"]["limit"] for one in stored)


def test_other_ways_to_the_same_size_stand_beside(run):
    _, folder, _ = run
    frontier = pd.read_csv(folder / "student" / "budget.csv")
    chosen = frontier[frontier["chosen"]].iloc[0]
    scratch = frontier[frontier["method"].isin(["scratch", "scratch head"])].iloc[0]
    assert scratch["parameters"] == chosen["parameters"] and scratch["stage"] == chosen["stage"]
    assert {"svd", "columns"} <= set(frontier["method"]) or {"magnitude", "taylor"} & set(frontier["method"])


def test_the_same_student_from_labels_alone_stands_beside(run):
    _, folder, card = run
    beside = card.metrics["labels_only"]
    frontier = pd.read_csv(folder / "student" / "budget.csv")
    chosen = frontier[frontier["chosen"]].iloc[0]
    twin = frontier[(frontier["teaching"] == "labels") & (frontier["method"] == "xgaze")].iloc[0]
    assert twin["parameters"] == chosen["parameters"] and beside["error"]["mean"] > 0


def test_the_int8_file_is_smaller_and_compared_with_the_reference(run):
    _, folder, card = run
    int8 = card.metrics["student"]["int8"]
    assert int8["bytes"] == (folder / "student" / "model.int8.onnx").stat().st_size
    assert card.metrics["int8_file_reduction"] > 2
    assert int8["worse_than_reference_percent"]["low"] <= int8["worse_than_reference_percent"]["high"]


def test_a_search_goes_on_from_the_trials_that_are_done(run, gaze_recording):
    """Another budget of the same recipe does no trial again: the folders' times stay."""
    recipe, folder, first = run
    teacher, card = load_model(folder / "teacher")
    wanted = recipe.distill.model_copy(update={"max_worse_percent": 1000.0})
    times = {path: path.stat().st_mtime_ns for path in (folder / "student" / "trials").glob("*/trial.json")}
    again = distill(recipe.model_copy(update={"distill": wanted}), gaze_recording, teacher, card, folder / "student")
    assert all(path.stat().st_mtime_ns == time for path, time in times.items())
    assert again.metrics["budget_met"] and again.metrics["held_on_validation"]
    assert again.metrics["student"]["parameters"] <= first.metrics["student"]["parameters"]
    again = distill(
        recipe, gaze_recording, teacher, card, folder / "student", baselines=True
    )  # as the other tests expect it
    assert again.metrics["student"]["error"] == first.metrics["student"]["error"]


def test_a_budget_of_size_gives_the_least_worse_within(run, gaze_recording, tmp_path):
    recipe, folder, _ = run
    teacher, card = load_model(folder / "teacher")
    wanted = recipe.distill.model_copy(update={"max_parameters": 60_000})
    found = distill(
        recipe.model_copy(update={"distill": wanted}), gaze_recording, teacher, card, folder / "student", baselines=True
    )
    frontier = pd.read_csv(folder / "student" / "budget.csv")
    assert found.metrics["student"]["parameters"] <= 60_000
    within = frontier[(frontier["parameters"] <= 60_000) & (frontier["stage"] != "no training")]
    own = within[(within["method"] == "xgaze") & (within["teaching"] == "recipe")]
    assert frontier.loc[frontier["chosen"], "worse_percent_high"].item() == own["worse_percent_high"].min()
    with pytest.raises(InputError, match=r"no student of .* tried keeps --max-params 10"):
        none = recipe.distill.model_copy(update={"max_parameters": 10})
        distill(recipe.model_copy(update={"distill": none}), gaze_recording, teacher, card, folder / "student")
    distill(recipe, gaze_recording, teacher, card, folder / "student", baselines=True)


def test_trials_of_a_search_without_a_budget_of_time_are_timed_when_one_is_asked(run, gaze_recording):
    recipe, folder, _ = run
    teacher, _ = load_model(folder / "teacher")
    timed = recipe.model_copy(update={"distill": recipe.distill.model_copy(update={"max_latency_ms": 100.0})})
    before, after = (open_bench(one, gaze_recording, teacher, folder / "student") for one in (recipe, timed))
    done = run_trial(before, Trial(Plan(rank=8, terms=1), seed=recipe.seed))
    assert latency_ms(before, done) is None
    assert latency_ms(after, done) > 0
    inputs = collate([gaze_recording[k] for k in rows_of(gaze_recording, "validation")], gaze_recording.spec).inputs
    feed = {"eye0": inputs[0].numpy(), "eye1": inputs[1].numpy()}
    found = open_session(done.folder / "model.onnx").run(None, feed)[0]
    assert np.abs(found - done.outputs).max() < 1e-2  # px: it is the trial's own model


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
        distill={"tuning_epochs": 2, "calibration_samples": 64, "effort": "quick"},
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


def test_a_teacher_trained_again_needs_a_new_student(run, tmp_path):
    recipe, folder, _ = run
    again = tmp_path / "toy"
    shutil.copytree(folder, again)
    assert finished_student(recipe, again / "student") is not None
    weights = again / "teacher" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\x80?")
    assert student_of_teacher(recipe, again / "student") is None


def test_a_hint_at_no_module_is_refused_before_anything_is_trained(run):
    recipe, folder, _ = run
    teacher, _ = load_model(folder / "teacher")
    hint = {"teacher": "head.embeding", "student": "head.embedding"}
    wrong = recipe.model_copy(update={"distill": recipe.distill.model_copy(update={"hints": [Hint(**hint)]})})
    with pytest.raises(InputError, match=r"no module 'head\.embeding'; did you mean 'head\.embedding'"):
        check_hints(wrong, teacher)


def test_before_training_rank_and_width_are_said(run):
    _, folder, _ = run
    stored = json.loads((folder / "student" / "capacity.json").read_text())
    capacity = LayerCapacity("head.embedding", 100, 12, [], [], [], {"prediction": 2}, 0.0, 0.0, expected_rank=3)
    curve = [
        {"layer": "conv", "kept_share": share, "kept": kept, "error": error}
        for share, kept, error in ((1.0, 8, 10.0), (0.5, 4, 10.1), (0.25, 2, 11.0))
    ]
    told = expectation(capacity, curve, 2.0)
    assert "about rank 3" in told and "Of 8 channels, 4 keep the error within 2 %" in told
    assert expectation(capacity, stored["sensitivity"], 2.0) != told
