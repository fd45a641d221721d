"""GazeCapture, generated as downloaded and as prepared: crops, grids and splits as the published code has them."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from xgaze.data.checks.soundness import checked
from xgaze.data.contract import targets_of
from xgaze.data.open import open_for_prediction, open_recording
from xgaze.data.published.gazecapture_frames import crop_boxes, face_grids
from xgaze.errors import InputError

DRAWN = runpy.run_path(str(Path(__file__).with_name("faces.py")))
KIT = ("face", "looked", "saved", "spot", "section")
face, looked, saved, spot, section = (DRAWN[name] for name in KIT)
PEOPLE, FRAMES = 6, 4


@pytest.fixture
def capture(tmp_path):
    """(folder, cm by id): recordings of two people a split; frame 1 of each has no face. A face at (100, 40), 128 px wide."""
    rng, gaze = np.random.default_rng(0), {}
    for k, split in enumerate(["train", "train", "val", "val", "test", "test"]):
        folder = tmp_path / f"{k + 2:05d}"
        names = [f"{one:05d}.jpg" for one in range(FRAMES)]
        cm = rng.normal(0, 3, (FRAMES, 2))
        valid = [1, 0, 1, 1]
        vectors = looked(rng, FRAMES)
        for name, vector in zip(names, vectors, strict=True):
            frame = np.zeros((240, 320, 3), np.uint8)
            frame[40:168, 100:228] = face(vector, 128)
            saved(folder / "frames" / name, frame)
        boxes = {"appleFace": (101, 41, 127, 127), "appleLeftEye": (70, 31, 40, 40), "appleRightEye": (10, 31, 40, 40)}
        for name, (x, y, w, h) in boxes.items():
            box = {"X": [x] * FRAMES, "Y": [y] * FRAMES, "W": [w] * FRAMES, "H": [h] * FRAMES, "IsValid": [1] * FRAMES}
            box |= {"IsValid": valid} if name == "appleFace" else {}
            (folder / f"{name}.json").write_text(json.dumps(box))
        grid = {"X": [3] * FRAMES, "Y": [5] * FRAMES, "W": [2] * FRAMES, "H": [4] * FRAMES, "IsValid": valid}
        (folder / "faceGrid.json").write_text(json.dumps(grid))
        (folder / "frames.json").write_text(json.dumps(names))
        dots = {"DotNum": [0, 0, 1, 1], "XCam": list(cm[:, 0]), "YCam": list(cm[:, 1])}
        (folder / "dotInfo.json").write_text(json.dumps(dots))
        (folder / "screen.json").write_text(json.dumps({"Orientation": [1] * FRAMES}))
        device = "iPhone 5S" if k % 2 else "iPad Air"
        (folder / "info.json").write_text(json.dumps({"Dataset": split, "DeviceName": device}))
        gaze |= {f"{folder.name}/{n[:5]}": (one, vector) for n, one, vector in zip(names, cm, vectors, strict=True)}
    return tmp_path, gaze


def test_valid_frames_are_cut_as_the_published_code_does(capture):
    root, gaze = capture
    recording = open_recording(section("gazecapture", root, side=128))
    assert len(recording.table) == PEOPLE * 3 and set(recording.table["split"]) == {"train", "validation", "test"}
    assert recording.spec.kind == "gaze" and recording.spec.unit == "cm" and recording.spec.measured == "cm"
    assert recording.notes == ("6 frames without a face, both eyes and a grid are left out",)
    for row, name in enumerate(recording.table["id"]):
        cm, vector = gaze[name]
        sample = recording[row]
        np.testing.assert_allclose(sample.target, cm, rtol=1e-6)
        np.testing.assert_allclose(spot(sample.inputs["face"]), vector[:2], atol=0.02)
        grid = sample.inputs["grid"].reshape(25, 25)
        assert grid.sum() == 8 and grid[5:9, 3:5].all()
    sample = recording[0]
    assert [one.name for one in recording.spec.inputs] == ["face", "left", "right", "grid"]
    assert sample.inputs["left"].shape == (3, 128, 128)


def test_pictures_that_nobody_reads_need_not_be_there(capture):
    asked = {"side": 32, "inputs": ["left", "right"]}
    file = capture[0] / "00002/appleFace.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"W": [99_999] * FRAMES}))
    recording = open_recording(section("gazecapture", capture[0], **asked))
    assert list(recording[0].inputs) == ["left", "right"]
    with pytest.raises(InputError, match="face: its box"):
        open_recording(section("gazecapture", capture[0]))


def test_boxes_are_truncated_and_eyes_lie_in_the_face():
    face_box, eye = np.array([[10.7, 20.2, 50.6, 60.0]]), np.array([[5.5, 6.9, 10.0, 12.0]])
    np.testing.assert_array_equal(crop_boxes(face_box), [[9, 19, 9 + 51, 19 + 61]])
    np.testing.assert_array_equal(crop_boxes(face_box, eye), [[14, 24, 24, 36]])  # each box before anything is added
    np.testing.assert_array_equal(crop_boxes(np.array([[0.5, 0.5, 9, 9]])), [[-1, -1, 9, 9]])


def test_what_lies_beyond_the_frame_is_black(capture):
    root, _ = capture
    file = root / "00002/appleFace.json"
    box = json.loads(file.read_text())
    file.write_text(json.dumps(box | {"X": [-63] * FRAMES}))
    pixels = open_recording(section("gazecapture", root, side=128))[0].inputs["face"]
    assert not pixels[:, :, :60].any()


def test_a_grid_of_a_face_that_was_not_found_is_empty():
    assert face_grids(np.array([[-1, -1, 20, 20]]).astype(np.uint8)).sum() == 0  # stored as 255
    np.testing.assert_array_equal(np.flatnonzero(face_grids(np.array([[0, 0, 1, 2]], np.uint8))), [0, 25])
    assert face_grids(np.zeros((0, 4), np.uint8)).shape == (0, 625)


def test_a_recording_without_a_valid_frame_is_left_out(capture):
    root, _ = capture
    file = root / "00003/faceGrid.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"IsValid": [0] * FRAMES}))
    assert set(open_recording(section("gazecapture", root)).table["group"]) == {
        f"{k + 2:05d}" for k in range(PEOPLE)
    } - {"00003"}


def test_labels_that_a_teacher_replaces_are_neither_checked_nor_told(capture):
    root, _ = capture
    for file in [*root.rglob("appleFace.json"), *root.rglob("faceGrid.json")]:  # 24 samples: units are told of 20
        file.write_text(json.dumps(json.loads(file.read_text()) | {"IsValid": [1] * FRAMES}))
    for file in root.rglob("dotInfo.json"):
        told = json.loads(file.read_text())
        file.write_text(json.dumps(told | {"XCam": [300 + one for one in told["XCam"]]}))
    data = section("gazecapture", root, side=32)
    spec = open_recording(data).spec
    assert "wrong unit" in {fault.kind for fault in checked(data).faults}
    hidden = data.model_copy(update={"truth": "teacher"})
    assert "wrong unit" not in {fault.kind for fault in checked(hidden).faults}
    (root / "capture.yaml").write_text(f"source: gazecapture\npath: {root}\nside: 32\ntruth: teacher\n")
    for path, trained_on in [(root / "capture.yaml", data), (root, hidden)]:
        found = open_for_prediction(path, spec, trained_on)
        assert found.spec.truth == "teacher" and len(found.table) == PEOPLE * FRAMES
        assert np.isnan(targets_of(found)).all() and np.isnan(found[0].target).all()
    assert not np.isnan(targets_of(open_for_prediction(root, spec, data))).any()


def test_one_of_every_two_frames_of_each(capture):
    table = open_recording(section("gazecapture", capture[0], every=2)).table
    assert set(table.groupby("group").size()) == {2}


@pytest.mark.parametrize("changes", [{"W": [-30] * FRAMES}, {"X": [None] * FRAMES}, {"H": [1e300] * FRAMES}])
def test_a_box_that_is_none_is_told_with_its_frame(capture, changes):
    file = capture[0] / "00003/appleFace.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    with pytest.raises(InputError, match=r"00003/00000: face: its box \(.*\) is no part of a picture"):
        open_recording(section("gazecapture", capture[0]))


def test_what_is_not_known_of_a_dot_is_no_number(capture):
    file = capture[0] / "00003/dotInfo.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"DotNum": [None] * FRAMES}))
    table = open_recording(section("gazecapture", capture[0])).table
    assert set(table.loc[table["group"] == "00003", "session"]) == {""}


def test_prepared_crops_do_not_tell_devices(tmp_path):
    with pytest.raises(ValueError, match="does not say which device"):
        section("gazecapture", tmp_path, samples="prepared", devices="phones")


def test_phones_and_tablets_apart(capture):
    root, _ = capture
    phones, tablets = (open_recording(section("gazecapture", root, devices=one)) for one in ("phones", "tablets"))
    assert set(phones.conditions(np.arange(3))["device"]) == {"iPhone 5S"}
    assert set(phones.table["group"]).isdisjoint(tablets.table["group"])
    assert len(phones.table) + len(tablets.table) == PEOPLE * 3


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("info.json", '{"Dataset": "dev", "DeviceName": "x"}', r"Dataset is 'dev', not train, val or test"),
        ("info.json", '{"Dataset": ["train"], "DeviceName": "x"}', r"not train, val or test"),
        ("info.json", "[]", r"info\.json: not with Dataset, DeviceName"),
        ("frames.json", "{}", r"frames\.json: not a list"),
        ("frames.json", None, r"frames\.json: no such file"),
        ("dotInfo.json", '{"DotNum": [0], "XCam": [1], "YCam": [1]}', r"1 entries for 4 frames of frames\.json"),
        ("dotInfo.json", '{"DotNum": [0,0,0,0], "XCam": [1,1,1,"x"], "YCam": [1,1,1,1]}', r"not all lists of numbers"),
        (
            "dotInfo.json",
            '{"DotNum": [0,0,0,0], "XCam": [1,1,null,1], "YCam": [1,1,1,1]}',
            r"00002\.jpg is valid and has",
        ),
        ("appleFace.json", '{"X": []}', r"appleFace\.json: not with .* \(Y, W, H, IsValid missing\)"),
        ("screen.json", "[" * 100_000, r"screen\.json: not readable as JSON"),
    ],
)
def test_a_recording_that_lacks_something_is_told_with_its_file(capture, name, content, told):
    file = capture[0] / "00003" / name
    file.unlink() if content is None else file.write_text(content)
    with pytest.raises(InputError, match=told):
        open_recording(section("gazecapture", capture[0]))


def test_all_faults_of_a_folder_are_told_at_once(capture):
    root, _ = capture
    (root / "00002/screen.json").unlink()
    (root / "00002/appleFace.json").write_text("{")
    (root / "00004/info.json").write_text('{"Dataset": "dev", "DeviceName": "x"}')
    (root / "00006/frames/00002.jpg").unlink()
    data = section("gazecapture", root)
    with pytest.raises(InputError, match="4 faults") as told:
        open_recording(data)
    found = checked(data).faults
    assert [one.kind for one in found] == ["missing view", *["damaged file"] * 3] and "/00005" not in str(told.value)
    for place in ("00002/screen.json", "00002/appleFace.json", "00004/info.json", "00006/frames/00002.jpg"):
        assert place in str(told.value) and sum(place in one.message for one in found) == 1


def test_more_faults_than_anybody_reads_are_counted(capture):
    for file in capture[0].rglob("*.json"):
        file.write_text("{")
    with pytest.raises(InputError, match="48 faults, the first 20:"):
        open_recording(section("gazecapture", capture[0]))


def test_frames_that_are_not_there_are_told_together(capture):
    for name in ("00003/frames/00000.jpg", "00005/frames/00003.jpg"):
        (capture[0] / name).unlink()
    with pytest.raises(InputError) as told:
        open_recording(section("gazecapture", capture[0]))
    assert "00003/frames/00000.jpg" in str(told.value) and "00005/frames/00003.jpg" in str(told.value)


@pytest.fixture
def prepared(tmp_path):
    rng = np.random.default_rng(3)
    many = 2 * PEOPLE
    people, frames = np.repeat(np.arange(2, 2 + PEOPLE), 2), np.tile([7, 12], PEOPLE)
    vectors = looked(rng, many)
    for person, frame, vector in zip(people, frames, vectors, strict=True):
        for part in ("appleFace", "appleLeftEye", "appleRightEye"):
            saved(tmp_path / f"{person:05d}" / part / f"{frame:05d}.jpg", face(vector))
    split = np.repeat([0, 0, 1, 1, 2, 2], 2)
    cm = rng.normal(0, 3, (many, 2))
    fields = {
        "labelRecNum": people.astype(np.int16),
        "frameIndex": frames.astype(np.int32),
        "labelDotXCam": cm[:, 0],
        "labelDotYCam": cm[:, 1],
        "labelFaceGrid": np.tile(np.array([3, 5, 2, 4], np.uint8), (many, 1)),
        **{f"label{name}": split == k for k, name in enumerate(("Train", "Val", "Test"))},
    }
    savemat(tmp_path / "metadata.mat", fields)
    return tmp_path, fields, vectors


def test_prepared_crops_are_found_by_their_numbers(prepared):
    root, fields, vectors = prepared
    recording = open_recording(section("gazecapture", root, samples="prepared", side=64))
    assert list(recording.table["id"][:3]) == ["00002/00007", "00002/00012", "00003/00007"]
    for row, vector in enumerate(vectors):
        sample = recording[row]
        np.testing.assert_allclose(spot(sample.inputs["right"]), vector[:2], atol=0.02)
        np.testing.assert_allclose(sample.target, [fields["labelDotXCam"][row], fields["labelDotYCam"][row]], rtol=1e-6)
        assert sample.inputs["grid"].sum() == 8
    assert list(recording.table.groupby("split").size()[["train", "validation", "test"]]) == [4, 4, 4]
    assert checked(section("gazecapture", root, samples="prepared")).faults == ()


@pytest.mark.parametrize("field", ["labelFaceGrid", "labelVal", "frameIndex"])
def test_metadata_without_a_field_is_told(prepared, field):
    root, fields, _ = prepared
    savemat(root / "metadata.mat", {name: one for name, one in fields.items() if name != field})
    with pytest.raises(InputError, match=rf"metadata\.mat: holds no {field}"):
        open_recording(section("gazecapture", root, samples="prepared"))


def test_all_that_metadata_cannot_be_is_told_at_once(prepared):
    root, fields, _ = prepared
    savemat(root / "metadata.mat", fields | {"frameIndex": np.zeros(3), "labelFaceGrid": np.zeros(8)})
    with pytest.raises(InputError, match=r"(?s)labelFaceGrid is .*labelDotXCam is|labelDotXCam is .*labelFaceGrid is"):
        open_recording(section("gazecapture", root, samples="prepared"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("labelFaceGrid", np.zeros(8)),
        ("labelFaceGrid", np.array([["a", "b"]], object)),
        ("labelDotXCam", np.full(2 * PEOPLE, np.nan)),
        ("frameIndex", np.zeros(3)),
    ],
)
def test_metadata_of_another_shape_is_told(prepared, field, value):
    root, fields, _ = prepared
    savemat(root / "metadata.mat", fields | {field: value})
    with pytest.raises(InputError, match=r"metadata\.mat: label\w+ is|metadata\.mat: frameIndex is"):
        open_recording(section("gazecapture", root, samples="prepared"))


def test_an_empty_folder_says_what_to_give(tmp_path):
    with pytest.raises(InputError, match=str(tmp_path)):
        open_recording(section("gazecapture", tmp_path))
