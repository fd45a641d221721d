"""A disk that is full at each of a command's writes in turn: one line that names the file, exit code 2, what was finished stays,
nothing is left half-written, and the same command finishes once there is room."""

import errno
import os
import re
from pathlib import Path

import numpy as np
import pytest

import xgaze.writing
from xgaze.writing import LOCK, MARK, atomic_path

TINY = """
name: tiny
data: {source: rendered, height: 32, width: 40, train_participants: 4, validation_participants: 3, test_participants: 3,
  frames_per_participant: 2}
model: {name: multi-eye, args: {first_stride: 1, conv3_stride: 1, conv3_padding: 2, lrn: false}}
training: {epochs: 1, batch_size: 16, loss: euclidean, precision: 32-true}
"""
FIXATIONS = "7,100,80,200,160,300,100,310,110,100,350,150,150,480,240,900\n8,50,50,100,100,0,0,10,10,120,90,90,700\n"


class FullDisk:
    """Has no room for a file when it is written for the first time, whatever folder it lies in."""

    def __init__(self) -> None:
        self.refused: list[str] = []
        self.sync = xgaze.writing.sync

    def __call__(self, path: Path) -> None:
        if path.name not in self.refused and "cache" not in path.parts:  # frames have a message of their own
            self.refused.append(path.name)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # as a write tells it: without the name
        self.sync(path)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a recipe and a file of fixations."""
    folder = tmp_path_factory.mktemp("full")
    (folder / "tiny.yaml").write_text(TINY)
    (folder / "Fixation.txt").write_text(FIXATIONS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("XGAZE_CACHE", str(folder / "cache"))
        yield folder


@pytest.fixture
def walked(run, place, monkeypatch):
    """(words, watched) -> names of the files refused, one in each run. watched: files that stay as they are until the end."""

    def walk(words: str, watched: list[Path]) -> list[str]:
        disk = FullDisk()
        before = {path: path.read_bytes() for path in watched}
        with monkeypatch.context() as patch:
            patch.setattr("xgaze.writing.sync", disk)
            while (ended := run(*words.split())).code:
                (line,) = [one for one in ended.err.splitlines() if one.startswith("xgaze: ")]
                told = (
                    rf"xgaze: \S*{re.escape(disk.refused[-1])}: No space left on device\. The disk is full: free some"
                )
                assert ended.code == 2 and re.match(told, line), ended.err
                assert "Traceback" not in ended.err
                left = {one.name.split("-")[0] for one in place.rglob(f"{MARK}*") if one.name != LOCK}
                new = {one.name for one in place.rglob(f"{MARK}new-*")}  # what --force goes on from
                assert bool(left) == bool(new), left
                assert {path: path.read_bytes() for path in watched} == before
        return disk.refused

    return walk


def test_a_teacher_is_trained_once_there_is_room(walked, place):
    refused = walked("train-teacher tiny.yaml", [])
    assert {"history.csv", "model.safetensors", "last.safetensors", "model.json", "scorings.json"} <= set(refused)
    assert (place / "checkpoints" / "tiny" / "teacher" / "model.json").is_file()


def test_a_teacher_stays_while_there_is_no_room_for_another(walked, place):
    teacher = place / "checkpoints" / "tiny" / "teacher"
    refused = walked("train-teacher tiny.yaml --force", [path for path in teacher.iterdir() if path.is_file()])
    assert {"model.safetensors", "model.json"} <= set(refused)
    assert not list(place.rglob(f"{MARK}new-*"))


def test_a_page_stays_while_there_is_no_room_for_another(walked, place, run):
    assert run("report", "tiny.yaml").code == 0
    folder = place / "reports" / "tiny"
    refused = walked("report tiny.yaml", list(folder.iterdir()))
    assert {"report.json", "maps.npz", "index.html"} <= set(refused)


def test_predictions_stay_while_there_is_no_room_for_others(walked, place, run):
    words = "predict checkpoints/tiny/teacher tiny.yaml --out p.csv"
    assert run(*words.split()).code == 0
    assert walked(words, [place / "p.csv"]) == ["p.csv"]


def test_heatmaps_are_drawn_whole_or_not_at_all(run, place, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("xgaze.writing.sync", disk := FullDisk())
        for name in ("heatmaps.csv", "maps"):  # the table in its folder, then the folder as a whole
            ended = run("heatmaps", "Fixation.txt", "--out", "maps")
            assert ended.code == 2 and ended.err.startswith("xgaze: maps: No space left on device. The disk is full")
            assert disk.refused[-1] == name and not (place / "maps").exists()
        assert run("heatmaps", "Fixation.txt", "--out", "maps").code == 0
    assert sorted(path.name for path in (place / "maps").iterdir()) == ["7.png", "8.png", "heatmaps.csv"]


def test_an_array_that_was_cut_short_is_told_as_a_full_disk(tmp_path):
    """numpy's own words tell neither the file nor the reason."""
    with (
        pytest.raises(OSError, match=r"No space left on device.*outputs\.npy") as caught,
        atomic_path(tmp_path / "outputs.npy"),
    ):
        raise OSError("1024 requested and 512 written")
    assert caught.value.errno == errno.ENOSPC and not list(tmp_path.iterdir())


def test_what_is_read_while_a_file_is_written_keeps_its_own_name(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, atomic_path(tmp_path / "a.csv"):
        np.load(tmp_path / "missing.npy")
    assert caught.value.filename == str(tmp_path / "missing.npy")
