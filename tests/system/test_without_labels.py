"""People without any label: a network is adopted on them, distilled and explained, and no page speaks of errors."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from torch import nn

import xgaze as package
from xgaze.cli.main import xgaze
from xgaze.errors import InputError
from xgaze.scorings import read_scorings

NETWORK = """
import torch
from torch import nn


class TwoEyes(nn.Module):
    def __init__(self):
        super().__init__()
        self.eye = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU())
        self.hidden = nn.Linear(2 * 4 * 64, 12)
        self.out = nn.Linear(12, 2)

    def forward(self, left, right):
        both = torch.cat([self.eye(left).flatten(1), self.eye(right).flatten(1)], dim=1)
        return 400 + 400 * self.out(torch.relu(self.hidden(both)))
"""
QUICK = [
    word
    for one in ("distill.tuning_epochs=2", "distill.ranks=[2]", "distill.calibration_samples=16", "explain.steps=8")
    for word in ("--set", one)
]
UNLABELLED = {"target": {"kind": "gaze", "unit": "px"}, "truth": "teacher"}


@pytest.fixture
def elsewhere(manifest, tmp_path, monkeypatch):
    """A manifest without a label, and a network's code and weights."""
    manifest(**UNLABELLED)
    table = pd.read_csv(tmp_path / "samples.csv").drop(columns=["x_px", "y_px"])
    table.to_csv(tmp_path / "samples.csv", index=False)
    (tmp_path / "twoeyes_bare.py").write_text(NETWORK)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    from twoeyes_bare import TwoEyes

    torch.manual_seed(0)
    net = TwoEyes()
    torch.save(net.state_dict(), "best.pth")
    return net.eval()


def run(capsys, *words):
    xgaze.main([*words, "--json"], standalone_mode=False)
    return json.loads(capsys.readouterr().out)


def told(capsys, *words):
    xgaze.main([*words], standalone_mode=False)
    return capsys.readouterr().out


def refusal(*words):
    with pytest.raises(InputError) as caught:
        xgaze.main([*words], standalone_mode=False)
    return str(caught.value)


ADOPT = ("adopt", "twoeyes_bare:TwoEyes", "--data", "samples.yaml", "--weights", "best.pth")


def text_of(page):
    """What a reader sees of an HTML file."""
    seen = re.sub(r"<(script|style).*?</\1>", " ", page, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", seen)).replace("\u00a0", " ")


def test_adopted_distilled_and_explained_without_a_label(elsewhere, capsys):
    words = told(capsys, *ADOPT)
    assert "There are no labels: what the teacher puts out is taken for true" in words
    assert "How far others are from it, fitted on 6 other people: mean gaze " in words
    assert "The test participants were not scored: there are no labels." in words and "error" not in words
    adopted = run(capsys, *ADOPT)
    assert adopted["error"] is None and adopted["truth"] == "teacher" and adopted["learned"] is None
    assert read_scorings(Path("checkpoints/TwoEyes")) == []
    assert yaml.safe_load(Path("TwoEyes.yaml").read_text())["data"]["truth"] == "teacher"
    _truth_is_the_networks(elsewhere)

    found = run(capsys, "distill", "TwoEyes.yaml", "--prune-fc", "--effort", "quick", *QUICK)
    _figures_are_of_the_tables(found)
    words = told(capsys, "distill", "TwoEyes.yaml", "--prune-fc", "--effort", "quick", *QUICK)
    assert "  From the teacher " in words and "% of the spread [" in words and "Budget of 2 % of the spread: " in words
    assert "rror" not in words and "control" not in words and "labels alone" not in words
    assert [one["what"] for one in read_scorings(Path("checkpoints/TwoEyes"))] == ["student"]

    run(capsys, "explain", "TwoEyes.yaml", "--samples", "1", *QUICK)
    _page_is_honest(text_of(Path("reports/TwoEyes/index.html").read_text()))
    report = json.loads(Path("reports/TwoEyes/report.json").read_text())
    assert report["truth"] == "teacher" and report["control"] is None and report["learned"] is None
    assert report["score"]["name"] == "mean disagreement with the teacher"
    assert report["spread"]["mean"] == pytest.approx(found["spread"]["mean"])
    card = Path("checkpoints/TwoEyes/student/model_card.md").read_text()
    assert "There are no labels" in card and "% of the spread" in card and "rror" not in card
    assert "not scored; the student is compared with it on 4 people" in card


def _truth_is_the_networks(net):
    recording = package.open("samples.yaml")
    batch = [torch.tensor(np.stack([recording[k].inputs[name] for k in range(70)])) for name in ("left", "right")]
    with torch.no_grad():
        outputs = net(*((one.float() - 40) / 60 for one in batch)).numpy()
    stored = pd.read_csv("checkpoints/TwoEyes/teacher/truth.csv")
    assert stored[["gaze_x_px", "gaze_y_px"]].to_numpy() == pytest.approx(outputs, rel=1e-4)


def _figures_are_of_the_tables(found):
    """Recomputed from the table of predictions: disagreement over the mean distance from each person's own mean."""
    table = pd.read_csv("checkpoints/TwoEyes/student/predictions.csv")
    said, ours = (table[[f"{who}_x_px", f"{who}_y_px"]] for who in ("teacher", "prediction"))
    apart = pd.Series(np.linalg.norm(said.to_numpy() - ours.to_numpy(), axis=1))
    own = said - said.groupby(table["group"]).transform("mean")
    spread = pd.Series(np.linalg.norm(own, axis=1)).groupby(table["group"]).mean().mean()
    disagreement = apart.groupby(table["group"]).mean().mean()
    assert found["student"]["error"]["mean"] == pytest.approx(disagreement, rel=1e-4)
    assert found["spread"]["mean"] == pytest.approx(spread, rel=1e-4)
    assert found["difference_percent"]["mean"] == pytest.approx(100 * disagreement / spread, rel=1e-4)
    assert found["worse_unit"] == "% of the spread" and found["reference"] == "teacher"
    assert found["teacher"]["error"]["mean"] == 0 and found["control"] is None and found["labels_only"] is None
    assert found["budget_met"] == (found["difference_percent"]["high"] <= 2)


def _page_is_honest(page):
    assert "No labels. No figure below says how right teacher or student is" in page
    assert "mean disagreement with the teacher" in page and "% of the spread" in page
    assert "There is no control" in page and "no student taught by labels alone" in page
    assert "Nor is it known how right it is" in page
    assert "eccentricity" in page
    for word in ("mean error", "median error", "Truth", "truth ", "same extra tuning", "test error", "errs"):
        assert word not in page, word
    assert not re.search(r"\berrors?\b", re.sub("error of the probe", "", page)), re.findall(
        r".{40}\berrors?\b.{40}", page
    )


def test_what_needs_labels_is_refused(elsewhere, capsys):
    assert "nothing trains it here" in _after_adopting(capsys)
    # A teacher alone has a page, too.
    run(capsys, "report", "TwoEyes.yaml")
    page = text_of(Path("reports/TwoEyes/index.html").read_text())
    assert "No labels." in page and "mean error" not in page and "were not scored: there are no labels" in page
    assert "calibration needs labels" in refusal("calibrate", "TwoEyes.yaml")
    asked = ("distill", "TwoEyes.yaml", "--prune-fc", "--effort", "quick", "--after-calibration", "3", *QUICK)
    assert "distill.after_calibration needs labels" in refusal(*asked)
    # The recording is edited: the teacher said nothing of these samples.
    table = pd.read_csv("samples.csv")
    table[table["participant"] != "tr0"].to_csv("samples.csv", index=False)
    told = refusal("distill", "TwoEyes.yaml", "--prune-fc", "--effort", "quick", *QUICK)
    assert "holds 70 samples, and the recording 65" in told


def test_models_are_exported_wherever_they_lie(elsewhere, capsys):
    run(capsys, *ADOPT)
    Path("checkpoints/TwoEyes").rename("sent")
    shutil.copytree("sent/teacher", "sent/student")
    words = ("export", "sent/student", "--samples", "2", "--trust-import", "--to")
    assert run(capsys, *words, "int8")["bytes"] == Path("sent/student/model.int8.onnx").stat().st_size
    # The teacher beside it says what is true.
    truth = Path("sent/teacher/truth.csv")
    truth.write_text("".join(truth.read_text().splitlines(keepends=True)[:-1]))
    assert "sent/teacher/truth.csv: holds 69 samples, and the recording 70" in refusal(*words, "int8")
    truth.unlink()
    told = refusal(*words, "int8")
    assert (
        told.startswith("sent/teacher/truth.csv: no such file.")
        and "beside sent/student, or export with --to onnx" in told
    )
    assert run(capsys, *words, "onnx")["samples"] == 2


def _after_adopting(capsys):
    recipe = {"name": "bare", "data": "samples.yaml", "model": {"import": "twoeyes_bare:TwoEyes"}}
    Path("bare.yaml").write_text(yaml.safe_dump({**recipe, "training": {"epochs": 1}}))
    told = refusal("train-teacher", "bare.yaml")
    assert "the recording has no labels (data.truth: teacher)" in told and "Adopt a trained network first" in told
    run(capsys, *ADOPT)
    return refusal("train-teacher", "TwoEyes.yaml", "--force")


class Linear(nn.Module):
    """Reads four numbers; the first FC layer has rank 2, so that a student of rank 2 loses nothing."""

    def __init__(self, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.hidden = nn.Linear(4, 6)
        self.out = nn.Linear(6, 2)
        with torch.no_grad():
            self.hidden.weight.copy_(torch.randn(6, 2) @ torch.randn(2, 4))

    def forward(self, x):
        return 10 * self.out(self.hidden(x))


def test_a_linear_teacher_in_python_loses_nothing_at_its_rank(tmp_path):
    rng = np.random.default_rng(0)
    people = np.repeat([f"p{k:02d}" for k in range(16)], 8)
    inputs = {"x": rng.normal(size=(len(people), 4)).astype(np.float32)}
    data = package.ArrayRecording(inputs, None, people, kind="gaze", unit="cm")
    teacher = package.adopt(Linear(), data, folder=tmp_path / "checkpoints", reports=tmp_path / "reports")
    assert "not scored: there are no labels" in repr(teacher) and "learned" not in repr(teacher)
    with pytest.raises(InputError, match="there are no labels"):
        _ = teacher.error
    asked = {
        "prune_fc": True,
        "effort": "quick",
        "tuning_epochs": 1,
        "ranks": [2],
        "calibration_samples": 32,
        "seeds": 2,
    }
    result = package.distill(teacher, data, **asked, learning_rate=1e-9)
    told = result.card.metrics["over_seeds"]  # the teacher has its weights once for all
    assert told["students"] == 2 and told["references"] == 1 and told["reference_spread"] is None
    assert told["difference_percent"]["mean"] == pytest.approx(0, abs=0.01) and told["held"] is True
    assert result.budget_met and result.worse.mean == pytest.approx(0, abs=0.01)
    assert result.worse.unit == "% of the spread" and "away from the teacher" in repr(result)
    assert "disagreement with the teacher" in repr(result)


def test_a_teacher_that_was_trained_here_is_adopted_by_its_architecture_and_weights(tmp_path):
    rng = np.random.default_rng(0)
    people = np.repeat([f"p{k:02d}" for k in range(16)], 3)
    eyes = rng.integers(0, 255, (len(people), 1, 20, 24)).astype(np.uint8)
    labels = rng.normal(0, 0.2, (len(people), 2)).astype(np.float32)
    known = package.ArrayRecording({"eye": eyes}, labels, people, kind="angle", unit="rad")
    bare = package.ArrayRecording({"eye": eyes}, None, people, kind="angle", unit="rad")
    kept = {"folder": tmp_path / "checkpoints", "reports": tmp_path / "reports", "args": {"channels": 4}}
    ours = package.train_teacher("resnet-preact", known, epochs=1, batch_size=16, name="ours", **kept)
    weights = ours.folder / "model.safetensors"
    adopted = package.adopt("resnet-preact", bare, weights=weights, name="again", **kept)
    truth = pd.read_csv(adopted.folder / "truth.csv")[["gaze_pitch_rad", "gaze_yaw_rad"]].to_numpy()
    assert truth == pytest.approx(ours.model.predict({"eye": eyes}), abs=1e-6)


def test_a_teacher_that_says_the_same_throughout_is_refused(tmp_path):
    net = Linear()
    with torch.no_grad():
        net.out.weight.zero_()
    people = np.repeat([f"p{k:02d}" for k in range(8)], 4)
    data = package.ArrayRecording({"x": np.random.default_rng(0).normal(size=(32, 4))}, None, people, kind="gaze")
    with pytest.raises(InputError, match="puts out the same for all samples"):
        package.adopt(net, data, folder=tmp_path / "checkpoints")
    assert not (tmp_path / "checkpoints/Linear/teacher/model.json").exists()


def test_whole_students_learn_from_the_teacher_alone(elsewhere, capsys):
    run(capsys, *ADOPT)
    asked = (
        *("distill.end_to_end_epochs=1", "distill.wiring=false", "distill.shares=[0.5]", "distill.ranks=[2]"),
        *("distill.tuning_epochs=1", "distill.calibration_samples=16", "distill.end_to_end_teacher_weight=0.5"),
    )
    words = [word for one in asked for word in ("--set", one)]
    # Other processes open the recording by themselves, and find the same truth.
    found = run(capsys, "distill", "TwoEyes.yaml", "--workers", "2", *words)
    assert found["worse_unit"] == "% of the spread" and found["control"] is None and found["labels_only"] is None
    tried = pd.read_csv("checkpoints/TwoEyes/student/budget.csv")
    assert set(tried["against"]) == {"teacher"} and set(tried["worse_unit"]) == {"% of the spread"}
    assert "tuned end to end" in set(tried["stage"]) and set(tried["teaching"]) == {"recipe"}
