"""Gaze augmentation training: windows in training only, from the second epoch on."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional

from xgaze.compression.student import load_model
from xgaze.data.batches import ordered_loader
from xgaze.data.contract import InputSpec, Recording, Sample, Spec, collate, rows_of
from xgaze.errors import InputError
from xgaze.models.architectures.gaze_windows import window_grid
from xgaze.models.inference import predict
from xgaze.models.registry import build
from xgaze.recipe import Recipe, Training
from xgaze.training import task
from xgaze.training.crossval.paper import train_paper
from xgaze.training.task import GazeTask, make_optimiser, make_schedule
from xgaze.training.teacher import train_teacher
from xgaze.training.varied.gaze_augmentation import gaze_windows, task_of

SIDE = 32
SMALL = {"depth": 18, "channels": 4, "dropout": 0.0}
SETTINGS = {"loss": "cross-entropy", "optimiser": "sgd", "momentum": 0.9, "learning_rate": 0.05, "precision": "32-true"}


class Spots(Recording):
    """A bright spot, red or green by class, at a random place that people look at, in noise. whole: as seen, uncut."""

    def __init__(self, count=48, maps=True):
        self.spec = Spec((InputSpec("image", (3, SIDE, SIDE)),), "class", unit="AUC", classes=("red", "green"))
        names = [f"p{k}" for k in range(count)]
        split = np.array(["train", "train", "validation", "test"])[np.arange(count) // 2 % 4]
        label = np.arange(count) % 2
        self.table = pd.DataFrame({"id": names, "group": names, "session": "0", "split": split, "label": label})
        self.maps = maps

    def __getitem__(self, row):
        rng = np.random.default_rng(row)
        x, y = rng.uniform(8, SIDE - 8, 2)
        rows, columns = np.mgrid[:SIDE, :SIDE]
        spot = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18)
        image = rng.uniform(0, 60, (3, SIDE, SIDE))
        image[row % 2] += 190 * spot
        aux = {"attention": np.round(255 * spot)[None].astype(np.uint8)} if self.maps else {}
        groups = {"group": f"p{row}"}
        return Sample(f"p{row}", groups, {"image": image.astype(np.uint8)}, np.int64(row % 2), aux)


def settings(**changes):
    return Training.model_validate({**SETTINGS, "epochs": 3, "gaze_augmentation": {}, **changes})


def task_in_epoch(epoch, monkeypatch, **changes):
    recording = Spots()
    torch.manual_seed(0)
    model = build("resnet", SMALL, recording.spec)
    task = task_of(model, recording.spec, settings(**changes), 0)
    monkeypatch.setattr(type(task), "current_epoch", epoch)
    monkeypatch.setattr(task, "log", lambda *_, **__: None)
    return task.eval(), collate([recording[k] for k in range(6)], recording.spec)


def test_windows_are_slices_of_the_photograph_at_half_its_side():
    pictures = torch.rand(2, 3, 112, 112)
    attention = torch.zeros(2, 1, 112, 112)
    attention[0, 0, 20, 30] = attention[1, 0, 90, 80] = 1
    grid = window_grid(112)
    windows = gaze_windows(pictures, attention, grid)
    assert windows.shape == (18, 3, 56, 56)
    assert float(windows.min()) >= 0 and float(windows.max()) <= 1
    own = pictures.clone()
    own[1] = 7.0  # the windows of the first photograph are cut from the first
    assert torch.equal(gaze_windows(own, attention, grid)[:9], windows[:9])
    torch.testing.assert_close(gaze_windows(own, attention, grid)[9:], torch.full((9, 3, 56, 56), 7.0))


def test_the_first_epoch_sees_the_image_alone(monkeypatch):
    task, batch = task_in_epoch(0, monkeypatch)
    plain = functional.cross_entropy(task.model(*batch.inputs), batch.target)
    assert torch.equal(task.training_step(batch, 0), plain)


@pytest.mark.parametrize("weight", [1.0, 0.5])
def test_later_epochs_add_the_mean_loss_of_nine_windows(monkeypatch, weight):
    task, batch = task_in_epoch(1, monkeypatch, gaze_augmentation={"weight": weight})
    plain = functional.cross_entropy(task.model(*batch.inputs), batch.target)
    windows = gaze_windows(batch.inputs[0], batch.attention, window_grid(SIDE))
    own = torch.stack(
        [functional.cross_entropy(task.model(windows[9 * k : 9 * k + 9]), batch.target[[k] * 9]) for k in range(6)]
    )
    torch.testing.assert_close(task.training_step(batch, 0), plain + weight * own.mean())


def test_maps_change_training_but_no_prediction(monkeypatch):
    task, batch = task_in_epoch(1, monkeypatch)
    other = replace(batch, attention=batch.attention.flip(-1))
    assert task.training_step(batch, 0) != task.training_step(other, 0)
    rows = rows_of(Spots(), "test")
    with_maps, without = (predict(task.model, Spots(maps=maps), rows) for maps in (True, False))
    np.testing.assert_array_equal(with_maps, without)


def test_photographs_without_a_map_are_refused_in_training_and_scored_at_validation(monkeypatch):
    task, _ = task_in_epoch(1, monkeypatch)
    recording = Spots(maps=False)
    (batch, *_) = ordered_loader(recording, rows_of(recording, "validation"))
    task.validation_step(batch, 0)
    with pytest.raises(InputError, match="has no attention map"):
        task.training_step(batch, 0)


def test_only_classes_of_square_photographs_can_be_gaze_augmented(gaze_recording, make_recipe):
    model = build("multi-eye", make_recipe().model.args, gaze_recording.spec)
    with pytest.raises(InputError, match=r"one picture|square photographs"):
        task_of(model, gaze_recording.spec, settings(loss="euclidean"), 0)
    assert type(task_of(model, gaze_recording.spec, Training(), 0)) is GazeTask


def test_a_teacher_trained_with_gaze_keeps_the_epoch_that_validation_selects(tmp_path):
    training = {**SETTINGS, "epochs": 3, "batch_size": 8, "gaze_augmentation": {}}
    sections = {"data": {"source": "rendered"}, "model": {"name": "resnet", "args": SMALL}, "training": training}
    train_teacher(Recipe.model_validate({"name": "spots", **sections}), Spots(), tmp_path)
    history, predictions = (pd.read_csv(tmp_path / name) for name in ("history.csv", "predictions.csv"))
    assert history["train_loss_windows"].isna().tolist() == [True, False, False]
    assert not any("test" in name for name in history)
    of = {split: -np.log(1 - own["error"]).mean() for split, own in predictions.groupby("split")}
    assert of["validation"] == pytest.approx(history["validation_loss"].min(), rel=1e-4)


def test_a_net_learns_what_people_looked_at_and_needs_no_gaze_to_tell_it(tmp_path):
    training = {**SETTINGS, "epochs": 6, "batch_size": 8, "learning_rate": 0.02, "gaze_augmentation": {}}
    sections = {"data": {"source": "rendered"}, "model": {"name": "resnet", "args": SMALL}, "training": training}
    train_teacher(Recipe.model_validate({"name": "spots", **sections}), Spots(96), tmp_path)
    model = load_model(tmp_path)[0]
    unseen = Spots(96, maps=False)
    rows = rows_of(unseen, "test")
    assert (
        len(rows) == 24 and (predict(model, unseen, rows).argmax(axis=1) == unseen.table["label"][rows]).mean() >= 0.9
    )


def test_the_published_schedule_is_a_tenth_at_epochs_50_and_100():
    training = settings(schedule="step", step_epochs=50, learning_rate=0.001, weight_decay=1e-4, epochs=150)
    optimiser = make_optimiser(torch.nn.Linear(2, 2), training)
    assert (optimiser.defaults["momentum"], optimiser.defaults["weight_decay"]) == (0.9, 1e-4)
    schedule, rates = make_schedule(optimiser, training, 150)["scheduler"], []
    for _ in range(150):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    assert rates[:50] == pytest.approx([1e-3] * 50) and rates[50:100] == pytest.approx([1e-4] * 50)
    assert rates[100:] == pytest.approx([1e-5] * 50)


def test_a_training_follows_momentum_ramp_and_plateau(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(task, "ramp_momentum", lambda optimiser, *given: told.append(given))
    training = {**SETTINGS, "momentum_end": 0.96, "schedule": "plateau", "epochs": 2, "batch_size": 8}
    sections = {"data": {"source": "rendered"}, "model": {"name": "resnet", "args": SMALL}, "training": training}
    train_teacher(Recipe.model_validate({"name": "spots", **sections}), Spots(), tmp_path)
    assert len(pd.read_csv(tmp_path / "history.csv")) == 2
    shares = [share for *_, share in told]
    assert len(shares) == 2 * -(-24 // 8) and shares == pytest.approx(np.linspace(0, 1, len(shares)))
    assert {given[:2] for given in told} == {(0.9, 0.96)}


@pytest.mark.parametrize("changes", [{"augment": {}}, {"gaze_augmentation": {}}])
def test_a_replayed_protocol_does_not_leave_augmentation_out_silently(make_recipe, changes):
    training = {**SETTINGS, "gaze_augmentation": None, **changes}
    with pytest.raises(InputError, match="trains on pictures as they are"):
        train_paper(make_recipe(training=training), Spots(), None, None, 0)
