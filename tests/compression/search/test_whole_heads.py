"""Whole students and their control end as their teacher did: with the head alone."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from xgaze.compression.plan import Plan
from xgaze.compression.search.bench import open_bench
from xgaze.compression.search.trial import Trial, run_trial
from xgaze.compression.search.trial_methods import UNTOUCHED
from xgaze.compression.student import load_model
from xgaze.data.contract import rows_of, targets_of
from xgaze.training.teacher import train_teacher

TRAINING = {"epochs": 1, "batch_size": 24, "precision": "32-true", "loss": "euclidean"}


@pytest.fixture
def tuned(gaze_recording, make_recipe, tmp_path, no_onnx):
    """(head_epochs, plan) -> the weights of a whole trial, and its folder."""
    plain = make_recipe(training=TRAINING)
    train_teacher(plain, gaze_recording, tmp_path / "teacher")
    teacher = load_model(tmp_path / "teacher")[0]

    def tuned(head_epochs, trial):
        training = plain.training.model_copy(update={"head_epochs": head_epochs})
        recipe = plain.model_copy(update={"training": training})
        bench = open_bench(recipe, gaze_recording, teacher, tmp_path / f"student-{head_epochs}")
        result = run_trial(bench, trial)
        return load_file(result.folder / "model.safetensors"), result.folder

    return tuned


@pytest.mark.parametrize(
    "trial",
    [Trial(Plan(), "whole", UNTOUCHED, "labels", epochs=1), Trial(Plan(share=0.5, rank=2), "whole", epochs=1)],
    ids=["control", "student"],
)
def test_towers_are_those_of_the_tuning_and_the_head_is_never_worse(tuned, trial, gaze_recording):
    (before, own), (after, folder) = (tuned(epochs, trial) for epochs in (0, 60))
    towers = [name for name in before if not name.startswith("head.")]
    assert all(torch.equal(before[name], after[name]) for name in towers) and towers
    truth = targets_of(gaze_recording, rows_of(gaze_recording, "validation"))
    was, now = (np.linalg.norm(np.load(one / "outputs.npy") - truth, axis=1).mean() for one in (own, folder))
    changed = any(not torch.equal(before[name], after[name]) for name in before.keys() - set(towers))
    assert now < was if changed else now == was
    assert changed or trial.method != UNTOUCHED
    assert [file.name for file in folder.rglob("*.npy")] == [
        "outputs.npy"
    ]  # embeddings of every trial would fill a disk
    assert (folder / "tuning" / "head" / "history.csv").is_file()
