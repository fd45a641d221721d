"""Training: what is saved, what is selected, and that a killed run goes on as if nothing had happened."""

import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import ValidationError

from xgaze.data.batches import EpochShuffle, ordered_loader, shuffled_loader
from xgaze.data.contract import rows_of, targets_of
from xgaze.errors import InputError
from xgaze.evaluation.gaze import distance_of_points
from xgaze.models.inference import predict
from xgaze.models.registry import build
from xgaze.recipe import Training
from xgaze.training.fit import _trainer, fit, fresh_folder
from xgaze.training.lightning.checkpoint_io import SafetensorsCheckpointIO
from xgaze.training.losses import LOSSES
from xgaze.training.task import GazeTask, monitored


def train(recipe, recording, folder, stop_after=None, monkeypatch=None):
    torch.manual_seed(recipe.seed)
    model = build(recipe.model.name, recipe.model.args, recording.spec)
    task = GazeTask(model, recording.spec, recipe.training, recipe.seed)
    if stop_after is not None:
        count = 0
        step = task.training_step

        def killed(batch, *_):
            nonlocal count
            count += 1
            if count > stop_after:
                raise RuntimeError("killed")
            return step(batch, 0)

        task.training_step = killed
    loader = shuffled_loader(recording, rows_of(recording, "train"), recipe.training.batch_size, recipe.seed)
    validation = ordered_loader(recording, rows_of(recording, "validation"))
    fit(task, loader, validation, recipe.training, folder, monitored(recording.spec))
    return model


def test_a_killed_training_goes_on_and_ends_bit_equal(tmp_path, gaze_recording, make_recipe):
    recipe = make_recipe()
    whole = train(recipe, gaze_recording, tmp_path / "whole")
    with pytest.raises(RuntimeError, match="killed"):
        train(recipe, gaze_recording, tmp_path / "killed", stop_after=8)  # 6 steps an epoch: in the second epoch
    resumed = train(recipe, gaze_recording, tmp_path / "killed")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    histories = [pd.read_csv(tmp_path / run / "history.csv") for run in ("whole", "killed")]
    pd.testing.assert_frame_equal(*histories)
    assert list(histories[0]["epoch"]) == [0, 1, 2]


def test_the_best_weights_on_validation_are_kept_not_the_last(tmp_path, gaze_recording, make_recipe):
    wild = {"epochs": 5, "batch_size": 12, "precision": "32-true", "loss": "euclidean", "schedule": "constant"}
    recipe = make_recipe(training={**wild, "learning_rate": 0.005})
    model = train(recipe, gaze_recording, tmp_path)
    history = pd.read_csv(tmp_path / "history.csv")["validation_error_px"]
    rows = rows_of(gaze_recording, "validation")
    error = distance_of_points(predict(model, gaze_recording, rows), targets_of(gaze_recording, rows)).mean()
    assert error == pytest.approx(history.min(), rel=1e-4)
    assert history.min() < 0.99 * history.iloc[-1]  # so wild a rate that the last epoch is not the best


def test_training_learns(tmp_path, gaze_recording, make_recipe):
    recipe = make_recipe(training={"epochs": 8, "batch_size": 12, "precision": "32-true", "loss": "euclidean"})
    train(recipe, gaze_recording, tmp_path)
    history = pd.read_csv(tmp_path / "history.csv")["validation_error_px"]
    assert history.min() < 0.6 * history.iloc[0]


def test_training_state_is_no_pickle_and_a_damaged_one_is_named(tmp_path):
    io = SafetensorsCheckpointIO()
    state = {"epoch": 3, "w": torch.randn(2), "nested": {0: [torch.ones(1), (1, None, "a", 2.5, True)]}}
    io.save_checkpoint(state, tmp_path / "last.safetensors")
    back = io.load_checkpoint(tmp_path / "last.safetensors")
    assert torch.equal(back["w"], state["w"]) and back["nested"][0][1] == (1, None, "a", 2.5, True)
    assert b"pickle" not in (tmp_path / "last.safetensors").read_bytes()
    (tmp_path / "last.safetensors").write_bytes(b"half")
    with pytest.raises(InputError, match=r"last\.safetensors: damaged training state"):
        io.load_checkpoint(tmp_path / "last.safetensors")
    with pytest.raises(TypeError, match="neither a tensor nor JSON"):
        io.save_checkpoint({"x": object()}, tmp_path / "x.safetensors")


def test_a_run_of_other_settings_is_not_resumed(tmp_path):
    run = fresh_folder(tmp_path / "run", "one")
    (run / "last.safetensors").write_text("state")
    assert (fresh_folder(run, "one") / "last.safetensors").exists()
    assert not (fresh_folder(run, "two") / "last.safetensors").exists()
    for mark in ("", "[]", '{"hash": '):  # damaged: nobody knows whose it is
        (run / "last.safetensors").write_text("state")
        (run / "run.json").write_text(mark)
        assert not (fresh_folder(run, "two") / "last.safetensors").exists()


def test_the_shuffle_depends_on_seed_and_epoch_alone():
    shuffle = EpochShuffle(50, 0)
    first = list(shuffle)
    shuffle.set_epoch(1)
    assert sorted(first) == list(range(50)) and list(shuffle) != first
    again = EpochShuffle(50, 0)
    assert list(again) == first


def test_losses_on_known_values():
    truth, guess = torch.zeros(4, 2), torch.tensor([[30.0, 40.0]] * 4)
    assert float(LOSSES["euclidean"](guess, truth)) == pytest.approx(0.5)
    assert float(LOSSES["root-mse"](guess, truth)) == pytest.approx(np.sqrt(0.125))
    assert float(LOSSES["smooth-l1"](guess, truth)) == pytest.approx(0.5 * 0.125)
    logits = torch.tensor([[0.0, 0.0]])
    assert float(LOSSES["cross-entropy"](logits, torch.tensor([1]))) == pytest.approx(np.log(2))
    assert float(LOSSES["cross-entropy"](logits, torch.tensor([[9.0, 9.0]]))) == pytest.approx(np.log(2))


@pytest.mark.parametrize(
    ("settings", "largest"),
    [({}, 1.0), ({"gradient_clip": 0.01}, 0.01), ({"optimiser": "sgd"}, None)],
)
def test_gradients_are_clipped_as_the_recipe_says(tmp_path, settings, largest):
    training = Training(accelerator="cpu", **settings)
    assert _trainer(training, [], tmp_path).gradient_clip_val == largest
    assert ("gradient_clip" in training.model_dump()) == ("gradient_clip" in settings)


def test_a_clip_that_nobody_would_heed_is_refused():
    with pytest.raises(ValidationError, match="gradient_clip is not for optimiser: sgd"):
        Training(optimiser="sgd", gradient_clip=0.01)
