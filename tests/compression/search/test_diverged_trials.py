"""A candidate whose training diverges is left out, is not tuned again, and the search goes on; where all do, one message."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from xgaze.compression.distill import distill
from xgaze.compression.plan import Plan
from xgaze.compression.search import trial as trials
from xgaze.compression.search.bench import Bench
from xgaze.compression.search.budget import choose
from xgaze.compression.search.candidates import Candidates
from xgaze.compression.search.exploration import open_search, search_wholes
from xgaze.compression.search.trial import DivergedTrial, Result, Trial, run_trial
from xgaze.compression.search.trial_jobs import run_all
from xgaze.compression.student import load_model
from xgaze.errors import InputError
from xgaze.jobs import Fan
from xgaze.recipe import Distill
from xgaze.training.teacher import train_teacher

pytestmark = pytest.mark.usefixtures("no_onnx")
WILD = 1e12
QUICK = {"tuning_epochs": 1, "calibration_samples": 64, "effort": "quick", "ranks": [2, 4], "separable_terms": []}


@pytest.fixture(scope="module")
def taught(tmp_path_factory, gaze_recording):
    """A recipe and the folder of its run, with a teacher."""
    from xgaze.recipe import Recipe

    stored = {
        "name": "toy",
        "data": {"source": "rendered"},
        "model": {
            "name": "multi-eye",
            "args": {"first_stride": 1, "conv3_stride": 1, "conv3_padding": 2, "lrn": False},
        },
        "training": {"epochs": 3, "batch_size": 12, "precision": "32-true", "loss": "euclidean"},
        "distill": QUICK,
    }
    recipe, folder = Recipe.model_validate(stored), tmp_path_factory.mktemp("diverged") / "toy"
    train_teacher(recipe, gaze_recording, folder / "teacher")
    return recipe, folder


@pytest.fixture
def wild(monkeypatch):
    """(which) -> trials of which that holds are tuned at a learning rate that no network stands. Returns how often they were."""

    def made(which):
        tune, tuned = trials.tune, []

        def wildly(bench, trial, model, folder):
            if trial.tuning != "none" and which(trial):
                tuned.append(trial)
                rates = {"learning_rate": WILD, "end_to_end_learning_rate": WILD}
                recipe = bench.recipe
                bench = replace(
                    bench, recipe=recipe.model_copy(update={"distill": recipe.distill.model_copy(update=rates)})
                )
            tune(bench, trial, model, folder)

        monkeypatch.setattr(trials, "tune", wildly)
        return tuned

    return made


def distilled(taught, recording, folder, **wanted):
    """Card of the student, and what was said."""
    recipe, run = taught
    if not (folder / "teacher").exists():
        (folder / "teacher").symlink_to(run / "teacher")
    recipe = recipe.model_copy(update={"distill": recipe.distill.model_copy(update=wanted)})
    teacher, card = load_model(run / "teacher")
    told = []
    return distill(recipe, recording, teacher, card, folder / "student", say=told.append), told


def test_one_candidate_that_diverges_is_left_out_and_not_tuned_again(taught, gaze_recording, tmp_path, wild):
    tuned = wild(lambda trial: trial.plan.rank == 4)
    card, told = distilled(taught, gaze_recording, tmp_path)
    found = pd.read_csv(tmp_path / "student" / "budget.csv")
    assert set(found.loc[found["stage"] == "head tuned", "rank"]) == {2} and card.metrics["control"]["fault"] is None
    (left,) = [line for line in told if "left out" in line]
    assert left.startswith("  rank 4: left out: tuning xgaze_") and "Lower distill.learning_rate" in left
    (stored,) = (tmp_path / "student" / "trials").glob("*/diverged.json")
    assert json.loads(stored.read_text())["reason"] in left and not (stored.parent / "trial.json").exists()
    recipe, run = taught
    bench = open_search(recipe, gaze_recording, load_model(run / "teacher")[0], tmp_path / "student", Fan()).bench
    again = run_trial(bench, tuned[0])
    assert isinstance(again, DivergedTrial) and again.reason in left and len(tuned) == 1
    stored.write_text("{}")  # a damaged reason: the trial is done again
    assert run_trial(bench, tuned[0]) == again and len(tuned) == 2


def test_for_a_control_that_diverges_the_untuned_teacher_stands_in(taught, gaze_recording, tmp_path, wild):
    wild(lambda trial: trial.method == "teacher")
    card, told = distilled(taught, gaze_recording, tmp_path)
    assert "is left out, and students are judged without it: tuning teacher_" in "\n".join(told)
    figures = card.metrics
    assert figures["control"]["error"] == figures["teacher"]["error"] and figures["reference"] == "teacher"
    assert "diverged in epoch 1" in figures["control"]["fault"]
    assert figures["control_difference_from_teacher_percent"]["mean"] == 0


def test_where_every_candidate_diverges_one_message_says_what_to_lower(taught, gaze_recording, tmp_path):
    told = r"every candidate diverged, .*lower distill\.learning_rate .* All that were tried: .*budget\.csv\."
    for _ in range(2):
        with pytest.raises(InputError, match=told):
            distilled(taught, gaze_recording, tmp_path, learning_rate=WILD)
    assert set(pd.read_csv(tmp_path / "student" / "budget.csv")["stage"]) == {"no training"}
    assert not (tmp_path / "student" / "model.json").exists()


def test_nothing_to_choose_from_is_said_so():
    with pytest.raises(InputError, match="every candidate diverged"):
        choose([], Distill(), None, None)


def test_a_whole_student_that_diverges_does_not_hold(taught, gaze_recording, tmp_path, wild):
    """Of three the middle is tried first and diverges: the larger one is tried next, the smaller one never."""
    recipe, run = taught
    wanted = {"end_to_end_epochs": 1, "max_worse_percent": 1e6}
    recipe = recipe.model_copy(update={"distill": recipe.distill.model_copy(update=wanted)})
    wild(lambda trial: trial.plan.rank == 3)
    search = open_search(recipe, gaze_recording, load_model(run / "teacher")[0], tmp_path / "student", Fan())
    told = []
    search_wholes(search, Candidates([], [Plan(rank=4), Plan(rank=3), Plan(rank=2)], []), told.append)
    assert [one.result.trial.plan.rank for one in search.found] == [4]
    assert told[0].startswith("With 8 validation participants no difference of less than about ")
    assert [line.split(":")[0] for line in told[1:]] == ["  rank 3", "  rank 4"]


def test_other_processes_tell_of_a_divergence_too(taught, gaze_recording, tmp_path):
    """A trial that diverged elsewhere left its folder; here it is only read, beside those that ended well."""
    recipe, run = taught
    search = open_search(recipe, gaze_recording, load_model(run / "teacher")[0], tmp_path / "student", Fan())
    good, bad = Trial(Plan(rank=2)), Trial(Plan(rank=3))
    folder = trials.trial_folder(search.bench, bad)
    folder.mkdir(parents=True)
    (folder / "diverged.json").write_text('{"reason": "elsewhere"}')
    ended = run_all(search.bench, [good, bad], Fan(), run / "teacher")
    assert isinstance(ended[0], Result) and np.isfinite(ended[0].outputs).all()
    assert ended[1] == DivergedTrial(bad, "elsewhere") and isinstance(search.bench, Bench)
