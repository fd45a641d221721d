"""Model folders that a stranger made or a hand edited: refused in one line, and no code of theirs runs unless it is trusted."""

import json
import os
import subprocess
import sys
from unittest import mock

import numpy as np
import pytest

from xgaze.api.distilling import find_student
from xgaze.api.explaining import explain_run
from xgaze.artifacts import read_weights, write_weights

TEACHER, STUDENT, EXPLANATION = (f"checkpoints/small/{name}" for name in ("teacher", "student", "explanation"))
REPORT = ("report", "small.yaml")
EXPLAIN = ("explain", "small.yaml", "--sample", "0")
REALLY_EXPLAIN, REALLY_DISTILL = explain_run, find_student
EVIL = "from pathlib import Path\n\nPath('ran').touch()\nfrom xgaze.models.architectures.multi_eye import MultiEye as Net\n"


def low_rank(**fields):
    return {"surgeries": [{"kind": "low_rank", "layer": "head.embedding", "rank": 2, **fields}]}


CARDS = {
    "unknown kind": low_rank(kind="melt"),
    "no kind": {"surgeries": [{}]},
    "unknown layer": low_rank(layer="no.such"),
    "no layer": low_rank(layer=""),
    "a rank of words": low_rank(rank="two"),
    "rank 0": low_rank(rank=0),
    "a huge rank": low_rank(rank=10**15),
    "one field more": low_rank(colour="red"),
    "removed from nowhere": {"surgeries": [{"kind": "channels", "removed": {"no.such": "zzz"}}]},
    "columns that are not there": {"surgeries": [{"kind": "columns", "layer": "head.embedding", "keep": [10**6]}]},
    "fold of nothing": {"surgeries": [{"kind": "fold", "layer": "x", "into": "y"}]},
    "a surgery of words": {"surgeries": ["low_rank"]},
    "unknown architecture": {"architecture": {"name": "alexnet", "args": {}}},
    "architecture of nothing": {"architecture": {}},
    "unknown argument": {"architecture": {"name": "multi-eye", "args": {"layers": 3}}},
    "arguments in a list": {"architecture": {"name": "multi-eye", "args": []}},
    "a huge layer": {"architecture": {"name": "multi-eye", "args": {"embedding": 10**15}}},
    "no inputs": {"spec": {"inputs": [], "kind": "gaze"}},
    "unknown task": {"spec": {"inputs": [], "kind": "mood"}},
    "std 0": {"spec": {"inputs": [{"name": "a", "shape": [1, 40, 40], "std": 0}], "kind": "gaze"}},
    "shape of words": {"spec": {"inputs": [{"name": "a", "shape": "40"}], "kind": "gaze"}},
    "shape below 0": {"spec": {"inputs": [{"name": "a", "shape": [1, -40, 40]}], "kind": "gaze"}},
    "data of nothing": {"recipe": {}},
    "unknown data": {"recipe": {"data": {"source": "dreams"}}},
}


@pytest.mark.parametrize("damage", CARDS)
def test_cards_that_describe_no_model_are_refused(run, finished, damage):
    path = finished / STUDENT / "model.json"
    original = path.read_bytes()
    path.write_text(json.dumps({**json.loads(original), **CARDS[damage]}))
    ended = run("predict", STUDENT, "small.yaml", "--out", "p.csv")
    path.write_bytes(original)
    assert ended.code == 2 and f"{STUDENT}/model.json" in ended.err and len(ended.err.splitlines()) == 1, ended.err


@pytest.fixture
def stranger(finished):
    """The student's card names a class of a module that lies in the working directory, and does harm when imported."""
    (finished / "stranger.py").write_text(EVIL)
    originals = {path: path.read_bytes() for path in (finished / one / "model.json" for one in (TEACHER, STUDENT))}
    for path, content in originals.items():
        card = json.loads(content)
        args = card["architecture"]["args"]
        path.write_text(json.dumps({**card, "architecture": {"import": "stranger:Net", "args": args}}))
    yield finished / "ran"
    for path, content in originals.items():
        path.write_bytes(content)
    (finished / "ran").unlink(missing_ok=True)


def test_a_strangers_folder_runs_no_code_unless_it_is_trusted(run, stranger):
    for command in ("predict", "features"):
        words = (command, STUDENT, "small.yaml", "--out", "out")
        ended = run(*words)
        assert (
            ended.code == 2 and not stranger.exists() and "--trust-import" in ended.err and "runs all code" in ended.err
        )
    assert run("predict", STUDENT, "small.yaml", "--out", "p.csv", "--trust-import").code == 0 and stranger.exists()


def test_a_card_of_another_model_than_the_recipes_is_refused_and_imports_nothing(run, stranger):
    with mock.patch("xgaze.api.explaining.explain_run", REALLY_EXPLAIN):
        ended = run(*EXPLAIN)
    assert ended.code == 2 and "describes another model (stranger:Net(" in ended.err and not stranger.exists()
    with mock.patch("xgaze.api.distilling.find_student", REALLY_DISTILL):
        ended = run("distill", "small.yaml", "--set", "distill.max_worse_percent=7")
    assert ended.code == 2 and "describes another model (stranger:Net(" in ended.err and not stranger.exists()


def test_workers_import_nothing_that_lies_in_the_working_directory(run, tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    assert run("--version").code == 0
    (tmp_path / "joblib.py").write_text("raise SystemExit('a stranger ran')")
    words = [sys.executable, "-c", "import joblib; print(joblib.__version__)"]
    subprocess.run(words, cwd=tmp_path, check=True, env=os.environ)


def test_weights_of_another_model_are_refused(run, finished):
    path = finished / STUDENT / "model.safetensors"
    original = path.read_bytes()
    weights = read_weights(path)
    first = next(iter(weights))
    for damaged in ({}, {**weights, "more": weights[first]}, {**weights, first: weights[first].flatten()[:1].clone()}):
        write_weights(path, damaged)
        ended = run("predict", STUDENT, "small.yaml", "--out", "p.csv")
        assert ended.code == 2 and f"{STUDENT}/model.safetensors: the weights do not fit" in ended.err
    path.write_bytes(original)


def test_maps_that_are_not_all_there_are_named(run, finished):
    path = finished / EXPLANATION / "maps.npz"
    original = path.read_bytes()
    np.savez(path, objects=np.array([{}], dtype=object))
    ended = run(*REPORT)
    assert ended.code == 2 and "maps.npz: damaged" in ended.err and "xgaze explain --force" in ended.err
    path.write_bytes(original)
