"""Towers that begin as one: equal numbers and equal steps while they are tied, mirrored where a camera is."""

import copy

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from xgaze.errors import InputError
from xgaze.recipe import Recipe, Training
from xgaze.training import recipe_faults
from xgaze.training.start.shared_start import Twin, begin_alike, share_gradients, tied_towers
from xgaze.training.whole import tune_model


class Net(nn.Module):
    """A tower each for two eyes of one shape, and a head; `shared`: one tower for both."""

    def __init__(self, shared=False):
        super().__init__()
        torch.manual_seed(0)
        first = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten())
        self.towers = nn.ModuleList([first, first if shared else copy.deepcopy(first)])
        self.head = nn.Linear(2 * 64, 2)

    def forward(self, left, right):
        return self.head(torch.cat([tower(x) for tower, x in zip(self.towers, (left, right), strict=True)], 1))


EYES = tuple(torch.randn(6, 1, 40, 40, generator=torch.Generator().manual_seed(k)) for k in range(2))


def test_towers_that_are_alike_are_tied_layer_by_layer():
    tied = tied_towers(Net(), EYES, (False, True), 0.5)
    assert tied.share == 0.5
    assert tied.groups == (
        (Twin("towers.0.0.weight", False), Twin("towers.1.0.weight", True)),
        (Twin("towers.0.0.bias", False), Twin("towers.1.0.bias", False)),
    )


def test_a_mirrored_tower_begins_as_the_mirror_image_and_sees_what_the_first_sees():
    net = Net()
    nn.init.normal_(net.towers[1][0].weight)
    begin_alike(net, tied_towers(net, EYES, (False, True), 1))
    one, other = (
        layer(x) for layer, x in zip((net.towers[0][0], net.towers[1][0]), (EYES[0], EYES[0].flip(-1)), strict=True)
    )
    torch.testing.assert_close(other, one.flip(-1))


def test_a_step_of_tied_towers_is_half_the_step_of_one_tower_for_both():
    apart, one = Net(), Net(shared=True)
    tied = tied_towers(apart, EYES, (False, False), 1)
    begin_alike(apart, tied)
    for net in (apart, one):
        net(*EYES).square().mean().backward()
    share_gradients(apart, tied)
    for tower in apart.towers:
        for own, of_both in zip(tower.parameters(), one.towers[0].parameters(), strict=True):
            torch.testing.assert_close(own.grad, of_both.grad / 2)


def test_mirrored_towers_stay_mirror_images():
    net = Net()
    tied = tied_towers(net, EYES, (False, True), 1)
    begin_alike(net, tied)
    optimiser = torch.optim.AdamW(net.parameters(), 0.01)
    for _ in range(3):
        optimiser.zero_grad()
        net(*EYES).square().mean().backward()
        share_gradients(net, tied)
        optimiser.step()
    first, second = (tower[0].weight for tower in net.towers)
    assert torch.equal(second, first.flip(-1))


@pytest.mark.parametrize("shared_start", [1.0, 0.8])
def test_they_part_once_their_steps_are_over(tmp_path, gaze_recording, shared_start):
    settings = Training(epochs=2, batch_size=16, precision="32-true", shared_start=shared_start)
    net = Net()
    begin_alike(net, tied_towers(net, EYES, (False, False), 2))
    tune_model(net, gaze_recording, settings, tmp_path, 0, "training")
    last = (tmp_path / "fitted.json").is_file()
    first, second = (tower[0].weight for tower in net.towers)
    assert last and torch.equal(first, second) == (shared_start == 1)


def test_a_model_whose_towers_are_one_is_refused_before_anything_is_rendered(monkeypatch, gaze_recording):
    recipe = Recipe.model_validate(
        {
            "name": "one",
            "data": {"source": "rendered"},
            "model": {"name": "multi-eye"},
            "training": {"shared_start": 0.5},
        }
    )
    monkeypatch.setattr(recipe_faults, "starting_model", lambda *_: Net())
    recipe_faults.check_recipe(recipe, recording=gaze_recording)
    monkeypatch.setattr(recipe_faults, "starting_model", lambda *_: Net(shared=True))
    with pytest.raises(
        InputError, match=r"training.shared_start: no towers to share: no two .* Leave it out for this model"
    ):
        recipe_faults.check_recipe(recipe, recording=gaze_recording)


def test_weights_from_a_file_are_not_overwritten():
    model = {"name": "multi-eye", "weights": "a.safetensors"}
    with pytest.raises(ValidationError, match=r"training\.shared_start is for random weights"):
        Recipe.model_validate(
            {"name": "one", "data": {"source": "rendered"}, "model": model, "training": {"shared_start": 0.5}}
        )


def test_recipes_that_do_not_use_it_are_what_they_were():
    assert (
        "shared_start" not in Training().model_dump() and Training(shared_start=0.5).model_dump()["shared_start"] == 0.5
    )
