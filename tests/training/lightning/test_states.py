"""The states of a training on disk: one after every epoch, none continued once finished, damaged ones computed again."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from xgaze.data.contract import Spec
from xgaze.recipe import Training
from xgaze.training.lightning.checkpoint_io import SafetensorsCheckpointIO
from xgaze.training.tuning import Features, tune_head

SPEC = Spec((), "gaze", scene=(800, 600))
TRUTH = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)


def features(seed):
    values = np.random.default_rng(seed).normal(size=(24, 4)).astype(np.float32)
    return Features(values, values @ TRUTH)


def tuned(folder: Path, epochs: int = 3, rate: float = 0.01, patience: int = 99) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    head = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    settings = Training(
        epochs=epochs, batch_size=8, learning_rate=rate, loss="euclidean", schedule="constant", patience=patience
    ).model_copy(update={"accelerator": "cpu", "precision": "32-true"})
    tune_head(head, SPEC, features(1), features(2), settings, folder, 0)
    return head.state_dict()


def is_equal(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("damaged", ["last.safetensors", "best.safetensors"])
@pytest.mark.parametrize("bytes_kept", [None, 0, 1000])
@pytest.mark.parametrize("finished", [True, False])
def test_a_damaged_state_is_computed_again_not_refused_for_ever(tmp_path, damaged, bytes_kept, finished, capsys):
    whole = tuned(tmp_path)
    if not finished:
        (tmp_path / "fitted.json").unlink()
    if bytes_kept is None:
        (tmp_path / damaged).unlink()
    else:
        (tmp_path / damaged).write_bytes((tmp_path / damaged).read_bytes()[:bytes_kept])
    assert is_equal(tuned(tmp_path), whole)
    told = capsys.readouterr().err
    gone = bytes_kept is None and damaged == "last.safetensors" and not finished
    assert gone or f"{damaged}: damaged training state" in told
    assert list(pd.read_csv(tmp_path / "history.csv")["epoch"]) == [0, 1, 2]


@pytest.mark.parametrize("content", [None, "", "epoch\n", "epoch\n0\n1\n", "epoch\n0\n1\nx\n"])
def test_a_finished_training_whose_history_is_not_whole_begins_anew(tmp_path, content, capsys):
    whole = tuned(tmp_path)
    table = (tmp_path / "history.csv").read_text()
    (tmp_path / "history.csv").unlink()
    if content is not None:
        (tmp_path / "history.csv").write_text(content)
    assert is_equal(tuned(tmp_path), whole) and (tmp_path / "history.csv").read_text() == table
    assert "history.csv" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"epochs": null}', '{"epochs": 2}'])
def test_a_finished_training_whose_mark_is_damaged_begins_anew(tmp_path, content):
    whole = tuned(tmp_path)
    (tmp_path / "fitted.json").write_text(content)
    assert is_equal(tuned(tmp_path), whole) and len(pd.read_csv(tmp_path / "history.csv")) == 3


def test_every_epoch_leaves_a_state_also_without_improvement(tmp_path):
    """Else a training killed long after its best epoch would go back to that."""
    tuned(tmp_path, epochs=3, rate=0.5)
    history = pd.read_csv(tmp_path / "history.csv")["validation_error_px"]
    states = [SafetensorsCheckpointIO().load_checkpoint(tmp_path / f"{name}.safetensors") for name in ("best", "last")]
    assert [one["epoch"] for one in states] == [1, 2] and history.argmin() == 1


def test_a_training_that_stopped_early_is_not_continued(tmp_path):
    """A kill between its end and the scores must not add epochs."""
    whole = tuned(tmp_path, epochs=30, rate=0.5, patience=1)
    history = (tmp_path / "history.csv").read_text()
    assert len(history.splitlines()) < 30
    assert is_equal(tuned(tmp_path, epochs=30, rate=0.5, patience=1), whole)
    assert (tmp_path / "history.csv").read_text() == history
