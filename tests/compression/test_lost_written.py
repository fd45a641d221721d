"""A finished student's folder says what its worst frames cost, and whom."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from xgaze.artifacts import LOST_FILE, STUDENT, TEACHER
from xgaze.compression.result import write_lost


def spec(kind):
    return SimpleNamespace(kind=kind, unit="px", own=lambda one: one)


def test_of_gaze_it_holds_both_figures_and_every_person(tmp_path):
    truth, people = np.zeros((40, 2)), np.repeat(["a", "b"], 20)
    off = np.tile([3.0, 4.0], (40, 1))
    outputs = {TEACHER: truth + off, STUDENT: truth + off * np.where(people == "b", 2, 1)[:, None]}
    write_lost(tmp_path / LOST_FILE, spec("gaze"), outputs, truth, people)
    found = json.loads((tmp_path / LOST_FILE).read_text())
    assert {one["figure"]: one["student"]["mean"] for one in found["tails"]} == pytest.approx({"p95": 10, "worst": 10})
    assert [(one["group"], one["difference"]["mean"]) for one in found["people"]] == [("b", 5), ("a", 0)]


def test_of_classes_nothing_is_written(tmp_path):
    write_lost(tmp_path / LOST_FILE, spec("class"), {}, np.zeros(3), np.array(["a"] * 3))
    assert not (tmp_path / LOST_FILE).exists()
