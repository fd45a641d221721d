"""Eye-camera frames in folders."""

import numpy as np
import pytest
from PIL import Image

from xgaze.data.eyes.eye_section import GazeLabels
from xgaze.data.open import open_recording
from xgaze.errors import InputError


def change(data, **fields):
    return data.model_copy(update=fields)


def refusal(data):
    with pytest.raises(InputError) as caught:
        open_recording(data)
    return str(caught.value)


def test_a_recording_has_a_row_per_frame(eyes):
    recording = open_recording(eyes)
    table = recording.table
    assert list(table.columns) == ["id", "group", "session", "split", "gaze_x_px", "gaze_y_px"]
    assert len(table) == 18
    assert table["id"].tolist()[:4] == ["1/IMG1/1", "1/IMG1/2", "1/IMG1/3", "2/IMG1/1"]
    assert table.groupby("split")["group"].unique().map(list).to_dict() == {
        "train": ["1", "2"],
        "validation": ["5", "6"],
        "test": ["3", "11"],
    }
    assert table.loc[1, ["gaze_x_px", "gaze_y_px"]].tolist() == [102, 52.5]


def test_the_spec_says_what_a_model_reads(eyes):
    spec = open_recording(eyes).spec
    assert [(one.name, one.shape) for one in spec.inputs] == [(f"eye{k}", (1, 8, 12)) for k in (0, 1, 3, 4)]
    assert (spec.inputs[0].mean, spec.inputs[0].std) == (98.54010552, 41.5086445)
    assert (spec.kind, spec.unit, spec.scene, spec.rendered) == ("gaze", "px", (960, 540), False)


def test_a_sample_holds_the_pixels_of_its_frame(eyes):
    recording = open_recording(eyes)
    row = recording.table["id"].tolist().index("11/IMG1/2")
    sample = recording[row]
    assert sample.id == "11/IMG1/2" and sample.groups == {"group": "11", "session": "IMG1"}
    for camera in (0, 1, 3, 4):
        stored = np.asarray(Image.open(eyes.path / f"test/11/IMG1/2_{camera}.png"))
        np.testing.assert_array_equal(sample.inputs[f"eye{camera}"], stored[None])
    assert sample.target.dtype == np.float32 and sample.target.tolist() == [102, 52.5]


def test_pictures_are_resized_where_the_definition_says_so(eyes):
    recording = open_recording(change(eyes, resize_height=4, resize_width=6))
    assert recording.spec.inputs[0].shape == (1, 4, 6)
    assert recording[0].inputs["eye0"].shape == (1, 4, 6)


def test_frame_10_comes_after_frame_9_and_has_row_10(eyes):
    folder = eyes.path / "train/1/IMG1"
    for frame in range(4, 12):
        for camera in (0, 1, 3, 4):
            (folder / f"{frame}_{camera}.png").write_bytes((folder / f"1_{camera}.png").read_bytes())
    rows = "\n".join(f"{frame},{frame}" for frame in range(1, 12))
    (folder / "Learn.csv").write_text(f"cornerxy[0],cornerxy[1]\n{rows}\n")
    table = open_recording(eyes).table
    own = table[table["group"] == "1"]
    assert own["id"].tolist() == [f"1/IMG1/{frame}" for frame in range(1, 12)]
    assert own["gaze_x_px"].tolist() == list(range(1, 12))


def test_a_frame_column_decides_which_row_is_whose(eyes):
    for table in eyes.path.rglob("Learn.csv"):
        table.write_text("x,y,picture\n30,3,3\n10,1,001\n20,2,2.0\n")
    labels = GazeLabels(file="Learn.csv", x="x", y="y", frame="picture")
    table = open_recording(change(eyes, labels=labels)).table
    assert table["gaze_x_px"].tolist() == [10, 20, 30] * 6


@pytest.mark.parametrize("start", ["\ufeff", ""], ids=["BOM", "no BOM"])
def test_a_byte_order_mark_and_spaces_are_tolerated(eyes, start):
    (eyes.path / "val/5/IMG1/Learn.csv").write_bytes(
        (start + " cornerxy[0] , cornerxy[1]\r\n 1 , 2 \r\n3,4\r\n5,6\r\n\r\n").encode()
    )
    table = open_recording(eyes).table
    assert table.loc[table["group"] == "5", "gaze_y_px"].tolist() == [2, 4, 6]


def test_a_layout_names_folders_in_any_order(eyes):
    for session in [path.parent for path in eyes.path.rglob("Learn.csv")]:
        split, person, name = session.relative_to(eyes.path).parts
        target = eyes.path.parent / "again" / f"person {person}" / f"{name}-{split}" / "frames"
        target.parent.mkdir(parents=True)
        session.rename(target)
    layout = "person {participant}/{session}-{split}/frames"
    table = open_recording(change(eyes, path=eyes.path.parent / "again", layout=layout)).table
    assert table["id"].tolist()[-1] == "11/IMG1/3"
    assert table.groupby("split").size().to_dict() == {"test": 6, "train": 6, "validation": 6}


def test_without_sessions_all_frames_are_of_session_0(eyes):
    table = open_recording(change(eyes, layout="{split}/{participant}/IMG1")).table
    assert table["id"].iloc[0] == "1/0/1"


def test_unlabelled_frames_open_with_unknown_gaze(eyes):
    for table in eyes.path.rglob("Learn.csv"):
        table.unlink()
    recording = open_recording(change(eyes, labels=None, splits={"test": "test"}))
    assert recording.table["gaze_x_px"].isna().all() and len(recording.table) == 6
    assert np.isnan(recording[0].target).all()


def test_opening_tells_all_faults_at_once_and_what_to_do(eyes):
    (eyes.path / "test/3/IMG1/2_3.png").unlink()
    (eyes.path / "val/5/IMG1/Learn.csv").write_text("cornerxy[0],cornerxy[1]\n1,1\n1,999\n1,1\n")
    message = refusal(eyes)
    assert message.startswith(f"{eyes.path}: 2 faults:")
    assert "test/3/IMG1 frame 2: eye3 missing (2_3.png); 3 of 4 views found." in message
    assert "val/5/IMG1/Learn.csv row 2: gaze (1, 999) px lies outside the scene 960x540; 1 of 3 rows." in message
    assert "missing view: Restore the picture" in message


def test_of_many_faults_twenty_are_shown(eyes):
    (eyes.path / "val/5/IMG1/Learn.csv").write_text("cornerxy[0],cornerxy[1]\n" + "-1,5\n" * 25)
    message = refusal(eyes)
    assert message.startswith(f"{eyes.path}: 26 faults, the first 20:")
    assert message.count("lies outside the scene") == 20 and "row 20:" in message and "row 21:" not in message


def test_a_picture_damaged_after_opening_is_named(eyes):
    recording = open_recording(eyes)
    path = eyes.path / "train/1/IMG1/1_4.png"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(InputError, match=r"1_4\.png: cannot be decoded"):
        recording[0]
    path.unlink()
    with pytest.raises(InputError, match=r"1_4\.png: no such file"):
        recording[0]


def test_a_picture_of_another_size_is_named_when_read(eyes):
    recording = open_recording(change(eyes, height=16))
    with pytest.raises(InputError, match=r"1_0\.png: is 12x8 px, expected 12x16 px"):
        recording[0]


def test_sixteen_bit_pictures_are_refused_not_clipped(eyes):
    recording = open_recording(eyes)
    Image.fromarray(np.full((8, 12), 40_000, np.uint16)).save(eyes.path / "train/1/IMG1/1_0.png")
    with pytest.raises(InputError, match=r"1_0\.png: pixels are I;16, expected 8 bits"):
        recording[0]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"layout": "{split}/{subject}/{session}"},
            r"unknown placeholder {subject}; known: participant, session, split",
        ),
        ({"layout": "{participant}/{session}"}, r"{split} is missing, so it cannot be known which split"),
        ({"views": {"eye0": "eye0.png"}}, r"eye0: 'eye0.png' must contain {frame}"),
        ({"views": {"a": "{frame}.png", "b": "{frame}.png"}}, "each must name a file of its own"),
        ({"resize_height": 64}, "resize_height and resize_width must be given together"),
    ],
)
def test_a_definition_that_cannot_work_is_explained(eyes, fields, message):
    assert message in refusal(change(eyes, **fields))
