"""Calibration of directions from end to end: a network trained elsewhere, whose people have offsets of their own."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from torch import nn

import xgaze
from xgaze.api.calibrating import personal_map, recording_to_calibrate
from xgaze.api.runs import opened
from xgaze.artifacts import read_json
from xgaze.compression.search.judge import open_judge
from xgaze.data.contract import rows_of, targets_of
from xgaze.errors import InputError

PEOPLE, FRAMES = 20, 12
OFFSET, NOISE = 0.05, 0.005
FLOOR = np.degrees(NOISE) * np.sqrt(np.pi / 2)
"""Degrees, of two normal coordinates."""
DEFINITION = {
    "source": "manifest",
    "path": "samples.csv",
    "inputs": {"said": {"columns": ["p", "y"]}},
    "target": {"kind": "angle", "columns": ["pitch", "yaw"], "unit": "rad"},
    "split": {"by": "participant"},
}


class Same(nn.Module):
    """Puts out what it reads."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(2, 2), nn.Linear(2, 2)
        for one in (self.first, self.last):
            nn.init.eye_(one.weight)
            nn.init.zeros_(one.bias)

    def forward(self, x):
        return self.last(self.first(x))


def people(count, seed, names="p"):
    """What is said of people: the truth, an offset of their own and noise."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(-0.15, 0.15, (count * FRAMES, 2))
    moved = np.repeat(rng.normal(0, OFFSET, (count, 2)), FRAMES, axis=0) + rng.normal(0, NOISE, truth.shape)
    table = pd.DataFrame(np.hstack([truth, truth + moved]), columns=["pitch", "yaw", "p", "y"])
    return table.assign(participant=np.repeat([f"{names}{k:02d}" for k in range(count)], FRAMES))


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    folder = tmp_path_factory.mktemp("directions")
    people(PEOPLE, 0).to_csv(folder / "samples.csv", index=False)
    (folder / "samples.yaml").write_text(yaml.safe_dump(DEFINITION))
    torch.manual_seed(0)
    data = xgaze.open(folder / "samples.yaml")
    return folder, xgaze.adopt(Same(), data, folder=folder / "checkpoints", reports=folder / "reports")


def test_errors_fall_to_the_planted_noise_in_degrees(teacher):
    _, made = teacher
    found = xgaze.calibrate(made, points=(1, 5))
    first, last = found.rows_found
    assert first["unit"] == last["unit"] == "degrees"
    assert first["before"].mean > 8 * FLOOR and last["after"].mean == pytest.approx(FLOOR * np.sqrt(6 / 5), rel=0.2)
    assert "degrees [" in repr(found) and " px" not in repr(found)
    assert {"unit", "before_mean", "after_low"} <= set(found.table())
    assert read_json(made.run.folder / "calibration.json")["rows"][0]["unit"] == "degrees"


@pytest.mark.parametrize("how", ["affine", "ridge"])
def test_a_persons_map_is_applied_to_directions(teacher, how):
    folder, made = teacher
    anna = people(1, 7, "anna")
    anna.assign(p=anna["p"] + 0.06, y=anna["y"] - 0.06).to_csv(folder / "anna.csv", index=False)
    (folder / "anna.yaml").write_text(yaml.safe_dump({**DEFINITION, "path": "anna.csv"}))
    one = personal_map(made.run, folder / "anna.yaml", how, "teacher", folder / "anna.json")
    assert one.points == FRAMES and "weights_degrees" in read_json(folder / "anna.json")
    plain, own = (
        xgaze.predict(made.run.folder / "teacher", folder / "anna.yaml", calibrate=file).table
        for file in (None, folder / "anna.json")
    )
    assert own["error_degrees"].mean() < 1.2 * FLOOR < 0.5 * plain["error_degrees"].mean()
    assert list(own) == list(plain) and "prediction_pitch_rad" in own
    stored = read_json(folder / "anna.json")
    edited = folder / "edited.json"
    edited.write_text(yaml.safe_dump({**stored, "of": {**stored["of"], "unit": "degrees"}}))
    with pytest.raises(InputError):
        xgaze.predict(made.run.folder / "teacher", folder / "anna.yaml", calibrate=edited)


def test_a_support_vector_regression_is_no_persons_file(teacher):
    folder, made = teacher
    with pytest.raises(InputError, match="another kind: affine, poly2, ridge"):
        personal_map(made.run, folder / "samples.yaml", "svr", "teacher", folder / "nobody.json")
    assert not (folder / "nobody.json").exists()


def test_students_are_judged_on_people_who_are_known(teacher):
    _, made = teacher
    recording = opened(made.run)
    truth = targets_of(recording, rows_of(recording, "validation"))
    plain, known = (open_judge(recording, truth + np.float32(0.05), "teacher", points) for points in (None, 2))
    assert plain.score(truth + np.float32(0.05)) > 3 and known.score(truth + np.float32(0.05)) < 0.01


def test_classes_are_refused(teacher):
    _, made = teacher
    sides = np.where(people(PEOPLE, 0)["yaw"] > 0, "left", "right")
    names = people(PEOPLE, 0)["participant"]
    own = xgaze.ArrayRecording({"said": people(PEOPLE, 0)[["p", "y"]].to_numpy()}, sides, names)
    with pytest.raises(InputError, match=r"moves gaze points, directions and values; the target .* is a class"):
        recording_to_calibrate(replace(made.run, recording=own))
