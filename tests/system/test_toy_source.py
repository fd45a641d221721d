"""A data format registered from outside the package: checked, trained on and predicted on like the others; no list is edited."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest

from xgaze.cli.main import xgaze
from xgaze.data.contract import InputSpec, Recording, Sample, Spec
from xgaze.data.source import SOURCES, Source, source_of
from xgaze.errors import InputError
from xgaze.recipe import DataSection, load_data

SIDE, SCENE = 40, (800, 600)
RECIPE = """
name: toy
data: {source: toy-dots, path: dots.csv}
model:
  name: multi-eye
  args: {first_stride: 1, conv3_stride: 1, conv3_padding: 2, lrn: false, embedding: 4, hidden: 4}
training: {epochs: 1, batch_size: 8, loss: euclidean, precision: 32-true}
"""


class DotsData(DataSection):
    """A table of dots."""

    source: Literal["toy-dots"]
    path: Path
    grey: int = 200


@dataclass(frozen=True, eq=False)
class Dots(Recording):
    """A picture of each dot, drawn when asked for."""

    spec: Spec
    table: pd.DataFrame
    grey: int

    def __getitem__(self, row):
        line = self.table.iloc[row]
        gaze = line[["gaze_x_px", "gaze_y_px"]].to_numpy(np.float32)
        if not np.isfinite(gaze).all():
            raise InputError(f"{line['id']}: no dot.")
        picture = np.zeros((1, SIDE, SIDE), np.uint8)
        x, y = (gaze / SCENE * SIDE).astype(int)
        picture[0, y - 2 : y + 2, x - 2 : x + 2] = self.grey
        return Sample(line["id"], {"group": line["group"], "session": "0"}, {"eye": picture}, gaze)


class DotsSource(Source[DotsData]):
    """One file is all that a format is."""

    section = DotsData

    def open(self, data, progress=None):
        table = pd.read_csv(data.path, dtype={"group": str})
        spec = Spec((InputSpec("eye", (1, SIDE, SIDE)),), "gaze", scene=SCENE)
        return Dots(spec, table.assign(session="0"), data.grey)


@pytest.fixture
def dots(tmp_path, monkeypatch):
    """Four people in each split, two dots each, and a recipe for them."""
    monkeypatch.setattr(SOURCES, "_registered", {})
    SOURCES.register(DotsSource())
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    rows = [
        (f"{split}{person}/{k}", f"{split}{person}", split, *rng.uniform((100, 100), (700, 500)))
        for split in ("train", "validation", "test")
        for person in range(4)
        for k in range(2)
    ]
    table = pd.DataFrame(rows, columns=["id", "group", "split", "gaze_x_px", "gaze_y_px"])
    table.to_csv("dots.csv", index=False)
    Path("toy.yaml").write_text(RECIPE)
    return table


def run(capsys, *words):
    """Exit code of a command, and the JSON that it prints."""
    code = xgaze.main([*words, "--json"], standalone_mode=False)
    return code, json.loads(capsys.readouterr().out)


def test_a_sound_table_is_checked_trained_on_and_predicted_on(dots, capsys):
    assert run(capsys, "check", "toy.yaml") == (None, {"ok": True, "faults": []})
    assert run(capsys, "train-teacher", "toy.yaml")[0] is None
    stored = json.loads(Path("checkpoints/toy/teacher/model.json").read_text())
    assert stored["recipe"]["data"] == {"source": "toy-dots", "unlabelled": None, "path": "dots.csv", "grey": 200}
    dots.assign(gaze_x_px=dots["gaze_x_px"] + 5).to_csv("more.csv", index=False)
    run(capsys, "predict", "checkpoints/toy/teacher", "more.csv", "--out", "seen.csv")
    assert pd.read_csv("seen.csv")["id"].tolist() == dots["id"].tolist()


def test_what_cannot_be_is_found_without_a_line_of_the_formats_own(dots, capsys):
    dots.loc[3, "gaze_x_px"] = np.nan
    dots.loc[9, ["group", "gaze_y_px"]] = "train0", 900
    dots.to_csv("dots.csv", index=False)
    code, found = run(capsys, "check", "toy.yaml")
    assert code == 2
    assert {one["kind"]: one["count"] for one in found["faults"]} == {
        "participant in two splits": 1,
        "missing label": 1,
        "label outside the scene": 1,
        "unreadable sample": 1,
    }


def test_keys_are_validated_by_the_formats_own_section(dots):
    with pytest.raises(InputError, match=r"unknown key 'data\.gray'; did you mean 'grey'\?"):
        load_data(Path("toy.yaml"), ("data.gray=1",))
    assert source_of(load_data(Path("toy.yaml"))).held_out(load_data(Path("toy.yaml"))) == {
        f"{split}{person}" for split in ("validation", "test") for person in range(4)
    }


def test_a_tag_that_is_none_says_which_there_are(dots):
    with pytest.raises(InputError, match=r"'toy-dot' found using 'source' .*'eye-folders', .*'toy-dots'"):
        load_data(Path("toy.yaml"), ("data.source=toy-dot",))
