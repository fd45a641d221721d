"""Columbia Gaze, generated: its file names are its labels."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from xgaze.api.own_data import held_against_model
from xgaze.data.open import open_recording
from xgaze.errors import InputError

DRAWN = runpy.run_path(str(Path(__file__).with_name("faces.py")))
KIT = ("face", "saved", "section")
face, saved, section = (DRAWN[name] for name in KIT)
PEOPLE, FRAMES = 6, 4


@pytest.fixture
def columbia(tmp_path):
    for person in range(1, PEOPLE + 1):
        for head in (-15, 0):
            for vertical, horizontal in ((-10, -5), (0, 15)):
                name = f"{person:04d}_2m_{head}P_{vertical}V_{horizontal}H.jpg"
                saved(tmp_path / f"{person:04d}" / name, face([0.1, 0, -1], 32))
    saved(tmp_path / "0001" / "thumbnail.jpg", face([0, 0, -1], 32))
    return tmp_path


def test_names_of_columbia_are_its_labels(columbia):
    recording = open_recording(section("columbia", columbia, side=32))
    assert len(recording.table) == PEOPLE * 4 and recording.spec.unit == "degrees"
    row = list(recording.table["id"]).index("0003_2m_-15P_-10V_-5H")
    sample = recording[row]
    np.testing.assert_array_equal(sample.target, [-10, -5])
    np.testing.assert_array_equal(sample.inputs["head"], [-15])
    assert sample.groups["group"] == "0003" and "1 pictures of other names are left out" in recording.notes


def test_the_face_alone_is_read_where_the_definition_says_so(columbia):
    recording = open_recording(section("columbia", columbia, side=32, inputs=["face"]))
    assert list(recording[0].inputs) == ["face"] and "head, degrees" in recording.conditions(np.arange(2))


def test_file_names_are_in_no_order_of_time(columbia, monkeypatch):
    recording = open_recording(section("columbia", columbia, side=32))
    assert not recording.in_time and not recording.with_spec(recording.spec).in_time

    def ask(*_, **__):
        raise AssertionError("the model was asked")

    monkeypatch.setattr(held_against_model, "predict", ask)
    assert held_against_model.lagged_errors(None, recording) is None


def test_an_empty_folder_says_what_to_give(tmp_path):
    with pytest.raises(InputError, match=str(tmp_path)):
        open_recording(section("columbia", tmp_path))
