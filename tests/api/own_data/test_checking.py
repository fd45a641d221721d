"""A recording checked by itself and against a model, in Python and as a command."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image, ImageOps
from torch import nn

import xgaze
from xgaze.cli.main import xgaze as command
from xgaze.errors import InputError

PEOPLE, FRAMES, SIDE = 20, 16, 32
SCENE = (800, 600)


class Middle(nn.Module):
    """Knows without training where a bright square lies, in px."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(SIDE * SIDE, 2)
        grid = torch.stack(torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="xy")).flatten(1).float()
        scale = torch.tensor(SCENE) / (SIDE - 4) / 16
        self.fc1.weight.data = (grid - 1.5) * scale[:, None]
        self.fc1.bias.data = torch.zeros(2)

    def forward(self, x):
        return self.fc1(x.clamp(0.5).sub(0.5).mul(2).flatten(1))


@pytest.fixture(scope="module")
def arrays():
    """Pictures with a square where people look, and a brighter upper left corner that tells how they lie."""
    rng = np.random.default_rng(0)
    gaze = rng.uniform((100, 100), (700, 500), (PEOPLE * FRAMES, 2))
    pictures = rng.integers(0, 60, (len(gaze), 1, SIDE, SIDE)).astype(np.uint8)
    pictures[:, 0, :12, :9] += 60
    for picture, (x, y) in zip(pictures, (gaze / SCENE * (SIDE - 4)).astype(int), strict=True):
        picture[0, y : y + 4, x : x + 4] = 255
    return pictures, gaze, np.repeat([f"p{k:02d}" for k in range(PEOPLE)], FRAMES)


def recording(arrays, change=lambda x: x, shift=0):
    pictures, gaze, people = arrays
    labels = np.roll(gaze.reshape(PEOPLE, FRAMES, 2), shift, axis=1).reshape(-1, 2)
    return xgaze.ArrayRecording({"left": np.ascontiguousarray(change(pictures))}, labels, people, scene=SCENE)


@pytest.fixture(scope="module")
def folder(arrays, tmp_path_factory):
    """Of an adopted teacher."""
    where = tmp_path_factory.mktemp("adopted")
    return xgaze.adopt(Middle(), recording(arrays), folder=where, reports=where / "reports").folder


def kinds(found):
    return [one["kind"] for one in found.faults]


def test_a_recording_like_the_trainings_is_sound(arrays, folder):
    found = xgaze.check(recording(arrays), against=folder)
    assert found.sound and found.title() == "No fault found"
    (told,) = found.remarks
    assert told.startswith(
        f"{folder}: it was trained elsewhere, on what is unknown; pictures are held against those of the people"
    )


def test_changed_pictures_are_a_fault_with_a_remedy(arrays, folder):
    found = xgaze.check(recording(arrays, lambda x: x[..., ::-1]), against=folder)
    assert kinds(found) == ["unlike the model's pictures"]
    (message,) = found.faults[0]["first"]
    assert message.startswith("left: the pictures look mirrored left to right.") and message.endswith(
        "Mirror them back."
    )
    assert "nearer for 20 of 20 participants" in message and found.faults[0]["remedy"] in str(found.rows())
    assert kinds(xgaze.check(recording(arrays, lambda x: x.astype(np.float32) / 255), against=folder)) == kinds(found)
    assert xgaze.check(recording(arrays, lambda x: x[..., ::-1])).sound


@pytest.mark.parametrize(("shift", "words"), [(2, "2 frames later"), (-1, "1 frame earlier")])
def test_labels_that_are_shifted_in_time(arrays, folder, shift, words):
    found = xgaze.check(recording(arrays, shift=shift), against=folder)
    assert kinds(found) == ["labels shifted in time"]
    (message,) = found.faults[0]["first"]
    assert message.startswith(f"frames fit the labels of {words}: with these, ")
    assert message.endswith("over 20 participants, 160 frames; lags of -4 to 4 tried).")


def test_a_folder_that_keeps_nothing_is_told_and_labels_are_held_against_it_all_the_same(arrays, folder, tmp_path):
    old = shutil.copytree(folder, tmp_path / "old")
    (old / "seen.safetensors").unlink()
    found = xgaze.check(recording(arrays, lambda x: x[..., ::-1]), against=old)
    assert found.sound and len(found.remarks) == 1
    assert found.remarks[0].startswith(f"{old}: it keeps nothing of what it was trained on (seen.safetensors)")
    assert kinds(xgaze.check(recording(arrays, shift=2), against=old)) == ["labels shifted in time"]


def test_a_student_is_held_against_by_what_its_teacher_keeps_of_pictures(arrays, folder, tmp_path):
    shutil.copytree(folder, tmp_path / "teacher")
    student = shutil.copytree(folder, tmp_path / "student")
    (student / "seen.safetensors").unlink()
    assert xgaze.check(recording(arrays), against=student).sound
    assert kinds(xgaze.check(recording(arrays, lambda x: 255 - x), against=student)) == ["unlike the model's pictures"]


def test_a_saved_model_keeps_what_it_was_trained_on(arrays, folder, tmp_path):
    saved = xgaze.load(folder).save(tmp_path / "saved")
    assert kinds(xgaze.check(recording(arrays, lambda x: 255 - x), against=saved)) == ["unlike the model's pictures"]


def test_folders_and_recordings_that_cannot_be_used_are_refused_at_once(arrays, folder, tmp_path):
    with pytest.raises(InputError, match="not a model folder"):
        xgaze.check(recording(arrays), against=tmp_path)
    with pytest.raises(InputError, match="the recording: inputs left 1x16x32, but the model was trained with"):
        xgaze.check(recording(arrays, lambda x: x[:, :, ::2]), against=folder)
    damaged = shutil.copytree(folder, tmp_path / "damaged")
    (damaged / "seen.safetensors").write_bytes(b"\x80\x04pickle")
    with pytest.raises(InputError, match=r"seen\.safetensors: a pickle under another name"):
        xgaze.check(recording(arrays), against=damaged)


def written(arrays, where, flipped=False):
    """The same people as a manifest, and its path."""
    pictures, gaze, people = arrays
    rows = ["left,x,y,person,split"]
    for k, picture in enumerate(pictures[:, 0]):
        own = Image.fromarray(picture)
        (ImageOps.flip(own) if flipped else own).save(where / f"{k}.png")
        split = ("train", "validation", "test")[int(people[k][1:]) % 3]
        rows.append(f"{k}.png,{gaze[k, 0]:.2f},{gaze[k, 1]:.2f},{people[k]},{split}")
    (where / "samples.csv").write_text("\n".join(rows))
    (where / "samples.yaml").write_text(
        "source: manifest\npath: samples.csv\ninputs: {left: {picture: left, height: 32, width: 32}}\n"
        "target: {kind: gaze, columns: [x, y]}\nscene: {width: 800, height: 600}\nparticipant: person\nsplit: split\n"
    )
    return where / "samples.yaml"


def test_the_command_tells_all_faults_of_pictures_and_of_the_recording(arrays, tmp_path):
    data = xgaze.open(written(arrays, tmp_path))
    folder = xgaze.adopt(Middle(), data, folder=tmp_path / "models", reports=tmp_path / "reports").folder
    words = ["check", str(tmp_path / "samples.yaml"), "--against", str(folder), "--json"]
    done = CliRunner().invoke(command, words)
    told = json.loads(done.stdout)
    assert done.exit_code == 0 and told["ok"] and told["faults"] == [] and "trained elsewhere" in told["remarks"][0]
    written(arrays, tmp_path, flipped=True)
    shutil.copy(tmp_path / "0.png", tmp_path / "20.png")  # p00, train, and p01, validation
    done = CliRunner().invoke(command, words)
    found = json.loads(done.stdout)
    assert done.exit_code == 2 and [one["kind"] for one in found["faults"]] == [
        "identical images across splits",
        "unlike the model's pictures",
    ]
    assert "left: the pictures look upside down" in found["faults"][1]["first"][0]


def test_a_recording_that_cannot_be_opened_is_told_with_its_faults(arrays, folder, tmp_path):
    path = written(arrays, tmp_path)
    Path(tmp_path / "0.png").unlink()
    found = xgaze.check(path, against=folder)
    assert kinds(found) == ["undecodable image"] or kinds(found) == ["missing view"]
    assert found.remarks[-1].startswith(f"Not held against {folder}: ")
