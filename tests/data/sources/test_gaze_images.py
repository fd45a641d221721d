"""Pictures of gaze in class folders, and in an .npz with a CSV."""

import pickle
import shutil

import numpy as np
import pytest
from PIL import Image

from xgaze.data.open import open_recording
from xgaze.errors import InputError


def refusal(data):
    with pytest.raises(InputError) as caught:
        open_recording(data)
    return str(caught.value)


def test_class_folders_give_participant_and_class(heatmaps):
    recording = open_recording(heatmaps)
    assert recording.spec.classes == ("control", "patient") and recording.spec.kind == "class"
    assert recording.table.columns.tolist() == ["id", "group", "session", "split", "label"]
    row = recording.table["id"].tolist().index("patient/3/1.png")
    assert recording.table.loc[row, ["group", "session", "label"]].tolist() == ["3", "0", 1]
    assert len(recording.table) == 16 and recording.table["label"].dtype == np.int64


def test_each_class_is_in_each_split(heatmaps):
    table = open_recording(heatmaps).table
    assert len(table.groupby(["split", "label"])) == 6
    assert table.groupby("group")["split"].nunique().eq(1).all()


def test_a_sample_is_the_resized_picture(heatmaps):
    recording = open_recording(heatmaps)
    picture = Image.open(heatmaps.path / recording.table["id"][5])
    expected = np.asarray(picture.resize((8, 8), Image.Resampling.BILINEAR)).transpose(2, 0, 1)
    sample = recording[5]
    np.testing.assert_array_equal(sample.inputs["image"], expected)
    assert sample.target == recording.table["label"][5] and sample.target.dtype == np.int64
    assert (recording.spec.inputs[0].mean, recording.spec.inputs[0].std) == (0.0, 255.0)


def test_one_channel_gives_grey(heatmaps):
    recording = open_recording(heatmaps.model_copy(update={"channels": 1}))
    assert recording.spec.inputs[0].shape == (1, 8, 8) and recording[0].inputs["image"].shape == (1, 8, 8)


def test_participant_1_is_not_participant_11(heatmaps):
    (heatmaps.path / "patient/1").rename(heatmaps.path / "patient/11")
    shutil.copytree(heatmaps.path / "control/0", heatmaps.path / "control/1")
    table = open_recording(heatmaps).table
    assert table.loc[table["group"] == "1", "label"].tolist() == [0, 0]
    assert table.loc[table["group"] == "11", "label"].tolist() == [1, 1]


def test_pictures_outside_class_and_participant_are_named(heatmaps):
    shutil.copy(heatmaps.path / "control/0/0.png", heatmaps.path / "control/loose.png")
    message = refusal(heatmaps)
    assert "control/loose.png: not in a folder class/participant" in message


def test_an_empty_participant_folder_is_not_left_out_silently(heatmaps):
    (heatmaps.path / "control/9").mkdir()
    (heatmaps.path / "__MACOSX").mkdir()
    message = refusal(heatmaps)
    assert "1 fault:" in message and "control/9: no pictures found in this folder." in message


def test_one_class_cannot_be_classified(heatmaps):
    shutil.rmtree(heatmaps.path / "control")
    assert "only one class (patient) found" in refusal(heatmaps)


def test_two_participants_cannot_be_split(heatmaps):
    for k in range(2, 8):
        shutil.rmtree(heatmaps.path / ("control", "patient")[k % 2] / str(k))
    assert "2 participant(s) found (0, 1)" in refusal(heatmaps)


def test_a_folder_without_pictures_is_explained(tmp_path, heatmaps):
    (tmp_path / "empty").mkdir()
    message = refusal(heatmaps.model_copy(update={"path": tmp_path / "empty"}))
    assert "no pictures found; expected class/participant/picture.png" in message
    assert "no such file or folder" in refusal(heatmaps.model_copy(update={"path": tmp_path / "nowhere"}))


def test_an_array_and_its_table(array_folder):
    recording = open_recording(array_folder.write())
    assert recording.spec.classes == ("TD", "ASD")
    assert recording.table.loc[3, ["id", "group", "label"]].tolist() == ["1/0/3", "1", 1]
    expected = Image.fromarray(array_folder.images[3]).resize((8, 8), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(recording[3].inputs["image"][0], np.asarray(expected))


def test_the_npz_itself_may_be_named_among_several_tables(array_folder):
    data = array_folder.write()
    (data.path / "notes.csv").write_text("a,b\n1,2\n")
    named = data.model_copy(update={"path": data.path / "images.npz"})
    assert open_recording(named).table.equals(open_recording(data).table)


def test_two_npz_files_are_one_too_many(array_folder):
    data = array_folder.write()
    np.savez(data.path / "more.npz", images=array_folder.images)
    assert "2 .npz files (images.npz, more.npz); state in `path` which one" in refusal(data)


def test_an_array_without_its_table_is_explained(array_folder):
    data = array_folder.write()
    (data.path / "images.csv").unlink()
    assert "no CSV belongs to it; name one images.csv" in refusal(data)


def test_colour_arrays_are_read(array_folder):
    colour = np.random.default_rng(1).integers(0, 256, (12, 8, 8, 3), np.uint8)
    data = array_folder.write(images=colour).model_copy(update={"channels": 3})
    np.testing.assert_array_equal(open_recording(data)[2].inputs["image"], colour[2].transpose(2, 0, 1))


def test_the_unit_is_that_of_the_score(array_folder):
    assert open_recording(array_folder.write()).spec.unit == "AUC"
    array_folder.lines = [f"{k},{k % 3},{'abc'[k % 3]}" for k in range(12)]
    assert open_recording(array_folder.write()).spec.unit == "accuracy"


def test_words_as_labels_are_sorted(array_folder):
    array_folder.header = "participant,class,label"  # the words stand in the label column now
    assert open_recording(array_folder.write()).spec.classes == ("ASD", "TD")


def test_numbers_without_names_are_their_own_names(array_folder):
    array_folder.header = "participant,label"
    array_folder.lines = [f"{k // 2},{(10, 2)[k // 2 % 2]}.0" for k in range(12)]
    recording = open_recording(array_folder.write())
    assert recording.spec.classes == ("2", "10")
    assert recording.table["label"].tolist() == [1, 1, 0, 0] * 3


def test_participants_are_whole_strings(array_folder):
    array_folder.lines = [
        f"{('1', '11', '21', 'NB', '1.5', '111')[k // 2]},{k // 2 % 2},x{k // 2 % 2}" for k in range(12)
    ]
    table = open_recording(array_folder.write()).table
    assert set(table["group"]) == {"1", "11", "21", "NB", "1.5", "111"}


def test_a_session_column_is_read(array_folder):
    array_folder.header += ",session"
    array_folder.lines = [f"{line},{k % 2 + 1}" for k, line in enumerate(array_folder.lines)]
    assert open_recording(array_folder.write()).table["id"].tolist()[:3] == ["0/1/0", "0/2/1", "1/1/2"]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("participant,labels,class", "images.csv: column 'label' is missing; did you mean 'labels'?"),
        ("Participant,label,class", "column 'participant' is missing; did you mean 'Participant'?"),
        ("participant,label ,  label", "images.csv: column 'label' occurs twice."),
    ],
)
def test_a_missing_column_suggests_the_nearest(array_folder, header, message):
    array_folder.header = header
    assert message in refusal(array_folder.write())


def test_a_class_name_column_that_is_asked_for_must_exist(array_folder):
    data = array_folder.write().model_copy(update={"class_name": "group"})
    assert "column 'group' is missing" in refusal(data)


def test_a_missing_label_is_named_with_its_row(array_folder):
    array_folder.lines[4], array_folder.lines[8] = "2,,TD", "4,NaN,TD"
    message = refusal(array_folder.write())
    assert "images.csv row 5: label is empty; 2 of 12 rows." in message and "row 9" in message


def test_a_missing_participant_is_named_with_its_row(array_folder):
    array_folder.lines[4] = ",0,TD"
    assert "images.csv row 5: participant is empty; 1 of 12 rows." in refusal(array_folder.write())


def test_more_images_than_rows_are_refused(array_folder):
    del array_folder.lines[-1]
    assert "images.csv has 11 rows, but images.npz holds 12 images" in refusal(array_folder.write())


def test_a_measurement_is_not_a_class(array_folder):
    array_folder.lines[0] = "0,12.8,TD"
    assert "column 'label' holds 12.8; classes are whole numbers or words" in refusal(array_folder.write())


def test_a_label_has_one_name_and_a_name_one_label(array_folder):
    array_folder.lines[0] = "0,0,control"
    assert "label 0 has several names: TD, control." in refusal(array_folder.write())
    array_folder.lines = [line.replace("ASD", "TD") for line in array_folder.lines[1:2] * 2 + array_folder.lines[2:]]
    assert "several labels have the name TD" in refusal(array_folder.write())


def test_a_pickle_in_the_npz_is_never_opened(array_folder, tmp_path):
    class Trap:
        def __reduce__(self):
            return open, (str(tmp_path / "sprung"), "w")

    message = refusal(array_folder.write(images=np.array([Trap()], dtype=object)))
    assert "images.npz: holds pickled objects, which xgaze never opens" in message
    assert not (tmp_path / "sprung").exists()


def test_a_pickle_under_another_name_is_never_opened(array_folder, tmp_path):
    class Trap:
        def __reduce__(self):
            return open, (str(tmp_path / "sprung"), "w")

    data = array_folder.write()
    (data.path / "images.npz").write_bytes(pickle.dumps(Trap()))
    assert "holds pickled objects, which xgaze never opens" in refusal(data)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("kept", [0, 30, 500])
def test_a_damaged_npz_is_refused(array_folder, kept):
    data = array_folder.write()
    path = data.path / "images.npz"
    path.write_bytes(path.read_bytes()[:kept])
    assert "images.npz: " in refusal(data)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"image": np.zeros((12, 4, 4), np.uint8)}, "no array 'images'; did you mean 'image'?"),
        ({"images": np.zeros((12, 4, 4))}, "'images' is float64, expected uint8"),
        ({"images": np.zeros((12, 16), np.uint8)}, "'images' has shape 12x16, expected N x height x width"),
        ({"images": np.zeros((12, 4, 4, 2), np.uint8)}, "has shape 12x4x4x2"),
    ],
)
def test_an_array_of_another_kind_is_explained(array_folder, arrays, message):
    assert message in refusal(array_folder.write(**arrays))
