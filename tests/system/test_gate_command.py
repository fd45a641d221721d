"""`xgaze report --assert`: exit codes, what is written and what is not, the card's checksum, and a check from outside."""

import json
import re
import shutil
from pathlib import Path

import pytest

from xgaze.compression.export.checksums import write_checksums
from xgaze.compression.export.verification import hash_checks
from xgaze.report.check_kinds import CHECKS, Check, at
from xgaze.report.drawing import svg
from xgaze.report.page.folder import write_report

STUDENT, CHECKED = Path("checkpoints/small/student"), Path("reports/small/checks.json")


@pytest.fixture
def reported(finished, tmp_path, monkeypatch):
    """A copy of a finished run that was not explained: a page is written in a moment."""
    monkeypatch.setattr(CHECKS, "_registered", {})
    monkeypatch.setattr("xgaze.report.page.publish.write_report", write_report)
    monkeypatch.setattr(svg, "_drawn", lambda *_: "")  # which takes most of the time
    for name in ("small.yaml", "checkpoints/small/teacher", "checkpoints/small/student"):
        source = Path.cwd() / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, _made(tmp_path / name))
    monkeypatch.chdir(tmp_path)


def _made(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def test_a_condition_that_fails_fails_the_build_and_the_page_is_written(reported, run):
    ended = run("report", "small.yaml", "--assert", "worse.high <= 2", "--assert", "student.bytes <= 1kB", "--json")
    assert ended.code == 1
    rows = [one for one in json.loads(ended.out)["checks"] if one["asked"]]
    assert [one["verdict"] for one in rows] == ["passed", "failed"]
    assert json.loads(CHECKED.read_text())["checks"][1]["measured"] == (STUDENT / "model.safetensors").stat().st_size
    page = Path("reports/small/index.html").read_text()
    assert page.index('aria-label="Checks"') < page.index('id="summary"')


def test_what_holds_ends_with_0_and_what_was_not_run_with_1(reported, run):
    assert run("report", "small.yaml", "--assert", "worse.high <= 2", "--junit", "found.xml").code == 0
    assert 'failures="0" errors="0"' in Path("found.xml").read_text()
    ended = run("report", "small.yaml", "--assert", "completeness <= 5", "--junit", "found.xml")
    assert ended.code == 1 and "not run completeness <= 5: nothing is explained yet (`xgaze explain`)" in ended.out
    assert 'failures="0" errors="1"' in Path("found.xml").read_text()
    assert run("report", "small.yaml").code == 0  # nobody asked
    assert run("report", "small.yaml", "--junit", "found.xml").code == 1  # which asks for all that ship


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--assert", "worse.hihg <= 2"], "did you mean 'worse.high'"),
        (["--assert", "worse.high <= 2 px"], "is not measured in 'px'; write %"),
        (["--assert", "worse.high"], "no condition"),
        (["--junit", "."], "a folder, not a file"),
        (["--junit", "no/where.xml"], "there is no folder no"),
    ],
)
def test_what_cannot_be_asked_ends_with_2_and_nothing_is_written(reported, run, words, told):
    ended = run("report", "small.yaml", *words)
    assert ended.code == 2 and told in ended.err and not ended.out and not Path("reports").exists()


def test_a_check_from_outside_is_listed_asked_for_and_held_against_every_run(reported, run):
    assert "blinks" not in run("report", "--checks").out
    CHECKS.register(Check("blinks", "blinks a minute", at("provenance", "seed"), "bpm", default=">= 1"))
    listed = run("report", "--checks")
    assert listed.code == 0 and re.search(r"^blinks +blinks a minute, bpm \[>= 1\]$", listed.out, re.M)
    assert not Path("reports").exists()
    ended = run("report", "small.yaml", "--assert", "blinks <= 3 bpm")
    assert ended.code == 0 and "passed  blinks <= 3 bpm: 0 bpm" in ended.out
    assert run("report", "small.yaml").code == 0
    stored = {one["name"]: one for one in json.loads(CHECKED.read_text())["checks"]}
    assert stored["blinks"]["verdict"] == "failed" and not stored["blinks"]["asked"]


def test_the_card_written_anew_has_its_sum_and_what_was_tampered_with_has_not(reported, run):
    assert run("report", "small.yaml").code == 0
    write_checksums(STUDENT)
    (STUDENT / "model_card.md").write_text("as an older version wrote it")
    weights = STUDENT / "model.safetensors"
    weights.write_bytes(weights.read_bytes() + b" ")
    assert run("report", "small.yaml").code == 0
    verdicts = {one.name: one.verdict for one in hash_checks(STUDENT)}
    assert verdicts["hash of model_card.md"] == "passed" and verdicts["hash of model.safetensors"] == "failed"
