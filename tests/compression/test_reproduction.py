"""A class that was edited after its training: every reader of the stored model says so, and training does not go on with it."""

import sys

import pandas as pd
import pytest
import torch
from torch import nn

from xgaze.artifacts import read_card
from xgaze.compression.reproduction import require_own, require_predictions
from xgaze.compression.student import load_model
from xgaze.errors import InputError
from xgaze.models.own_networks.imported import own_and_parted
from xgaze.training.start.start import check_model
from xgaze.training.teacher import train_teacher

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 3, 5, stride=3), nn.ReLU(inplace=True), nn.Flatten())
        self.fc, self.gaze = nn.Linear(2 * 3 * 144, 8), nn.Linear(8, 2)

    def forward(self, left, right):
        x = torch.cat([self.body(left), self.body(right)], 1)
        x.clamp_(-3, 3)
        return 100 * self.gaze(torch.relu(self.fc(x)))
"""


class Shifted(nn.Module):
    """7 px beside the net it holds."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, *inputs):
        return self.net(*inputs) + 7


@pytest.fixture
def own(tmp_path, monkeypatch, make_recipe):
    """The recipe of a class in the working directory, and a function that edits that class."""
    name = f"edited_{tmp_path.name.replace('-', '_')}"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def edit(before="", after=""):
        sys.modules.pop(name, None)
        (tmp_path / f"{name}.py").write_text(NET.replace(before, after))

    edit()
    training = {"epochs": 1, "batch_size": 12, "precision": "32-true", "loss": "euclidean"}
    yield make_recipe(model={"import": f"{name}:Net"}, training=training), edit
    sys.modules.pop(name, None)


@pytest.fixture
def trained(own, gaze_recording, tmp_path):
    recipe, edit = own
    train_teacher(recipe, gaze_recording, tmp_path / "teacher")
    return tmp_path / "teacher", edit


def test_a_class_as_it_was_is_loaded_and_predicts_what_it_did(trained, gaze_recording):
    folder, _ = trained
    model, card = load_model(folder, trust_import=True)
    require_predictions(model, card, gaze_recording, folder)
    require_own(card, gaze_recording, folder)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("100 *", "90 *"),
        ("torch.relu(", "torch.tanh("),
        ("[self.body(left), self.body(right)]", "[self.body(right), self.body(left)]"),
    ],
)
def test_a_class_edited_after_training_is_refused_with_its_name(trained, before, after):
    folder, edit = trained
    edit(before, after)
    with pytest.raises(
        InputError, match=r"edited_.*:Net gives other outputs than when it was trained \(up to .* px apart"
    ):
        load_model(folder, trust_import=True)


def test_an_edit_that_only_the_recordings_samples_reach_shows_in_the_stored_predictions(trained, gaze_recording):
    folder, _ = trained
    model, card = load_model(folder, trust_import=True)
    model.register_forward_hook(lambda _m, _i, out: out + 5)
    with pytest.raises(InputError, match=r"predicts something else than when it was trained \(up to 5 apart"):
        require_predictions(model, card, gaze_recording, folder)
    (folder / "predictions.csv").unlink()
    require_predictions(model, card, gaze_recording, folder)


def test_predictions_of_other_samples_say_nothing(trained, gaze_recording):
    folder, _ = trained
    model, card = load_model(folder, trust_import=True)
    table = pd.read_csv(folder / "predictions.csv").assign(id="elsewhere", prediction_x_px=0.0)
    table.to_csv(folder / "predictions.csv", index=False)
    require_predictions(model, card, gaze_recording, folder)


def test_trained_weights_under_which_the_split_differs_are_refused(trained, gaze_recording, monkeypatch):
    folder, _ = trained
    parts = own_and_parted(read_card(folder).architecture["import"], {}, gaze_recording.spec)
    other = Shifted(parts[0])
    monkeypatch.setattr("xgaze.compression.reproduction.own_and_parted", lambda *_, **__: (other, parts[1]))
    with pytest.raises(InputError, match=r"is not the same model \(7 apart"):
        require_own(read_card(folder), gaze_recording, folder)


def test_a_training_does_not_go_on_with_an_edited_class(own, gaze_recording, tmp_path, monkeypatch):
    recipe, edit = own

    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("xgaze.training.teacher.tune_model", stopped)
    for after in ("", "90"):
        edit("100", after or "100")
        expected = pytest.raises(InputError, match="gives other outputs") if after else pytest.raises(KeyboardInterrupt)
        with expected:
            train_teacher(recipe, gaze_recording, tmp_path / "teacher")


def test_a_recipes_class_is_compared_on_real_samples_before_anything_is_trained(own, gaze_recording, monkeypatch):
    recipe, _ = own
    check_model(recipe, gaze_recording)
    seen = []
    monkeypatch.setattr("xgaze.training.start.start.require_same", lambda _r, _o, _p, batches: seen.extend(batches))
    check_model(recipe, gaze_recording)
    assert [len(one[0]) for one in seen] == 3 * [3, 3, 3, 1]
    assert torch.equal(seen[1][0], 30 * seen[0][0]) and torch.equal(seen[3][1], seen[0][1][:1])
