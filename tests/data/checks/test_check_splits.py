"""Faults of splits: people or pictures in two of them, or nobody in one."""

import shutil

from xgaze.data.checks.soundness import check
from xgaze.data.notes import rare_classes
from xgaze.data.open import open_recording
from xgaze.recipe import Fractions


def test_a_participant_in_two_splits(eyes, only_fault):
    (eyes.path / "train/2").rename(eyes.path / "train/11")
    message = only_fault(eyes, "participant in two splits")
    assert message == "participant 11 is in train and test (folders train/11/IMG1, test/11/IMG1)."


def test_identical_frames_in_two_splits(eyes, only_fault):
    for camera in (0, 1, 3, 4):
        shutil.copy(eyes.path / f"train/1/IMG1/2_{camera}.png", eyes.path / f"test/3/IMG1/1_{camera}.png")
    message = only_fault(eyes, "identical images across splits")
    assert message == "train/1/IMG1 frame 2 (train) and test/3/IMG1 frame 1 (test) have the same pixels."


def test_one_identical_camera_is_not_an_identical_frame(eyes):
    shutil.copy(eyes.path / "train/1/IMG1/2_0.png", eyes.path / "test/3/IMG1/1_0.png")
    assert check(eyes) == []


def test_identical_frames_of_one_person_are_no_leak(eyes):
    for camera in (0, 1, 3, 4):
        shutil.copy(eyes.path / f"train/1/IMG1/2_{camera}.png", eyes.path / f"train/1/IMG1/1_{camera}.png")
    assert check(eyes) == []


def test_identical_frames_of_two_people_of_one_split_are_doubted(eyes, only_fault):
    for camera in (0, 1, 3, 4):
        shutil.copy(eyes.path / f"train/1/IMG1/2_{camera}.png", eyes.path / f"train/2/IMG1/1_{camera}.png")
    assert only_fault(eyes, "one person under two names") == (
        "train/1/IMG1 frame 2 (train) and train/2/IMG1 frame 1 (train) are nearly the same; "
        "1 of the 3 samples of 2 nearly show what those of 1 do."
    )


def test_an_empty_split(eyes, only_fault):
    shutil.rmtree(eyes.path / "val")
    assert only_fault(eyes, "empty split") == "validation: no frames in val/{participant}/{session}."


def test_a_split_without_a_folder_name(eyes, only_fault):
    data = eyes.model_copy(update={"splits": {"train": "train", "test": "test"}})
    assert only_fault(data, "empty split") == "validation: `splits` names no folder for it."


def test_an_unlabelled_recording_needs_no_splits(eyes):
    shutil.rmtree(eyes.path / "train")
    assert check(eyes.model_copy(update={"labels": None})) == []


def test_identical_gaze_pictures_in_two_splits(heatmaps, only_fault):
    table = open_recording(heatmaps).table
    first = {split: own["id"].iloc[0] for split, own in table.groupby("split")}
    shutil.copy(heatmaps.path / first["train"], heatmaps.path / first["test"])
    message = only_fault(heatmaps, "identical images across splits")
    assert message == f"{first['train']} (train) and {first['test']} (test) have the same pixels."


def test_a_class_of_two_participants_is_missing_from_validation(heatmaps, only_fault):
    for k in (0, 2):
        shutil.rmtree(heatmaps.path / f"control/{k}")
    message = only_fault(heatmaps, "class missing from a split")
    assert message == "class control: no participant in validation; 2 participant(s) of this class in all."


def test_two_participants_leave_a_split_empty(heatmaps, only_fault):
    for k in range(2, 8):
        shutil.rmtree(heatmaps.path / ("control", "patient")[k % 2] / str(k))
    assert only_fault(heatmaps, "empty split").startswith("2 participant(s) found (0, 1)")


def test_fractions_that_leave_no_training(heatmaps, only_fault):
    data = heatmaps.model_copy(update={"split": Fractions(validation=0.5, test=0.5)})
    assert "leave no participant for training" in only_fault(data, "empty split")


def test_one_person_who_validates_is_too_few(eyes, only_fault):
    shutil.rmtree(eyes.path / "val/6")
    message = only_fault(eyes, "too few")
    assert message.startswith("validation: 1 of 5 participants (5), and 2 are needed")


def test_four_participants_are_too_few_to_divide(heatmaps):
    for k in range(4, 8):
        shutil.rmtree(heatmaps.path / ("control", "patient")[k % 2] / str(k))
    faults = [fault.message for fault in check(heatmaps) if fault.kind == "too few"]
    assert faults and all("of 4 participants" in told and "add at least 1" in told for told in faults)


def test_a_class_of_one_test_participant_is_a_remark(heatmaps):
    told = [line for line in rare_classes(open_recording(heatmaps)) if line.startswith("test")]
    assert len(told) == 2 and told[0].startswith("test holds one of the participants of class control: ")
    more = rare_classes(open_recording(heatmaps.model_copy(update={"split": Fractions(test=0.5)})))
    assert more and not any(line.startswith("test") for line in more)
