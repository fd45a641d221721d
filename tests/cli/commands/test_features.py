"""`xgaze features`: what it writes, and what it refuses."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from torch import nn

from xgaze.api import inspecting, predicting
from xgaze.api.stored_model import StoredModel
from xgaze.cli.commands.features import features
from xgaze.errors import InputError


@pytest.fixture
def run(monkeypatch, class_recording, make_recipe, tmp_path):
    """The command on a small model and recording that are given to it ready."""
    model = nn.Sequential(nn.Conv2d(1, 3, 5), nn.Flatten(), nn.Linear(3 * 36 * 36, 2))
    card = SimpleNamespace(spec=class_recording.spec.to_json(), recipe=make_recipe().model_dump(mode="json"))
    monkeypatch.setattr(predicting, "load", lambda *_: StoredModel(model, card, tmp_path / "model"))
    monkeypatch.setattr(predicting, "open_for_prediction", lambda *_: class_recording)
    return lambda *words: CliRunner().invoke(features, ["model", "input", "--out", str(tmp_path), *words])


def test_activations_bars_and_feature_maps_are_written(run, tmp_path):
    done = run("--layer", "0", "--layer", "2", "--samples", "8", "--sample", "3", "--json")
    told = json.loads(done.output)
    assert done.exit_code == 0 and told["samples"] == 8 and told["sample"] == "train0/0/3"
    assert [one["layer"] for one in told["layers"]] == ["0", "2"] and told["layers"][0]["shape"] == [3, 36, 36]
    stored = json.loads((tmp_path / "features.json").read_text())
    assert stored["layers"] == told["layers"]
    with np.load(tmp_path / "features.npz") as maps:
        assert maps["0"].shape == (3, 36, 36) and maps["2"].shape == (2,)
    assert (tmp_path / "features.svg").read_text().startswith("<svg")


def test_the_older_files_stay_until_all_new_ones_are_there(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("--layer", "0", "--out", ".").exit_code == 0
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    assert before.keys() == {"features.json", "features.svg", "features.npz"}
    monkeypatch.setattr(inspecting, "write_json", lambda *_: 1 / 0)
    assert isinstance(run("--layer", "2", "--out", ".").exception, ZeroDivisionError)
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == before


def test_a_sample_or_a_layer_that_is_not_there_is_refused_and_nothing_is_written(run, tmp_path):
    for words, told in ((("--sample", "9999"), "counted from 0"), (("--layer", "7"), "no layer '7'")):
        failed = run(*words).exception
        assert isinstance(failed, InputError) and told in str(failed)
    assert not list(tmp_path.iterdir())
