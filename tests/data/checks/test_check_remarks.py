"""What `check` says of a recording of pictures besides faults: nothing is left out or changed without a word."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from xgaze.data.checks.soundness import check, checked
from xgaze.data.crops.crop_sections import FixationCropsData
from xgaze.data.open import open_recording
from xgaze.data.photographs.photograph_sections import ViewerAgreementData
from xgaze.errors import InputError


def test_colour_read_as_grey_is_told_and_grey_stored_as_rgb_is_not(heatmaps):
    assert checked(heatmaps).remarks == ()
    grey = heatmaps.model_copy(update={"channels": 1})
    assert checked(grey).remarks == ("16 of 16 pictures are in colour and read as grey, e.g. control/0/0.png.",)
    for path in heatmaps.path.rglob("*.png"):
        Image.open(path).convert("L").convert("RGB").save(path)
    assert checked(grey).remarks == () and check(grey) == []


def test_eyes_in_colour_are_told(eyes):
    path = eyes.path / "test/3/IMG1/2_0.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)).save(path)
    assert checked(eyes).remarks == ("1 of 72 pictures are in colour and read as grey, e.g. test/3/IMG1 frame 2.",)


def test_pictures_of_any_ending_are_read_and_others_counted_by_class_and_participant(heatmaps):
    for k, path in enumerate(sorted((heatmaps.path / "patient").rglob("*.png"))):
        if k < 4:
            Image.open(path).save(path.with_suffix(".TIF"))
        elif k < 6:
            path.with_suffix(".heic").write_bytes(path.read_bytes())
        if k < 6:
            path.unlink()
    shutil.copy(heatmaps.path / "patient/7/0.png", heatmaps.path / "patient/5/0.png")
    (heatmaps.path / "patient/7/0.png").unlink()
    found = checked(heatmaps)
    told = "2 left out (ending in .heic, which xgaze reads as no picture): patient/5 (2); e.g. patient/5/0.heic."
    assert not found.faults and found.remarks == (told,)
    recording = open_recording(heatmaps)
    assert list(recording.notes) == [told] and (recording.table["label"] == 1).sum() == 6


def test_a_person_without_a_readable_picture_is_a_fault_that_says_why(heatmaps, only_fault):
    for path in (heatmaps.path / "control/0").iterdir():
        path.rename(path.with_suffix(".heic"))
    message = only_fault(heatmaps, "nothing found")
    assert message.startswith("control/0: no pictures found in this folder. 2 left out (ending in .heic")


def test_pictures_beside_an_array_are_told(array_folder, heatmaps):
    data = array_folder.write()
    shutil.copytree(heatmaps.path, data.path / "maps")
    assert checked(data).remarks == (f"16 picture files in {data.path} are left out: images.npz is read.",)


def test_eye_pictures_that_fit_no_view_are_counted_by_session(eyes):
    folder = eyes.path / "test/3/IMG1"
    shutil.copy(folder / "1_0.png", folder / "1_2.png")
    shutil.copy(folder / "1_0.png", eyes.path / "test/3/loose.png")
    (told,) = list(open_recording(eyes).notes)
    assert (
        told == "2 left out (fit neither `layout` nor `views`): test/3/IMG1 (1), test/3 (1); e.g. test/3/IMG1/1_2.png."
    )


def test_endings_of_views_may_be_in_upper_case(eyes):
    for path in (eyes.path / "test/3/IMG1").glob("*.png"):
        path.rename(path.with_suffix(".PNG"))
    assert check(eyes) == [] and len(open_recording(eyes).table) == 18


def test_people_of_two_splits_in_two_spellings_are_doubted(eyes, only_fault):
    (eyes.path / "train/1").rename(eyes.path / "train/Anna")
    (eyes.path / "test/3").rename(eyes.path / "test/anna")
    assert only_fault(eyes, "names alike").startswith("participants 'Anna' and 'anna' differ only in case")


@pytest.fixture
def looked_at(tmp_path, viewings):
    """Twelve photographs of 80x60 px, five viewers; opened as crops, or as viewers' agreement, on stimuli of a size."""

    def looks(rng, k):
        return [(viewer, x, y) for viewer in range(5) for x, y in rng.uniform((0, 0), (80, 60), (4, 2))]

    columns = viewings(12, looks)

    def data(kind, size):
        told = {"path": tmp_path, "fixations": {"format": "table", "columns": columns, "size": size}, "sigma_px": 6}
        if kind == "fixation-crops":
            return FixationCropsData.model_validate({"source": kind, **told, "places": {"above": 0.5, "below": 0.4}})
        return ViewerAgreementData.model_validate({"source": kind, **told, "labelling_viewers": 3, "side": 32})

    return data


@pytest.mark.parametrize("kind", ["fixation-crops", "viewer-agreement"])
def test_photographs_of_another_aspect_than_their_fixations_are_refused(looked_at, kind):
    with pytest.raises(
        InputError, match=r"0\.png: is 80x60 px, but its fixations are on 80x80 px, of another aspect\."
    ):
        open_recording(looked_at(kind, [80, 80]))
    assert check(looked_at(kind, [80, 60])) == []


@pytest.mark.parametrize("kind", ["fixation-crops", "viewer-agreement"])
def test_scaled_photographs_and_those_that_nobody_looked_at_are_told(looked_at, kind, tmp_path):
    shutil.copy(tmp_path / "stimuli/0.png", tmp_path / "stimuli/spare.png")
    told = list(open_recording(looked_at(kind, [160, 120])).notes)
    assert any(one.startswith("12 of 12 photographs are not of the size") and "80x60 px" in one for one in told)
    assert "1 of 13 photographs have no fixation: left out: spare.png." in told


def test_turned_photographs_are_read_upright_and_so_is_their_aspect(looked_at, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for k in range(12):
        picture = Image.open(tmp_path / f"stimuli/{k}.png").transpose(Image.Transpose.ROTATE_90)
        (tmp_path / f"stimuli/{k}.png").unlink()
        picture.save(tmp_path / f"stimuli/{k}.png.jpg", exif=exif, quality=100)
    found = checked(looked_at("fixation-crops", [80, 60]))
    assert not found.faults and any(one.startswith("12 of 12 photographs are stored turned") for one in found.remarks)
    assert open_recording(looked_at("fixation-crops", [80, 60])).photographs.pixels(0).shape == (3, 60, 80)


@pytest.mark.parametrize("kind", ["eyes", "heatmaps"])
def test_names_that_are_not_utf_8_are_faults_that_can_be_printed(kind, request):
    data = request.getfixturevalue(kind)
    person = data.path / {"eyes": "test/3", "heatmaps": "control/0"}[kind]
    try:
        person.rename(person.with_name(os.fsdecode(b"\xff")))
    except OSError:
        pytest.skip("this file system knows UTF-8 only")
    messages = [fault.message for fault in check(data)]
    assert any("\\udcff" in one and "UTF-8" in one for one in messages) and "".join(messages).encode()


def test_pipes_and_folders_in_place_of_eye_pictures_are_faults_and_wait_for_nothing(eyes):
    folder = eyes.path / "test/3/IMG1"
    (folder / "1_0.png").unlink()
    os.mkfifo(folder / "1_0.png")
    (fault,) = check(eyes)
    assert "test/3/IMG1 frame 1: eye0 is no file but a pipe, a socket or a device (1_0.png)." in fault.message
    with pytest.raises(InputError, match="is no file but a pipe"):
        recording = open_recording(eyes)
        recording[recording.table["id"].tolist().index("3/IMG1/1")]
