"""Gaze360, generated: heads and faces look as labelled, and what it does not use is counted."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from xgaze.data.open import open_recording
from xgaze.data.published.gaze360_frames import face_in_head, gaze360_angles
from xgaze.errors import InputError

DRAWN = runpy.run_path(str(Path(__file__).with_name("faces.py")))
angles, assert_looks_as_labelled, face, looked, saved, section = (
    DRAWN[name] for name in ("angles", "assert_looks_as_labelled", "face", "looked", "saved", "section")
)
PEOPLE, FRAMES = 6, 4


@pytest.fixture
def panorama(tmp_path):
    """(folder, vectors in the camera's frame by id). Frame 0 of each is of no split; the last has no face."""
    rng = np.random.default_rng(4)
    of, stored = {}, {name: [] for name in ("recording", "frame", "person_identity", "split", "gaze_dir")}
    head, face_box = [], []
    for k in range(PEOPLE):
        for frame, vector in enumerate(looked(rng, FRAMES)):
            name = f"rec_{k // 2:03d}/{k % 2:06d}/{frame:06d}"
            of[name] = vector
            picture = np.zeros((128, 128, 3), np.uint8)
            picture[32:96, 48:112] = face(vector)
            saved(tmp_path / "imgs" / f"rec_{k // 2:03d}" / "head" / f"{k % 2:06d}" / f"{frame:06d}.jpg", picture)
            stored["recording"].append(k // 2)
            stored["person_identity"].append(k % 2)
            stored["frame"].append(frame)
            stored["split"].append(3 if frame == 0 else k // 2)
            stored["gaze_dir"].append(vector * [-1, -1, 1])  # x to the left, y up
            head.append([0.5, 0.25, 0.2, 0.1])
            inside = [0.5 + 0.2 * 48 / 128, 0.25 + 0.1 * 32 / 128, 0.2 * 64 / 128, 0.1 * 64 / 128]
            face_box.append(inside if frame < FRAMES - 1 else [-1] * 4)
    names = np.array([f"rec_{k:03d}" for k in range(PEOPLE // 2)], object)[None]
    words = {"recordings": names, "splits": np.array([["train", "val", "test", "unused"]], object)}
    boxes = {"person_head_bbox": np.array(head), "person_face_bbox": np.array(face_box)}
    numbers = {name: np.array(own) if name == "gaze_dir" else np.array(own)[None] for name, own in stored.items()}
    savemat(tmp_path / "metadata.mat", {**words, **numbers, **boxes})
    return tmp_path, of


def test_faces_of_gaze360_are_cut_and_look_as_labelled(panorama):
    root, of = panorama
    recording = open_recording(section("gaze360", root, picture="face", side=64))
    assert len(recording.table) == PEOPLE * (FRAMES - 2)
    assert recording.notes[:2] == ("6 frames of no split are left out", "6 frames without a face are left out")
    for row, name in enumerate(recording.table["id"]):
        assert_looks_as_labelled(recording[row], "face", of[name])
    assert recording.table["group"].nunique() == PEOPLE  # names are unique within a recording only


def test_heads_are_whole_pictures(panorama):
    recording = open_recording(section("gaze360", panorama[0], side=128))
    assert len(recording.table) == PEOPLE * (FRAMES - 1)
    np.testing.assert_allclose(recording[0].target, angles(panorama[1][recording.table["id"][0]][None])[0], atol=1e-5)


def test_beyond_an_angle_frames_are_left_out_and_counted(panorama):
    root, of = panorama
    recording = open_recording(section("gaze360", root, within=15))
    off = {name: np.degrees(np.arccos(-vector[2])) for name, vector in of.items()}
    used = [name for name, angle in off.items() if angle <= 15 and not name.endswith("000000")]
    assert sorted(recording.table["id"]) == sorted(used)
    assert any("beyond 15 degrees" in one for one in recording.notes)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("split", 9),
        ("recording", -1),
        ("frame", 0.5),
        ("gaze_dir", np.zeros((3, 2))),
        ("person_face_bbox", np.zeros((24, 3))),
    ],
)
def test_metadata_of_gaze360_that_cannot_be_is_told(panorama, field, value):
    root, _ = panorama
    stored = {name: one for name, one in loadmat(root / "metadata.mat").items() if not name.startswith("__")}
    if isinstance(value, np.ndarray):
        stored[field] = value
    else:
        stored[field] = stored[field].astype(float)
        stored[field][0, 2] = value
    savemat(root / "metadata.mat", stored)
    with pytest.raises(InputError, match=rf"metadata\.mat: {field} is"):
        open_recording(section("gaze360", root))


def test_angles_of_gaze360_are_those_of_the_others():
    vectors = looked(np.random.default_rng(5), 20)
    np.testing.assert_allclose(gaze360_angles(vectors * [-1, -1, 1]), angles(vectors), atol=1e-12)


def test_a_box_of_the_panorama_inside_its_head():
    whole = np.array([[0.2, 0.4, 0.1, 0.2]])
    np.testing.assert_array_equal(face_in_head(whole, whole, np.array([[50, 80]])), [[0, 0, 50, 80]])
    corner = np.array([[0.25, 0.5, 0.05, 0.1]])
    np.testing.assert_array_equal(face_in_head(corner, whole, np.array([[50, 80]])), [[25, 40, 50, 80]])


def test_an_empty_folder_says_what_to_give(tmp_path):
    with pytest.raises(InputError, match=str(tmp_path)):
        open_recording(section("gaze360", tmp_path))
