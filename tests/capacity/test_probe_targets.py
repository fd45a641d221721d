"""What is to be read from an embedding: labels, and the states of the renderer where they are known."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from xgaze.capacity.probe_targets import probe_targets
from xgaze.data.contract import rows_of
from xgaze.data.rendered.person_frames import STATE_SHAPES
from xgaze.data.rendered.rendered_recording import RenderedSource


@pytest.fixture
def states():
    rng = np.random.default_rng(0)
    made = {name: rng.normal(size=(3, *shape)).astype(np.float32) for name, shape in STATE_SHAPES.items()}
    made["lid_opening_mm"] = np.array([[8, 8], [0, 8], [8, 8]], np.float32)
    made["glint_visible"] = np.ones((3, 4, 2), np.float32)
    made["glint_visible"][2, 3, 1] = 0
    return made


@pytest.fixture
def rendered(states, gaze_recording):
    table = pd.DataFrame(
        {
            "split": ["train", "test", "test", "test"],
            "place": [0, 0, 1, 2],
            "gaze_x_px": 1.0,
            "gaze_y_px": [2.0, 3, 4, 5],
        }
    )
    stored = SimpleNamespace(split=lambda name: SimpleNamespace(states=states) if name == "test" else None)
    return RenderedSource(gaze_recording.spec, table, stored)


def test_rendered_eyes_give_their_anatomy(rendered, states):
    found = {one.what: one for one in probe_targets(rendered, np.array([1, 2, 3]))}
    assert list(found) == [
        "gaze point",
        "pupil centre",
        "pupil radius",
        "lid opening",
        "glints",
        "slippage",
        "slippage, turned",
    ]
    assert found["gaze point"].values[:, 0].tolist() == [[1, 3], [1, 4], [1, 5]]
    assert np.array_equal(found["glints"].values[1, 5], states["glint_px"][1, 2, 1])
    assert np.array_equal(found["pupil radius"].values[..., 0], states["pupil_radius_mm"])
    assert [one.unit for one in found.values()] == ["px", "px", "mm", "mm", "px", "mm", "degrees"]


def test_rows_are_looked_up_where_the_split_keeps_them(rendered, states):
    found = {one.what: one for one in probe_targets(rendered, np.array([3, 1]))}
    assert np.array_equal(found["slippage"].values[:, 0], states["slippage_mm"][[2, 0]])


def test_closed_eyes_and_hidden_glints_are_unknown(rendered):
    found = {one.what: one for one in probe_targets(rendered, np.array([1, 2, 3]))}
    assert found["pupil centre"].known.tolist() == [[True] * 4, [False, False, True, True], [True] * 4]
    assert found["pupil radius"].known.tolist() == [[True, True], [False, True], [True, True]]
    assert found["glints"].known.tolist() == [[True] * 8, [False] * 4 + [True] * 4, [True] * 7 + [False]]
    assert found["lid opening"].known.all() and found["slippage"].known.all()


def test_other_recordings_give_their_own_target_only(gaze_recording, class_recording):
    rows = rows_of(gaze_recording, "test")[:4]
    (gaze,) = probe_targets(gaze_recording, rows)
    assert (gaze.what, gaze.unit, gaze.values.shape) == ("gaze point", "px", (4, 1, 2))
    (label,) = probe_targets(class_recording, rows)
    assert label.what == "class"
    assert label.values[:, 0].argmax(axis=1).tolist() == class_recording.table["label"].iloc[rows].tolist()
