"""A search among wirings: short runs for all, long ones for the best in every width, each kept and rebuilt."""

import math
from dataclasses import replace

import numpy as np
import pytest

from xgaze.artifacts import TEACHER
from xgaze.compression.distill import stored_model
from xgaze.compression.plan import Plan
from xgaze.compression.search.candidates import candidates
from xgaze.compression.search.exploration import open_search, rivals, search_steps, search_wired, widths_to_try
from xgaze.compression.search.frontier import row_of
from xgaze.compression.search.trial import Trial
from xgaze.compression.search.wirings import part_of
from xgaze.compression.student import load_model
from xgaze.data.contract import rows_of
from xgaze.jobs import Fan
from xgaze.models.inference import predict


@pytest.fixture(scope="module")
def searched(run, gaze_recording, tmp_path_factory):
    """A search whose budget any student holds, or none."""
    recipe, folder, _ = run
    teacher, card = load_model(folder / "teacher")
    own = {**recipe.model_dump(mode="json")["distill"], "shares": [0.5], "wiring": True, "max_worse_percent": 1e6}
    training = recipe.training.model_copy(update={"epochs": 2})
    changed = recipe.model_copy(update={"training": training, "distill": type(recipe.distill).model_validate(own)})
    search = open_search(changed, gaze_recording, teacher, tmp_path_factory.mktemp("wired") / "student", Fan())
    tried, said = candidates(search.bench, search.capacity).wired, []
    held = search_wired(search, tried[:2], said.append)
    return search, tried, card, said, held


def test_all_are_tried_shortly_and_the_best_as_long_as_it_takes(searched):
    search, tried, _, said, held = searched
    assert held
    assert [plan.others for plan in tried[:2]] == [(("shared_towers", "fresh"),), (("shared_towers", "mean"),)]
    rows = [row_of(one, None, search.bench) for one in search.found]
    short = [part_of(search.length(plan), 1 / 3) for plan in tried[:2]]
    assert [row["epochs"] for row in rows[:2]] == short and len(rows) == 3  # half the channels hold: all need not
    (own,) = [one.result.trial.plan for one in search.found[2:]]
    anew = 3 if "fresh" in rows[2]["others"] else 1
    assert rows[2]["epochs"] == search.length(own) > anew  # it computes less than the control
    assert (
        rows[2]["parameters"] == rows[0]["parameters"] == rows[1]["parameters"]
    )  # either is as good within such a budget
    assert f"shared towers fresh, {short[0]} epochs: " in said[0] and len(said) == 3


def test_all_channels_are_the_widest_that_is_tried(searched):
    search, *_ = searched
    assert widths_to_try(search.bench.recipe) == [1.0, 0.5]


def test_shared_students_are_smaller_than_towers_apart_and_rebuilt_from_their_folder(searched, gaze_recording):
    search, _, card, *_ = searched
    apart = candidates(search.bench, search.capacity).wholes
    assert any(plan.share == 0.5 and not plan.others for plan in apart)
    for one in search.found:
        model = stored_model(one.result, card)
        found = predict(model, gaze_recording, rows_of(gaze_recording, "validation"))
        np.testing.assert_array_equal(found, one.result.outputs)
        assert one.result.surgeries[0]["kind"] == "shared_towers" and one.latency_ms > 0


def test_the_same_from_scratch_is_tuned_as_long(searched):
    search, *_ = searched
    last = search.found[-1].result
    (same, *_) = rivals(last, 100, 1)
    assert same.epochs == last.trial.epochs and same.plan == last.trial.plan


def test_what_holds_is_cut_further_from_its_tuned_weights_and_the_control_is_tuned_as_long(searched):
    search, _, card, *_ = searched
    first = search.found[2].result.trial
    search = replace(search, found=list(search.found), controls=dict(search.controls), longer={})
    said = []
    search_steps(search, [first.plan, replace(first.plan, share=0.25)], said.append)
    one = search.found[-1].result
    assert (one.trial.after, one.trial.steps) == (first, (0.5,)) and "by way of 50 %" in said[1]
    assert one.surgeries[:-1] == search.found[2].result.surgeries and one.surgeries[-1]["kind"] == "channels"
    at_once = search.bench.build(one.trial.plan).student.state_dict()
    model = stored_model(one, card)
    assert {name: value.shape for name, value in model.state_dict().items()} == {k: v.shape for k, v in at_once.items()}
    np.testing.assert_array_equal(
        predict(model, search.bench.recording, rows_of(search.bench.recording, "validation")), one.outputs
    )
    (control,) = search.longer.values()
    assert control.trial.epochs == 2 * search.epochs and row_of(search.found[-1], None, search.bench)["steps"] == "0.5"
    (same, *_) = rivals(one, 100, 1)
    assert same.epochs == one.trial.epochs_in_all(1) == first.epochs_in_all(1) + one.trial.epochs


def test_students_cut_in_steps_alone_are_judged_against_the_longer_control(searched):
    search, *_ = searched
    outputs = (search.judge.truth + 0.1).astype(np.float32)  # of a control that is hardly ever wrong
    perfect = replace(search.found[0].result, outputs=outputs)
    search = replace(search, found=[], controls={}, longer={"longer": perfect})
    at_once = searched[0].found[2].result
    in_steps = replace(at_once, trial=replace(at_once.trial, after=at_once.trial))
    one, other = search.judged([at_once, in_steps])
    assert one.against == TEACHER and other.against == "longer"
    search.refer_to(one)
    assert search.judge.name == TEACHER and not search.controls
    search.refer_to(other)
    assert search.judge.name == "longer" and list(search.controls) == ["longer"]
    np.testing.assert_array_equal(search.judge.reference, outputs)


def test_without_one_that_holds_nothing_is_cut_further(searched):
    search, *_ = searched
    strict = replace(search, found=[replace(one, bound=math.inf) for one in search.found], longer={})
    first = search.found[2].result.trial.plan
    search_steps(strict, [first, replace(first, share=0.25)], lambda _: pytest.fail("tuned"))
    assert not strict.longer


def test_a_trial_again_is_cut_of_the_same_trial_again():
    first = Trial(Plan(share=0.75), "whole")
    second = Trial(Plan(share=0.5), "whole", epochs=3, after=first)
    third = replace(second, plan=Plan(share=0.25), after=second)
    assert third.name == "xgaze_towers-0.25_after-0.75_after-0.5_whole_epochs-3_recipe_seed-0"
    again = third.again(seed=7, teaching="labels")
    assert [one.seed for one in (again, again.after, again.after.after)] == [7, 7, 7]
    assert again.after.after == replace(first, seed=7, teaching="labels") and third.epochs_in_all(2) == 8
