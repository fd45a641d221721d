"""The rendered recording as models see it, and written as folders and read again."""

import json
import tracemalloc

import numpy as np
import pytest
import torch
from torch import nn

import xgaze
from xgaze.api.own_data import held_against_model
from xgaze.data.checks import opened
from xgaze.data.checks.soundness import check
from xgaze.data.contract import participants_of, rows_of, targets_of
from xgaze.data.fault_kinds import Fault
from xgaze.data.open import open_for_prediction, open_recording
from xgaze.data.rendered import default_cache_dir, write_eye_folders
from xgaze.data.rendered.render_cache import _create_arrays
from xgaze.data.sources.rendered import RenderedData, settings_of

SMALL = RenderedData(
    source="rendered",
    height=32,
    width=40,
    train_participants=2,
    validation_participants=2,
    test_participants=2,
    frames_per_participant=3,
)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XGAZE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def recording(cache):
    return open_recording(SMALL)


def test_right_eyes_are_declared_mirror_images_of_left_ones(recording):
    assert [one.name for one in recording.spec.inputs] == ["eye0", "eye1", "eye3", "eye4"]
    assert recording.mirrored == (False, False, True, True)


def test_training_people_may_have_fewer_frames_and_are_then_the_same_people(recording):
    fewer = open_recording(SMALL.model_copy(update={"train_frames_per_participant": 1}))
    assert [len(rows_of(fewer, split)) for split in ("train", "validation", "test")] == [2, 6, 6]
    theirs = rows_of(recording, "train")[::3]
    np.testing.assert_array_equal(targets_of(fewer, rows_of(fewer, "train")), targets_of(recording, theirs))


def test_every_row_of_the_table_is_its_sample(recording):
    table = recording.table
    for row, (name, person) in enumerate(zip(table["id"], table["group"], strict=True)):
        sample = recording[row]
        assert (sample.id, sample.groups) == (name, {"group": person, "session": "0"})
        np.testing.assert_array_equal(sample.target, table[["gaze_x_px", "gaze_y_px"]].iloc[row].to_numpy(np.float32))
    with pytest.raises(IndexError):
        recording[len(table)]


def test_a_frame_takes_few_bytes_of_memory_beside_what_is_mapped(cache):
    people = 1000
    data = SMALL.model_copy(update={"train_participants": people, "frames_per_participant": 12})
    for name in ("train", "validation", "test"):  # arrays of zeros, which lie nowhere
        settings = settings_of(data).split(name)
        folder = default_cache_dir() / settings.folder_name()
        folder.mkdir()
        _create_arrays(settings, folder)
    tracemalloc.start()
    source = open_recording(data)
    held, most = tracemalloc.get_traced_memory()
    rows = rows_of(source, "train")
    assert len(targets_of(source, rows[:12])) == len(participants_of(source, rows[:12])) == 12
    tracemalloc.stop()
    frames = len(source.table)
    assert frames == 12 * (people + 4) and held < most < 100 * frames
    assert not any(
        one.flags.owndata for one in (*source.recording.train.states.values(), source.recording.train.gaze_px)
    )


def test_rows_are_people_in_order_and_their_frames_in_order(recording):
    table = recording.table
    assert table["id"].tolist()[:4] == ["P200000/0/0", "P200000/0/1", "P200000/0/2", "P200001/0/0"]
    assert table.groupby("split")["group"].nunique().to_dict() == {"test": 2, "train": 2, "validation": 2}
    assert len(table) == 18 and table["group"].nunique() == 6


def test_a_sample_is_its_frame(recording):
    for row in (0, 7, 17):
        sample, line = recording[row], recording.table.iloc[row]
        split = recording.recording.split(line["split"])
        place = row % 6
        assert sample.id == line["id"] and sample.groups == {"group": line["group"], "session": "0"}
        for k, one in enumerate(recording.spec.inputs):
            np.testing.assert_array_equal(sample.inputs[one.name], split.images[place, k : k + 1])
        np.testing.assert_array_equal(sample.aux["regions"], split.regions[place])
        assert sample.target.dtype == np.float32
        assert sample.target.tolist() == line[["gaze_x_px", "gaze_y_px"]].tolist()


def test_conditions_are_what_the_renderer_knows_of_a_row(recording):
    rows = rows_of(recording, "test")[::-1]
    known, states = recording.conditions(rows), recording.states(rows)
    np.testing.assert_allclose(known["pupil radius, mm"], states["pupil_radius_mm"].mean(axis=1))
    np.testing.assert_allclose(known["slippage, mm"] ** 2, (states["slippage_mm"] ** 2).sum(axis=1), rtol=1e-6)
    assert all(len(values) == len(rows) for values in known.values()) and len(known) == 6


def test_the_spec_says_that_it_is_rendered(recording):
    spec = recording.spec
    assert spec.rendered and spec.kind == "gaze" and spec.scene == (800, 600)
    assert [(one.name, one.shape) for one in spec.inputs] == [(f"eye{k}", (1, 32, 40)) for k in (0, 1, 3, 4)]


def test_the_rendered_recording_has_no_fault(recording):
    assert check(SMALL) == []


def test_labels_that_a_teacher_replaces_are_neither_checked_nor_told(recording, tmp_path, monkeypatch):
    folder = xgaze.adopt(Plain(), xgaze.open(written(tmp_path, "rendered")), folder=tmp_path, reports=tmp_path).folder
    looked_for = []
    monkeypatch.setattr(held_against_model, "errors_by_lag", lambda *given: looked_for.append(given))
    monkeypatch.setattr(opened, "gaze_faults", lambda table, _: [Fault("missing label", "") for _ in table["id"]])
    found = xgaze.check(written(tmp_path, "rendered"), against=folder)
    assert [one["kind"] for one in found.faults] == ["missing label"] and looked_for
    looked_for.clear()
    found = xgaze.check(written(tmp_path, "teacher", truth="teacher"), against=folder)
    assert found.sound and not looked_for
    table = xgaze.predict(folder, tmp_path / "teacher.yaml").table
    assert list(table) == ["id", "group", "split", "prediction_x_px", "prediction_y_px"]
    assert "error_px" in xgaze.predict(folder, tmp_path / "rendered.yaml").table


class Plain(nn.Module):
    """Linear in the means of four eyes."""

    def __init__(self):
        super().__init__()
        self.out = nn.Linear(4, 2)

    def forward(self, eye0, eye1, eye3, eye4):
        return self.out(torch.cat([one.mean((2, 3)) for one in (eye0, eye1, eye3, eye4)], dim=1))


def written(folder, name, **keys):
    """`SMALL` as a definition of that name."""
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps({**SMALL.model_dump(mode="json"), "frames_per_participant": 4, **keys}))
    return path


def test_what_render_writes_is_read_back_equal(recording, tmp_path):
    write_eye_folders(recording.recording, tmp_path)
    again = open_for_prediction(tmp_path, recording.spec, SMALL)
    assert len(again.table) == len(recording.table)
    columns = ["group", "split", "gaze_x_px", "gaze_y_px"]
    before, after = (one.table[columns].sort_values(columns, ignore_index=True) for one in (recording, again))
    assert (before[columns[:2]] == after[columns[:2]]).all(axis=None)
    np.testing.assert_allclose(before[columns[2:]], after[columns[2:]], atol=1e-4)
    row = again.table["id"].tolist().index("P100001/IMG1/2")
    same = recording.table["id"].tolist().index("P100001/0/1")
    for name, pixels in recording[same].inputs.items():
        np.testing.assert_array_equal(again[row].inputs[name], pixels)
