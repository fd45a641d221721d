"""Samples in the mirror: known geometry, who changes places, and that training sees both halves."""

import numpy as np
import pandas as pd
import pytest
import torch

import xgaze
from xgaze.compression.distill import distill
from xgaze.compression.student import load_model
from xgaze.data.contract import Batch, InputSpec, RecordingView, Spec, collate, rows_of
from xgaze.data.eyes.eye_recording import EyeFoldersRecording
from xgaze.data.eyes.eye_recording import spec_of as spec_of_eyes
from xgaze.data.eyes.eye_section import EyeFoldersData
from xgaze.data.manifests.manifest_recording import ManifestRecording
from xgaze.data.manifests.manifest_recording import spec_of as spec_of_manifest
from xgaze.data.manifests.manifest_section import ManifestData
from xgaze.data.mirror_pairs import partners_by_name
from xgaze.data.open import open_recording
from xgaze.data.rendered.headset import CAMERAS
from xgaze.errors import InputError
from xgaze.recipe import Training
from xgaze.recipe.sources import SOURCES
from xgaze.training.teacher import train_teacher
from xgaze.training.varied.gaze_augmentation import task_of
from xgaze.training.varied.mirror_images import partners_of, turned, turned_gaze
from xgaze.training.whole import tune_model

PAIR = (InputSpec("left", (1, 4, 6)), InputSpec("right", (1, 4, 6)))
HALF = torch.tensor([True, False])


def batch_of(target, inputs=2):
    pictures = torch.arange(inputs * 2 * 24, dtype=torch.float32).view(inputs, 2, 1, 4, 6)
    return Batch(["a", "b"], ["p", "q"], tuple(pictures), target)


def test_cameras_change_places_and_are_flipped():
    spec = Spec(PAIR, "gaze", "px", (800, 600))
    batch = batch_of(torch.tensor([[100.0, 50.0], [300.0, 20.0]]))
    found = turned(spec, (1, 0), batch, HALF)
    torch.testing.assert_close(found.inputs[0][0], batch.inputs[1][0].flip(-1))
    torch.testing.assert_close(found.inputs[1][0], batch.inputs[0][0].flip(-1))
    torch.testing.assert_close(found.inputs[0][1], batch.inputs[0][1])
    torch.testing.assert_close(found.target, torch.tensor([[700.0, 50.0], [300.0, 20.0]]))
    twice = turned(spec, (1, 0), found, HALF)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(twice.inputs, batch.inputs, strict=True))
    assert torch.equal(twice.target, batch.target) and twice.ids == batch.ids


@pytest.mark.parametrize(
    ("unit", "gaze", "expected"),
    [("rad", [0.2, -0.3], [0.2, 0.3]), ("degrees", [5, 7], [5, -7]), ("vector", [0.6, 0, -0.8], [-0.6, 0, -0.8])],
)
def test_directions_turn_to_the_other_side(unit, gaze, expected):
    spec = Spec(PAIR, "angle", unit)
    found = turned_gaze(spec, torch.tensor([gaze, gaze], dtype=torch.float32), HALF)
    torch.testing.assert_close(found, torch.tensor([expected, gaze], dtype=torch.float32))


class Symmetrical(RecordingView):
    partners = (1, 0)


@pytest.fixture
def symmetrical(gaze_recording):
    return Symmetrical(gaze_recording.spec, gaze_recording.table, gaze_recording)


def test_a_rendered_person_in_the_mirror_has_the_other_eyes_pictures(tmp_path, monkeypatch):
    """The headset is symmetrical: temporal cameras change places, and so do nasal ones."""
    monkeypatch.setenv("XGAZE_CACHE", str(tmp_path))
    section = SOURCES["rendered"].section
    small = {"height": 64, "width": 80, "validation_participants": 2, "test_participants": 2}
    rendered = open_recording(section(source="rendered", train_participants=8, frames_per_participant=2, **small))
    assert [CAMERAS[k] for k in partners_of(rendered)] == ["eye4", "eye3", "eye1", "eye0"]
    batch = collate([rendered[int(row)] for row in rows_of(rendered, "train")], rendered.spec)
    found = turned(rendered.spec, partners_of(rendered), batch, torch.ones(len(batch.ids), dtype=torch.bool))

    def likeness(others):
        """Of mean pictures: how people's pictures lie, whoever they are."""
        own = torch.stack(batch.inputs).mean(dim=(1, 2)).flatten(1)
        mean = torch.stack(others).mean(dim=(1, 2)).flatten(1)
        return np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(own.numpy(), mean.numpy(), strict=True)])

    swapped_only = [batch.inputs[k] for k in partners_of(rendered)]
    assert likeness(list(found.inputs)) > likeness(swapped_only) + 0.05
    assert likeness(list(found.inputs)) > likeness([x.flip(-1) for x in batch.inputs]) + 0.05


def test_half_of_the_samples_are_turned_and_validation_sees_none(symmetrical, eyes, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("xgaze.training.task.turned", lambda spec, partners, batch, half: (seen.append(half), batch)[1])
    settings = Training(epochs=6, batch_size=8, precision="32-true", mirror_images=True)
    tune_model(eyes(), symmetrical, settings, tmp_path, 0, "training")
    halves = torch.cat(seen)
    assert len(halves) == 6 * len(rows_of(symmetrical, "train"))
    assert abs(halves.float().mean() - 0.5) < 4 * 0.5 / len(halves) ** 0.5
    assert len({tuple(one.tolist()) for one in seen}) > 6


def test_the_same_after_a_stop(symmetrical, eyes, tmp_path, stop_in_last_epoch):
    settings = Training(epochs=3, batch_size=24, precision="32-true", mirror_images=True, patience=3)
    whole, again = eyes(), eyes()
    tune_model(whole, symmetrical, settings, tmp_path / "whole", 0, "training")
    with stop_in_last_epoch(2):
        tune_model(eyes(), symmetrical, settings, tmp_path / "stopped", 0, "training")
    tune_model(again, symmetrical, settings, tmp_path / "stopped", 0, "training")
    for name, value in whole.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
    plain = eyes()
    tune_model(plain, symmetrical, settings.model_copy(update={"mirror_images": False}), tmp_path / "p", 0, "t")
    assert any(not torch.equal(plain.state_dict()[name], value) for name, value in whole.state_dict().items())


def test_pairs_by_name():
    three = (*PAIR, InputSpec("face", (3, 4, 4)))
    assert partners_by_name(three, {"left": "right"}) == (1, 0, 2)
    assert partners_by_name(three, {}) == (0, 1, 2) and partners_by_name(three, None) is None
    assert partners_by_name(three, {"face": "face"}) == (0, 1, 2)


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        ({"left": "rigth"}, r"no input 'rigth'; .*right"),
        ({"left": "right", "right": "left"}, r"'(left|right)' stands in two pairs"),
        ({"left": "face"}, r"'left' and 'face' are 1x4x6 and 3x4x4"),
    ],
)
def test_pairs_that_cannot_be_are_told(pairs, told):
    with pytest.raises(InputError, match=told):
        partners_by_name((*PAIR, InputSpec("face", (3, 4, 4))), pairs)


def arrays(targets, mirror_images, **keys):
    rng = np.random.default_rng(0)
    inputs = {name: rng.integers(0, 255, (24, 8, 8), dtype=np.uint8) for name in ("left", "right")}
    people = np.repeat([f"p{k}" for k in range(8)], 3)
    return xgaze.ArrayRecording(inputs, targets, people, mirror_images=mirror_images, **keys)


def test_arrays_name_their_pairs_and_are_others_for_it():
    targets = np.random.default_rng(1).uniform(0, 100, (24, 2))
    own, none = (arrays(targets, pairs, scene=(120, 90)) for pairs in ({"left": "right"}, None))
    assert partners_of(own) == (1, 0) and own.definition != none.definition
    assert partners_of(own.resplit(dict.fromkeys(own.table["group"], "train"))) == (1, 0)
    with pytest.raises(InputError, match=r"does not say which cameras"):
        partners_of(none)
    with pytest.raises(InputError, match=r"px of a scene"):
        partners_of(arrays(targets, {"left": "right"}, unit="cm"))
    with pytest.raises(InputError, match=r"px of a scene"):
        partners_of(arrays(np.tile(["a", "b", "c"], 8), {"left": "right"}))


def test_what_is_no_picture_has_no_mirror_image():
    inputs = {"left": np.zeros((24, 8, 8), np.uint8), "head": np.zeros((24, 2), np.float32)}
    people = np.repeat([f"p{k}" for k in range(8)], 3)
    targets = np.arange(48.0).reshape(24, 2)
    recording = xgaze.ArrayRecording(inputs, targets, people, mirror_images={}, scene=(60, 60))
    with pytest.raises(InputError, match=r"give scene=\(width, height\)"):  # up to the outermost point is not the scene
        xgaze.ArrayRecording(inputs, targets, people, mirror_images={})
    with pytest.raises(InputError, match=r"input 'head' is no picture"):
        partners_of(recording)


def test_what_a_task_is_told_is_what_the_settings_say(gaze_recording, eyes):
    assert task_of(eyes(), gaze_recording.spec, Training(), 0).partners is None


def test_a_teacher_is_refused_before_anything_is_written(gaze_recording, make_recipe, tmp_path):
    with pytest.raises(InputError, match=r"does not say which cameras"):
        train_teacher(make_recipe(training={"mirror_images": True}), gaze_recording, tmp_path / "teacher")
    assert not (tmp_path / "teacher").exists()


def test_a_distillation_is_refused_before_anything_is_tuned(gaze_recording, make_recipe, tmp_path):
    recipe = make_recipe(training={"epochs": 1, "batch_size": 24, "precision": "32-true", "loss": "euclidean"})
    card = train_teacher(recipe, gaze_recording, tmp_path / "teacher")
    mirrored = make_recipe(training=recipe.training.model_dump(), distill={"mirror_images": True})
    teacher = load_model(tmp_path / "teacher")[0]
    with pytest.raises(InputError, match=r"does not say which cameras"):
        distill(mirrored, gaze_recording, teacher, card, tmp_path / "student")
    assert not (tmp_path / "student").exists()


def test_definitions_name_their_pairs(tmp_path):
    eyes = EyeFoldersData(source="eye-folders", path=tmp_path, mirror_images={"eye0": "eye4", "eye1": "eye3"})
    table = pd.DataFrame()
    assert EyeFoldersRecording(spec_of_eyes(eyes), table, eyes, []).partners == (3, 2, 1, 0)
    plain = eyes.model_copy(update={"mirror_images": None})
    assert EyeFoldersRecording(spec_of_eyes(plain), table, plain, []).partners is None
    assert "mirror_images" not in plain.model_dump() and "mirror_images" in eyes.model_dump()
    told = {
        "source": "manifest",
        "path": tmp_path / "samples.csv",
        "inputs": {name: {"picture": name, "height": 8, "width": 8} for name in ("left", "right")},
        "target": {"kind": "angle", "columns": ["pitch", "yaw"], "unit": "rad"},
        "mirror_images": {"left": "right"},
    }
    manifest = ManifestData.model_validate(told)
    assert ManifestRecording(spec_of_manifest(manifest), table, manifest, None).partners == (1, 0)
