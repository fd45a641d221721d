"""`xgaze crossval` as typed, on generated pictures: alone, in processes, on two Dask workers, and in the report."""

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from xgaze.cli.main import xgaze
from xgaze.errors import InputError

PEOPLE, PICTURES, SIDE = 12, 4, 24
RECIPE = """
name: tiny
data: {source: gaze-images, path: pictures, height: 24, width: 24, channels: 1}
model: {name: heatmap-cnn, args: {channels: [3, 4]}}
training: {epochs: 2, batch_size: 16, optimiser: sgd, learning_rate: 0.05, schedule: constant,
  loss: cross-entropy, precision: 32-true}
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Pictures of 12 people, six of either class: bright on the left or on the right."""
    root = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    pictures, rows = [], []
    for person in range(PEOPLE):
        for _ in range(PICTURES):
            picture = rng.integers(0, 120, (SIDE, SIDE))
            picture[:, slice(0, 12) if person % 2 else slice(12, 24)] += 60
            pictures.append(picture.astype(np.uint8))
            rows.append({"participant": str(person), "label": person % 2, "class": ("right", "left")[person % 2]})
    (root / "pictures").mkdir()
    np.savez(root / "pictures" / "images.npz", images=np.stack(pictures))
    pd.DataFrame(rows).to_csv(root / "pictures" / "images.csv", index=False)
    (root / "tiny.yaml").write_text(RECIPE)
    return root


@pytest.fixture
def shell(source, tmp_path, monkeypatch):
    """Runs `xgaze` in a folder of its own and gives what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        found = CliRunner().invoke(xgaze, [words[0], str(source / "tiny.yaml"), *words[1:]])
        if found.exception and not isinstance(found.exception, SystemExit):
            raise found.exception
        assert found.exit_code == 0, found.output
        return found.stdout

    return run


def test_json_says_what_it_should(shell, tmp_path):
    figures = json.loads(shell("crossval", "--outer", "3", "--inner", "2", "--json"))
    assert {"folds", "participants_tested", "participants", "score", "baselines", "seconds"} <= set(figures)
    assert figures["folds"] == 3 and figures["participants_tested"] == figures["participants"] == PEOPLE
    assert set(figures["score"]) == {"unit", "mean", "low", "high"} and figures["clean"] is True
    assert 0 <= figures["score"]["low"] <= figures["score"]["mean"] <= figures["score"]["high"] <= 1
    forest = figures["baselines"]["random forest on 16x16 pixels"]
    assert forest["mean"] > 0.95  # a task any pixel tells
    assert figures["baselines"]["majority class"]["unit"] == "AUC"
    again = json.loads(shell("crossval", "--outer", "3", "--inner", "2", "--json"))
    assert again == figures  # read, not done again
    assert (tmp_path / figures["folder"] / "crossval.json").is_file()


def test_processes_and_dask_workers_find_what_one_process_finds(shell, tmp_path):
    distributed = pytest.importorskip("distributed")
    asked = ("crossval", "--outer", "2", "--inner", "1", "--seeds", "2", "--json")
    here = json.loads(shell(*asked))
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        there = json.loads(shell(*asked, "--force", "--dask", cluster.scheduler_address))
    assert there["score"]["mean"] == pytest.approx(here["score"]["mean"], abs=0.02)
    assert len(there["scores_of_seeds"]) == 2 and there["participants_tested"] == PEOPLE


def test_the_published_protocol_is_stamped_everywhere(shell, tmp_path):
    words = shell("crossval", "--outer", "5", "--inner", "2", "--protocol", "paper")
    assert words.startswith("This is not a clean estimate: ") and "10 of 12 participants tested" in words
    stored = json.loads((tmp_path / "checkpoints" / "tiny" / "crossval-paper" / "crossval.json").read_text())
    assert stored["clean"] is False and stored["estimate"].startswith("not a clean estimate")


def test_the_report_has_a_section_with_a_table_to_every_figure(shell, tmp_path):
    shell("train-teacher")
    words = shell("crossval", "--outer", "2", "--inner", "1")
    assert "Report:" in words
    page = (tmp_path / "reports" / "tiny" / "index.html").read_text()
    section = page[page.index('<section aria-labelledby="crossval">') :].split("</section>")[0]
    figures = section.split("<figure")[1:]
    assert len(figures) == 4 and all("<table" in one and "<svg" in one for one in figures)
    assert "12 of 12 participants were tested" in section and "random forest on 16x16 pixels" in section
    assert (tmp_path / "reports" / "tiny" / "crossval_folds.csv").is_file()
    assert "Not a clean estimate" not in section


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--outer", "13"), "--outer 13: only 12 participants"),
        (("--outer", "7"), "--outer 7: fold . would hold one class only"),
        (("--outer", "3", "--inner", "9"), "--inner 9: only 8 participants"),
        (("--outer", "3", "--dask", "tcp://127.0.0.1:9", "--inner", "1"), "no scheduler answers there"),
    ],
)
def test_bad_folds_are_one_message(shell, words, message):
    with pytest.raises(InputError, match=message):
        shell("crossval", *words)


def test_picture_side_and_channels_are_separate(shell):
    figures = json.loads(
        shell(
            "crossval", "--outer", "2", "--inner", "1", "--json", "--set", "data.channels=3", "--set", "data.width=32"
        )
    )
    assert figures["participants_tested"] == PEOPLE
