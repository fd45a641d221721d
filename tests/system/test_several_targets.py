"""Gaze and a pupil's centre at once, of people some of whose frames lack an eye: trained, distilled, explained, reported."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import xgaze
from xgaze.calibration.once_known import known_people
from xgaze.data.teacher_truth import require_one_target
from xgaze.errors import InputError

PEOPLE, FRAMES, SIDE = 20, 4, 16
ONE = {"tuning_epochs": 1, "ranks": [2], "separable_terms": [], "calibration_samples": 16}


class Net(nn.Module):
    """Puts out gaze in px and a pupil's centre in px of the picture."""

    def __init__(self):
        super().__init__()
        self.eye = nn.Sequential(nn.Conv2d(1, 4, 3, 2, 1), nn.ReLU(), nn.Conv2d(4, 6, 3, 2, 1), nn.ReLU())
        self.hidden = nn.Linear(2 * 6 * 16, 12)
        self.out = nn.Linear(12, 4)

    def forward(self, left, right):
        both = torch.cat([self.eye(left).flatten(1), self.eye(right).flatten(1)], dim=1)
        scale = torch.tensor([200.0, 200.0, 4.0, 4.0])
        return self.out(torch.relu(self.hidden(both))) * scale + torch.tensor([400.0, 300.0, 8.0, 8.0])


def recording(**keys):
    """A blob where the pupil is; whoever has an even number lacks the left eye in one frame of four."""
    rng = np.random.default_rng(0)
    people = np.repeat([f"p{k:02d}" for k in range(PEOPLE)], FRAMES)
    at = rng.uniform(3, SIDE - 3, (len(people), 2))
    yy, xx = np.mgrid[:SIDE, :SIDE]
    blobs = 20 + 200 * np.exp(-((xx - at[:, :1, None]) ** 2 + (yy - at[:, 1:, None]) ** 2) / 12)
    pictures = (blobs + rng.normal(0, 3, blobs.shape)).clip(0, 255).astype(np.uint8)
    lacking = (np.arange(len(people)) % FRAMES == 1) & (np.repeat(np.arange(PEOPLE), FRAMES) % 2 == 0)
    given = {"missing": {"left": lacking}, "targets_beside": {"pupil": (at, "px")}, "scene": (800, 600)}
    return xgaze.ArrayRecording({"left": pictures, "right": pictures}, at * [50, 37.5], people, **given, **keys)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("several")
    torch.manual_seed(0)
    data = recording()
    places = {"folder": folder / "checkpoints", "reports": folder / "reports"}
    teacher = xgaze.train_teacher(Net(), data, epochs=10, batch_size=8, learning_rate=1e-2, **places)
    result = xgaze.distill(teacher, data, max_worse="400%", prune_fc=True, effort="quick", **ONE)
    test = data.table[data.table["split"] == "test"]
    lacking = int(np.flatnonzero(data.missing(test.index.to_numpy())["left"])[0])
    explained = xgaze.explain(result, data, samples=[lacking], over=2, steps=8, sweep_points=3)
    page = explained.report()
    told = json.loads((page.parent / "report.json").read_text())
    return SimpleNamespace(data=data, teacher=teacher, result=result, explained=explained, page=page, told=told)


def test_every_target_is_scored_in_its_own_unit_teacher_beside_student(run):
    (own,) = run.teacher.card.metrics["targets_beside"]
    (both,) = run.result.card.metrics["targets_beside"]
    assert (own["name"], own["unit"], own["student"]) == ("pupil", "px", None) and own["teacher"] == both["teacher"]
    assert own["mean"]["mean"] == both["mean"]["mean"] > 0
    predicted = pd.read_csv(run.result.folder / "predictions.csv")
    by_person = predicted.groupby("group")["error_pupil_px"].mean()
    assert both["student"]["mean"] == pytest.approx(by_person.mean(), rel=1e-4)
    expected = 100 * (both["student"]["mean"] / both["teacher"]["mean"] - 1)
    assert both["worse_percent"]["mean"] == pytest.approx(expected, rel=1e-3)
    assert run.told["targets_beside"][0]["name"] == "pupil" and "pupil: teacher" in repr(run.result)
    assert "Targets beside" in run.page.read_text() and (run.page.parent / "targets_beside.csv").is_file()
    card = (run.result.folder / "model_card.md").read_text()
    assert "| pupil, mean error |" in card and "and after it pupil" in card


def test_the_main_target_is_explained_and_a_missing_eye_has_no_part_in_it(run):
    found = run.explained.found["attribution"]
    assert found["targets"] == ["gaze x", "gaze y", "error"] and found["samples"][0]["missing"] == ["left"]
    for role in ("teacher", "student"):
        assert found["samples"][0]["share_percent"][role]["error"]["left"] == 0
        assert found["samples"][0]["shapley"][role]["gaze x"]["left"] == 0
    assert len(found["samples"][0]["truth"]) == 2
    assert "Missing in this sample: left." in run.page.read_text()
    assert {one["condition"] for one in run.told["slices"]["rows"]} >= {"left missing"}
    assert run.told["live"]["absent"].startswith("This page runs students of one target")


def test_the_student_predicts_all_targets_also_without_an_eye(run, tmp_path):
    left, right = (run.data.inputs[name][:3] for name in ("left", "right"))
    lacking = np.array([True, False, False])
    found = run.result.student.predict({"left": left, "right": right}, missing={"left": lacking})
    assert found.shape == (3, 4)
    other = run.result.student.predict({"left": 255 - left, "right": right}, missing={"left": lacking})
    np.testing.assert_array_equal(found[0], other[0])  # whatever lies there
    table = xgaze.predict(run.result.student, run.data).table
    assert {"prediction_x_px", "prediction_pupil_x_px", "error_pupil_px"} <= set(table)
    saved = xgaze.load(run.result.student.save(tmp_path / "student"))
    assert saved.spec == run.data.spec and saved.spec.targets[2:] == ["pupil_x_px", "pupil_y_px"]


def test_the_main_target_is_calibrated(run):
    found = xgaze.calibrate(run.result, points=(1,)).rows_found
    assert [(one["model"], one["unit"]) for one in found] == [("teacher", "px"), ("student", "px")]
    predicted = pd.read_csv(run.result.folder / "predictions.csv")
    by_person = predicted.groupby("group")["error_px"].mean()
    assert found[1]["before"].mean == pytest.approx(by_person.mean(), rel=0.2)  # of the frames that are asked
    assert known_people(run.data, "test", 1).truth.shape[1] == 2


def test_what_is_for_one_target_alone_is_refused(run):
    for what in ("a cross validation", "anything else"):
        with pytest.raises(InputError, match=f"{what} is for one target"):
            require_one_target(run.data, what)
