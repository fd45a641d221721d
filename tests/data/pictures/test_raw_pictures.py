"""Raw folders of gaze pictures: file names that say participant, class and kind, and a crop box."""

import numpy as np
import pytest
from PIL import Image

from xgaze.data.checks.soundness import check
from xgaze.data.open import open_for_prediction, open_recording
from xgaze.data.pictures.gaze_image_section import GazeImagesData
from xgaze.errors import InputError
from xgaze.recipe import load_data

NAMES = r"[^\d]*(?P<participant>\d+).*(?P<class>[CP]).(?P<kind>.)\.png"
BOX = (2, 3, 10, 7)
PEOPLE = ("1", "2", "3", "4", "11", "12", "21", "111")


def grey(k, kind):
    return 10 * k + "abc".index(kind)


@pytest.fixture
def raw(tmp_path):
    """Eight people; each gave a picture of every kind (a, b, c), classes C and P by turns.

    Inside the box each has a grey of its own.
    """
    for k, person in enumerate(PEOPLE):
        for kind in "abc":
            pixels = np.full((9, 12), 255, np.uint8)
            pixels[BOX[1] : BOX[3], BOX[0] : BOX[2]] = grey(k, kind)
            path = tmp_path / "raw" / f"sub{person}_trial_{'CP'[k % 2]}_{kind}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(pixels).save(path)
    return GazeImagesData(source="gaze-images", path=tmp_path / "raw", names=NAMES, crop=BOX, height=8, width=8)


def changed(data, **values):
    return GazeImagesData.model_validate({**data.model_dump(), **values})


def test_names_say_participant_and_class_in_the_fixed_places(raw):
    recording = open_recording(raw)
    assert recording.spec.classes == ("C", "P") and len(recording.table) == 24
    for name, person, label in zip(*(recording.table[c] for c in ("id", "group", "label")), strict=True):
        assert name[-7] == "CP"[label] and name.split("_")[0] == f"sub{person}"


def test_participant_1_is_neither_11_nor_21_nor_111(raw):
    table = open_recording(raw).table
    assert table["group"].value_counts().to_dict() == dict.fromkeys(PEOPLE, 3)
    assert table.groupby("group")["split"].nunique().eq(1).all()


def test_only_pictures_of_the_kind_are_taken(raw):
    table = open_recording(changed(raw, kind="b")).table
    assert len(table) == 8 and all(name.endswith("_b.png") for name in table["id"])
    with pytest.raises(InputError, match="no picture of kind 'd'; found a, b, c"):
        open_recording(changed(raw, kind="d"))


def test_only_the_box_is_seen(raw):
    recording = open_recording(raw)
    for row, name in enumerate(recording.table["id"]):
        expected = grey(PEOPLE.index(recording.table["group"][row]), name[-5])
        np.testing.assert_array_equal(recording[row].inputs["image"], np.full((3, 8, 8), expected))


def test_a_box_beyond_the_picture_is_refused_and_not_filled_with_black(raw):
    wide = changed(raw, crop=(0, 0, 13, 9))
    faults = check(wide)
    assert len(faults) == 24 and {fault.kind for fault in faults} == {"wrong image size"}
    assert "sub1_trial_C_a.png: is 12x9 px, but crop (0, 0, 13, 9) reaches beyond it" in faults[0].message
    with pytest.raises(InputError, match="reaches beyond it"):
        open_recording(wide)[0]


def test_a_sound_raw_folder_has_no_fault_and_arranged_folders_take_the_same_box(raw):
    assert check(raw) == []
    for path in raw.path.glob("*_b.png"):
        folder = raw.path.parent / "scanpaths/b" / path.name[-7] / path.name.split("_")[0].removeprefix("sub")
        folder.mkdir(parents=True)
        path.rename(folder / path.name)
    arranged = changed(raw, names=None, path=raw.path.parent / "scanpaths/b")
    recording = open_recording(arranged)
    assert recording.spec.classes == ("C", "P") and len(recording.table) == 8
    assert np.unique(recording[0].inputs["image"]).size == 1


def test_a_name_that_does_not_fit_is_named(raw):
    (raw.path / "sub1_trial_C_a.png").rename(raw.path / "sub1_trial_X_a.png")
    messages = [fault.message for fault in check(raw)]
    assert len(messages) == 1 and messages[0].startswith("sub1_trial_X_a.png: does not fit names '")


def test_a_group_that_cuts_a_number_is_refused(raw):
    careless = changed(raw, names=NAMES.replace(r"\d+", r"\d"))
    messages = [fault.message for fault in check(careless) if fault.kind == "definition"]
    assert len(messages) == 12 and "participant '1' is only a part of the number there" in messages[0]
    with pytest.raises(InputError, match="take all digits"):
        open_recording(careless)


def test_new_pictures_are_read_like_those_trained_on(raw, tmp_path):
    trained = open_recording(raw)
    new = open_for_prediction(raw.path, trained.spec, raw)
    assert set(new.table["split"]) == {"test"} and new.table["group"].equals(trained.table["group"])
    np.testing.assert_array_equal(new[3].inputs["image"], trained[3].inputs["image"])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (r"names: '(?P<participant>\d+)\.png'", r"needs the named groups \(\?P<participant>"),
        (r"names: '(?P<participant>\d+'", "not a regular expression"),
        ("crop: [5, 0, 5, 9]", "left < right and top < bottom"),
        ("kind: a", "kind needs names"),
    ],
)
def test_wrong_settings_are_explained(tmp_path, lines, message):
    path = tmp_path / "data.yaml"
    path.write_text(f"source: gaze-images\npath: x\n{lines}\n")
    with pytest.raises(InputError, match=message):
        load_data(path)
