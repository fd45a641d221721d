"""A quick search tunes the heads that bisection asks for, from the middle one to the smallest that holds."""

import pytest

from xgaze.compression.plan import Plan
from xgaze.compression.search.candidates import candidates
from xgaze.compression.search.exploration import open_search, search_heads
from xgaze.compression.search.smallest import bisections, by_thinness, heads_tuned
from xgaze.compression.student import load_model
from xgaze.jobs import Fan


def searched(run, recording, folder, **wanted):
    """(search, plans of thin heads from large to small) of a quick search for heads that was done."""
    recipe, trained, _ = run
    teacher, _ = load_model(trained / "teacher")
    wanted = {"ranks": None, "effort": "quick", "towers": False, "tuning_epochs": 1, **wanted}
    quick = recipe.model_copy(update={"distill": recipe.distill.model_copy(update=wanted)})
    search = open_search(quick, recording, teacher, folder, Fan())
    plans = candidates(search.bench, search.capacity).heads
    search_heads(search, plans, lambda _: None)
    thin = [plan for plan in plans if plan.terms is not None]
    assert heads_tuned(plans, quick.distill) == bisections(len(thin)) < len(thin)
    return search, by_thinness(thin)


def tuned_in(search):
    return [one.result.trial.plan for one in search.found if one.result.trial.tuning == "head"]


@pytest.mark.parametrize(("budget", "end"), [(1e6, -1), (0.0, 0)])
def test_it_ends_at_the_smallest_where_all_hold_and_at_the_largest_where_none_does(
    run, gaze_recording, tmp_path, budget, end
):
    search, thin = searched(run, gaze_recording, tmp_path, max_worse_percent=budget)
    if end == 0:  # no student of one epoch is better than the teacher by all its people
        assert all(one.bound > budget for one in search.found)
    tuned = tuned_in(search)
    assert tuned[-1] == thin[end] and tuned[0] == thin[len(thin) // 2]
    assert len(set(tuned)) == len(tuned) <= bisections(len(thin))


def test_what_is_not_tuned_by_bisection_says_what_no_training_costs(run, gaze_recording, tmp_path):
    search, _ = searched(run, gaze_recording, tmp_path, max_worse_percent=1e6)
    untuned = [one.result.trial.plan for one in search.found if one.result.trial.tuning == "none"]
    assert untuned and all(plan.terms is None for plan in untuned)


def test_heads_go_from_large_to_small():
    plans = [Plan(rank=rank, terms=terms) for rank, terms in ((4, 1), (16, 1), (8, 2), (12, 3), (8, 3), (12, 2))]
    order = [(plan.rank, plan.terms) for plan in by_thinness(plans)]
    assert order == [(12, 3), (8, 3), (12, 2), (8, 2), (16, 1), (4, 1)]
