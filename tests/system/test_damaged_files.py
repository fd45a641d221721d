"""Every stored file of a finished run, damaged in every way: a message that names it, or no harm; never a traceback."""

import json
import os
import runpy
import subprocess
import sys
from importlib import import_module
from itertools import combinations, cycle
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from xgaze.artifacts import read_weights, write_json, write_weights
from xgaze.errors import InputError

HERE = Path(__file__).parent
FINISHED = runpy.run_path(str(HERE / "finished_run.py"))
run = FINISHED["run"]
RUN = "checkpoints/small"
TEACHER, STUDENT, EXPLANATION = f"{RUN}/teacher", f"{RUN}/student", f"{RUN}/explanation"
REPORT = ("report", "small.yaml")
EXPLAIN = ("explain", "small.yaml", "--sample", "0")
READERS = {
    f"{TEACHER}/model.json": [("train-teacher", "small.yaml"), REPORT, EXPLAIN, ("distill", "small.yaml")],
    f"{TEACHER}/model.safetensors": [("predict", TEACHER, "small.yaml", "--out", "p.csv"), EXPLAIN],
    f"{TEACHER}/predictions.csv": [REPORT],
    f"{STUDENT}/model.json": [("distill", "small.yaml"), REPORT, ("predict", STUDENT, "small.yaml", "--out", "p.csv")],
    f"{STUDENT}/model.safetensors": [("predict", STUDENT, "small.yaml", "--out", "p.csv")],
    f"{STUDENT}/predictions.csv": [REPORT],
    f"{STUDENT}/budget.csv": [REPORT],
    f"{STUDENT}/capacity.json": [REPORT],
    f"{EXPLANATION}/explanation.json": [REPORT, EXPLAIN],
    f"{EXPLANATION}/maps.npz": [REPORT],
    f"{RUN}/crossval/crossval.json": [REPORT, ("crossval", "small.yaml", "--outer", "2", "--inner", "1")],
    "reports/small/report.json": [REPORT],
}
REALLY_EXPLAIN, REALLY_DISTILL = (
    getattr(import_module(f"xgaze.cli.{name}"), f"_{name}") for name in ("explain", "distill")
)
OF_A_KEY = {"null": None, "text": "x", "list": [], "number": -1.5, "nan": float("nan"), "missing": ...}
DEEP = b"[" * 100_000


def whole(kind: str, content: bytes) -> dict[str, bytes | None]:
    """Damages of any file by name; None: a folder in its place."""
    damages = {
        "empty": b"",
        "half": content[: len(content) // 2],
        "deep": DEEP,
        "binary": bytes(range(256)) * 4,
        "folder": None,
    }
    if kind == ".json":
        damages |= {"null": b"null", "list": b"[]", "mapping": b"{}", "text": b'"x"', "number": b"1e999"}
    return damages


def of_keys(content: bytes) -> dict[str, bytes]:
    """A JSON object with one key at a time missing, of another type, or no number (two of these in turn); and one key more."""
    stored, damages = json.loads(content), {}
    turns = cycle(list(combinations(OF_A_KEY, 2)))
    damages["an extra key"] = json.dumps({**stored, "extra": 1}).encode()
    for path in _paths(stored):
        for name in next(turns):
            changed = _changed(stored, path, OF_A_KEY[name])
            damages[f"{'.'.join(map(str, path))} {name}"] = json.dumps(changed).encode()
    return damages


def _paths(stored, depth=2):
    if isinstance(stored, dict) and depth:
        for key, value in stored.items():
            yield (key,)
            yield from ((key, *rest) for rest in _paths(value, depth - 1))
    elif isinstance(stored, list) and stored and depth:
        yield from ((0, *rest) for rest in [(), *_paths(stored[0], depth - 1)])


def _changed(stored, path, value):
    key, *rest = path
    new = dict(stored) if isinstance(stored, dict) else list(stored)
    if rest:
        new[key] = _changed(stored[key], rest, value)
    elif value is ...:
        del new[key]
    else:
        new[key] = value
    return new


def of_columns(content: bytes) -> dict[str, bytes]:
    """A table with one column at a time missing, empty, or of words."""
    head, *rows = [line.split(",") for line in content.decode().splitlines()]
    damages = {"no row": ",".join(head).encode()}
    for place, name in enumerate(head):
        for what, cell in {"empty": [""], "words": ["x y"], "inf": ["inf"], "missing": []}.items():
            lines = [head[:place] + [name] * len(cell) + head[place + 1 :]]
            lines += [row[:place] + cell + row[place + 1 :] for row in rows]
            damages[f"{name} {what}"] = "\n".join(map(",".join, lines)).encode()
    return damages


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run; no page is written and nothing is computed again, so that a command only reads."""
    folder = tmp_path_factory.mktemp("finished")
    computes = InputError("would be computed again")
    with (
        mock.patch.dict(os.environ, {"XGAZE_CACHE": str(folder / "cache")}),
        mock.patch("xgaze.cli.explain._explain", side_effect=computes),
        mock.patch("xgaze.cli.distill._distill", side_effect=computes),
        mock.patch("xgaze.cli.crossval.open_data", side_effect=computes),
    ):
        FINISHED["make_run"](folder)
        before = Path.cwd()
        os.chdir(folder)
        page = folder / "reports" / "small" / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text("<html>")
        write_json(page.parent / "report.json", {"teacher": {"error": {}}})
        with (
            mock.patch("xgaze.cli.train_teacher.open_data", side_effect=computes),
            mock.patch("xgaze.report.publish.write_report", lambda *_: page),
        ):
            assert run(*REPORT).code == 0, run(*REPORT).err
            yield folder
        os.chdir(before)


def damages_of(path: Path) -> dict[str, bytes | None]:
    content = path.read_bytes()
    more = {".json": of_keys, ".csv": of_columns}.get(path.suffix, lambda _: {})
    return whole(path.suffix, content) | more(content)


@pytest.mark.parametrize("file", READERS)
def test_a_damaged_file_is_named_or_does_no_harm(finished, file):
    path = finished / file
    original, faults = path.read_bytes(), []
    for name, content in damages_of(path).items():
        for words in READERS[file]:
            put(path, content)
            try:
                ended = run(*words)
            except Exception as error:
                faults.append(f"{name}, {words[0]}: {type(error).__name__}: {str(error)[:200]}")
                continue
            told = ended.err.strip().splitlines()
            if ended.code not in (0, 2) or (ended.code == 2 and not named(told, path)):
                faults.append(f"{name}, {words[0]}: exit {ended.code}: {told[-1:]}")
            if not path.is_file() or (content is not None and path.read_bytes() != content):
                break  # it was written again
    put(path, original)
    assert not faults, f"{len(faults)} faults:\n" + "\n".join(faults[:40])


def named(told: list[str], path: Path) -> bool:
    """One short message, naming the file or what it belongs to, or that the result would be made again."""
    text = "\n".join(told)
    known = (path.name, path.parent.name + ":", "holds a", "computed again", f"{RUN}:", "no finished teacher")
    return len(told) <= 8 and len(text) < 1500 and any(one in text for one in known)


def put(path: Path, content: bytes | None) -> None:
    if path.is_dir():
        path.rmdir()
    path.unlink(missing_ok=True)
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)


EVIL = "from pathlib import Path\n\nPath('ran').touch()\nfrom xgaze.models.multi_eye import MultiEye as Net\n"


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


def test_a_strangers_folder_runs_no_code_unless_it_is_trusted(stranger):
    for command in ("predict", "features"):
        words = (command, STUDENT, "small.yaml", "--out", "out")
        ended = run(*words)
        assert (
            ended.code == 2 and not stranger.exists() and "--trust-import" in ended.err and "runs all code" in ended.err
        )
    assert run("predict", STUDENT, "small.yaml", "--out", "p.csv", "--trust-import").code == 0 and stranger.exists()


def test_a_card_of_another_model_than_the_recipes_is_refused_and_imports_nothing(stranger):
    with mock.patch("xgaze.cli.explain._explain", REALLY_EXPLAIN):
        ended = run(*EXPLAIN)
    assert ended.code == 2 and "describes another model (stranger:Net(" in ended.err and not stranger.exists()
    with mock.patch("xgaze.cli.distill._distill", REALLY_DISTILL):
        ended = run("distill", "small.yaml", "--set", "distill.max_worse_percent=7")
    assert ended.code == 2 and "describes another model (stranger:Net(" in ended.err and not stranger.exists()


def test_workers_import_nothing_that_lies_in_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    assert run("--version").code == 0
    (tmp_path / "joblib.py").write_text("raise SystemExit('a stranger ran')")
    words = [sys.executable, "-c", "import joblib; print(joblib.__version__)"]
    subprocess.run(words, cwd=tmp_path, check=True, env=os.environ)


def test_weights_of_another_model_are_refused(finished):
    path = finished / STUDENT / "model.safetensors"
    original = path.read_bytes()
    weights = read_weights(path)
    first = next(iter(weights))
    for damaged in ({}, {**weights, "more": weights[first]}, {**weights, first: weights[first].flatten()[:1].clone()}):
        write_weights(path, damaged)
        ended = run("predict", STUDENT, "small.yaml", "--out", "p.csv")
        assert ended.code == 2 and f"{STUDENT}/model.safetensors: the weights do not fit" in ended.err
    path.write_bytes(original)


def test_maps_that_are_not_all_there_are_named(finished):
    path = finished / EXPLANATION / "maps.npz"
    original = path.read_bytes()
    np.savez(path, objects=np.array([{}], dtype=object))
    ended = run(*REPORT)
    assert ended.code == 2 and "maps.npz: damaged" in ended.err and "xgaze explain --force" in ended.err
    path.write_bytes(original)
