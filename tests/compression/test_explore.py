"""What is tried and said before and during a search."""

import json
from types import SimpleNamespace

import numpy as np

from xgaze.capacity.layer import LayerCapacity
from xgaze.compression.bench import calibration_rows, open_bench
from xgaze.compression.explore import expectation, open_search
from xgaze.compression.export import open_session
from xgaze.compression.plan import Plan
from xgaze.compression.search import ranks_to_try
from xgaze.compression.student import load_model
from xgaze.compression.trial import Trial, latency_ms, run_trial
from xgaze.data.contract import collate, rows_of
from xgaze.models.inference import predict
from xgaze.training.fan import Fan


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


def test_the_embeddings_are_memory_mapped_files(run, gaze_recording):
    _, folder, _ = run
    stored = np.load(folder / "student" / "embeddings" / "head.embedding.input.train.npy", mmap_mode="r")
    assert stored.shape[0] == len(rows_of(gaze_recording, "train")) and stored.dtype == np.float32


def test_ranks_lie_around_what_capacity_expects():
    capacity = LayerCapacity("head.x", 100, 12, [], [], [], {}, 0.0, 0.0, expected_rank=3)
    assert ranks_to_try(capacity, None) == [2, 3, 4, 5, 6]
    assert ranks_to_try(capacity, [0, 20, 5, 12]) == [5, 12]
    two_classes = LayerCapacity("head.x", 128, 2, [], [], [], {}, 0.0, 0.0, expected_rank=2)
    assert ranks_to_try(two_classes, None) == [1]  # rank 2 would be larger than the layer itself
    assert ranks_to_try(two_classes, [2]) == [2]
    assert calibration_rows(10, 4, 0).tolist() == sorted(calibration_rows(10, 4, 0).tolist())


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


def test_the_teachers_outputs_are_computed_once(run, gaze_recording, monkeypatch):
    recipe, folder, _ = run
    teacher, _ = load_model(folder / "teacher")
    search = open_search(recipe, gaze_recording, teacher, folder / "student", Fan())
    expected = predict(teacher, gaze_recording, rows_of(gaze_recording, "validation"))
    np.testing.assert_allclose(search.teacher_outputs, expected, atol=1e-2)  # px
    monkeypatch.setattr("xgaze.compression.explore.head_outputs", None)  # would fail if it were called again
    worse = search.teacher_outputs + 500
    for name in ("one", "two"):  # the teacher stays in the comparison, whatever the reference was before
        search.add_controls({name: SimpleNamespace(outputs=worse)})
        assert search.judge.name == "teacher"
