"""The recording on disk: disjoint splits, reuse, and renderings that were cut short."""

import os
import subprocess
import sys
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xgaze.data.rendered import (
    SPLITS,
    RecordingSettings,
    RenderedRecording,
    default_cache_dir,
    open_recording,
    render_participant,
)
from xgaze.data.rendered import render_cache as cache_module
from xgaze.errors import InputError

SMALL = RecordingSettings(32, 40, 3, 2, 2, frames_per_participant=3)


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def recording(shared_cache: Path) -> RenderedRecording:
    return open_recording(SMALL, shared_cache, workers=1)


def test_no_participant_is_in_two_splits(recording: RenderedRecording) -> None:
    ids = {name: sorted(set(recording.split(name).participant.tolist())) for name in SPLITS}
    assert ids == {
        "train": ["P200000", "P200001", "P200002"],
        "validation": ["P100000", "P100001"],
        "test": ["P000000", "P000001"],
    }


def test_rows_are_the_participants_frames_in_order(recording: RenderedRecording) -> None:
    split = recording.train
    assert len(split) == 9 and split.images.shape == (9, 4, 32, 40)
    assert split.frame.tolist() == [0, 1, 2] * 3
    alone = render_participant(200_001, 3, 32, 40)
    rows = split.participant == "P200001"
    np.testing.assert_array_equal(split.images[rows], alone.images)
    np.testing.assert_array_equal(split.regions[rows], alone.regions)
    np.testing.assert_array_equal(split.gaze_px[rows], alone.gaze_px)
    for name, values in alone.states.items():
        np.testing.assert_array_equal(split.states[name][rows], values)


def test_images_are_mapped_and_cannot_be_written(recording: RenderedRecording) -> None:
    assert isinstance(recording.test.images, np.memmap) and isinstance(recording.test.regions, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        recording.test.images[0] = 0


def test_a_rendered_recording_is_found_again(recording: RenderedRecording, shared_cache: Path) -> None:
    calls: list[tuple[int, int]] = []
    open_recording(SMALL, shared_cache, progress=lambda done, total: calls.append((done, total)))
    assert calls == []


def test_growing_training_renders_only_training(recording: RenderedRecording, shared_cache: Path) -> None:
    calls: list[tuple[int, int]] = []
    grown = open_recording(
        replace(SMALL, train_participants=4), shared_cache, 1, lambda done, total: calls.append((done, total))
    )
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]
    np.testing.assert_array_equal(grown.train.images[:9], recording.train.images)
    np.testing.assert_array_equal(grown.test.images, recording.test.images)


def test_worker_processes_render_the_same_bytes(recording: RenderedRecording, tmp_path: Path) -> None:
    fanned_out = open_recording(replace(SMALL, test_participants=1, validation_participants=1), tmp_path, workers=2)
    np.testing.assert_array_equal(fanned_out.train.images, recording.train.images)
    np.testing.assert_array_equal(fanned_out.train.states["pupil_centre_px"], recording.train.states["pupil_centre_px"])


def test_a_failed_rendering_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_at_the_second(number: int, *rest: int) -> object:
        if number == 200_001:
            raise RuntimeError("power cut")
        return render_participant(number, *rest)

    monkeypatch.setattr(cache_module, "render_participant", fail_at_the_second)
    with pytest.raises(RuntimeError, match="power cut"):
        open_recording(SMALL, tmp_path, workers=1)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_rendering_is_done_again(recording: RenderedRecording, tmp_path: Path) -> None:
    killed = (
        "import os; from pathlib import Path; from xgaze.data.rendered import RecordingSettings, open_recording\n"
        "settings = RecordingSettings(32, 40, 3, 2, 2, frames_per_participant=3)\n"
        f"open_recording(settings, Path({str(tmp_path)!r}), 1, lambda done, total: os._exit(9) if done == 2 else None)"
    )
    root = str(Path(cache_module.__file__).parents[3])
    environment = os.environ | {"PYTHONPATH": root}
    assert subprocess.run([sys.executable, "-c", killed], env=environment).returncode == 9
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".xgaze-")
    again = open_recording(SMALL, tmp_path, workers=1)
    np.testing.assert_array_equal(again.train.images, recording.train.images)
    assert sorted(p.name[:9] for p in tmp_path.iterdir()) == ["rendered-"] * 3


@pytest.mark.parametrize("name", ["images.npy", "participant.npy", "state-pupil_centre_px.npy"])
@pytest.mark.parametrize("kept_bytes", [None, 0, 100, -1])
def test_a_damaged_split_is_rendered_again(
    recording: RenderedRecording, tmp_path: Path, name: str, kept_bytes: int | None
) -> None:
    open_recording(SMALL, tmp_path, workers=1)
    (file,) = (p / name for p in tmp_path.iterdir() if p.name == SMALL.split("test").folder_name())
    if kept_bytes is None:
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:kept_bytes])
    calls: list[tuple[int, int]] = []
    again = open_recording(SMALL, tmp_path, 1, lambda done, total: calls.append((done, total)))
    assert calls == [(1, 2), (2, 2)]  # the two test people, nobody else
    np.testing.assert_array_equal(again.test.images, recording.test.images)
    np.testing.assert_array_equal(again.test.participant, recording.test.participant)


def test_two_renderings_at_once_agree(tmp_path: Path) -> None:
    inner: list[RenderedRecording] = []

    def render_the_same_meanwhile(done: int, total: int) -> None:
        if not inner:
            inner.append(open_recording(SMALL, tmp_path, workers=1))

    outer = open_recording(SMALL, tmp_path, 1, render_the_same_meanwhile)
    np.testing.assert_array_equal(outer.train.images, inner[0].train.images)
    assert sorted(p.name[:9] for p in tmp_path.iterdir()) == ["rendered-"] * 3


def test_files_hold_no_pickles(recording: RenderedRecording, shared_cache: Path) -> None:
    files = list(shared_cache.glob("rendered-*/*.npy"))
    assert len(files) >= 3 * 5
    for file in files:
        np.load(file, allow_pickle=False)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"test_participants": 0}, "test_participants must be 1 to 100000, got 0"),
        ({"train_participants": 100_001}, "train_participants must be 1 to 100000, got 100001"),
        ({"frames_per_participant": 0}, "frames_per_participant must be at least 1"),
        ({"height": 8}, "16 pixels a side, got 8 x 40"),
        ({"seed": -1}, "seed must not be negative"),
    ],
)
def test_impossible_settings_are_refused_before_anything_is_written(
    wrong: dict[str, int], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        open_recording(replace(SMALL, **wrong), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_split_is_refused(recording: RenderedRecording) -> None:
    with pytest.raises(InputError, match="no split 'val'; there are train, validation, test"):
        recording.split("val")


def test_a_full_disk_is_noticed_before_rendering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(cache_module.shutil, "disk_usage", lambda path: usage(10**9, 10**9, 1000))
    with pytest.raises(InputError, match=r"needs 0\.0 GB but 0\.0 GB are free"):
        open_recording(SMALL, tmp_path, workers=1)


def test_the_cache_lies_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XGAZE_CACHE", "/somewhere/else")
    assert default_cache_dir() == Path("/somewhere/else")
    monkeypatch.delenv("XGAZE_CACHE")
    assert default_cache_dir() == Path.home() / ".cache" / "xgaze"
    monkeypatch.setenv("XGAZE_CACHE", "~/frames")
    assert default_cache_dir() == Path.home() / "frames"


def test_a_cache_that_cannot_be_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("XGAZE_CACHE", str(file))
    with pytest.raises(InputError, match=r"file: a file, but .* Set XGAZE_CACHE to a folder"):
        default_cache_dir()
    with pytest.raises(InputError, match=r"cannot be kept .*Not a directory.* Set XGAZE_CACHE to a folder"):
        open_recording(SMALL, file / "below", workers=1)
