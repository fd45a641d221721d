"""Who is one person, and who is not, in folders of pictures."""

import shutil
import unicodedata

import numpy as np
import pytest
from PIL import Image

from xgaze.data.checks.soundness import check, checked
from xgaze.data.identities import alike, number, spelling
from xgaze.data.open import open_for_prediction, open_recording
from xgaze.data.pictures.gaze_image_section import GazeImagesData
from xgaze.data.unlabelled import open_unlabelled
from xgaze.errors import InputError
from xgaze.recipe import Recipe
from xgaze.recipe.data_sections import UnlabelledFiles


@pytest.fixture
def numbered(tmp_path):
    """Classes A and B of people 01 to 06 each, with one picture."""
    rng = np.random.default_rng(0)
    for name in "AB":
        for person in range(1, 7):
            path = tmp_path / f"data/{name}/{person:02d}/0.png"
            path.parent.mkdir(parents=True)
            Image.fromarray(rng.integers(0, 256, (8, 8), np.uint8)).save(path)
    return GazeImagesData(source="gaze-images", path=tmp_path / "data", height=8, width=8)


def asked(data, **values):
    return data.model_copy(update=values)


def test_one_name_in_several_classes_is_asked_about_with_counts_and_both_answers(numbered):
    (fault,) = check(numbered)
    assert fault.kind == "name in several classes"
    assert "6 of 6 participants are in several classes (01-06; 01 is in A and B)" in fault.message
    with pytest.raises(InputError, match=r"Set data.participants: across-classes .* or per-class"):
        open_recording(numbered)


def test_per_class_there_are_twelve_people_and_across_classes_six(numbered):
    apart = open_recording(asked(numbered, participants="per-class")).table
    assert sorted(set(apart["group"])) == [f"{name}/{k:02d}" for name in "AB" for k in range(1, 7)]
    assert len(apart.groupby(["split", "label"])) == 6  # every class in every split
    same = open_recording(asked(numbered, participants="across-classes")).table
    assert sorted(set(same["group"])) == [f"{k:02d}" for k in range(1, 7)]
    assert same.groupby("group")["split"].nunique().eq(1).all()
    assert (
        check(asked(numbered, participants="per-class")) == check(asked(numbered, participants="across-classes")) == []
    )


def test_one_person_in_two_classes_is_enough_to_ask(numbered):
    for k in range(1, 6):
        (numbered.path / f"B/{k:02d}").rename(numbered.path / f"B/{k + 10}")
    assert "1 of 11 participants are in several classes (06; 06 is in A and B)" in check(numbered)[0].message


def test_names_and_tables_are_asked_alike(numbered, array_folder, tmp_path):
    for name in "AB":
        for k in range(1, 4):
            path = tmp_path / f"flat/{name}_{k}.png"
            path.parent.mkdir(exist_ok=True)
            shutil.copy(numbered.path / f"{name}/{k:02d}/0.png", path)
    flat = asked(numbered, path=tmp_path / "flat", names=r"(?P<class>[AB])_(?P<participant>\d+)\.png")
    assert "3 of 3 participants are in several classes" in check(flat)[0].message
    assert len(set(open_recording(asked(flat, participants="per-class")).table["group"])) == 6
    array_folder.lines = [f"{k // 2},{k % 2},x{k % 2}" for k in range(12)]
    table = array_folder.write()
    assert "6 of 6 participants are in several classes (0-5; 0 is in x0 and x1)" in check(table)[0].message
    assert check(asked(table, participants="across-classes")) == []


def test_to_predict_nobody_is_merged_and_it_is_said(numbered):
    spec = open_recording(asked(numbered, participants="per-class")).spec
    found = open_for_prediction(numbered.path, spec, numbered)
    assert found.table["group"].nunique() == 12
    assert found.notes == ("participants of the same name in several classes are taken for different people.",)


def test_unlabelled_pictures_of_a_held_out_name_are_refused_though_their_class_is_unknown(numbered, tmp_path):
    data = asked(numbered, participants="per-class")
    recording = open_recording(data)
    table = recording.table
    held = table["group"][table["split"] == "test"].iloc[0].split("/")[1]
    shutil.copytree(numbered.path / "A" / held, tmp_path / "more" / held)
    with pytest.raises(InputError, match=f"1 participant.* are validation or test participants: {held}"):
        open_unlabelled(asked(data, unlabelled=UnlabelledFiles(path=tmp_path / "more")), recording.spec)


def test_what_participants_of_one_name_are_taken_for_is_part_of_the_teacher(numbered):
    def recipe(data):
        return Recipe.model_validate({"name": "a", "data": data, "model": {"name": "heatmap-cnn"}})

    assert recipe(numbered).teacher_hash() != recipe(asked(numbered, participants="per-class")).teacher_hash()


@pytest.mark.parametrize("other", ["ANNA", "Anna ", " A nna", "\uff21nna", "An\u200bna"])
def test_spellings_of_one_name_are_doubted(heatmaps, other):
    (heatmaps.path / "control/0").rename(heatmaps.path / "control/Anna")
    shutil.copytree(heatmaps.path / "control/2", heatmaps.path / "control" / other)
    (fault,) = [one for one in check(heatmaps) if one.kind == "names alike"]
    assert fault.message.startswith("participants '") and "Anna" in fault.message


def test_composed_letters_are_those_with_their_accent_apart():
    assert alike([unicodedata.normalize(form, "Zoë") for form in ("NFC", "NFD")]) == [["Zoë", "Zoe\u0308"]]
    assert spelling("Straße") == spelling("STRASSE") and spelling("Anna") != spelling("Anne")


def test_zeros_are_no_doubt_but_told(heatmaps):
    (heatmaps.path / "control/2").rename(heatmaps.path / "control/01")
    found = checked(heatmaps)
    assert not found.faults
    assert "participants whose names differ in zeros alone are taken for different ones: 01 and 1." in found.remarks


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("1", "01", True), ("P007", "p7", True), ("1.0", "1", True), ("10", "1", False), ("1.05", "1.5", False)],
)
def test_numbers_are_compared_without_zeros_that_say_nothing(one, other, same):
    assert (number(one) == number(other)) == same


def test_classes_alike_are_doubted(heatmaps):
    (heatmaps.path / "control/0").rename(heatmaps.path / "0")
    (heatmaps.path / "Control").mkdir()
    (heatmaps.path / "0").rename(heatmaps.path / "Control/0")
    messages = [fault.message for fault in check(heatmaps) if fault.kind == "names alike"]
    assert len(messages) == 1 and messages[0].startswith("classes 'Control' and 'control' differ only in case")
