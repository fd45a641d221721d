"""Extra recordings for the teacher to label: nobody who is tested on, no label that could leak, and the same teacher."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from xgaze.data.contract import collate
from xgaze.data.open import open_recording
from xgaze.data.rendered import render_participant
from xgaze.data.sources.rendered import RenderedData
from xgaze.data.unlabelled import held_out_participants, open_unlabelled
from xgaze.errors import InputError
from xgaze.recipe import load_recipe
from xgaze.recipe.data_sections import UnlabelledFiles

RECIPE = {"name": "tiny", "data": {"source": "eye-folders", "path": "eyes"}, "model": {"name": "multi-eye"}}


@pytest.fixture
def rendered(tmp_path, monkeypatch):
    """Two people in each split and three more without labels, two frames each."""
    monkeypatch.setenv("XGAZE_CACHE", str(tmp_path / "cache"))
    people = {f"{split}_participants": 2 for split in ("train", "validation", "test")}
    size = {"height": 32, "width": 40, "frames_per_participant": 2}
    return RenderedData(source="rendered", **size, **people, unlabelled={"participants": 3})


@pytest.fixture
def write(tmp_path):
    def write(stored, name="recipe.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(stored))
        return str(path)

    return write


def with_unlabelled(data, path):
    return data.model_copy(update={"unlabelled": UnlabelledFiles(path=path)})


def extra_eyes(eyes, *people):
    """A root folder of further people, copied from the recording."""
    root = eyes.path.parent / "more"
    for person in people:
        shutil.copytree(eyes.path / "train" / "1", root / "train" / person)
    return root


def test_a_recipe_without_unlabelled_data_opens_none(eyes):
    assert open_unlabelled(eyes, open_recording(eyes).spec) is None


def test_unlabelled_rendered_people_are_others_than_those_of_the_splits(rendered):
    recording = open_recording(rendered)
    extra = open_unlabelled(rendered, recording.spec)
    assert extra.table["group"].tolist() == [f"P30000{k}" for k in (0, 0, 1, 1, 2, 2)]
    assert not set(extra.table["group"]) & set(recording.table["group"])
    assert set(extra.table["split"]) == {"unlabelled"} and extra.table["gaze_x_px"].isna().all()
    np.testing.assert_array_equal(extra[3].inputs["eye1"][0], render_participant(300_001, 2, 32, 40).images[1, 1])
    assert np.isnan(extra[3].target).all() and extra[3].id == extra.table["id"][3] == "P300001/0/1"
    batch = collate([recording[0], extra[0]], recording.spec)
    assert batch.target.dtype == collate([recording[0]], recording.spec).target.dtype


def test_opening_the_recording_does_not_render_the_unlabelled_people_nor_the_other_way_round(rendered, tmp_path):
    recording = open_recording(rendered)
    assert len(list((tmp_path / "cache").glob("rendered-*"))) == 3
    calls = []
    open_unlabelled(rendered, recording.spec, lambda done, total: calls.append((done, total)))
    assert calls[-1] == (3, 3) and len(list((tmp_path / "cache").glob("rendered-*"))) == 4
    open_unlabelled(rendered.model_copy(update={"test_participants": 5}), recording.spec)
    assert len(list((tmp_path / "cache").glob("rendered-*"))) == 4


def test_held_out_rendered_people_are_known_without_rendering(rendered):
    assert held_out_participants(rendered) == {"P000000", "P000001", "P100000", "P100001"}
    recording = open_recording(rendered)
    held_out = recording.table["split"].isin(["validation", "test"])
    assert held_out_participants(rendered) == set(recording.table["group"][held_out])


def test_more_unlabelled_people_than_there_are_numbers_are_refused(rendered):
    spec = open_recording(rendered).spec
    many = rendered.model_copy(update={"unlabelled": rendered.unlabelled.model_copy(update={"participants": 100_001})})
    with pytest.raises(InputError, match="unlabelled_participants must be 1 to 100000"):
        open_unlabelled(many, spec)


def test_unlabelled_eye_folders_may_lack_labels_and_hide_those_they_have(eyes):
    root = extra_eyes(eyes, "21", "22")
    (root / "train/21/IMG1/Learn.csv").unlink()
    recording = open_recording(eyes)
    extra = open_unlabelled(with_unlabelled(eyes, root), recording.spec)
    assert sorted(set(extra.table["group"])) == ["21", "22"] and len(extra.table) == 6
    assert extra.table[["gaze_x_px", "gaze_y_px"]].isna().all(axis=None)
    assert all(np.isnan(extra[row].target).all() for row in range(6))
    original = recording.table["id"].tolist().index("1/IMG1/1")
    np.testing.assert_array_equal(extra[0].inputs["eye3"], recording[original].inputs["eye3"])


def test_training_people_may_be_among_the_unlabelled_but_not_test_or_validation_people(eyes):
    spec = open_recording(eyes).spec
    assert len(open_unlabelled(with_unlabelled(eyes, extra_eyes(eyes, "1")), spec).table) == 3
    leaking = with_unlabelled(eyes, extra_eyes(eyes, "5", "11", "33"))
    with pytest.raises(InputError) as caught:
        open_unlabelled(leaking, spec)
    assert "2 participant(s) are validation or test participants: 11, 5. Leave them out" in str(caught.value)


def test_unlabelled_gaze_pictures_hide_their_class(heatmaps):
    recording = open_recording(heatmaps)
    root = heatmaps.path.parent / "more"
    shutil.copytree(heatmaps.path / "patient" / "1", root / "patient" / "101")
    shutil.copytree(heatmaps.path / "patient" / "1", root / "102")
    extra = open_unlabelled(with_unlabelled(heatmaps, root), recording.spec)
    assert set(extra.table["group"]) == {"101", "102"} and set(extra.table["label"]) == {-1}
    assert all(int(extra[row].target) == -1 for row in range(4))
    batch = collate([recording[0], extra[0]], recording.spec)
    assert batch.target.shape == (2,) and not batch.target.is_floating_point()


def test_unlabelled_pictures_of_unknown_people_are_refused(array_folder):
    data = array_folder.write()
    other = array_folder.folder.parent / "other"
    other.mkdir()
    shutil.copy(data.path / "images.npz", other / "images.npz")
    with pytest.raises(InputError, match="do not say whose they are"):
        open_unlabelled(with_unlabelled(data, other), open_recording(data).spec)


def test_unlabelled_recordings_of_another_size_are_refused(eyes):
    small = with_unlabelled(eyes, eyes.path).model_copy(update={"resize_height": 8, "resize_width": 8})
    with pytest.raises(InputError, match="but the model was trained with inputs"):
        open_unlabelled(small, open_recording(eyes).spec)


def test_relative_paths_of_unlabelled_recordings_start_at_the_file_that_states_them(write, tmp_path):
    path = write({**RECIPE, "data": {**RECIPE["data"], "unlabelled": {"path": "more"}}})
    assert load_recipe(path).data.unlabelled.path == tmp_path / "more"
    write({**RECIPE["data"], "unlabelled": {"path": "more"}}, "sub/recording.yaml")
    path = write({**RECIPE, "data": "sub/recording.yaml"})
    assert load_recipe(path).data.unlabelled.path == tmp_path / "sub" / "more"
    assert load_recipe(path, ("data.unlabelled.path=here",)).data.unlabelled.path == Path("here")


def test_a_misspelt_key_of_the_unlabelled_section_is_named(write):
    path = write({**RECIPE, "data": {"source": "rendered", "unlabelled": {"participant": 3}}})
    with pytest.raises(InputError, match=r"unknown key 'data\.unlabelled\.participant'; did you mean 'participants'\?"):
        load_recipe(path)


def test_unlabelled_data_change_the_student_but_not_the_teacher():
    plain = load_recipe("multi-eye")
    more = load_recipe("multi-eye", ("data.unlabelled.participants=600",))
    assert more.teacher_hash() == plain.teacher_hash() and more.student_hash() != plain.student_hash()
    assert load_recipe("multi-eye", ("data.width=80",)).teacher_hash() != plain.teacher_hash()
