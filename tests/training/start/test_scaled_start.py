"""Weights that begin scaled: what every layer puts out deviates by one, and the last by a tenth."""

import pytest
import torch
from torch import nn

from xgaze.data.batches import ordered_batches
from xgaze.data.contract import rows_of
from xgaze.errors import InputError
from xgaze.recipe import Recipe, Training
from xgaze.training.crossval.fold import fresh_model
from xgaze.training.crossval.paper import train_paper
from xgaze.training.start.scaled_start import LAST_SPREAD, SAMPLES, scale_start


class Net(nn.Module):
    """A tower that two inputs share, a layer without bias, one whose output never changes, and dropout."""

    def __init__(self):
        super().__init__()
        self.tower = nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.LeakyReLU(inplace=True), nn.Flatten())
        self.dead = nn.Linear(3, 2)
        nn.init.zeros_(self.dead.weight)
        self.head = nn.Sequential(nn.Linear(2 * 144, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 2))

    def forward(self, left, right):
        self.dead(left.new_ones(1, 3))
        return self.head(torch.cat([self.tower(left), self.tower(right)], 1))


def spreads(net, inputs):
    seen = {}

    def note(name):
        def hook(_layer, _given, output):
            seen.setdefault(name, output.std().item())

        return hook

    for name, layer in net.named_modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(note(name))
    net.eval()(*inputs)
    return seen


def test_what_each_layer_puts_out_deviates_by_one_and_the_last_by_less():
    torch.manual_seed(0)
    net, inputs = Net().train(), [3 + 5 * torch.randn(24, 1, 8, 8) for _ in "lr"]
    before = [one.clone() for one in inputs]
    scale_start(net, inputs)
    assert net.training and all(torch.equal(a, b) for a, b in zip(inputs, before, strict=True))
    found = spreads(net, inputs)
    assert found.pop("dead") == 0
    assert found == pytest.approx({"tower.0": 1, "head.0": 1, "head.3": LAST_SPREAD}, rel=1e-4)
    assert all(not layer.bias.any() for layer in (net.head[0], net.head[3], net.dead))


def test_scaling_twice_changes_nothing_more():
    torch.manual_seed(0)
    net, inputs = Net(), [torch.randn(24, 1, 8, 8) for _ in "lr"]
    scale_start(net, inputs)
    once = [one.clone() for one in net.parameters()]
    scale_start(net, inputs)
    for a, b in zip(net.parameters(), once, strict=True):
        torch.testing.assert_close(a, b)


def test_weights_that_are_given_are_not_scaled(tmp_path):
    (tmp_path / "w.safetensors").touch()
    model = {"name": "resnet", "weights": tmp_path / "w.safetensors"}
    with pytest.raises(ValueError, match="scaled_start is for random weights"):
        Recipe.model_validate(
            {"name": "x", "data": {"source": "rendered"}, "model": model, "training": {"scaled_start": True}}
        )


def test_teachers_and_folds_begin_with_weights_scaled_by_their_own_training_people(make_recipe, gaze_recording):
    recipe = make_recipe(training={"scaled_start": True})
    fold = gaze_recording.resplit({f"test{k}": "train" for k in range(8)})
    for recording in (gaze_recording, fold):
        model = fresh_model(recipe, recording, 3)
        inputs = next(ordered_batches(recording, rows_of(recording, "train"), SAMPLES)).inputs
        found = list(spreads(model, inputs).values())
        assert found == pytest.approx([1.0] * (len(found) - 1) + [LAST_SPREAD], rel=1e-3)


def test_the_published_protocol_is_not_begun_scaled(make_recipe, class_recording, tmp_path):
    with pytest.raises(InputError, match=r"leave training\.scaled_start out"):
        train_paper(make_recipe(training={"scaled_start": True}), class_recording, None, tmp_path, 0)


def test_a_recipe_that_does_not_scale_is_stored_as_before():
    assert "scaled_start" not in Training().model_dump(mode="json")
    assert Training(scaled_start=True).model_dump(mode="json")["scaled_start"] is True
