"""`xgaze explain` and `xgaze train-teacher --second` on a few small pictures, in this process."""

import json
import sys

import numpy as np
import pandas as pd
import pytest

from xgaze.artifacts import read_card
from xgaze.cli.main import main

RECIPE = """
name: small
data: {source: gaze-images, path: pictures, height: 16, width: 16, channels: 1}
model: {name: heatmap-cnn, args: {channels: [4, 4]}}
training: {epochs: 1, batch_size: 16, loss: cross-entropy, precision: 32-true}
explain: {steps: 8, sweep_points: 3}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A recipe and 60 pictures of 20 people in two classes, bright on the left or on the right."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "pictures").mkdir()
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(20), 3)
    labels = people % 2
    images = rng.integers(0, 60, (60, 16, 16))
    for image, label in zip(images, labels, strict=True):
        image[:, 8 * label : 8 * label + 8] += 150
    np.savez(folder / "pictures" / "images.npz", images=images.astype(np.uint8))
    table = pd.DataFrame({"participant": [f"person{k}" for k in people], "label": labels})
    table.to_csv(folder / "pictures" / "labels.csv", index=False)
    (folder / "small.yaml").write_text(RECIPE)
    return folder


@pytest.fixture
def run(folder, monkeypatch, capsys):
    """Runs a command; gives exit code, output and messages."""
    monkeypatch.chdir(folder)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["xgaze", *words])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capsys.readouterr()
        return stopped.value.code or 0, out, err

    return call


def test_a_teacher_alone_is_explained_by_its_worst_and_best_sample(run, folder):
    assert run("train-teacher", "small.yaml")[0] == 0
    code, out, err = run("explain", "small.yaml", "--json")
    found = json.loads(out)
    assert code == 0 and len(found["samples"]) == 2 and "train-teacher small.yaml --second" in err
    table = pd.read_csv(folder / "checkpoints/small/teacher/predictions.csv").query("split == 'test'")
    errors = table.set_index("id")["error"]
    assert [str(name) for name in (errors.idxmax(), errors.idxmin())] == found["samples"]
    assert found["agreement"]["participants"] == table["group"].nunique() and found["anatomy"] is None


def test_a_gaze_point_is_not_asked_of_a_classifier_and_nothing_is_computed(run, folder):
    assert run("train-teacher", "small.yaml")[0] == 0
    code, _, err = run("explain", "small.yaml", "--over", "0", "--samples", "1", "--target", "gaze-x")
    assert code == 2 and "--target gaze-x: this model names a class and no gaze point. Leave --target out." in err
    code, out, _ = run("explain", "small.yaml", "--over", "0", "--samples", "1", "--target", "all", "--json")
    checked = json.loads(out)["checked"]
    assert code == 0 and {one["target"][:6] for one in checked} == {"class "} and checked[-1]["name"] == "conductance"


def test_the_second_teacher_lies_beside_the_first_and_is_the_ceiling(run, folder):
    code, _, err = run("train-teacher", "small.yaml")
    assert code == 0, err
    code, out, _ = run("train-teacher", "small.yaml", "--second")
    assert code == 0 and "Next:    xgaze explain small.yaml" in out
    first, second = (read_card(folder / "checkpoints" / "small" / name) for name in ("teacher", "teacher-2"))
    assert second.seed == first.seed + 1 and second.recipe["data"] == first.recipe["data"]
    names = [(folder / f"checkpoints/small/{name}/splits.json").read_text() for name in ("teacher", "teacher-2")]
    assert names[0] == names[1]
    code, out, err = run("explain", "small.yaml", "--samples", "3", "--over", "6", "--json")
    found = json.loads(out)
    assert code == 0 and len(found["samples"]) == 3 and "--second" not in err
    assert [(row["pair"], row["role"]) for row in found["agreement"]["rows"]] == [("second teacher", "ceiling")]
    assert found["agreement"]["samples"] == 6


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--sample", "<script>alert(1)</script>"), "<script>alert(1)</script>: no such test sample"),
        (("--sample", "9" * 5000), "no such test sample"),
        (("--sample", "disagree"), "no student to disagree. Run `xgaze distill` first."),
        (("--samples", "13"), "the test set holds 12"),
        (("--samples", "0"), "--samples"),
        (("--samples", "51"), "--samples"),
        (("--over", "1"), "nor a number from 2 on"),
        (("--over", "9999"), "the test set holds 12"),
    ],
)
def test_what_is_not_there_gets_one_message_and_exit_code_2(run, words, message):
    code, _, err = run("train-teacher", "small.yaml")
    assert code == 0, err
    code, out, err = run("explain", "small.yaml", *words)
    assert code == 2 and not out and message in err and "Traceback" not in err and len(err) < 700
