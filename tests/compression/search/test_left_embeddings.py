"""What a teacher's training embedded serves its distillation, and that of no other teacher."""

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from xgaze.compression.search import bench as benches
from xgaze.compression.search.bench import open_bench
from xgaze.compression.student import load_model
from xgaze.data.contract import RecordingView
from xgaze.training import teacher
from xgaze.training.left_embeddings import EMBEDDINGS, left_embeddings

TRAINING = {"epochs": 1, "batch_size": 12, "precision": "32-true", "loss": "euclidean", "head_epochs": 2}


@pytest.fixture
def trained(gaze_recording, make_recipe, tmp_path):
    """A recipe, and the folder of its teacher."""
    recipe = make_recipe(training=TRAINING)
    teacher.train_teacher(recipe, gaze_recording, tmp_path / "teacher")
    return recipe, tmp_path / "teacher"


def opened(recipe, recording, folder, name="student"):
    return open_bench(recipe, recording, load_model(folder)[0], folder.parent / name)


def test_nothing_is_collected_twice(trained, gaze_recording, monkeypatch):
    recipe, folder = trained
    monkeypatch.setattr(benches, "left_embeddings", lambda *_: None)
    collected = opened(recipe, gaze_recording, folder, "collected")
    monkeypatch.undo()
    monkeypatch.setattr("xgaze.training.tuning.collect_embeddings", None)  # would fail
    found = opened(recipe, gaze_recording, folder)
    for split in ("train", "validation"):
        np.testing.assert_array_equal(getattr(found, split).values, getattr(collected, split).values)


def test_of_fewer_samples_only_those_are_collected(trained, gaze_recording):
    """Taken from all, they would lie in memory."""
    recipe, folder = trained
    few = recipe.model_copy(update={"distill": recipe.distill.model_copy(update={"head_samples": 9})})
    opened(few, gaze_recording, folder)
    assert (folder.parent / "student" / "embeddings").is_dir()


class Changed(RecordingView):
    """Other samples in as many rows, or other targets."""


@pytest.mark.parametrize("what", ["order", "targets"])
def test_those_of_other_samples_are_not_used(trained, gaze_recording, what):
    _, folder = trained
    table = gaze_recording.table.copy()
    if what == "targets":
        table.loc[3, "gaze_x_px"] += 1
    else:
        table.loc[[0, 1], "id"] = table.loc[[1, 0], "id"].to_numpy()
    other = Changed(gaze_recording.spec, table, gaze_recording)
    assert left_embeddings(folder, gaze_recording, "train") is not None
    assert left_embeddings(folder, other, "train") is None
    assert left_embeddings(folder, other, "validation") is not None  # of these nothing changed


def test_a_second_teacher_leaves_none(gaze_recording, make_recipe, tmp_path):
    folder = tmp_path / "second_teacher"
    teacher.train_teacher(make_recipe(training=TRAINING), gaze_recording, folder, role="second_teacher")
    assert not (folder / EMBEDDINGS).exists()


def test_those_of_other_weights_are_not_used(trained, gaze_recording):
    _, folder = trained
    assert left_embeddings(folder, gaze_recording, "train") is not None
    weights = load_file(folder / "model.safetensors")
    save_file({name: 2 * value for name, value in weights.items()}, folder / "model.safetensors")
    assert left_embeddings(folder, gaze_recording, "train") is None


@pytest.mark.parametrize(
    "content", [None, b"", b"{}", b'{"model": 1}', b'{"model": "x", "train": "y", "validation": "z"}']
)
def test_a_damaged_mark_is_none(trained, gaze_recording, content):
    _, folder = trained
    mark = folder / EMBEDDINGS / "run.json"
    mark.unlink() if content is None else mark.write_bytes(content)
    assert left_embeddings(folder, gaze_recording, "train") is None


def test_a_damaged_file_is_collected_again(trained, gaze_recording):
    recipe, folder = trained
    before = np.array(opened(recipe, gaze_recording, folder).train.values)
    file = folder / EMBEDDINGS / "train.npy"
    file.write_bytes(file.read_bytes()[:200])
    np.testing.assert_array_equal(opened(recipe, gaze_recording, folder).train.values, before)


def test_a_teacher_without_a_head_phase_leaves_none(gaze_recording, make_recipe, tmp_path):
    teacher.train_teacher(make_recipe(training={**TRAINING, "head_epochs": 0}), gaze_recording, tmp_path / "teacher")
    assert not (tmp_path / "teacher" / EMBEDDINGS).exists()
