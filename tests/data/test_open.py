"""Opening for prediction: what a model that was trained on one recording may be given."""

import shutil

import numpy as np
import pytest

from xgaze.data.contract import InputSpec, Spec, collate
from xgaze.data.open import open_for_prediction, open_recording
from xgaze.data.sources.rendered import RenderedData
from xgaze.errors import InputError

YAML = "source: eye-folders\npath: {path}\nheight: 8\nwidth: 12\n"


@pytest.fixture
def eye_spec(eyes):
    return open_recording(eyes).spec


def refusal(path, spec, data):
    with pytest.raises(InputError) as caught:
        open_for_prediction(path, spec, data)
    return str(caught.value)


def test_a_root_folder_is_read_in_the_models_own_format(eyes, eye_spec):
    recording = open_for_prediction(eyes.path, eye_spec, eyes.model_copy(update={"path": eyes.path / "elsewhere"}))
    assert recording.table.equals(open_recording(eyes).table)
    np.testing.assert_array_equal(recording[4].inputs["eye3"], open_recording(eyes)[4].inputs["eye3"])


def test_labels_and_splits_may_be_missing(eyes, eye_spec):
    (eyes.path / "test/3/IMG1/Learn.csv").unlink()
    shutil.rmtree(eyes.path / "train")
    (eyes.path / "val/5/IMG1/Learn.csv").write_text("cornerxy[0],cornerxy[1]\n1,2\n,\n")
    table = open_for_prediction(eyes.path, eye_spec, eyes).table.set_index("id")
    assert len(table) == 12
    assert table.loc["5/IMG1/1", "gaze_x_px"] == 1 and table.loc["11/IMG1/3", "gaze_x_px"] == 103
    assert table.loc[["3/IMG1/1", "5/IMG1/2", "5/IMG1/3"], "gaze_x_px"].isna().all()


def test_a_label_in_the_wrong_unit_is_still_a_fault(eyes, eye_spec):
    (eyes.path / "val/5/IMG1/Learn.csv").write_text("cornerxy[0],cornerxy[1]\n1000,2000\n1,2\n1,2\n")
    assert "gaze (1000, 2000) px lies outside the scene" in refusal(eyes.path, eye_spec, eyes)


def test_a_single_session_folder(eyes, eye_spec):
    folder = eyes.path / "test/11/IMG1"
    (folder / "Learn.csv").unlink()
    recording = open_for_prediction(folder, eye_spec, eyes)
    assert recording.table["id"].tolist() == ["11/IMG1/1", "11/IMG1/2", "11/IMG1/3"]
    assert recording.table["gaze_x_px"].isna().all() and set(recording.table["split"]) == {"test"}


def test_a_session_folder_that_fits_no_layout_is_a_participant_of_its_own(eyes, eye_spec):
    folder = eyes.path.parent / "my pictures"
    shutil.move(eyes.path / "test/11/IMG1", folder)
    deep = eyes.model_copy(update={"layout": "data/{split}/{participant}/{session}"})
    assert open_for_prediction(folder, eye_spec, deep).table["id"].iloc[0] == "my pictures/0/1"


def test_a_missing_camera_is_a_fault_for_prediction_too(eyes, eye_spec):
    (eyes.path / "test/11/IMG1/2_0.png").unlink()
    message = refusal(eyes.path / "test/11/IMG1", eye_spec, eyes)
    assert "IMG1 frame 2: eye0 missing (2_0.png); 3 of 4 views found." in message


def test_a_participant_in_two_splits_is_a_fault_for_prediction_too(eyes, eye_spec):
    shutil.copytree(eyes.path / "test/3", eyes.path / "train/3")
    assert "participant 3 is in train and test" in refusal(eyes.path, eye_spec, eyes)


def test_a_model_of_rendered_eyes_reads_the_folders_that_render_writes(eyes):
    inputs = tuple(InputSpec(f"eye{k}", (1, 8, 12), 90.0, 40.0) for k in (0, 1, 3, 4))
    spec = Spec(inputs, "gaze", scene=(800, 600), rendered=True)
    recording = open_for_prediction(eyes.path, spec, RenderedData(source="rendered"))
    assert len(recording.table) == 18 and recording.spec.scene == (800, 600) and not recording.spec.rendered


def test_a_definition_is_opened_with_the_models_normalisation(eyes, eye_spec, tmp_path):
    definition = tmp_path / "recording.yaml"
    definition.write_text(YAML.format(path="eyes") + "mean: 0\nstd: 1\n")
    recording = open_for_prediction(definition, eye_spec, RenderedData(source="rendered"))
    batch = collate([recording[0]], recording.spec)
    expected = (recording[0].inputs["eye0"].astype(np.float32) - 98.54010552) / 41.5086445
    np.testing.assert_allclose(batch.inputs[0].numpy()[0], expected, rtol=1e-5)


def test_other_inputs_are_refused_naming_both(eyes, eye_spec, tmp_path):
    definition = tmp_path / "recording.yaml"
    definition.write_text(YAML.format(path="eyes") + "views: {eye0: '{frame}_0.png', eye1: '{frame}_1.png'}\n")
    message = refusal(definition, eye_spec, eyes)
    assert "inputs eye0 1x8x12, eye1 1x8x12, but the model was trained with inputs eye0 1x8x12, eye1" in message
    assert "eye4 1x8x12" in message


def test_another_scene_is_refused_naming_both(eyes, eye_spec, tmp_path):
    definition = tmp_path / "recording.yaml"
    definition.write_text(YAML.format(path="eyes") + "scene: {width: 1920, height: 1080}\n")
    message = refusal(definition, eye_spec, eyes)
    assert "scene 1920x1080 px, but the model was trained with scene 960x540 px" in message


def test_a_class_recording_is_not_for_a_gaze_model(eyes, eye_spec, heatmaps, tmp_path):
    definition = tmp_path / "maps.yaml"
    definition.write_text("source: gaze-images\npath: maps\nheight: 8\nwidth: 8\n")
    assert "inputs image 3x8x8, but the model was trained with inputs eye0" in refusal(definition, eye_spec, eyes)


@pytest.mark.parametrize("name", ["nothing.yaml", "nothing"])
def test_what_is_not_there_is_named(eyes, eye_spec, tmp_path, name):
    assert f"{name}: no such file or folder." in refusal(tmp_path / name, eye_spec, eyes)


def test_a_file_that_is_no_definition_is_refused(eyes, eye_spec):
    assert "expected a folder of eye pictures" in refusal(eyes.path / "test/3/IMG1/1_0.png", eye_spec, eyes)


def test_a_folder_that_fits_nothing_says_what_was_expected(eyes, eye_spec):
    message = refusal(eyes.path / "test", eye_spec, eyes)
    assert "no session folder found; expected train/{participant}/{session} or val/{participant}/{session}" in message


@pytest.fixture
def map_spec(heatmaps):
    return open_recording(heatmaps).spec


def test_pictures_at_any_depth(heatmaps, map_spec, tmp_path):
    new = tmp_path / "new"
    source = heatmaps.path / "patient/1/0.png"
    for name in ("a.png", "12/b.png", "patient/13/c.png", "study/one/14/d.JPG", "patient/e.png"):
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, new / name)
    table = open_for_prediction(new, map_spec, heatmaps).table.set_index("id")
    assert table["group"].to_dict() == {
        "a.png": "new",
        "12/b.png": "12",
        "patient/13/c.png": "13",
        "study/one/14/d.JPG": "14",
        "patient/e.png": "new",
    }
    assert table["label"].to_dict() == {
        "a.png": -1,
        "12/b.png": -1,
        "patient/13/c.png": 1,
        "study/one/14/d.JPG": -1,
        "patient/e.png": 1,
    }
    assert set(table["split"]) == {"test"}


def test_an_empty_folder_of_pictures_is_refused(heatmaps, map_spec, tmp_path):
    (tmp_path / "new").mkdir()
    assert "no picture found at any depth" in refusal(tmp_path / "new", map_spec, heatmaps)


def test_an_npz_without_a_table(array_folder):
    data = array_folder.write()
    spec = open_recording(data).spec
    (data.path / "images.csv").unlink()
    recording = open_for_prediction(data.path / "images.npz", spec, data)
    assert recording.table["id"].tolist()[:2] == ["unknown/0/0", "unknown/0/1"]
    assert recording.table["label"].eq(-1).all() and len(recording.table) == 12
    assert recording[0].inputs["image"].shape == (1, 8, 8) and recording[0].target == -1


def test_labels_of_an_npz_count_along_the_models_classes(array_folder):
    """A new recording of one class only must not make that class number 0."""
    data = array_folder.write()
    spec = open_recording(data).spec
    array_folder.lines = ["7,1,ASD"] * 11 + ["8,5,other"]
    array_folder.write()
    table = open_for_prediction(data.path, spec, data).table
    assert table["label"].tolist() == [1] * 11 + [-1]


def test_an_npz_with_too_few_rows_is_refused(array_folder):
    data = array_folder.write()
    spec = open_recording(data).spec
    del array_folder.lines[0]
    array_folder.write()
    assert "images.csv has 11 rows" in refusal(data.path, spec, data)


def test_the_models_own_pictures_keep_their_splits(heatmaps, map_spec, tmp_path):
    definition = tmp_path / "maps.yaml"
    definition.write_text("source: gaze-images\npath: maps\nheight: 8\nwidth: 8\n")
    own = open_for_prediction(definition, map_spec, heatmaps).table
    assert own.equals(open_recording(heatmaps).table)
    shutil.copytree(heatmaps.path, tmp_path / "others")
    definition.write_text("source: gaze-images\npath: others\nheight: 8\nwidth: 8\n")
    assert set(open_for_prediction(definition, map_spec, heatmaps).table["split"]) == {"test"}
