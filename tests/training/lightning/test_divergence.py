"""A training that diverges stops at its first loss that is no number, says where, and leaves what was finished."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from xgaze.data.contract import Spec
from xgaze.errors import InputError
from xgaze.models.inference import predict
from xgaze.models.registry import build
from xgaze.training.teacher import train_teacher
from xgaze.training.tuning import Features, tune_head, tuning_settings

WILD = {"epochs": 3, "batch_size": 12, "precision": "32-true", "loss": "euclidean", "learning_rate": 1e12}


def test_a_wild_learning_rate_stops_with_epoch_batch_rate_and_remedy(tmp_path, gaze_recording, make_recipe):
    recipe = make_recipe(training=WILD | {"schedule": "constant"})
    said = r"training the teacher diverged in epoch 1: the loss of batch \d is (nan|inf), at a learning rate of 1e\+12\. Lower"
    for _ in range(2):  # the second time it goes on from what the first left, which was nothing finished
        with pytest.raises(InputError, match=said):
            train_teacher(recipe, gaze_recording, tmp_path)
    assert not (tmp_path / "model.json").exists() and not (tmp_path / "model.safetensors").exists()


def test_a_network_that_is_no_number_in_validation_only_is_stopped_too(
    tmp_path, gaze_recording, make_recipe, monkeypatch
):
    recipe = make_recipe(training=WILD | {"learning_rate": 1e-3})
    forward = type(build(recipe.model.name, recipe.model.args, gaze_recording.spec)).forward

    def broken(self, *inputs):
        return forward(self, *inputs) / (1.0 if self.training else 0.0)

    monkeypatch.setattr("xgaze.models.architectures.multi_eye.MultiEye.forward", broken)
    with pytest.raises(InputError, match=r"diverged in epoch 1: validation error px is (nan|inf)"):
        train_teacher(recipe, gaze_recording, tmp_path)
    assert not (tmp_path / "model.json").exists()


def test_a_head_names_the_key_of_its_own_rate(tmp_path):
    spec = Spec((), "gaze", scene=(800, 600))
    rng = np.random.default_rng(0)
    values = Features(rng.normal(size=(32, 4)).astype(np.float32), rng.normal(size=(32, 2)).astype(np.float32))
    settings = tuning_settings(type("T", (), {"loss": "euclidean"}), 2, 1e12, 8)
    with pytest.raises(InputError, match=r"tuning rank-3 diverged .* Lower distill\.learning_rate"):
        tune_head(
            nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2)),
            spec,
            values,
            values,
            settings,
            tmp_path / "rank-3" / "t",
            0,
        )


def test_predictions_that_are_no_numbers_are_refused_with_model_and_count(gaze_recording, make_recipe):
    recipe = make_recipe()
    torch.manual_seed(0)
    model = build(recipe.model.name, recipe.model.args, gaze_recording.spec)
    rows = np.arange(5)
    assert np.isfinite(predict(model, gaze_recording, rows)).all()
    with torch.no_grad():
        next(model.head.parameters())[0] = float("nan")
    with pytest.raises(InputError, match=r"my/model: 5 of 5 predictions are no finite numbers, .* 'train0/0/0'"):
        predict(model, gaze_recording, rows, name="my/model")


def test_a_standard_deviation_of_zero_is_refused(gaze_recording, make_recipe):
    recipe = make_recipe()
    model = build(recipe.model.name, recipe.model.args, gaze_recording.spec)
    flat = tuple(replace(one, std=0.0) for one in gaze_recording.spec.inputs)
    recording = replace(gaze_recording, spec=replace(gaze_recording.spec, inputs=flat))
    with pytest.raises(InputError, match="6 of 6 predictions are no finite numbers"):
        predict(model, recording, np.arange(6))
