"""Wirings come before widths: which are tried, for how long, and which is left."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from xgaze.compression.plan import Plan
from xgaze.compression.search.bench import end_to_end_settings
from xgaze.compression.search.candidates import why
from xgaze.compression.search.trial_methods import begun_anew
from xgaze.compression.search.wirings import Rung, begins_anew, best_wiring, epochs_of, rungs, wirings
from xgaze.recipe import Training


def test_every_combination_is_tried_with_the_stem_first():
    found = wirings()
    assert (
        len(found) == len(set(found)) == 2 * 2 * 4 - 1
    )  # with and without a stem and thin kernels; apart, or shared in three ways; not nothing of it
    assert (("stem", 2), ("shared_towers", "fresh")) in found and (("stem", 2),) in found
    assert Plan(others=found[-1]).wiring == found[-1]


@pytest.mark.parametrize(
    ("candidates", "epochs", "expected"),
    [(7, 20, [Rung(7, 2), Rung(3, 6)]), (3, 20, [Rung(3, 6)]), (1, 20, []), (4, 2, [Rung(4, 1), Rung(2, 1)])],
)
def test_a_third_of_the_candidates_for_three_times_the_epochs(candidates, epochs, expected):
    assert rungs(candidates, epochs) == expected


def test_halving_leaves_the_one_that_is_best_in_the_long_run():
    """Scores after few epochs mislead; those that lead early are tried longer."""
    plans = [Plan(rank=k) for k in range(1, 8)]
    asked = []

    def scores(some, epochs):
        asked.append((len(some), epochs))
        return [one.rank if epochs == 2 else -one.rank for one in some]

    assert best_wiring(plans, 20, scores) == Plan(rank=3)
    assert asked == [(7, 2), (3, 6)]
    assert best_wiring(plans[:1], 20, None) == plans[0]


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
def test_batches_are_normalised_as_in_training_and_nothing_is_begun_again(normed):
    training = Training(batch_norm=normed, scaled_start=True, shared_start=0.5, patience=3)
    settings = end_to_end_settings(training, 5, 0.01)
    assert (settings.epochs, settings.learning_rate, settings.patience) == (5, 0.01, 5)
    assert (settings.batch_norm, settings.scaled_start, settings.shared_start) == (normed, False, 0)
    assert not settings.mirror_images and end_to_end_settings(training, 5, 0.01, True).mirror_images
    mirrored = training.model_copy(update={"mirror_images": True})
    assert end_to_end_settings(mirrored, 5, 0.01).mirror_images


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1))


def test_a_net_with_numbers_that_do_not_say_how_they_begin_stays_the_teachers(model):
    model.head.own = Own()
    assert begun_anew(model, 7, []) is model
