"""Each fault is provoked by damaging a good recording in exactly that way."""

import shutil

import numpy as np
import pytest
from PIL import Image

from xgaze.data.check import KINDS, REMEDIES, Fault, check, summarise
from xgaze.data.open import open_recording
from xgaze.data.sources.eye_folders import recording_of
from xgaze.data.sources.eye_scan import scan
from xgaze.errors import InputError
from xgaze.recipe import Fractions, RenderedData, load_data

HEADER = "cornerxy[0],cornerxy[1]\n"


def only_fault(data, kind):
    """The message of the one fault that is found."""
    faults = check(data)
    assert [fault.kind for fault in faults] == [kind]
    return faults[0].message


def one_session(data, frames, rows):
    """A single session `test/3/IMG1` of `frames` copies of one frame, with the given label rows."""
    folder = data.path / "test/3/IMG1"
    pictures = {camera: (folder / f"1_{camera}.png").read_bytes() for camera in (0, 1, 3, 4)}
    shutil.rmtree(data.path)
    folder.mkdir(parents=True)
    for frame in range(1, frames + 1):
        for camera, content in pictures.items():
            (folder / f"{frame}_{camera}.png").write_bytes(content)
    (folder / "Learn.csv").write_text(HEADER + "\n".join(rows) + "\n")
    return folder


def test_sound_recordings_have_no_fault(eyes, heatmaps, array_folder):
    assert check(eyes) == []
    assert check(heatmaps) == []
    assert check(array_folder.write()) == []


def test_a_missing_root(eyes):
    message = only_fault(eyes.model_copy(update={"path": eyes.path / "nowhere"}), "nothing found")
    assert message == f"{eyes.path}/nowhere: no such folder."


def test_a_layout_that_fits_no_folder(eyes):
    message = only_fault(eyes.model_copy(update={"layout": "{split}/people/{participant}"}), "nothing found")
    assert message.endswith(
        "expected train/people/{participant} or val/people/{participant} or test/people/{participant}."
    )


def test_a_session_without_frames(eyes):
    (eyes.path / "test/3/IMG2").mkdir()
    (eyes.path / "test/3/IMG2/Learn.csv").write_text(HEADER + "1,2\n")
    message = only_fault(eyes, "nothing found")
    assert message == "test/3/IMG2: no frames found; expected files such as {frame}_0.png."


def test_a_missing_camera_file_in_words(eyes):
    folder = one_session(eyes, 20, ["5,5"] * 20)
    (folder / "17_3.png").unlink()
    faults = [fault for fault in check(eyes) if fault.kind == "missing view"]
    assert faults == [Fault("missing view", "test/3/IMG1 frame 17: eye3 missing (17_3.png); 3 of 4 views found.")]


def test_two_missing_cameras_of_one_frame(eyes):
    (eyes.path / "val/5/IMG1/2_0.png").unlink()
    (eyes.path / "val/5/IMG1/2_4.png").unlink()
    message = only_fault(eyes, "missing view")
    assert message == "val/5/IMG1 frame 2: eye0, eye4 missing (2_0.png, 2_4.png); 2 of 4 views found."


def test_a_label_outside_the_scene_in_words(eyes):
    one_session(eyes, 2576, ["5,5"] * 8 + ["1204,310"] + ["5,5"] * 2567)
    with pytest.raises(InputError) as caught:
        open_recording(eyes)
    assert (
        "\n  row 9: gaze (1204, 310) px lies outside the scene 960x540; 1 of 2576 rows. "
        "If most rows fail, check unit and scene.\n"
    ) in str(caught.value)


def test_among_several_sessions_the_table_is_named(eyes):
    (eyes.path / "test/3/IMG1/Learn.csv").write_text(HEADER + "1,2\n1,2\n1204,310\n")
    assert only_fault(eyes, "label outside the scene") == (
        "test/3/IMG1/Learn.csv row 3: gaze (1204, 310) px lies outside the scene 960x540; 1 of 3 rows. "
        "If most rows fail, check unit and scene."
    )


@pytest.mark.parametrize(("point", "count"), [("0,0", 0), ("960,540", 0), ("960.5,1", 1), ("-0.5,1", 1), ("1,541", 1)])
def test_the_edge_of_the_scene_is_inside(eyes, point, count):
    (eyes.path / "test/3/IMG1/Learn.csv").write_text(f"{HEADER}{point}\n1,2\n1,2\n")
    assert [fault.kind for fault in check(eyes)] == ["label outside the scene"] * count


def test_a_picture_that_cannot_be_decoded(eyes):
    path = eyes.path / "test/11/IMG1/3_1.png"
    path.write_bytes(path.read_bytes()[:-40])
    message = only_fault(eyes, "undecodable image")
    assert message.startswith("test/11/IMG1 frame 3: eye1 cannot be decoded (") and message.endswith(" (3_1.png).")


def test_a_picture_of_another_size(eyes):
    Image.fromarray(np.zeros((6, 12), np.uint8)).save(eyes.path / "test/11/IMG1/3_1.png")
    message = only_fault(eyes, "wrong image size")
    assert message == "test/11/IMG1 frame 3: eye1 is 12x6 px, expected 12x8 px (width x height) (3_1.png)."


def test_more_rows_than_frames(eyes):
    (eyes.path / "train/2/IMG1/Learn.csv").write_text(HEADER + "1,2\n" * 7)
    message = only_fault(eyes, "rows against frames")
    assert message == "train/2/IMG1: 3 frames, but 7 rows in Learn.csv; rows without a frame: 4-7."


def test_more_frames_than_rows(eyes):
    (eyes.path / "train/2/IMG1/Learn.csv").write_text(HEADER + "1,2\n")
    message = only_fault(eyes, "rows against frames")
    assert message == "train/2/IMG1: 3 frames, but 1 rows in Learn.csv; frames without a row: 2-3."


def test_frames_that_count_from_0_do_not_shift_all_labels(eyes):
    folder = eyes.path / "train/2/IMG1"
    for frame in range(3):
        for camera in (0, 1, 3, 4):
            (folder / f"{frame + 1}_{camera}.png").rename(folder / f"{frame}_{camera}.png")
    message = only_fault(eyes, "rows against frames")
    assert message.endswith("3 rows in Learn.csv; frames without a row: 0; rows without a frame: 3.")


def test_two_frames_of_one_number_do_not_share_a_label(eyes):
    folder = eyes.path / "train/2/IMG1"
    for camera in (0, 1, 3, 4):
        Image.fromarray(np.full((8, 12), camera, np.uint8)).save(folder / f"02_{camera}.png")
    message = only_fault(eyes, "rows against frames")
    assert message == "train/2/IMG1: frames 02 and 2 are both frame 2, and would share one label."
    with pytest.raises(InputError, match="frames 02 and 2 are both frame 2"):
        recording_of(scan(eyes, for_prediction=True), eyes, eyes.path)
    unlabelled = eyes.model_copy(update={"labels": None})
    assert check(unlabelled) == [] and len(open_recording(unlabelled).table) == 16


def test_a_blank_line_does_not_shift_the_labels_below(eyes):
    (eyes.path / "train/2/IMG1/Learn.csv").write_text(HEADER + "1,2\n\n3,4\n")
    message = only_fault(eyes, "missing label")
    assert message.startswith("train/2/IMG1/Learn.csv row 2: cornerxy[0] is empty and cornerxy[1] is empty")


def test_two_rows_for_one_frame(eyes):
    for table in eyes.path.rglob("Learn.csv"):
        table.write_text("f,x,y\n1,1,1\n2,1,1\n3,1,1\n")
    (eyes.path / "train/2/IMG1/Learn.csv").write_text("f,x,y\n1,1,1\n2,1,1\n3,1,1\n02,5,5\n")
    labels = eyes.labels.model_copy(update={"x": "x", "y": "y", "frame": "f"})
    message = only_fault(eyes.model_copy(update={"labels": labels}), "rows against frames")
    assert message == "train/2/IMG1/Learn.csv row 4: frame 2 has a label in row 2."


@pytest.mark.parametrize(
    ("cell", "words"),
    [("", "empty"), ("NaN", "'NaN', not a number"), ("inf", "'inf', not a number"), ('"1,5"', "'1,5', not a number")],
)
def test_a_label_that_is_no_number(eyes, cell, words):
    (eyes.path / "val/5/IMG1/Learn.csv").write_text(f"{HEADER}1,2\n7,{cell}\n1,2\n")
    message = only_fault(eyes, "missing label")
    assert message == f"val/5/IMG1/Learn.csv row 2: cornerxy[1] is {words}; 1 of 3 rows."


def test_a_missing_table(eyes):
    (eyes.path / "val/5/IMG1/Learn.csv").unlink()
    assert only_fault(eyes, "label table") == "val/5/IMG1/Learn.csv: no such file."


def test_a_missing_column_suggests_the_nearest(eyes):
    (eyes.path / "val/5/IMG1/Learn.csv").write_text("corner_xy[0],y\n1,2\n1,2\n1,2\n")
    message = only_fault(eyes, "label table")
    assert message == (
        "val/5/IMG1/Learn.csv: column 'cornerxy[0]' is missing; did you mean 'corner_xy[0]'? "
        "column 'cornerxy[1]' is missing; did you mean 'corner_xy[0]'?"
    )


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_are_read(eyes, separator):
    rows = ["cornerxy[0],cornerxy[1],note", "1,2,", "3,4,", "5,6,tired"]
    (eyes.path / "val/5/IMG1/Learn.csv").write_text("\n".join(rows).replace(",", separator))
    assert check(eyes) == []


def test_a_row_with_a_field_too_many_or_too_few(eyes):
    (eyes.path / "val/5/IMG1/Learn.csv").write_text(HEADER + "1,2\n3\n5,6\n")
    assert only_fault(eyes, "missing label").endswith("row 2: cornerxy[1] is empty; 1 of 3 rows.")
    (eyes.path / "val/5/IMG1/Learn.csv").write_text(HEADER + "1,2\n3,4,5\n5,6\n")
    assert "Expected 2 fields in line 3, saw 3" in only_fault(eyes, "label table")


def test_a_folder_in_place_of_a_file(eyes):
    folder = eyes.path / "val/5/IMG1"
    for name in ("Learn.csv", "2_4.png"):
        (folder / name).unlink()
        (folder / name).mkdir()
    assert [fault.message for fault in check(eyes)] == [
        "val/5/IMG1 frame 2: eye4 cannot be decoded (Is a directory) (2_4.png).",
        "val/5/IMG1/Learn.csv: cannot be read (Is a directory).",
    ]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00a", b'cornerxy[0],cornerxy[1]\n"1,2\n'])
def test_a_table_that_cannot_be_read(eyes, content):
    (eyes.path / "val/5/IMG1/Learn.csv").write_bytes(content)
    assert only_fault(eyes, "label table").startswith("val/5/IMG1/Learn.csv: not readable as a CSV table")


def test_a_participant_in_two_splits(eyes):
    (eyes.path / "train/2").rename(eyes.path / "train/11")
    message = only_fault(eyes, "participant in two splits")
    assert message == "participant 11 is in train and test (folders train/11/IMG1, test/11/IMG1)."


def test_identical_frames_in_two_splits(eyes):
    for camera in (0, 1, 3, 4):
        shutil.copy(eyes.path / f"train/1/IMG1/2_{camera}.png", eyes.path / f"test/3/IMG1/1_{camera}.png")
    message = only_fault(eyes, "identical images across splits")
    assert message == "train/1/IMG1 frame 2 (train) and test/3/IMG1 frame 1 (test) have the same pixels."


def test_one_identical_camera_is_not_an_identical_frame(eyes):
    shutil.copy(eyes.path / "train/1/IMG1/2_0.png", eyes.path / "test/3/IMG1/1_0.png")
    assert check(eyes) == []


def test_identical_frames_within_a_split_are_no_leak(eyes):
    for camera in (0, 1, 3, 4):
        shutil.copy(eyes.path / f"train/1/IMG1/2_{camera}.png", eyes.path / f"train/2/IMG1/1_{camera}.png")
    assert check(eyes) == []


def test_an_empty_split(eyes):
    shutil.rmtree(eyes.path / "val")
    assert only_fault(eyes, "empty split") == "validation: no frames in val/{participant}/{session}."


def test_a_split_without_a_folder_name(eyes):
    data = eyes.model_copy(update={"splits": {"train": "train", "test": "test"}})
    assert only_fault(data, "empty split") == "validation: `splits` names no folder for it."


def test_an_unlabelled_recording_needs_no_splits(eyes):
    shutil.rmtree(eyes.path / "train")
    assert check(eyes.model_copy(update={"labels": None})) == []


def test_a_definition_that_cannot_work(eyes):
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
    for data, total in ((eyes, 15), (heatmaps, 16)):
        told = []
        check(data, lambda done, total, told=told: told.append((done, total)))
        assert told == [(k, total) for k in range(1, total + 1)]


def test_a_damaged_gaze_picture(heatmaps):
    (heatmaps.path / "control/0/1.png").write_bytes(b"x")
    assert only_fault(heatmaps, "undecodable image") == "control/0/1.png: cannot be decoded (not a picture)."


def test_identical_gaze_pictures_in_two_splits(heatmaps):
    table = open_recording(heatmaps).table
    first = {split: own["id"].iloc[0] for split, own in table.groupby("split")}
    shutil.copy(heatmaps.path / first["train"], heatmaps.path / first["test"])
    message = only_fault(heatmaps, "identical images across splits")
    assert message == f"{first['train']} (train) and {first['test']} (test) have the same pixels."


def test_a_class_of_two_participants_is_missing_from_validation(heatmaps):
    for k in (0, 2):
        shutil.rmtree(heatmaps.path / f"control/{k}")
    message = only_fault(heatmaps, "class missing from a split")
    assert message == "class control: no participant in validation; 2 participant(s) of this class in all."


def test_two_participants_leave_a_split_empty(heatmaps):
    for k in range(2, 8):
        shutil.rmtree(heatmaps.path / ("control", "patient")[k % 2] / str(k))
    assert only_fault(heatmaps, "empty split").startswith("2 participant(s) found (0, 1)")


def test_fractions_that_leave_no_training(heatmaps):
    data = heatmaps.model_copy(update={"split": Fractions(validation=0.5, test=0.5)})
    assert "leave no participant for training" in only_fault(data, "empty split")


def test_pictures_are_looked_at_even_without_a_table(heatmaps, array_folder):
    data = array_folder.write()
    (data.path / "images.csv").unlink()
    told = []
    faults = check(data, lambda done, total: told.append(done))
    assert [fault.kind for fault in faults] == ["label table"] and len(told) == 12


def test_missing_labels_in_a_table_do_not_hide_other_faults(array_folder):
    array_folder.lines[0], array_folder.lines[3] = "0,,TD", ",1,ASD"
    found = summarise(check(array_folder.write()))
    assert [(group["kind"], group["count"]) for group in found] == [("missing label", 2)]


def test_rendered_settings_that_cannot_be_rendered_are_a_fault():
    assert "seed must not be negative" in only_fault(RenderedData(source="rendered", seed=-1), "definition")


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
