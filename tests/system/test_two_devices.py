"""Two processes that train one model: one of them writes and speaks, and both together learn what one would."""

import json

import torch

from xgaze.artifacts import read_weights

TWO = ("--set", "training.devices=2", "--set", "training.batch_size=4")
ONE = ("--set", "training.batch_size=8")


def test_two_processes_learn_what_one_does_and_one_of_them_writes(tmp_path, shell_in):
    """Half of each batch for each: the mean of both gradients is that of the whole batch."""
    weights = {}
    for name, settings in (("two", TWO), ("one", ONE)):
        (tmp_path / name).mkdir()
        shell = shell_in(tmp_path / name)
        words = ("--set", "training.accelerator=cpu", "--set", "data.train_participants=6", *settings)
        out, err = shell("train-teacher", "tiny.yaml", "--json", *words)
        figures = json.loads(out)  # one object: the other process says nothing
        assert "Traceback" not in err and "Initializing" not in err
        folder = shell.folder / figures["model_dir"]
        assert sorted(p.name for p in folder.parent.iterdir()) == [".xgaze-writer.json", "scorings.json", "teacher"]
        assert len(json.loads((folder.parent / "scorings.json").read_text())) == 1
        assert not (folder / "training").exists() and (folder / "history.csv").read_text().count("\n") == 3
        weights[name] = read_weights(folder / "model.safetensors")
    for name, value in weights["one"].items():
        torch.testing.assert_close(weights["two"][name], value, rtol=1e-4, atol=1e-5)
