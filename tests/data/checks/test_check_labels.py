"""Faults of label tables, each provoked by damaging a good recording in exactly that way."""

import numpy as np
import pytest
from PIL import Image

from xgaze.data.checks.soundness import check, summarise
from xgaze.data.eyes.eye_recording import recording_of
from xgaze.data.eyes.eye_scan import scan
from xgaze.data.open import open_recording
from xgaze.errors import InputError

HEADER = "cornerxy[0],cornerxy[1]\n"


def test_a_label_outside_the_scene_in_words(eyes, one_session):
    one_session(eyes, 2576, ["5,5"] * 8 + ["1204,310"] + ["5,5"] * 2567)
    with pytest.raises(InputError) as caught:
        open_recording(eyes)
    assert (
        "\n  row 9: gaze (1204, 310) px lies outside the scene 960x540; 1 of 2576 rows. "
        "If most rows fail, check unit and scene.\n"
    ) in str(caught.value)


def test_among_several_sessions_the_table_is_named(eyes, only_fault):
    (eyes.path / "test/3/IMG1/Learn.csv").write_text(HEADER + "1,2\n1,2\n1204,310\n")
    assert only_fault(eyes, "label outside the scene") == (
        "test/3/IMG1/Learn.csv row 3: gaze (1204, 310) px lies outside the scene 960x540; 1 of 3 rows. "
        "If most rows fail, check unit and scene."
    )


@pytest.mark.parametrize(("point", "count"), [("0,0", 0), ("960,540", 0), ("960.5,1", 1), ("-0.5,1", 1), ("1,541", 1)])
def test_the_edge_of_the_scene_is_inside(eyes, point, count):
    (eyes.path / "test/3/IMG1/Learn.csv").write_text(f"{HEADER}{point}\n1,2\n1,2\n")
    assert [fault.kind for fault in check(eyes)] == ["label outside the scene"] * count


def test_more_rows_than_frames(eyes, only_fault):
    (eyes.path / "train/2/IMG1/Learn.csv").write_text(HEADER + "1,2\n" * 7)
    message = only_fault(eyes, "rows against frames")
    assert message == "train/2/IMG1: 3 frames, but 7 rows in Learn.csv; rows without a frame: 4-7."


def test_more_frames_than_rows(eyes, only_fault):
    (eyes.path / "train/2/IMG1/Learn.csv").write_text(HEADER + "1,2\n")
    message = only_fault(eyes, "rows against frames")
    assert message == "train/2/IMG1: 3 frames, but 1 rows in Learn.csv; frames without a row: 2-3."


def test_frames_that_count_from_0_do_not_shift_all_labels(eyes, only_fault):
    folder = eyes.path / "train/2/IMG1"
    for frame in range(3):
        for camera in (0, 1, 3, 4):
            (folder / f"{frame + 1}_{camera}.png").rename(folder / f"{frame}_{camera}.png")
    message = only_fault(eyes, "rows against frames")
    assert message.endswith("3 rows in Learn.csv; frames without a row: 0; rows without a frame: 3.")


def test_two_frames_of_one_number_do_not_share_a_label(eyes, only_fault):
    folder = eyes.path / "train/2/IMG1"
    for camera in (0, 1, 3, 4):
        Image.fromarray(np.full((8, 12), camera, np.uint8)).save(folder / f"02_{camera}.png")
    message = only_fault(eyes, "rows against frames")
    assert message == "train/2/IMG1: frames 02 and 2 are both frame 2, and would share one label."
    with pytest.raises(InputError, match="frames 02 and 2 are both frame 2"):
        recording_of(scan(eyes, for_prediction=True), eyes, eyes.path)
    unlabelled = eyes.model_copy(update={"labels": None})
    assert check(unlabelled) == [] and len(open_recording(unlabelled).table) == 19


def test_a_blank_line_does_not_shift_the_labels_below(eyes, only_fault):
    (eyes.path / "train/2/IMG1/Learn.csv").write_text(HEADER + "1,2\n\n3,4\n")
    message = only_fault(eyes, "missing label")
    assert message.startswith("train/2/IMG1/Learn.csv row 2: cornerxy[0] is empty and cornerxy[1] is empty")


def test_two_rows_for_one_frame(eyes, only_fault):
    for table in eyes.path.rglob("Learn.csv"):
        table.write_text("f,x,y\n1,1,1\n2,1,1\n3,1,1\n")
    (eyes.path / "train/2/IMG1/Learn.csv").write_text("f,x,y\n1,1,1\n2,1,1\n3,1,1\n02,5,5\n")
    labels = eyes.labels.model_copy(update={"x": "x", "y": "y", "frame": "f"})
    message = only_fault(eyes.model_copy(update={"labels": labels}), "rows against frames")
    assert message == "train/2/IMG1/Learn.csv row 4: frame 2 has a label in row 2."


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("", "empty"),
        ("NaN", "'NaN', not a number"),
        ("inf", "'inf', not a number"),
        ('"1,5,5"', "'1,5,5', not a number"),
    ],
)
def test_a_label_that_is_no_number(eyes, cell, words, only_fault):
    (eyes.path / "val/5/IMG1/Learn.csv").write_text(f"{HEADER}1,2\n7,{cell}\n1,2\n")
    message = only_fault(eyes, "missing label")
    assert message == f"val/5/IMG1/Learn.csv row 2: cornerxy[1] is {words}; 1 of 3 rows."


def test_a_missing_table(eyes, only_fault):
    (eyes.path / "val/5/IMG1/Learn.csv").unlink()
    assert only_fault(eyes, "label table") == "val/5/IMG1/Learn.csv: no such file."


def test_a_missing_column_suggests_the_nearest(eyes, only_fault):
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


@pytest.mark.parametrize(("row", "fields"), [("3", "1 field"), ("3,4,5", "3 fields"), ("3,4,", "3 fields")])
def test_a_row_with_a_field_too_many_or_too_few(eyes, row, fields, only_fault):
    (eyes.path / "val/5/IMG1/Learn.csv").write_text(f"{HEADER}1,2\n{row}\n5,6\n")
    message = only_fault(eyes, "label table")
    assert message.startswith(f"val/5/IMG1/Learn.csv: line 3 has {fields}, the header 2.")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no table: no line with headings"),
        (b"\xff\xfea", "not text in UTF-16"),
        (b"cornerxy[0],cornerxy[1]\n1,2\n\xe4,3\n", "line 3: byte 0xE4 is no UTF-8"),
    ],
)
def test_a_table_that_cannot_be_read(eyes, content, words, only_fault):
    (eyes.path / "val/5/IMG1/Learn.csv").write_bytes(content)
    assert only_fault(eyes, "label table").startswith(f"val/5/IMG1/Learn.csv: {words}")


def test_missing_labels_in_a_table_do_not_hide_other_faults(array_folder):
    array_folder.lines[0], array_folder.lines[3] = "0,,TD", ",1,ASD"
    found = summarise(check(array_folder.write()))
    assert [(group["kind"], group["count"]) for group in found] == [("missing label", 2)]
