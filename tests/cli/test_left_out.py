"""Commands say what reading left out."""

import json
from types import SimpleNamespace

import pandas as pd
from click.testing import CliRunner

from xgaze.api import predicting
from xgaze.api.runs import Run, opened
from xgaze.cli.commands.predict import predict
from xgaze.cli.common import note
from xgaze.recipe import load_recipe


def test_opening_the_recording_of_a_recipe(tmp_path, capsys):
    rows = [(f"{k}.jpg", who, nr, 10 * nr + k, 9, 100 + nr) for who in "abc" for k in range(8) for nr in range(4)]
    table = pd.DataFrame(rows, columns=["image", "subject", "order", "x", "y", "duration_ms"])
    table = table[~((table["subject"] == "b") & (table["image"] == "2.jpg") & (table["order"] > 1))]
    table.to_csv(tmp_path / "f.csv", index=False)
    opened(Run(load_recipe("scanpath-lstm", (f"data.path={tmp_path / 'f.csv'}",)), say=note))
    said = capsys.readouterr()
    assert (
        said.out == "" and "1 of 24 scanpaths have fewer than 3 fixations: left out (participant b: 1 of 8" in said.err
    )


def test_predicting(tmp_path, monkeypatch):
    source = SimpleNamespace(table=pd.DataFrame({"id": ["a"]}), notes=("2 of 3 left out.",))
    monkeypatch.setattr(predicting, "asked_of", lambda *_: (SimpleNamespace(net=None), source))
    monkeypatch.setattr(predicting, "run_model", lambda *_, **__: None)
    monkeypatch.setattr(predicting, "prediction_table", lambda *_: source.table)
    words = [str(tmp_path / "model"), str(tmp_path / "in.csv"), "--out", str(tmp_path / "out.csv")]
    assert "2 of 3 left out." in CliRunner().invoke(predict, words).output
    assert json.loads(CliRunner().invoke(predict, [*words, "--json"]).output)["notes"] == ["2 of 3 left out."]
