"""`xgaze saliency`: from a folder of photographs with fixations to scores of a teacher and its student."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from PIL import Image

import xgaze
from xgaze.artifacts import STUDENT, WEIGHTS_FILE, write_card, write_weights
from xgaze.cli.commands.saliency import in_words
from xgaze.cli.main import xgaze as commands
from xgaze.compression.build import build_student
from xgaze.compression.plan import Plan
from xgaze.compression.student import load_model
from xgaze.compression.student_folder import teacher_weights
from xgaze.compression.surgeries.base import probe_of
from xgaze.data.contract import rows_of
from xgaze.data.open import open_recording
from xgaze.errors import InputError
from xgaze.recipe import load_recipe

COLUMNS = {"participant": "who", "stimulus": "image", "x": "x", "y": "y", "duration": "ms"}
SETTINGS = ("data.most_pictures=100", "training.epochs=3")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """Twelve photographs with a bright patch, at which four viewers look; a small net trained on them, and its student."""
    folder = tmp_path_factory.mktemp("saliency")
    rng, rows = np.random.default_rng(0), []
    (folder / "photos" / "stimuli").mkdir(parents=True)
    for k in range(12):
        x, y = rng.integers((15, 15), (65, 45))
        pixels = rng.integers(20, 60, (60, 80, 3), np.uint8)
        pixels[y - 5 : y + 5, x - 5 : x + 5] = 230
        Image.fromarray(pixels).save(folder / "photos" / "stimuli" / f"{k}.png")
        rows += [(v, f"{k}.png", *rng.normal((x, y), 2).clip(0, (79, 59)), 200) for v in range(4) for _ in range(3)]
    pd.DataFrame(rows, columns=["who", "image", "x", "y", "ms"]).to_csv(
        folder / "photos" / "fixations.csv", index=False
    )
    recipe = {
        "name": "tiny",
        "data": {
            "source": "fixation-crops",
            "path": str(folder / "photos"),
            "fixations": {"format": "table", "columns": COLUMNS, "size": [80, 60]},
            "sigma_px": 4,
            "places": {"positives": 4, "negatives": 6},
        },
        "model": {"name": "mrcnn", "args": {"share_towers": True, "hidden": 48, "dropout": 0.2}},
        "training": {
            "epochs": 1,
            "batch_size": 16,
            "optimiser": "adam",
            "weight_decay": 0,
            "learning_rate": 0.001,
            "loss": "cross-entropy",
        },
    }
    (folder / "tiny.yaml").write_text(yaml.safe_dump(recipe))
    return folder


@pytest.fixture(scope="module")
def run(work):
    def run(*words):
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(work)
            done = CliRunner().invoke(commands, [*words], standalone_mode=False)
        if done.exception:
            raise done.exception
        return done.stdout

    return run


def test_without_a_teacher_it_says_what_to_do(run):
    with pytest.raises(InputError, match=r"Run `xgaze train-teacher tiny\.yaml` first"):
        run("saliency", "tiny.yaml")


@pytest.fixture(scope="module")
def trained(run):
    figures = json.loads(run("train-teacher", "tiny.yaml", "--json"))
    assert figures["fc_parameters"] == 2592 * 48 + 48 + 144 * 48 + 48 + 49
    return figures


def test_the_teacher_is_scored_beside_the_centre_bias_and_other_people(run, trained, work, monkeypatch):
    figures = json.loads(run("saliency", "tiny.yaml", "--json"))
    assert list(figures["scores"]) == ["teacher", "teacher x centre bias", "centre bias", "uniform", "other viewers"]
    assert figures["scores"]["uniform"]["shuffled_auc"]["over_pictures"]["mean"] == 0.5
    assert figures["test_pictures"] == trained["participants"]["test"] == 3 and figures["viewers"] == 4
    folder = work / "checkpoints" / "tiny" / "teacher"
    table = pd.read_csv(folder / "saliency.csv")
    assert len(table) == 5 * 3
    mean = figures["scores"]["teacher"]["nss"]["over_pictures"]["mean"]
    assert table[table["model"] == "teacher"]["nss"].mean() == pytest.approx(mean)
    assert json.loads((folder / "saliency.json").read_text())["scores"] == figures["scores"]
    monkeypatch.chdir(work)
    made = xgaze.saliency("tiny.yaml")
    assert made.figures == {key: figures[key] for key in made.figures} and "centre bias" in repr(made)
    words = "\n".join(in_words(figures, folder, "next"))
    assert words.startswith("3 test photographs, 4 viewers") and "teacher against centre bias, shuffled AUC" in words


def test_the_student_of_pruned_layers_is_scored_beside_it(run, trained, work):
    teacher, card = load_model(work / "checkpoints" / "tiny" / "teacher")
    recording = open_recording(load_recipe(str(work / "tiny.yaml")).data)
    probe = probe_of(teacher, recording, rows_of(recording, "train")[:12])
    student, steps = build_student(teacher, Plan(rank=2, terms=1), lambda _: probe, "class")
    folder = work / "checkpoints" / "tiny" / STUDENT
    write_weights(folder / WEIGHTS_FILE, student.state_dict())
    surgeries = json.loads(json.dumps([step.to_json() for step in steps]))
    metrics = {"teacher_weights": teacher_weights(folder)}
    write_card(folder, replace(card, role=STUDENT, surgeries=surgeries, metrics=metrics))
    figures = json.loads(run("saliency", "tiny.yaml", "--pictures", "2", "--json"))
    assert list(figures["scores"])[:2] == ["teacher", "student"]
    pairs = {(one["first"], one["second"]) for one in figures["differences"]}
    assert ("student", "teacher") in pairs and ("student x centre bias", "teacher x centre bias") in pairs
    assert (folder / "saliency.csv").is_file()


def test_one_photograph_alone_has_no_interval_in_words():
    score = {"over_pictures": {"mean": 0.7, "low": None, "high": None}, "over_viewers": None}
    scores = dict.fromkeys(("shuffled_auc", "nss", "information_gain"), score)
    told = {"test_pictures": 1, "viewers": 2, "scores": {"teacher": scores}, "differences": []}
    assert "0.700 [not defined]" in "\n".join(in_words(told, Path(), "x"))


def test_the_recipe_is_the_published_training_and_can_be_made_small():
    recipe = load_recipe("mrcnn", ("data.path=x", *SETTINGS))
    assert (recipe.training.batch_size, recipe.training.learning_rate, recipe.training.optimiser) == (
        128,
        0.001,
        "adam",
    )
    assert recipe.training.loss == "cross-entropy" and recipe.training.weight_decay == 0
    assert (recipe.data.most_pictures, recipe.training.epochs) == (100, 3)
    assert recipe.data.places.model_dump() == {"positives": 10, "negatives": 20, "above": 0.9, "below": 0.1}
