"""A network trained elsewhere: adopted, distilled, explained; its score is the one that its own script prints."""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image
from torch import nn
from torch.nn import functional

import xgaze as package
from xgaze.cli.main import xgaze
from xgaze.compression.export.onnx import export_onnx
from xgaze.data.contract import collate
from xgaze.errors import InputError
from xgaze.scorings import read_scorings

NETWORK = """
import torch
from torch import nn


class TwoEyes(nn.Module):
    def __init__(self, width=8, outputs=2):
        super().__init__()
        self.eye = nn.Sequential(
            nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU()
        )
        self.hidden = nn.Linear(2 * 4 * 64, width)
        self.out = nn.Linear(width, outputs)

    def forward(self, left, right):
        both = torch.cat([self.eye(left).flatten(1), self.eye(right).flatten(1)], dim=1)
        return 400 + 100 * self.out(torch.relu(self.hidden(both)))
"""


def script(folder):
    """What somebody's own script does: trains on px of the pictures, and prints the mean of people's mean errors on test."""
    sys.path.insert(0, str(folder))
    try:
        from twoeyes_own import TwoEyes
    finally:
        sys.path.remove(str(folder))
    table = pd.read_csv(folder / "samples.csv")
    views = [
        torch.tensor(np.stack([np.asarray(Image.open(folder / name), np.float32) for name in table[view]]))[:, None]
        for view in ("left", "right")
    ]
    views = [(one - 40) / 60 for one in views]
    truth = torch.tensor(table[["x_px", "y_px"]].to_numpy(np.float32))
    train = torch.tensor((table["split"] == "train").to_numpy())
    torch.manual_seed(0)
    net = TwoEyes()
    optimiser = torch.optim.Adam(net.parameters(), 1e-2)
    for _ in range(80):
        optimiser.zero_grad()
        ((net(*(one[train] for one in views)) - truth[train]) / 100).square().mean().backward()
        optimiser.step()
    net.eval()
    with torch.no_grad():
        error = (net(*views) - truth).norm(dim=1)
    test = table[table["split"] == "test"]
    return net, float(pd.Series(error.numpy())[test.index].groupby(test["participant"]).mean().mean())


@pytest.fixture
def elsewhere(manifest, tmp_path, monkeypatch):
    """The folder of a manifest, a network's code, its weights, and the error that its own script prints."""
    manifest()
    (tmp_path / "twoeyes_own.py").write_text(NETWORK)
    net, error = script(tmp_path)
    monkeypatch.chdir(tmp_path)
    return net, error


class OneByOne(nn.Module):
    """Takes its inputs as the export gives them."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, *inputs):
        return self.net(*inputs)


def run(capsys, *words):
    xgaze.main([*words, "--json"], standalone_mode=False)
    return json.loads(capsys.readouterr().out)


def refusal(*words):
    with pytest.raises(InputError) as caught:
        xgaze.main([*words], standalone_mode=False)
    return str(caught.value)


ADOPT = ("adopt", "twoeyes_own:TwoEyes", "--data", "samples.yaml", "--weights")


def test_a_recipe_says_which_model_it_is(elsewhere, capsys):
    net, error = elsewhere
    torch.save(net.state_dict(), "best.pth")
    recipe = {"name": "mynet", "data": "samples.yaml", "model": {"import": "twoeyes_own:TwoEyes", "args": {"width": 8}}}
    Path("mynet.yaml").write_text(yaml.safe_dump(recipe))
    found = run(capsys, "adopt", "mynet.yaml", "--data", "samples.yaml", "--weights", "best.pth")
    assert found["error"]["mean"] == pytest.approx(error, rel=1e-5)
    assert yaml.safe_load(Path("mynet.yaml").read_text()) == recipe
    told = yaml.safe_load(Path("mynet-adopted.yaml").read_text())["model"]
    assert told == {"import": "twoeyes_own:TwoEyes", "args": {"width": 8}, "adopted": found["adopted"]}
    with pytest.raises(InputError, match=r"nowhere\.yaml"):
        xgaze.main(["adopt", "nowhere.yaml", "--data", "samples.yaml", "--weights", "best.pth"], standalone_mode=False)


def test_it_is_scored_and_distilled_like_any_teacher(elsewhere, capsys):
    net, error = elsewhere
    torch.save({"epoch": 3, "best": np.float64(1.5), "state_dict": nn.DataParallel(net).state_dict()}, "best.pth.tar")
    found = run(capsys, *ADOPT, "best.pth.tar")
    assert found["error"]["mean"] == pytest.approx(error, rel=1e-5) and error < 100
    assert found["participants"] == {"train": 6, "validation": 4, "test": 4}
    assert set(found["baselines"]) == {"mean gaze", "pixel ridge 8x8"} and found["learned"]
    told = yaml.safe_load(Path("TwoEyes.yaml").read_text())
    assert told["model"] == {"import": "twoeyes_own:TwoEyes", "args": {}, "adopted": found["adopted"]}
    assert told["data"]["path"] == "samples.csv"
    # A second time nothing is scored again.
    assert run(capsys, *ADOPT, "best.pth.tar") == found
    assert [one["what"] for one in read_scorings(Path("checkpoints/TwoEyes"))] == ["teacher"]
    words = (
        "--set",
        "distill.tuning_epochs=2",
        "--set",
        "distill.ranks=[2]",
        "--set",
        "distill.calibration_samples=16",
    )
    student = run(capsys, "distill", "TwoEyes.yaml", "--prune-fc", "--effort", "quick", *words)
    assert student["student"]["fc_parameters"] < found["fc_parameters"]
    run(capsys, "report", "TwoEyes.yaml", *words)
    page = Path("reports/TwoEyes/index.html").read_text()
    assert "trained elsewhere: whether these people were in its training data is unknown" in page
    assert "unseen" not in page and "neither had seen" not in page
    assert "xgaze adopt twoeyes_own:TwoEyes" in page
    assert "trained elsewhere" in Path("checkpoints/TwoEyes/student/model_card.md").read_text()
    assert "nothing trains it here" in refusal("train-teacher", "TwoEyes.yaml", "--force")
    assert "nothing trains it here" in refusal("crossval", "TwoEyes.yaml")
    run(capsys, "predict", "checkpoints/TwoEyes/teacher", "samples.csv", "--out", "seen.csv", "--trust-import")
    seen = pd.read_csv("seen.csv")
    test = pd.read_csv("samples.csv")["split"] == "test"
    assert seen[test].groupby("group")["error_px"].mean().mean() == pytest.approx(error, rel=1e-5)


def test_an_onnx_file_is_a_network_like_any_other(elsewhere, capsys):
    net, error = elsewhere
    spec = package.open("samples.yaml").spec
    export_onnx(OneByOne(net), spec, Path("two eyes.onnx"))
    found = run(capsys, "adopt", "two eyes.onnx", "--data", "samples.yaml", "--name", "eyes")
    assert found["error"]["mean"] == pytest.approx(error, rel=1e-4)
    # BatchNorm may be folded into its convolution; all fully connected layers are there.
    assert found["fc_parameters"] == 512 * 8 + 8 + 8 * 2 + 2
    told = yaml.safe_load(Path("eyes.yaml").read_text())["model"]
    assert set(told) == {"name", "graph", "adopted"} and told["name"] == "two eyes"
    assert "holds its weights" in refusal("adopt", "two eyes.onnx", "--data", "samples.yaml", "--weights", "x.pth")
    run(
        capsys, "predict", "checkpoints/eyes/teacher", "samples.csv", "--out", "seen.csv"
    )  # no class, so no trust is asked
    two = onnx.load("two eyes.onnx")
    two.graph.node.append(onnx.helper.make_node("Neg", ["output"], ["turned"]))
    two.graph.output.append(onnx.helper.make_tensor_value_info("turned", onnx.TensorProto.FLOAT, ["n", 2]))
    onnx.save(two, "two.onnx")
    assert "two.onnx: its outputs are output (" in refusal("adopt", "two.onnx", "--data", "samples.yaml")
    turned = run(capsys, "adopt", "two.onnx", "--data", "samples.yaml", "--set", "model.output=turned")
    assert turned["error"]["mean"] > 2 * error
    assert set(yaml.safe_load(Path("two.yaml").read_text())["model"]) == {"name", "graph", "adopted"}
    Path("broken.onnx").write_bytes(b"no graph")
    assert "broken.onnx: not readable as ONNX" in refusal("adopt", "broken.onnx", "--data", "samples.yaml")


def test_what_does_not_fit_is_listed_and_nothing_is_left(elsewhere):
    net, _ = elsewhere
    torch.save(net.state_dict(), "best.pth")
    told = refusal(*ADOPT, "best.pth", "--arg", "width=6")
    assert "3 weights do not fit the model: hidden.weight: is 8x512, the model's is 6x512;" in told
    torch.save({**net.state_dict(), "more.weight": torch.zeros(2)}, "more.pth")
    assert "1 weights do not fit the model: unknown: more.weight." in refusal(*ADOPT, "more.pth")
    torch.save({"state_dict": net.state_dict(), "net": net}, "code.pth")
    told = refusal(*ADOPT, "code.pth")
    assert "code.pth: not readable as weights alone" in told and "torch.save(net.state_dict()" in told
    torch.save({"epoch": 3}, "empty.pth")
    assert "empty.pth: holds no weights by name (epoch)." in refusal(*ADOPT, "empty.pth")
    assert "no such file of weights" in refusal(*ADOPT, "none.pth")
    nothing = {
        name: torch.full_like(one, torch.nan) if name == "out.bias" else one for name, one in net.state_dict().items()
    }
    torch.save(nothing, "nan.pth")
    assert "the first is out.bias" in refusal(*ADOPT, "nan.pth")
    torch.save(type(net)(outputs=3).state_dict(), "three.pth")
    assert "(batch, outputs) = (2, 2)" in refusal(*ADOPT, "three.pth", "--arg", "outputs=3")
    assert not Path("TwoEyes.yaml").exists() and not list(Path("checkpoints").rglob("*.json"))


class FaceAndPose(nn.Module):
    """A picture of one size, one of another, and two numbers of the head: pitch and yaw of gaze."""

    def __init__(self):
        super().__init__()
        self.eye = nn.Conv2d(1, 3, 3, stride=2, padding=1)
        self.face = nn.Conv2d(3, 2, 3, stride=2, padding=1)
        self.hidden = nn.Linear(3 * 8 * 8 + 2 * 4 * 6 + 2, 8)
        self.out = nn.Linear(8, 2)

    def forward(self, eye, face, head):
        seen = [torch.relu(self.eye(eye)).flatten(1), torch.relu(self.face(face)).flatten(1), head]
        return 0.3 * self.out(torch.relu(self.hidden(torch.cat(seen, dim=1))))


class PublishedLeNet(nn.Module):
    """By the names of pytorch_mpiigaze, for eyes of 16x16."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 20, 5), nn.Conv2d(20, 50, 5)
        self.fc1, self.fc2 = nn.Linear(50, 500), nn.Linear(502, 2)

    def forward(self, eye, head):
        maps = functional.max_pool2d(self.conv2(functional.max_pool2d(self.conv1(eye), 2)), 2)
        return self.fc2(torch.cat([torch.relu(self.fc1(maps.flatten(1))), head], 1))


def error_of_directions(net, recording):
    """Mean over test people of their mean angle in degrees between what the net says and the truth."""
    test = np.flatnonzero(recording.table["split"] == "test")
    with torch.no_grad():
        told = net(*collate([recording[k] for k in test], recording.spec).inputs).double().numpy()
    truth = recording.table[["gaze_pitch_rad", "gaze_yaw_rad"]].to_numpy()[test]
    (p, y), (q, z) = told.T, truth.T
    own = np.degrees(np.arccos(np.sin(p) * np.sin(q) + np.cos(p) * np.cos(q) * np.cos(y - z)))
    return pd.Series(own).groupby(recording.table["group"].to_numpy()[test]).mean().mean()


ANGLE = {"pitch": lambda table: (table["y_px"] - 300) / 600, "yaw": lambda table: (table["x_px"] - 400) / 800}
TOLD_IN_RAD = {"target": {"kind": "angle", "columns": ["pitch", "yaw"], "unit": "rad"}, "scene": None}
EYE = {"picture": "left", "height": 16, "width": 16, "mean": 40, "std": 60}
HEAD = {"columns": ["head_pitch", "head_yaw"]}


def test_a_published_file_is_adopted_by_the_name_of_its_architecture(manifest, tmp_path, monkeypatch, capsys):
    manifest(ANGLE, inputs={"eye": EYE, "head": HEAD}, **TOLD_IN_RAD)
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    net = PublishedLeNet()
    torch.save({"model": net.state_dict(), "epoch": 10, "config": {"device": "cuda"}}, "checkpoint_0010.pth")
    found = run(capsys, "adopt", "lenet", "--weights", "checkpoint_0010.pth", "--data", "samples.yaml")
    assert found["error"]["mean"] == pytest.approx(error_of_directions(net, package.open("samples.yaml")), rel=1e-5)
    assert found["parameters"] == sum(one.numel() for one in net.parameters())
    torch.save({"model": {**net.state_dict(), "fc2.weight": torch.zeros(2, 500)}}, "other.pth")
    told = refusal("adopt", "lenet", "--weights", "other.pth", "--data", "samples.yaml", "--name", "other")
    assert "1 weights do not fit the model: head.fc2.weight: is 2x500, the model's is 2x502." in told


def test_a_network_at_hand_is_explained_that_tells_directions_of_several_sizes_and_a_vector(manifest, tmp_path):
    face = {"picture": "right", "height": 8, "width": 12, "channels": 3, "resize": True}
    data = manifest(ANGLE, inputs={"eye": EYE, "face": face, "head": HEAD}, **TOLD_IN_RAD)
    opened = package.open(tmp_path / "samples.yaml")
    torch.manual_seed(1)
    net = FaceAndPose()
    settings = {"folder": tmp_path / "checkpoints", "reports": tmp_path / "reports"}
    teacher = package.adopt(net, opened, batch_size=16, **settings)
    assert teacher.error.mean == pytest.approx(error_of_directions(net, opened), rel=1e-5)
    assert teacher.error.unit == "degrees"
    assert set(teacher.card.metrics["baselines"]) == {"mean direction", "pixel ridge 8x8", "ridge on head"}
    assert "whether these people were in its training data is unknown" in repr(teacher)
    page = package.explain(teacher, opened, samples=["worst"], over=4, steps=8, sweep_points=3).report()
    text = page.read_text()
    assert f"{teacher.error.mean:.2f} degrees" in text and "along x, degrees" in text and " px" not in text
    assert data.target.kind == "angle"
