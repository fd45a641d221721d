"""A face before a phone's camera looks at a dot on its screen: what GazeCapture's reader gives of picture and label agrees."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

from xgaze.data.open import open_recording

DRAWN = runpy.run_path(str(Path(__file__).with_name("faces.py")))
SPOT, face, saved, spot, section = (DRAWN[name] for name in ("SPOT", "face", "saved", "spot", "section"))
CAMERA_MM, SCREEN_MM, POINTS = (25.85, 10.65), (51.7, 90.39), (320, 568)  # of an iPhone 5
FOCAL_PX, MIDDLE_PX, FACE_PX = 300, (160, 120), 128
LEFT_EYE, RIGHT_EYE = (70, 12, 40, 30), (10, 12, 40, 30)
"""Boxes in the face's: the person's left eye is on the right of a picture that is not mirrored."""
GREEN, BLUE = (10, 200, 10), (10, 10, 200)
PLACES_MM = [(20, -10, 300), (-15, 20, 280)]
"""Of faces, in the camera's frame: x to the right of the picture, y down, z away from the camera."""
DOTS = {1: [(280, 528), (40, 40)], 2: [(280, 528), (40, 40)], 3: [(528, 280), (40, 40)], 4: [(528, 280), (40, 40)]}
"""Of each orientation, in points from the top left of the screen as it is held."""


def dot_cm(x, y, orientation):
    """The published map (screen2cam.m) of points to cm from the camera, x to the right of who looks at the screen, y up."""
    (dx, dy), (width, height) = CAMERA_MM, SCREEN_MM
    across, down = (
        (width / POINTS[0], height / POINTS[1]) if orientation < 3 else (height / POINTS[1], width / POINTS[0])
    )
    x, y = x * across, y * down
    mm = {
        1: (x - dx, -dy - y),
        2: (dx - width + x, dy + height - y),
        3: (dy + x, width - dx - y),
        4: (-dy - height + x, dx - y),
    }
    return np.array(mm[orientation]) / 10


def in_camera_mm(cm):
    """The camera faces who looks: their right is the left of its picture, and its y points down."""
    return np.array([-10 * cm[0], -10 * cm[1], 0])


def frame_of(place, cm):
    """uint8 (240, 320, 3), a face at `place` mm that looks at `cm`; the left and top of its box."""
    looks = in_camera_mm(cm) - place
    picture = np.zeros((240, 320, 3), np.uint8)
    drawn = face(looks / np.linalg.norm(looks), FACE_PX)
    for (x, y, width, height), colour in ((LEFT_EYE, GREEN), (RIGHT_EYE, BLUE)):
        eye = drawn[y : y + height, x : x + width]
        eye[(eye != SPOT).any(axis=2)] = colour  # where it looks shows over everything
    left, top = (round(MIDDLE_PX[k] + FOCAL_PX * place[k] / place[2] - FACE_PX / 2) for k in (0, 1))
    picture[top : top + FACE_PX, left : left + FACE_PX] = drawn
    return picture, left, top


def write_recording(folder, split, orientation):
    """Every place with every dot; returns (place, cm) of each frame."""
    shown = [(np.array(place, float), dot_cm(*dot, orientation)) for place in PLACES_MM for dot in DOTS[orientation]]
    names, many, corners = [f"{k:05d}.jpg" for k in range(len(shown))], len(shown), []
    for name, (place, cm) in zip(names, shown, strict=True):
        picture, left, top = frame_of(place, cm)
        saved(folder / "frames" / name, picture)
        corners.append((left + 1, top + 1))
    faces = {"X": [x for x, _ in corners], "Y": [y for _, y in corners]}
    boxes = {
        "appleFace": {**faces, "W": [FACE_PX - 1] * many, "H": [FACE_PX - 1] * many},
        **{
            name: dict(zip("XYWH", ([one] * many for one in box), strict=True))
            for name, box in {"appleLeftEye": LEFT_EYE, "appleRightEye": RIGHT_EYE, "faceGrid": (3, 5, 2, 4)}.items()
        },
    }
    cm = np.array([one for _, one in shown]).T.tolist()
    stored = {name: {**box, "IsValid": [1] * many} for name, box in boxes.items()}
    stored |= {"frames": names, "dotInfo": {"DotNum": [0, 1] * 2, "XCam": cm[0], "YCam": cm[1]}}
    stored |= {"screen": {"Orientation": [orientation] * many}, "info": {"Dataset": split, "DeviceName": "iPhone 5"}}
    for name, own in stored.items():
        (folder / f"{name}.json").write_text(json.dumps(own))
    return {f"{folder.name}/{name[:5]}": one for name, one in zip(names, shown, strict=True)}


@pytest.fixture(scope="module")
def phone(tmp_path_factory):
    root = tmp_path_factory.mktemp("phone")
    splits = ("train", "val", "test", "test")
    known = [write_recording(root / f"{k:05d}", split, k) for k, split in enumerate(splits, start=1)]
    return root, {name: one for own in known for name, one in own.items()}


def test_the_published_example_of_a_dot():
    np.testing.assert_allclose(dot_cm(280, 528, 1), [1.938750, -9.467451], atol=1e-6)


def test_a_face_looks_at_the_dot_that_its_label_says(phone):
    root, known = phone
    recording = open_recording(section("gazecapture", root, side=FACE_PX))
    assert len(recording.table) == len(known) == 16
    for row, name in enumerate(recording.table["id"]):
        place, cm = known[name]
        sample = recording[row]
        np.testing.assert_allclose(sample.target, cm, rtol=1e-5)
        x, y = spot(sample.inputs["face"])
        looks = np.array([x, y, -np.sqrt(1 - x**2 - y**2)])
        met = place + looks * (-place[2] / looks[2])  # where the line of sight meets the plane of the screen
        np.testing.assert_allclose(-met[:2] / 10, sample.target, atol=0.3)


def test_eyes_are_the_persons_own(phone):
    recording = open_recording(section("gazecapture", phone[0], side=FACE_PX))
    for row in range(len(recording.table)):
        for eye, colour in (("left", GREEN), ("right", BLUE)):
            np.testing.assert_allclose(np.median(recording[row].inputs[eye], axis=(1, 2)), colour, atol=12)


def test_dots_lie_where_the_device_is_held(phone):
    """Portrait: below the camera; upside down: above; landscape: on the side of the home button."""
    recording = open_recording(section("gazecapture", phone[0], side=32))
    held = recording.conditions(np.arange(16))["orientation"]
    gaze = recording.table[["gaze_x_cm", "gaze_y_cm"]].to_numpy()
    for orientation, axis, sign in (("1", 1, -1), ("2", 1, 1), ("3", 0, 1), ("4", 0, -1)):
        assert (sign * gaze[held == orientation, axis] > 0).all()
