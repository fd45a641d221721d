"""What is tried and said before and during a search."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest

from xgaze.capacity.layer_capacity import LayerCapacity
from xgaze.compression.export.onnx import open_session
from xgaze.compression.plan import Plan
from xgaze.compression.search.bench import calibration_rows, open_bench
from xgaze.compression.search.budget import Judged
from xgaze.compression.search.expectation import expectation
from xgaze.compression.search.exploration import open_search, standing_of
from xgaze.compression.search.smallest import (
    head_plans,
    ranks_to_try,
    separable_ranks,
    terms_to_try,
    thin_plans,
    thinnest,
    whole_plan,
)
from xgaze.compression.search.trial import Trial, latency_ms, run_trial
from xgaze.compression.student import load_model
from xgaze.data.contract import collate, rows_of, targets_of
from xgaze.errors import InputError
from xgaze.evaluation.intervals.participants import Interval
from xgaze.jobs import Fan
from xgaze.models.inference import head_outputs, predict
from xgaze.recipe import Distill


@pytest.mark.parametrize(
    ("asked_ms", "took_ms", "standing"),
    [(None, 0.5, (9.0, 1000)), (1.2, 0.5, (9.0, 0.5)), (1.2, None, (np.inf, np.inf)), (None, None, (9.0, 1000))],
)
def test_within_a_budget_of_time_wirings_are_to_save_time_and_else_parameters(make_recipe, asked_ms, took_ms, standing):
    recipe = make_recipe(distill={"max_latency_ms": asked_ms})
    result = SimpleNamespace(parameters=1000, fc_parameters=10)
    one = Judged(result, 20.0, Interval(9.0, 8.0, 10.0), 10.0, "control", took_ms)
    assert standing_of(one, recipe) == standing


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


@pytest.mark.parametrize(("weight", "effort", "told"), [(0.0, "full", 0), (0.5, "quick", 0), (0.5, "full", 72)])
def test_heads_are_tuned_on_as_many_samples_as_are_asked_for(run, gaze_recording, tmp_path, weight, effort, told):
    recipe, folder, _ = run
    teacher, _ = load_model(folder / "teacher")
    changed = {"head_samples": 16, "teacher_weight": weight, "effort": effort}
    few = recipe.model_copy(update={"distill": recipe.distill.model_copy(update=changed)})
    bench = open_bench(few, gaze_recording, teacher, tmp_path)
    rows = rows_of(gaze_recording, "train")[calibration_rows(72, 16, recipe.seed)]
    assert len(bench.train) == 16 and len(bench.validation) == len(rows_of(gaze_recording, "validation"))
    np.testing.assert_array_equal(bench.train.targets, targets_of(gaze_recording, rows))
    np.testing.assert_allclose(
        head_outputs(teacher.head, bench.train.values), predict(teacher, gaze_recording, rows), rtol=1e-4
    )
    assert (
        len(bench.lesson.outputs) == told
    )  # whole students learn from all; nobody asks where there is no such student
    assert "head_samples" not in Distill().model_dump()


def test_ranks_lie_around_what_capacity_expects():
    capacity = LayerCapacity("head.x", 100, 12, [], [], [], {}, 0.0, 0.0, expected_rank=3)
    assert ranks_to_try(capacity, None) == [2, 3, 4, 5, 6]
    assert ranks_to_try(capacity, [5, 12]) == separable_ranks(capacity, [12, 5]) == [5, 12]
    assert separable_ranks(capacity, None) == [3, 6, 9, 12]
    two_classes = LayerCapacity("head.x", 128, 2, [], [], [], {}, 0.0, 0.0, expected_rank=2)
    assert ranks_to_try(two_classes, None) == [1]  # rank 2 would be larger than the layer itself
    assert ranks_to_try(two_classes, [2]) == [2]
    assert calibration_rows(10, 4, 0).tolist() == sorted(calibration_rows(10, 4, 0).tolist())


@pytest.mark.parametrize(("asked", "unfit"), [([0], "0"), ([5, -1], "-1"), ([10**9, 13, 4], "1000000000, 13")])
def test_ranks_that_the_layer_cannot_have_are_refused_with_the_range(asked, unfit):
    capacity = LayerCapacity("head.x", 100, 12, [], [], [], {}, 0.0, 0.0, expected_rank=3)
    with pytest.raises(InputError) as caught:
        ranks_to_try(capacity, asked)
    assert str(caught.value) == f"distill.ranks: {unfit} cannot be; 'head.x' can have ranks from 1 to 12."


@pytest.mark.parametrize(
    ("shape", "asked", "told"),
    [
        (
            (8, 4, 4),
            [2],
            "2 save nothing: the first fully connected layer reads maps of 4x4; give terms from 1 to 1, or []",
        ),
        ((8, 4, 4), [1, 9], "9 save nothing"),
        ((512, 1, 1), [1], "reads maps of 1x1; give [], or leave it out"),
        (None, [1], "reads no maps; give [], or leave it out"),
    ],
)
def test_separable_terms_that_save_nothing_are_refused(shape, asked, told):
    with pytest.raises(InputError, match=re.escape(told)):
        terms_to_try(SimpleNamespace(feature_shape=shape), asked)


@pytest.mark.parametrize(
    ("shape", "asked", "terms"),
    [
        ((8, 4, 4), None, [1]),
        ((8, 12, 16), None, [1, 2, 3]),
        ((8, 12, 16), [6, 2], [2, 6]),
        ((8, 12, 16), [], []),
        ((512, 1, 1), None, []),
        (None, None, []),
        (None, [], []),
    ],
)
def test_separable_terms_are_those_asked_or_those_that_save(shape, asked, terms):
    model = SimpleNamespace(feature_shape=shape)
    assert terms_to_try(model, asked) == terms
    assert thinnest(model, Distill(separable_terms=asked)) == min(terms, default=None)


@pytest.mark.parametrize(
    ("asked", "rank"), [(None, 5), ([2, 12], 2), ([4, 6], 6), ([12], 12)]
)  # capacity expects 3, and the search itself would take 5
def test_ranks_asked_for_are_those_of_whole_students_too(asked, rank):
    capacity = LayerCapacity("head.x", 100, 12, [], [], [], {}, 0.0, 0.0, expected_rank=3)
    wanted, model = Distill(ranks=asked), SimpleNamespace(feature_shape=(8, 12, 16))
    assert whole_plan(capacity, model, 0.5, True, wanted) == Plan(0.5, True, rank, 1)
    heads = thin_plans(capacity, model, wanted)
    assert [one.rank for one in heads] == ([5, 3, 2] if asked is None else sorted(asked, reverse=True))
    assert {one.rank for one in head_plans(capacity, model, wanted)} <= set(asked or range(1, 13))


def test_before_training_rank_and_width_are_said(run):
    _, folder, _ = run
    stored = json.loads((folder / "student" / "capacity.json").read_text())
    capacity = LayerCapacity("head.embedding", 100, 12, [], [], [], {"prediction": 2}, 0.0, 0.0, expected_rank=3)
    curve = [
        {"layer": "conv", "kept_share": share, "kept": kept, "error": error}
        for share, kept, error in ((1.0, 8, 10.0), (0.5, 4, 10.1), (0.25, 2, 11.0))
    ]
    told = expectation(capacity, curve, 2.0, "%")
    assert "about rank 3" in told and "Of 8 channels, 4 keep the error within 2 %" in told
    assert expectation(capacity, stored["sensitivity"], 2.0, "%") != told


def test_of_classes_the_loss_is_expected_in_points_as_the_budget_counts_it():
    capacity = LayerCapacity("head.embedding", 100, 12, [], [], [], {"prediction": 2}, 0.0, 0.0, expected_rank=3)
    curve = [
        {"layer": "conv", "kept_share": share, "kept": kept, "error": error}
        for share, kept, error in ((1.0, 8, 0.3), (0.5, 4, 0.315), (0.25, 2, 0.325))
    ]
    told = expectation(capacity, curve, 2.0, "points")
    assert "Of 8 channels, 4 keep the probability of the true class within 2 points where" in told
    assert "Of 8 channels, 8 keep the error within 2 % where" in expectation(capacity, curve, 2.0, "%")


def test_the_teachers_outputs_are_computed_once(run, gaze_recording, monkeypatch):
    recipe, folder, _ = run
    teacher, _ = load_model(folder / "teacher")
    search = open_search(recipe, gaze_recording, teacher, folder / "student", Fan())
    expected = predict(teacher, gaze_recording, rows_of(gaze_recording, "validation"))
    np.testing.assert_allclose(search.teacher_outputs, expected, atol=1e-2)  # px
    monkeypatch.setattr("xgaze.compression.search.exploration.head_outputs", None)  # would fail if it were called again
    worse = search.teacher_outputs + 500
    for name in ("one", "two"):  # the teacher stays in the comparison, whatever the reference was before
        search.add_controls({name: SimpleNamespace(outputs=worse)})
        assert search.judge.name == "teacher"
