"""Wirings come before widths: which are tried, for how long, and which is left."""

import math
from dataclasses import replace
from itertools import product

import pytest
import torch
from torch import nn

from xgaze.compression.plan import Plan
from xgaze.compression.search.candidates import why
from xgaze.compression.search.trial_methods import begun_anew
from xgaze.compression.search.wirings import (
    Rung,
    Standing,
    begins_anew,
    best_wiring,
    epochs_of,
    most_asked,
    part_of,
    ranked,
    rungs,
    wirings,
)
from xgaze.recipe import Training
from xgaze.training.whole import end_to_end_settings


def product_of(*kinds):
    """All that can be made of some of these kinds."""
    combined = product(*([None, *values] for values in kinds))
    return [some for one in combined if (some := tuple(value for value in one if value))]


def test_every_combination_is_tried_with_the_stem_first():
    found = wirings()
    assert (
        len(found) == len(set(found)) == 2 * 2 * 4 - 1
    )  # with and without a stem and thin kernels; apart, or shared in three ways; not nothing of it
    assert (("stem", 2), ("shared_towers", "fresh")) in found and (("stem", 2),) in found
    assert Plan(others=found[-1]).wiring == found[-1]


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [(7, [Rung(7, 1 / 9), Rung(3, 1 / 3)]), (3, [Rung(3, 1 / 3)]), (1, []), (4, [Rung(4, 1 / 9), Rung(2, 1 / 3)])],
)
def test_a_third_of_the_candidates_for_three_times_as_long(candidates, expected):
    assert rungs(candidates) == expected
    assert [part_of(20, rung.share) for rung in rungs(7)] == [2, 7] and part_of(3, 1 / 9) == 1


def standing(losses):
    """Of students of one size."""
    return [Standing(one, 1) for one in losses]


def wired(*others):
    return Plan(others=tuple(others))


STEM, THIN, FRESH, MEAN = (
    ("stem", 2),
    ("factored_conv", "depthwise"),
    ("shared_towers", "fresh"),
    ("shared_towers", "mean"),
)
EVERY = [wired(*one) for one in product_of([STEM], [THIN], [FRESH, MEAN])]


def test_kinds_are_decided_one_after_the_other_and_each_is_left_out_at_last():
    worth = {STEM: -3, THIN: 2, FRESH: -1, MEAN: -2}
    asked = []

    def scores(some, share):
        asked.append((share, [one.wiring for one in some]))
        return standing([sum(worth[one] for one in plan.wiring) for plan in some])

    assert best_wiring(EVERY, scores, 0) == wired(STEM, MEAN)
    first = [wiring for share, some in asked if share == 1 / 9 for wiring in some]
    assert first == [(STEM,), (STEM, THIN), (STEM, FRESH), (STEM, MEAN), (MEAN,)]
    assert [share for share, _ in asked] == [1 / 9] * 4 + [1 / 3] and len(asked[-1][1]) == 2
    assert most_asked(EVERY) == 4 + 2 and best_wiring(EVERY[:1], None, 0) == EVERY[0]


def test_what_leads_early_is_tried_longer():
    def scores(some, share):
        ahead = FRESH if share < 0.2 else MEAN  # what is best after few epochs is not in the long run
        return standing([-len(one.wiring) - 0.5 * (ahead in one.wiring) for one in some])

    assert best_wiring(EVERY, scores, 0) == wired(STEM, THIN, MEAN)
    assert best_wiring(EVERY, lambda some, _: scores(some, 1 / 9), 0) == wired(STEM, THIN, FRESH)


def test_a_kind_that_cannot_be_alone_waits_for_its_others():
    """Where only both together can be built, they are tried together by no greedy step; what can be built is."""
    plans = [wired(STEM), wired(STEM, MEAN)]
    found = best_wiring(plans, lambda some, share: standing([-len(one.wiring) for one in some]), 0)
    assert found == wired(STEM, MEAN)


def test_half_the_size_is_worth_as_much_error_as_is_allowed():
    """Shared towers lose a little and are a quarter of the size; thin kernels lose more than that is worth."""
    worse, sizes = {STEM: 0, THIN: 9, FRESH: 3, MEAN: 1.5}, {STEM: 0, THIN: 10, FRESH: 60, MEAN: 60}

    def standings(some, share):
        return [
            Standing(20 + sum(worse[one] for one in plan.wiring), 80 - sum(sizes[one] for one in plan.wiring))
            for plan in some
        ]

    assert best_wiring(EVERY, standings, 2) == wired(STEM, MEAN)
    assert best_wiring(EVERY, standings, 0.5) == wired(STEM)
    told = {
        wired(STEM): Standing(1, 9),
        wired(THIN): Standing(2, 5),
        wired(FRESH): Standing(9, 1),
        wired(MEAN): Standing(8, 2),
    }
    assert ranked(told, 2) == [wired(THIN), wired(STEM), wired(FRESH), wired(MEAN)]
    assert ranked(told, 0) == [wired(STEM), wired(THIN), wired(MEAN), wired(FRESH)]
    alike = {wired(FRESH): Standing(3, 5), wired(MEAN): Standing(2, 5), wired(STEM): Standing(1, 9)}
    assert ranked(alike, 2) == [wired(MEAN), wired(STEM), wired(FRESH)]
    lost = {wired(FRESH): Standing(math.inf, math.inf), wired(MEAN): Standing(50, 5)}
    assert ranked(lost, 2) == ranked(lost, 0) == [wired(MEAN), wired(FRESH)]


def test_a_wiring_that_saves_hardly_anything_is_not_chosen_for_being_smallest():
    """Coarser maps lose less than the budget allows, but one in fifty parameters only."""
    told = {wired(STEM, MEAN): Standing(11.5, 49), wired(MEAN): Standing(10, 50)}
    assert ranked(told, 2) == [wired(MEAN), wired(STEM, MEAN)]


def test_what_begins_anew_is_tuned_as_long_as_the_control_and_its_teacher(make_recipe):
    recipe = make_recipe(training={"epochs": 7}, distill={"end_to_end_epochs": 4})
    for value, epochs in (("fresh", 11), ("fresh-unmirrored", 11), ("mean", 4)):
        plan = Plan(others=(("stem", 2), ("shared_towers", value)))
        assert begins_anew(plan) == (epochs == 11) and epochs_of(recipe, plan, 4) == epochs
    assert epochs_of(recipe, Plan(share=0.5), 4) == 4
    assert (
        epochs_of(recipe, plan, 8) == 8
        and epochs_of(recipe, replace(plan, others=(("shared_towers", "fresh"),)), 8) == 22
    )


def test_a_student_that_computes_less_is_tuned_for_more_epochs_up_to_the_controls_computing(make_recipe):
    recipe = make_recipe(training={"epochs": 2}, distill={"end_to_end_epochs": 4})
    mean, fresh = (Plan(others=(("shared_towers", value),)) for value in ("mean", "fresh"))
    assert [epochs_of(recipe, mean, 4, share) for share in (1.0, 0.5, 0.3, 0.2, 0.01)] == [4, 8, 13, 20, 20]
    assert epochs_of(recipe, fresh, 4, 0.5) == 12 and epochs_of(recipe, mean, 4, 1.5) == 4
    assert epochs_of(recipe, Plan(share=0.5), 4, 0.2) == 4  # towers that stay as they are learn as the control does


def test_why_a_wiring_cannot_be_is_said_once():
    words = ["'x' cannot be cut.", "Not tried: 50 % of the channels, stem 2 (no plain convolution (of 3) reads them)."]
    assert why(words) == "(no plain convolution (of 3) reads them)"
    assert why(words[:1]) == "(no smaller)"


def test_what_begins_anew_leaves_the_layers_that_are_kept(model):
    fresh = begun_anew(model, 7, ["towers.1", "head.gaze"])
    same = {name for name, value in fresh.state_dict().items() if torch.equal(value, model.state_dict()[name])}
    assert same == {name for name in model.state_dict() if name.startswith(("towers.1.", "head.gaze."))}


def test_what_begins_anew_begins_as_the_recipe_says_but_for_what_is_kept(model):
    fresh = begun_anew(model, 7, ["head.gaze"], lambda one: [nn.init.ones_(weight) for weight in one.parameters()])
    for name, value in fresh.state_dict().items():
        kept = name.startswith("head.gaze.")
        assert torch.equal(value, model.state_dict()[name] if kept else torch.ones_like(value))


@pytest.mark.parametrize("normed", [False, True])
def test_batches_are_normalised_as_in_training_and_nothing_is_begun_again(normed, make_recipe):
    training = Training(batch_norm=normed, scaled_start=True, shared_start=0.5, patience=3)
    recipe = make_recipe(training=training.model_dump())
    settings = end_to_end_settings(recipe, 5, 0.01)
    assert (settings.epochs, settings.learning_rate, settings.patience) == (5, 0.01, 5)
    assert (settings.batch_norm, settings.scaled_start, settings.shared_start) == (normed, False, 0)
    assert not settings.mirror_images and settings.varied_pictures is None


@pytest.mark.parametrize("section", ["training", "distill"])
def test_pictures_are_mirrored_and_varied_for_students_where_either_asks(section, make_recipe):
    settings = end_to_end_settings(
        make_recipe(**{section: {"mirror_images": True, "varied_pictures": {"scale": 0.1}}}), 5, 0.01
    )
    assert settings.mirror_images and settings.varied_pictures.scale == 0.1


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1))


def test_a_net_with_numbers_that_do_not_say_how_they_begin_stays_the_teachers(model):
    model.head.own = Own()
    assert begun_anew(model, 7, []) is model
