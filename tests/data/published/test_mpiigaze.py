"""MPIIGaze through its source: known directions come out right, right eyes look like left ones, planted errors are told."""

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from xgaze.data.contract import targets_of
from xgaze.data.open import open_recording
from xgaze.data.published.gaze_directions import gaze_angles, head_angles, mirrored_angles
from xgaze.errors import InputError
from xgaze.evaluation.angle import angles
from xgaze.recipe import load_recipe
from xgaze.recipe.sources import SOURCES

SOURCE = SOURCES["mpiigaze"]


def section(root, **keys):
    return SOURCE.section(source="mpiigaze", path=root, **keys)


def spot(picture):
    """(column, row) of the bright spot's middle, from the picture's."""
    rows, columns = np.nonzero(picture > 128)
    return columns.mean() - 29.5, rows.mean() - 17.5


@pytest.mark.parametrize(
    ("vector", "pitch", "yaw"),
    [
        ((0, 0, -1), 0, 0),
        ((0, -1, -1), 45, 0),  # up
        ((0, 3, -3), -45, 0),
        ((-1, 0, -1), 0, 45),  # to the left of the picture
        ((1, 0, -np.sqrt(3)), 0, -30),
        ((0, 0, 0), np.nan, np.nan),
    ],
)
def test_known_directions(vector, pitch, yaw):
    np.testing.assert_allclose(np.degrees(gaze_angles(np.array([vector], float))), [[pitch, yaw]], atol=1e-9)


def test_heads_turn_as_their_rotation_vectors_say():
    turned = np.radians([[0, 0, 0], [0, 30, 0], [0, -20, 0]])
    np.testing.assert_allclose(np.degrees(head_angles(turned)), [[0, 0], [0, 30], [0, -20]], atol=1e-9)
    nodded = np.radians([[25, 0, 0]])
    np.testing.assert_allclose(np.degrees(head_angles(nodded)), [[-25, 0]], atol=1e-9)


def test_mirroring_a_direction_is_mirroring_its_vector():
    vectors = np.random.default_rng(0).normal(size=(50, 3)) - [0, 0, 4]
    np.testing.assert_allclose(mirrored_angles(gaze_angles(vectors)), gaze_angles(vectors * [-1, 1, 1]), atol=1e-12)


def test_every_row_is_the_eye_that_the_list_names(mpiigaze):
    root, gaze = mpiigaze
    recording = open_recording(section(root))
    assert len(recording.table) == 5 * 12 - 4 and recording.spec.kind == "angle" and recording.spec.unit == "rad"
    for row, name in enumerate(recording.table["id"]):
        person, day, frame, side = name.split("/")
        sample = recording[row]
        vector = gaze[person, day, side][int(frame[:4]) - 1].copy()
        if side == "right":
            vector[0] *= -1
        np.testing.assert_allclose(sample.target, gaze_angles(vector[None])[0], atol=1e-6)
        assert sample.groups == {"group": person, "session": day}
        x, y = spot(sample.inputs["eye"][0])
        assert x == pytest.approx(40 * vector[0], abs=1.5) and y == pytest.approx(30 * vector[1], abs=1.5)
        assert sample.inputs["eye"].shape == (1, 36, 60) and sample.inputs["head"].dtype == np.float32
    np.testing.assert_allclose(targets_of(recording)[3], recording[3].target, atol=1e-6)


def test_all_samples_are_both_eyes_of_every_frame(mpiigaze):
    root, gaze = mpiigaze
    recording = open_recording(section(root, samples="all"))
    assert len(recording.table) == sum(map(len, gaze.values()))
    assert recording.table["id"].is_unique


def test_the_eye_alone_is_read_where_the_definition_says_so(mpiigaze):
    alone, whole = (open_recording(section(mpiigaze[0], **keys)) for keys in ({"inputs": ["eye"]}, {}))
    assert [one.name for one in alone.spec.inputs] == list(alone[3].inputs) == ["eye"]
    assert [one.name for one in whole.spec.inputs] == ["eye", "head"]
    np.testing.assert_array_equal(alone[3].inputs["eye"], whole[3].inputs["eye"])
    assert set(alone.conditions(np.arange(3))) == set(whole.conditions(np.arange(3)))


def test_no_person_is_in_two_splits_and_the_seed_draws_them(mpiigaze):
    table = open_recording(section(mpiigaze[0])).table
    assert table.groupby("group")["split"].nunique().max() == 1 and set(table["split"]) == {
        "train",
        "validation",
        "test",
    }
    assert not table["split"].equals(open_recording(section(mpiigaze[0], seed=4)).table["split"])


def test_conditions_are_head_light_and_side(mpiigaze):
    recording = open_recording(section(mpiigaze[0]))
    rows = np.arange(len(recording.table))
    known = recording.conditions(rows)
    assert set(known["eye"]) == {"left", "right"}
    yaw = [np.degrees(recording[row].inputs["head"][1]) for row in rows]
    np.testing.assert_allclose(known["head yaw, degrees"], yaw, rtol=1e-5)


def test_errors_are_degrees_between_directions(mpiigaze):
    recording = open_recording(section(mpiigaze[0]))
    import torch

    truth = torch.tensor(targets_of(recording))
    straight = angles(torch.zeros_like(truth), truth, "rad")
    expected = np.degrees(np.arccos(np.cos(truth[:, 0]) * np.cos(truth[:, 1])))
    np.testing.assert_allclose(straight, expected, rtol=1e-3)


def test_it_is_sound_and_a_recipe_can_name_it(mpiigaze, tmp_path, faults_of_people):
    assert faults_of_people(section(mpiigaze[0])) == []
    (tmp_path / "eyes.yaml").write_text(
        f"name: eyes\ndata: {{source: mpiigaze, path: {mpiigaze[0]}}}\nmodel: {{import: 'a:B'}}\n"
    )
    assert load_recipe(str(tmp_path / "eyes.yaml"), []).data.samples == "evaluation"


def test_all_that_is_missing_is_told_at_once(mpiigaze):
    root, _ = mpiigaze
    (root / "Data/Normalized/p00/day01.mat").unlink()
    listed = root / "Evaluation Subset/sample list for eye image/p01.txt"
    listed.write_text(listed.read_text() + "day02/0099.jpg left\n")
    with pytest.raises(InputError) as told:
        open_recording(section(root))
    assert "2 faults" in str(told.value)
    assert "p00: no such file (day01.mat)" in str(told.value) and "holds no frame 0099.jpg" in str(told.value)


def test_days_and_lists_that_are_damaged_are_told_with_what_is_missing(mpiigaze):
    root, _ = mpiigaze
    (root / "Data/Normalized/p00/day01.mat").write_bytes(b"no MATLAB")
    (root / "Data/Normalized/p02/day02.mat").unlink()
    (root / "Evaluation Subset/sample list for eye image/p01.txt").write_text("day01 0001.jpg\n")
    with pytest.raises(InputError, match="3 faults") as told:
        open_recording(section(root))
    for one in ("p00/day01.mat: not readable", "p02: no such file (day02.mat)", "p01.txt: line 1 is"):
        assert one in str(told.value)


def resaved(file, change):
    found = loadmat(file, squeeze_me=True, struct_as_record=False)
    sides = {
        side: {n: getattr(getattr(found["data"], side), n) for n in ("image", "gaze", "pose")}
        for side in ("left", "right")
    }
    change(sides)
    savemat(file, {"data": sides, "filenames": found["filenames"]})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda sides: sides["left"].pop("gaze"), r"day01\.mat: holds no data\.left\.gaze"),
        (lambda sides: sides["right"].update(pose=np.zeros((4, 3))), r"data\.right\.pose is 4x3 for 5 frames, not 5x3"),
        (lambda sides: sides["left"].update(image=np.zeros((5, 30, 60))), r"data\.left\.image is 5x30x60"),
        (lambda sides: sides["left"].update(gaze=np.zeros((5, 3))), r"0001\.jpg, left eye: its gaze is no direction"),
    ],
)
def test_a_day_that_holds_something_else_is_told_with_its_field(mpiigaze, change, told):
    resaved(mpiigaze[0] / "Data/Normalized/p02/day01.mat", change)
    with pytest.raises(InputError, match=told):
        open_recording(section(mpiigaze[0]))


@pytest.mark.parametrize("kept", [0, 100, -10])
def test_a_truncated_file_is_told(mpiigaze, kept):
    file = mpiigaze[0] / "Data/Normalized/p02/day01.mat"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"p02/day01\.mat"):
        open_recording(section(mpiigaze[0]))


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (lambda root: root.rename(root.with_name("elsewhere")), "Give the folder MPIIGaze as `path`"),
        (lambda root: (root / "Evaluation Subset/sample list for eye image/p01.txt").unlink(), "set `samples: all`"),
        (
            lambda root: (root / "Evaluation Subset/sample list for eye image/p01.txt").write_text("day01 0001.jpg\n"),
            r"p01\.txt: line 1 is 'day01 0001\.jpg'",
        ),
    ],
)
def test_what_is_no_mpiigaze_is_told_with_the_remedy(mpiigaze, break_it, told):
    break_it(mpiigaze[0])
    with pytest.raises(InputError, match=told):
        open_recording(section(mpiigaze[0]))
