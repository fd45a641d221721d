"""Averaged weights: the mean is what its definition says, it is what is kept, and a killed training goes on with it."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from xgaze.data.contract import Spec
from xgaze.evaluation.score import sample_errors
from xgaze.recipe import Training
from xgaze.training.lightning.weight_averaging import FIRST_STEPS, AveragedWeights, decay_over
from xgaze.training.tuning import Features, tune_head

SPEC = Spec((), "gaze", scene=(800, 600))
TRUTH = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
STEPS, EPOCHS = 3, 4  # 24 samples in batches of 8


def features(seed):
    values = np.random.default_rng(seed).normal(size=(24, 4)).astype(np.float32)
    return Features(values, values @ TRUTH)


def tuned(folder, share):
    torch.manual_seed(0)
    head = nn.Sequential(nn.Linear(4, 2))
    settings = Training(
        epochs=EPOCHS, batch_size=8, learning_rate=0.05, loss="euclidean", schedule="constant", patience=99
    )
    settings = settings.model_copy(update={"accelerator": "cpu", "precision": "32-true", "weight_averaging": share})
    tune_head(head, SPEC, features(1), features(2), settings, folder, 0)
    return head.requires_grad_(False)


@pytest.fixture
def weights(monkeypatch):
    """Of every step, as the optimiser left them."""
    seen, update = [], AveragedWeights.on_train_batch_end

    def watched(self, trainer, task, *rest):
        seen.append(next(task.parameters()).detach().clone())
        update(self, trainer, task, *rest)

    monkeypatch.setattr(AveragedWeights, "on_train_batch_end", watched)
    return seen


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_the_weights_kept_are_the_moving_average_of_those_of_all_steps(tmp_path, weights, share):
    kept = tuned(tmp_path, share)
    assert len(weights) == STEPS * EPOCHS
    mean, decay = weights[0], 1 - 1 / (share * STEPS * EPOCHS)
    for known, one in enumerate(weights[1:], start=1):
        own = min(decay, (1 + known) / (FIRST_STEPS + known))
        mean = own * mean + (1 - own) * one
    torch.testing.assert_close(kept[0].weight, mean)
    assert not torch.allclose(kept[0].weight, weights[-1], atol=1e-3)


def test_without_it_and_with_one_step_the_last_weights_are_kept(tmp_path, weights):
    plain = tuned(tmp_path / "plain", 0.0)
    one = tuned(tmp_path / "one", 1 / (STEPS * EPOCHS))
    torch.testing.assert_close(one[0].weight, plain[0].weight)
    torch.testing.assert_close(one[0].weight, weights[-1])


def test_validation_judges_the_averaged_weights(tmp_path):
    head = tuned(tmp_path, 0.5)
    with torch.no_grad():
        outputs = head(torch.from_numpy(features(2).values)).numpy()
    told = pd.read_csv(tmp_path / "history.csv")["validation_error_px"].iloc[-1]
    assert told == pytest.approx(sample_errors(SPEC, outputs, features(2).targets).mean(), rel=1e-5)


def test_a_killed_training_goes_on_with_the_mean_it_had(tmp_path, monkeypatch):
    whole = tuned(tmp_path / "whole", 0.5)
    end = AveragedWeights.on_train_epoch_end

    def killed(self, trainer, task):
        end(self, trainer, task)
        if trainer.current_epoch == 2:
            raise RuntimeError("killed")

    monkeypatch.setattr(AveragedWeights, "on_train_epoch_end", killed)
    with pytest.raises(RuntimeError, match="killed"):
        tuned(tmp_path / "killed", 0.5)
    monkeypatch.setattr(AveragedWeights, "on_train_epoch_end", end)
    assert torch.equal(tuned(tmp_path / "killed", 0.5)[0].weight, whole[0].weight)


def test_of_how_many_steps_a_mean_is():
    assert decay_over(100) == pytest.approx(0.99)
    assert decay_over(100) ** 100 == pytest.approx(np.exp(-1), rel=0.01)
    assert decay_over(0.5) == decay_over(0) == 0
