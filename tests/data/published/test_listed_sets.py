"""GazeCapture, Gaze360, Columbia, label files, MPIIFaceGaze's frames and OpenEDS, generated in their layouts."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from xgaze.data.checks.soundness import checked
from xgaze.data.open import open_recording
from xgaze.data.published.gaze360_frames import face_in_head, gaze360_angles
from xgaze.data.published.gazecapture_frames import crop_boxes, face_grids
from xgaze.errors import InputError
from xgaze.recipe.sources import SOURCES

DRAWN = runpy.run_path(str(Path(__file__).with_name("faces.py")))
SIDE, angles, assert_looks_as_labelled, face, looked, saved, spot = (
    DRAWN[name] for name in ("SIDE", "angles", "assert_looks_as_labelled", "face", "looked", "saved", "spot")
)
PEOPLE, FRAMES = 6, 4


def section(source, path, **keys):
    return SOURCES[source].section(source=source, path=path, **keys)


# GazeCapture


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


# Gaze360


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


# Label files


def labels(root, name, heading, lines):
    (root / "Label").mkdir(exist_ok=True)
    (root / "Label" / f"{name}.label").write_text("\n".join([heading, *lines]) + "\n")


@pytest.fixture
def hub(tmp_path):
    """MPIIFaceGaze in the common form. Paths of p01 are as Windows writes them."""
    rng, of = np.random.default_rng(6), {}
    heading = "Face Left Right Origin WhichEye 3DGaze 3DHead 2DGaze 2DHead Rmat Smat GazeOrigin"
    for k in range(PEOPLE):
        lines = []
        for frame, vector in enumerate(looked(rng, FRAMES), start=1):
            pitch, yaw = angles(vector[None])[0]
            paths = [f"p{k:02d}/{part}/{frame}.jpg" for part in ("face", "left", "right")]
            for path in paths:
                saved(tmp_path / "Image" / path, face(vector))
            paths = [one.replace("/", "\\") for one in paths] if k == 1 else paths
            told = [*paths, "day01/0001.jpg", "left", "0,0,-1", "0,0,1", f"{yaw},{pitch}", "0.1,0.2", "0", "0", "0"]
            lines.append(" ".join(told))
            of[f"p{k:02d}/p{k:02d}/face/{frame}"] = vector
        labels(tmp_path, f"p{k:02d}", heading, lines)
    return tmp_path, of


def test_label_files_hold_yaw_first(hub):
    root, of = hub
    recording = open_recording(section("gazehub", root, side=64, inputs=["face", "left", "head"]))
    assert set(recording.table["group"]) == {f"p{k:02d}" for k in range(PEOPLE)}
    for row, name in enumerate(recording.table["id"]):
        sample = recording[row]
        assert_looks_as_labelled(sample, "face", of[name])
        assert sample.inputs["left"].shape == (1, 36, 60)
        np.testing.assert_allclose(sample.inputs["head"], [0.2, 0.1], rtol=1e-6)
    assert checked(section("gazehub", root)).faults == ()


def test_gaze360_in_the_common_form_keeps_its_split(tmp_path):
    for k, name in enumerate(("train", "val", "test", "unused")):
        lines = []
        for frame in range(4):
            path = f"{name}/Face/{frame}.jpg"
            saved(tmp_path / "Image" / path, face([0, 0, -1]))
            lines.append(f"{path} a b rec_{k:03d}/head/{frame // 2:06d}/000131.jpg 0,0,-1 0.1,0.2")
        labels(tmp_path, name, "Face Left Right Origin 3DGaze 2DGaze", lines)
    table = open_recording(section("gazehub", tmp_path)).table
    assert dict(table.groupby("split").size()) == {"train": 4, "validation": 4, "test": 4}
    assert sorted(set(table["group"])) == [f"rec_{k:03d}/{one:06d}" for k in range(3) for one in range(2)]
    with pytest.raises(InputError, match=r"gaze360 hold no 'head'"):
        open_recording(section("gazehub", tmp_path, inputs=["head"]))


@pytest.mark.parametrize(
    ("heading", "line", "told"),
    [
        ("Picture Gaze", "a b", r"headings 'Picture Gaze' tell no data set; set `layout`"),
        ("Face Left Right metapath", "p1/1.jpg l r m 0 0 0.1,x 0.1,0.2", r"line 2: '0\.1,x' is not a yaw and a pitch"),
        ("Face Left Right metapath", ". l r m 0 0 0.1,0.2 0.1,0.2", r"line 2: '\.' names no picture"),
        ("Face Left Right metapath", "p1/1.jpg l r", r"line 2 has 3 fields, not 8"),
    ],
)
def test_lines_that_are_none_are_told(tmp_path, heading, line, told):
    labels(tmp_path, "cluster0", heading, [line])
    with pytest.raises(InputError, match=told):
        open_recording(section("gazehub", tmp_path))


def test_a_picture_elsewhere_that_is_not_there_is_told(hub, tmp_path):
    file = hub[0] / "Label/p02.label"
    file.write_text(file.read_text().replace("p02/face/1.jpg", "/nowhere/1.jpg", 1))
    with pytest.raises(InputError, match=r"no such file \(/nowhere/1\.jpg\)"):
        open_recording(section("gazehub", hub[0]))


def test_heads_of_mirrored_lines_are_not_to_be_trusted(hub):
    file = hub[0] / "Label/p02.label"
    file.write_text(file.read_text().replace(" left ", " right "))
    assert "do not trust" in open_recording(section("gazehub", hub[0], inputs=["face", "head"])).notes[0]
    assert open_recording(section("gazehub", hub[0])).notes == ()


def test_eth_xgaze_in_the_common_form_is_read_once(tmp_path):
    """Beside all people of training stand those of a part, and those without labels."""
    for name, people in (("trainYP", range(PEOPLE)), ("train", range(3)), ("test", range(2))):
        lines = []
        for person in people:
            path = f"subject{person:04d}/1.jpg"
            saved(tmp_path / "Image/train" / path, face([0.1, 0.2, -1]))
            lines.append(f"{path} 0.1,0.2 0.3,0.4 name" if name != "test" else f"{path} 0.3,0.4")
        labels(tmp_path, name, "face gaze head origin", lines)
    recording = open_recording(section("gazehub", tmp_path, layout="eth-xgaze", inputs=["face", "head"]))
    assert len(recording.table) == recording.table["group"].nunique() == PEOPLE
    np.testing.assert_allclose(recording[0].target, [0.2, 0.1], rtol=1e-6)


def test_two_label_files_of_one_name_are_told(hub):
    (hub[0] / "Label/more").mkdir()
    (hub[0] / "Label/more/p02.label").write_text("x")
    with pytest.raises(InputError, match=r"several label files of this name"):
        open_recording(section("gazehub", hub[0]))


def test_a_label_file_that_is_not_there_is_told_with_those_that_are(hub):
    with pytest.raises(InputError, match=r"no p99\.label; there are: p00, p01"):
        open_recording(section("gazehub", hub[0], labels=["p99"]))


# Columbia


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


# MPIIFaceGaze's frames


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


def test_a_line_that_is_none_is_told(frames):
    file = frames[0] / "p02/p02.txt"
    file.write_text(file.read_text() + "day01/0009.jpg 1 2 3\n")
    with pytest.raises(InputError, match=r"p02\.txt: line 5 is not a frame, 26 numbers and an eye"):
        open_recording(section("mpiifacegaze", frames[0], samples="raw"))


# OpenEDS


@pytest.fixture(params=["own split", "one folder"])
def openeds(tmp_path, request):
    rng, of = np.random.default_rng(8), {}
    for k in range(PEOPLE):
        own = ("train", "validation", "test")[k // 2] if request.param == "own split" else ""
        lines = []
        for frame, vector in enumerate(looked(rng, FRAMES)):
            saved(tmp_path / own / "sequences" / f"{k:04d}" / f"{frame:03d}.png", face(vector)[..., 0])
            lines.append(",".join(map(str, [frame, *vector])))
            of[f"{own}/{k:04d}/{frame:03d}".strip("/")] = vector
        lines.append(f"{FRAMES},0,0,-1")  # what comes after the pictures
        (tmp_path / own / "labels").mkdir(exist_ok=True)
        (tmp_path / own / "labels" / f"{k:04d}.txt").write_text("\n".join(lines) + "\n")
    return tmp_path, of


def test_every_picture_has_the_vector_of_its_line(openeds):
    root, of = openeds
    recording = open_recording(section("openeds", root, height=64, width=64))
    assert len(recording.table) == PEOPLE * FRAMES and set(recording.table["split"]) == {"train", "validation", "test"}
    for row, name in enumerate(recording.table["id"]):
        np.testing.assert_allclose(recording[row].target, of[name], atol=1e-6)
        np.testing.assert_allclose(spot(recording[row].inputs["eye"]), of[name][:2], atol=0.02)
    assert recording.spec.groups == "sequences" and checked(section("openeds", root)).faults == ()


def test_an_index_stands_once_and_is_whole(openeds):
    file = next(openeds[0].rglob("labels/0003.txt"))
    for lines in ("0,0,0,-1\n0,0,0,-1\n", "0.7,0,0,-1\n"):
        file.write_text(lines)
        with pytest.raises(InputError, match=r"no whole number, or stood there before"):
            open_recording(section("openeds", openeds[0]))


@pytest.mark.parametrize("line", ["0,1,2", "0,1,x,3", "0,0,0,0", "nan,1,2,3"])
def test_a_line_without_a_vector_is_told(openeds, line):
    file = next(openeds[0].rglob("labels/0003.txt"))
    file.write_text(line + "\n")
    with pytest.raises(InputError, match=r"0003\.txt: line 1 is '"):
        open_recording(section("openeds", openeds[0]))


def test_a_picture_without_a_line_is_told(openeds):
    file = next(openeds[0].rglob("labels/0003.txt"))
    file.write_text("0,0,0,-1\n")
    with pytest.raises(InputError, match=r"has no line for 001\.png \(3 such pictures\)"):
        open_recording(section("openeds", openeds[0]))


@pytest.mark.parametrize("source", ["gazecapture", "gaze360", "gazehub", "columbia", "openeds"])
def test_an_empty_folder_says_what_to_give(source, tmp_path):
    with pytest.raises(InputError, match=str(tmp_path)):
        open_recording(section(source, tmp_path))
