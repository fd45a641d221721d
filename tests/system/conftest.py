"""The tiny recipe and a shell to run commands in, for tests of whole commands."""

import contextlib
import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
import yaml

from xgaze.artifacts import write_json
from xgaze.errors import InputError

FINISHED = runpy.run_path(str(Path(__file__).parent / "finished_run.py"))
TINY = """
name: tiny
data:
  source: rendered
  height: 64
  width: 80
  train_participants: 12
  validation_participants: 8
  test_participants: 8
  frames_per_participant: 4
model:
  name: multi-eye
  args: {first_stride: 2, conv3_stride: 1, conv3_padding: 2, lrn: false}
training: {epochs: 2, batch_size: 16, loss: euclidean, precision: 32-true}
distill: {tuning_epochs: 2, ranks: [2, 6], calibration_samples: 48}
explain: {steps: 16, sweep_points: 5}
"""
TOY = """
name: toy
data:
  source: rendered
  height: 64
  width: 80
  train_participants: 6
  validation_participants: 6
  test_participants: 6
  frames_per_participant: 2
model: {name: multi-eye, args: {first_stride: 2, conv3_stride: 1, conv3_padding: 2, lrn: false}}
training: {epochs: 1, batch_size: 16, precision: 32-true}
explain: {steps: 8, sweep_points: 3}
"""
SEARCH = {"effort": "quick", "tuning_epochs": 1, "calibration_samples": 12, "max_worse_percent": 50}


class Shell:
    """Runs `xgaze` in a folder of its own."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "XGAZE_CACHE": str(cache)}

    def start(self, *words: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "xgaze.cli.main", *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=pipe,
            stderr=pipe,
            text=True,
            # A test run in the background inherits an ignored Ctrl-C, which the command would inherit in turn.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def __call__(self, *words: str, code: int = 0) -> tuple[str, str]:
        process = self.start(*words)
        try:
            out, err = process.communicate(timeout=900)
        finally:
            process.kill()  # does nothing to one that has ended
        assert process.returncode == code, err
        return out, err

    def json(self, *words: str) -> dict:
        return json.loads(self(*words, "--json")[0])


class Here(Shell):
    """The same in this process: without the seconds that a new Python takes to begin."""

    def __call__(self, *words: str, code: int = 0) -> tuple[str, str]:
        with mock.patch.dict(os.environ, self.environment), contextlib.chdir(self.folder):
            ended = FINISHED["run"](*words)
        assert ended.code == code, ended.err
        return ended.out, ended.err


@pytest.fixture(scope="session")
def here_in() -> Callable[[Shell], Here]:
    """A shell in this process, in the folder and with the cache of another one, or in another folder."""

    def here(shell: Shell, folder: Path | None = None) -> Here:
        place = shell.folder if folder is None else folder
        (place / "tiny.yaml").write_text(TINY)
        return Here(place, Path(shell.environment["XGAZE_CACHE"]))

    return here


@pytest.fixture(scope="session")
def shell_in(tmp_path_factory) -> Callable[[Path], Shell]:
    """A shell in a folder, into which the tiny recipe is written; all share one cache of rendered frames."""
    cache = tmp_path_factory.mktemp("cache")

    def shell(folder: Path) -> Shell:
        (folder / "tiny.yaml").write_text(TINY)
        return Shell(folder, cache)

    return shell


@pytest.fixture
def toy_recipe():
    """Writes toy.yaml, of few people and a quick search that is told more."""

    def write(**search):
        recipe = {**yaml.safe_load(TOY), "distill": {**SEARCH, **search}}
        Path("toy.yaml").write_text(yaml.safe_dump(recipe))

    return write


@pytest.fixture(scope="session")
def run():
    """`xgaze` in this process."""
    return FINISHED["run"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run; no page is written and nothing is computed again, so that a command only reads."""
    folder = tmp_path_factory.mktemp("finished")
    computes = InputError("would be computed again")
    with (
        mock.patch.dict(os.environ, {"XGAZE_CACHE": str(folder / "cache")}),
        mock.patch("xgaze.api.explaining.explain_run", side_effect=computes),
        mock.patch("xgaze.api.distilling.find_student", side_effect=computes),
        mock.patch("xgaze.api.cross_validating.opened", side_effect=computes),
    ):
        FINISHED["make_run"](folder)
        before = Path.cwd()
        os.chdir(folder)
        page = folder / "reports" / "small" / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text("<html>")
        write_json(page.parent / "report.json", {"teacher": {"error": {}}})
        with (
            mock.patch("xgaze.api.teaching.opened", side_effect=computes),
            mock.patch("xgaze.report.page.publish.write_report", lambda *_: page),
        ):
            assert FINISHED["run"]("report", "small.yaml").code == 0, FINISHED["run"]("report", "small.yaml").err
            yield folder
        os.chdir(before)
