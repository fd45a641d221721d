"""A model's radii: whose errors they come from, and for what tasks there are none."""

from copy import copy
from dataclasses import replace

import numpy as np
import pytest

from xgaze.data.contract import rows_of, targets_of
from xgaze.evaluation.frame_radius import radii_of


def test_radii_come_from_validation_people_and_are_held_against_test_people(gaze_recording):
    splits = ("validation", "test")
    known, unseen = (targets_of(gaze_recording, rows_of(gaze_recording, one)) for one in splits)
    off = np.array([3.0, 4.0])  # 5 px
    found = radii_of(gaze_recording, known + off, unseen + 2 * off)
    assert (found["unit"], found["validation"], found["test"]) == ("px", 8, 8)
    by_level = {one["level_percent"]: one for one in found["rows"]}
    assert by_level[50.0]["radius"] == pytest.approx(5.0, abs=1e-3) and by_level[50.0]["coverage_percent"]["mean"] == 0
    assert by_level[90.0]["radius"] is None  # 8 people promise at most 8 / 9


def test_classes_have_none(class_recording):
    assert radii_of(class_recording, np.zeros((3, 2)), np.zeros((3, 2))) is None


def test_those_of_directions_are_in_degrees_whatever_directions_are_stored_in(gaze_recording):
    recording = copy(gaze_recording)
    recording.spec = replace(gaze_recording.spec, kind="angle", unit="rad", scene=None)
    recording.table = gaze_recording.table.assign(gaze_pitch_rad=0.0, gaze_yaw_rad=0.0)
    known, unseen = (np.zeros((len(rows_of(recording, one)), 2)) for one in ("validation", "test"))
    found = radii_of(recording, known + np.radians([0, 3]), unseen)
    assert found["unit"] == "degrees" and found["rows"][0]["radius"] == pytest.approx(3.0, rel=1e-5)
