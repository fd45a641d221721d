"""The pace of a machine: steps that were timed, of a model that stays as it is."""

import time

import pytest
import torch

from xgaze.models.registry import build
from xgaze.training import pace as pace_module
from xgaze.training.pace import FORWARD, Pace, measured_pace


@pytest.fixture
def model(gaze_recording, make_recipe):
    recipe = make_recipe()
    return build(recipe.model.name, recipe.model.args, gaze_recording.spec)


def test_an_epoch_is_its_steps_and_a_third_of_one_per_batch_of_validation():
    assert FORWARD == 1 / 3
    assert Pace(whole_s=3.0, head_s=0.1).epoch_s(steps=10, validation_batches=4) == pytest.approx(10 * 3 + 4 * 1)


def test_a_slower_model_has_longer_steps_and_stays_as_it_is(model, gaze_recording, make_recipe):
    training, before = make_recipe().training, {name: one.clone() for name, one in model.state_dict().items()}
    fast = measured_pace(model, gaze_recording, training, head_batch=8)
    hook = model.towers[0].register_forward_pre_hook(lambda *_: time.sleep(0.5))
    slow = measured_pace(model, gaze_recording, training, head_batch=8)
    hook.remove()
    assert slow.whole_s >= 0.5 > slow.head_s > 0 and fast.head_s > 0
    assert all(torch.equal(one, before[name]) for name, one in model.state_dict().items())


def test_timing_draws_no_chance_and_leaves_out_what_warms_up(model, gaze_recording, make_recipe, monkeypatch):
    clock = iter(
        [0, 5, 10, 90, 100, 103, 200, 202, 300, 301, 400, 411, 500, 507]
    )  # the towers once, three steps of the head, then of the whole
    monkeypatch.setattr(pace_module.time, "perf_counter", lambda: next(clock))
    torch.manual_seed(5)
    told = measured_pace(model, gaze_recording, make_recipe().training, head_batch=8)
    assert told == Pace(whole_s=7, head_s=2, forward_s=5)
    drawn = torch.rand(1)
    torch.manual_seed(5)
    assert drawn == torch.rand(1)


def test_only_the_head_is_timed_where_towers_stay(model, gaze_recording, make_recipe, monkeypatch):
    monkeypatch.setattr(type(model), "forward", None)
    assert measured_pace(model, gaze_recording, make_recipe().training, 8, head_only=True).whole_s == 0


def test_a_head_of_constants_takes_no_steps(model, gaze_recording, make_recipe):
    model.head.requires_grad_(False)
    found = measured_pace(model, gaze_recording, make_recipe().training, 8)
    assert found.head_s == 0 < found.whole_s
