"""The recording as folders of eye images."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xgaze.data.rendered import RecordingSettings, RenderedRecording, open_recording, write_eye_folders

SMALL = RecordingSettings(32, 40, 2, 1, 2, frames_per_participant=3)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> RenderedRecording:
    return open_recording(SMALL, tmp_path_factory.mktemp("cache"), workers=1)


def test_every_pixel_and_gaze_point_comes_back(recording: RenderedRecording, tmp_path: Path) -> None:
    assert write_eye_folders(recording, tmp_path / "out") == tmp_path / "out"
    for name, folder in (("train", "train"), ("validation", "val"), ("test", "test")):
        split = recording.split(name)
        for row in range(len(split)):
            session = tmp_path / "out" / folder / str(split.participant[row]) / "IMG1"
            frame = int(split.frame[row]) + 1
            for k, camera in enumerate((0, 1, 3, 4)):
                np.testing.assert_array_equal(
                    np.asarray(Image.open(session / f"{frame}_{camera}.png")), split.images[row, k]
                )
            with (session / "Learn.csv").open() as file:
                line = list(csv.DictReader(file))[frame - 1]
            assert int(line["frame"]) == frame
            written = [float(line["cornerxy[0]"]), float(line["cornerxy[1]"])]
            np.testing.assert_allclose(written, split.gaze_px[row], atol=1e-4)
    assert len(list((tmp_path / "out").rglob("*.png"))) == 5 * 3 * 4


def test_a_limit_takes_the_first_participants_of_each_split(recording: RenderedRecording, tmp_path: Path) -> None:
    write_eye_folders(recording, tmp_path, limit=1)
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.glob("*/*")) == [
        "test/P000000",
        "train/P200000",
        "val/P100000",
    ]


def test_writing_again_replaces_a_participant_whole(recording: RenderedRecording, tmp_path: Path) -> None:
    write_eye_folders(recording, tmp_path, limit=1)
    stray = tmp_path / "test" / "P000000" / "IMG1" / "99_0.png"
    stray.write_bytes(b"old")
    write_eye_folders(recording, tmp_path, limit=1)
    assert not stray.exists() and not list(tmp_path.rglob(".partial*"))


def test_a_failed_writing_leaves_no_half_participant(
    recording: RenderedRecording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        write_eye_folders(recording, tmp_path)
    assert list(tmp_path.glob("*/*")) == []
