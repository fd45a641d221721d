"""MPIIFaceGaze's raw frames, generated: faces cut around their landmarks look as labelled."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from xgaze.data.open import open_recording
from xgaze.errors import InputError

DRAWN = runpy.run_path(str(Path(__file__).with_name("faces.py")))
SIDE, assert_looks_as_labelled, face, looked, saved, section = (
    DRAWN[name] for name in ("SIDE", "assert_looks_as_labelled", "face", "looked", "saved", "section")
)
PEOPLE, FRAMES = 6, 4


@pytest.fixture
def frames(tmp_path):
    """(folder, vectors): faces of 64 px in frames of 320 x 240, corners of the eyes 64 / 2.4 px apart around their middle."""
    rng, of = np.random.default_rng(7), {}
    for k in range(PEOPLE):
        lines = []
        for frame, vector in enumerate(looked(rng, FRAMES), start=1):
            picture = np.zeros((240, 320, 3), np.uint8)
            picture[88:152, 128:192] = face(vector)
            name = f"day01/{frame:04d}.jpg"
            saved(tmp_path / f"p{k:02d}" / name, picture)
            half = SIDE / 2.4 / 2
            marks = [160 - half, 120, 155, 120, 165, 120, 160 + half, 120, 155, 120, 165, 120]
            centre = np.array([10.0, 20.0, 600.0])
            told = [100, 200, *marks, 0, np.radians(30), 0, 1, 2, 3, *centre, *(centre + 500 * vector)]
            lines.append(" ".join([name, *map(str, told), "left"]))
            of[f"p{k:02d}/{name}"] = vector
        (tmp_path / f"p{k:02d}" / f"p{k:02d}.txt").write_text("\n".join(lines) + "\n")
    return tmp_path, of


def test_faces_are_cut_around_their_landmarks(frames):
    root, of = frames
    recording = open_recording(section("mpiifacegaze", root, samples="raw", side=64))
    for row, name in enumerate(recording.table["id"]):
        assert_looks_as_labelled(recording[row], "face", of[name])
        np.testing.assert_allclose(np.degrees(recording[row].inputs["head"]), [0, 30], atol=1e-4)
    assert "not normalised" in recording.notes[0]


def test_the_published_example_of_a_direction(frames):
    root, _ = frames
    file = root / "p00/p00.txt"
    lines = file.read_text().splitlines()
    cells = lines[0].split()
    cells[21:27] = ["10", "20", "600", "-50", "120", "0"]
    file.write_text("\n".join([" ".join(cells), *lines[1:]]))
    target = open_recording(section("mpiifacegaze", root, samples="raw"))[0].target
    np.testing.assert_allclose(target, [-0.164344, 0.099669], atol=1e-6)


def test_raw_faces_are_read_without_the_head(frames):
    root, of = frames
    recording = open_recording(section("mpiifacegaze", root, samples="raw", side=64, inputs=["face"]))
    assert list(recording[0].inputs) == ["face"]
    assert_looks_as_labelled(recording[0], "face", of[recording.table["id"].iat[0]])


def test_a_line_that_is_none_is_told(frames):
    file = frames[0] / "p02/p02.txt"
    file.write_text(file.read_text() + "day01/0009.jpg 1 2 3\n")
    with pytest.raises(InputError, match=r"p02\.txt: line 5 is not a frame, 26 numbers and an eye"):
        open_recording(section("mpiifacegaze", frames[0], samples="raw"))


def test_lines_and_pictures_of_several_people_are_told_together(frames):
    root = frames[0]
    for name in ("p01", "p04"):
        file = root / f"{name}/{name}.txt"
        file.write_text(file.read_text() + "day01/0009.jpg 1 2 3\n")
    (root / "p00/day01/0002.jpg").unlink()
    with pytest.raises(InputError, match="3 faults") as told:
        open_recording(section("mpiifacegaze", root, samples="raw"))
    for one in ("p01.txt: line 5", "p04.txt: line 5", "p00/day01/0002.jpg: face: no such file"):
        assert one in str(told.value)


def test_an_empty_folder_says_what_to_give(tmp_path):
    with pytest.raises(InputError, match=str(tmp_path)):
        open_recording(section("mpiifacegaze", tmp_path))
