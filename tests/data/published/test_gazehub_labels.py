"""Label files of the common form, generated: yaw first, whatever made their paths."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from xgaze.data.checks.soundness import checked
from xgaze.data.open import open_recording
from xgaze.errors import InputError

DRAWN = runpy.run_path(str(Path(__file__).with_name("faces.py")))
angles, assert_looks_as_labelled, face, looked, saved, section = (
    DRAWN[name] for name in ("angles", "assert_looks_as_labelled", "face", "looked", "saved", "section")
)
PEOPLE, FRAMES = 6, 4


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


def test_lines_and_pictures_of_several_people_are_told_together(hub):
    root, _ = hub
    for name in ("p02", "p04"):
        file = root / f"Label/{name}.label"
        file.write_text(file.read_text() + "a b\n")
    (root / "Image/p00/face/3.jpg").unlink()
    with pytest.raises(InputError, match="3 faults") as told:
        open_recording(section("gazehub", root))
    for one in ("p02.label: line 6 has 2 fields", "p04.label: line 6", "p00/p00/face/3: face: no such file"):
        assert one in str(told.value)
    assert [one.kind for one in checked(section("gazehub", root)).faults] == ["missing view", *["damaged file"] * 2]


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


def test_an_empty_folder_says_what_to_give(tmp_path):
    with pytest.raises(InputError, match=str(tmp_path)):
        open_recording(section("gazehub", tmp_path))
