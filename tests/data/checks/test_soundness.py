"""Each fault is provoked by damaging a good recording in exactly that way."""

import shutil

import numpy as np
from PIL import Image

from xgaze.data.checks.soundness import KINDS, REMEDIES, Fault, check, summarise
from xgaze.data.sources.rendered import RenderedData
from xgaze.recipe import load_data

HEADER = "cornerxy[0],cornerxy[1]\n"


def test_sound_recordings_have_no_fault(eyes, heatmaps, array_folder):
    assert check(eyes) == []
    assert check(heatmaps) == []
    assert check(array_folder.write()) == []


def test_a_missing_root(eyes, only_fault):
    message = only_fault(eyes.model_copy(update={"path": eyes.path / "nowhere"}), "nothing found")
    assert message == f"{eyes.path}/nowhere: no such folder."


def test_a_layout_that_fits_no_folder(eyes, only_fault):
    message = only_fault(eyes.model_copy(update={"layout": "{split}/people/{participant}"}), "nothing found")
    assert message.endswith(
        "expected train/people/{participant} or val/people/{participant} or test/people/{participant}."
    )


def test_a_session_without_frames(eyes, only_fault):
    (eyes.path / "test/3/IMG2").mkdir()
    (eyes.path / "test/3/IMG2/Learn.csv").write_text(HEADER + "1,2\n")
    message = only_fault(eyes, "nothing found")
    assert message == "test/3/IMG2: no frames found; expected files such as {frame}_0.png."


def test_a_missing_camera_file_in_words(eyes, one_session):
    folder = one_session(eyes, 20, ["5,5"] * 20)
    (folder / "17_3.png").unlink()
    faults = [fault for fault in check(eyes) if fault.kind == "missing view"]
    assert faults == [Fault("missing view", "test/3/IMG1 frame 17: eye3 missing (17_3.png); 3 of 4 views found.")]


def test_two_missing_cameras_of_one_frame(eyes, only_fault):
    (eyes.path / "val/5/IMG1/2_0.png").unlink()
    (eyes.path / "val/5/IMG1/2_4.png").unlink()
    message = only_fault(eyes, "missing view")
    assert message == "val/5/IMG1 frame 2: eye0, eye4 missing (2_0.png, 2_4.png); 2 of 4 views found."


def test_a_picture_that_cannot_be_decoded(eyes, only_fault):
    path = eyes.path / "test/11/IMG1/3_1.png"
    path.write_bytes(path.read_bytes()[:-40])
    message = only_fault(eyes, "undecodable image")
    assert message.startswith("test/11/IMG1 frame 3: eye1 cannot be decoded (") and message.endswith(" (3_1.png).")


def test_a_picture_of_another_size(eyes, only_fault):
    Image.fromarray(np.zeros((6, 12), np.uint8)).save(eyes.path / "test/11/IMG1/3_1.png")
    message = only_fault(eyes, "wrong image size")
    assert message == "test/11/IMG1 frame 3: eye1 is 12x6 px, expected 12x8 px (width x height) (3_1.png)."


def test_a_folder_in_place_of_a_file(eyes):
    folder = eyes.path / "val/5/IMG1"
    for name in ("Learn.csv", "2_4.png"):
        (folder / name).unlink()
        (folder / name).mkdir()
    assert [fault.message for fault in check(eyes)] == [
        "val/5/IMG1 frame 2: eye4 cannot be decoded (Is a directory) (2_4.png).",
        "val/5/IMG1/Learn.csv: is a folder, no file.",
    ]


def test_a_definition_that_cannot_work(eyes, only_fault):
    message = only_fault(eyes.model_copy(update={"layout": "{split}/IMG1"}), "definition")
    assert message.startswith("layout '{split}/IMG1': {participant} is missing")


def test_all_faults_are_found_at_once(eyes):
    (eyes.path / "test/3/IMG1/2_3.png").unlink()
    (eyes.path / "test/3/IMG1/3_3.png").write_bytes(b"")
    (eyes.path / "val/5/IMG1/Learn.csv").write_text(HEADER + "1,\n-4,2\n")
    shutil.copytree(eyes.path / "train/1", eyes.path / "val/1")
    Image.fromarray(np.zeros((3, 3), np.uint8)).save(eyes.path / "train/2/IMG1/1_0.png")
    found = {group["kind"]: group["count"] for group in summarise(check(eyes))}
    assert found == {
        "missing view": 1,
        "undecodable image": 1,
        "wrong image size": 1,
        "rows against frames": 1,
        "missing label": 1,
        "label outside the scene": 1,
        "participant in two splits": 1,
        "identical images across splits": 3,
    }


def test_checking_writes_nothing(eyes):
    before = sorted(eyes.path.parent.rglob("*"))
    (eyes.path / "test/3/IMG1/2_3.png").write_bytes(b"")
    check(eyes)
    assert sorted(eyes.path.parent.rglob("*")) == before


def test_checking_tells_how_far_it_is(eyes, heatmaps):
    for data, total in ((eyes, 18), (heatmaps, 16)):
        told = []
        check(data, lambda done, total, told=told: told.append((done, total)))
        assert told == [(k, total) for k in range(1, total + 1)]


def test_a_damaged_gaze_picture(heatmaps, only_fault):
    (heatmaps.path / "control/0/1.png").write_bytes(b"x")
    assert only_fault(heatmaps, "undecodable image") == "control/0/1.png: cannot be decoded (not a picture)."


def test_pictures_are_looked_at_even_without_a_table(heatmaps, array_folder):
    data = array_folder.write()
    (data.path / "images.csv").unlink()
    told = []
    faults = check(data, lambda done, total: told.append(done))
    assert [fault.kind for fault in faults] == ["label table"] and len(told) == 12


def test_rendered_settings_that_cannot_be_rendered_are_a_fault(only_fault):
    assert "seed must not be negative" in only_fault(
        RenderedData(source="rendered").model_copy(update={"seed": -1}), "definition"
    )


def test_a_summary_keeps_the_order_of_kinds_and_twenty_messages():
    faults = [Fault("empty split", "test: nobody.")] + [Fault("missing view", f"frame {k}") for k in range(25)]
    assert summarise(faults) == [
        {"kind": "missing view", "count": 25, "first": [f"frame {k}" for k in range(20)]},
        {"kind": "empty split", "count": 1, "first": ["test: nobody."]},
    ]


def test_every_kind_has_a_remedy():
    assert tuple(REMEDIES) == KINDS and all(remedy.endswith(".") for remedy in REMEDIES.values())


def test_a_definition_file_is_checked_from_its_own_folder(eyes):
    (eyes.path / "recording.yaml").write_text("source: eye-folders\npath: .\nheight: 8\nwidth: 12\n")
    assert check(load_data(eyes.path / "recording.yaml")) == []
