"""A recording of arrays in memory."""

import numpy as np
import pytest
import torch

from xgaze.data.contract import collate, rows_of, targets_of
from xgaze.data.sources.arrays import ArrayRecording
from xgaze.errors import InputError

PEOPLE = np.repeat([f"p{k}" for k in range(10)], 4)
PICTURES = np.arange(40 * 6 * 8, dtype=np.uint8).reshape(40, 1, 6, 8)
GAZE_PX = np.stack([np.linspace(0, 799.5, 40), np.linspace(0, 599, 40)], axis=1)


def recording(inputs=None, targets=GAZE_PX, groups=PEOPLE, **more):
    return ArrayRecording(inputs or {"left": PICTURES}, targets, groups, **more)


def test_samples_and_their_normalisation():
    data = recording()
    sample = data[7]
    assert sample.id == "p1/7" and sample.groups["group"] == "p1" and len(data) == 40
    np.testing.assert_array_equal(sample.inputs["left"], PICTURES[7])
    np.testing.assert_allclose(sample.target, GAZE_PX[7], rtol=1e-6)
    batch = collate([data[0], data[1]], data.spec)
    assert torch.equal(batch.inputs[0], torch.from_numpy(PICTURES[:2]).float() / 255)
    assert data.spec.scene == (800, 599) and data.spec.kind == "gaze"


def test_means_by_channel_and_by_name_of_input():
    faces = np.broadcast_to(np.array([10, 20, 30], np.uint8)[:, None, None], (40, 3, 4, 5))
    heads = np.ones((40, 2), np.float32)
    data = recording({"face": faces, "head": heads}, mean={"face": [10, 10, 10]}, std={"face": (1, 2, 4), "head": 2})
    face, head = collate([data[0]], data.spec).inputs
    assert face[0].mean((1, 2)).tolist() == [0, 5, 5] and head.tolist() == [[0.5, 0.5]]
    assert data.spec.inputs[1].mean == 0.0
    with pytest.raises(InputError, match=r"2 numbers as mean of 'face', which is 3x4x5: give one, or one per channel"):
        recording({"face": faces}, mean=[1, 2])
    with pytest.raises(InputError, match="std: there is no input 'fce'; did you mean 'face'"):
        recording({"face": faces}, std={"fce": 1})


def test_every_person_is_in_one_split_drawn_by_the_seed():
    data = recording()
    table = data.table
    assert (table.groupby("group")["split"].nunique() == 1).all()
    assert [table["group"][table["split"] == one].nunique() for one in ("train", "validation", "test")] == [
        6,
        2,
        2,
    ]
    assert list(recording().table["split"]) == list(table["split"])
    assert any(list(recording(seed=k).table["split"]) != list(table["split"]) for k in range(1, 4))
    given = np.where(PEOPLE < "p6", "train", np.where(PEOPLE < "p8", "validation", "test"))
    assert list(rows_of(recording(splits=given), "test")) == list(range(32, 40))


def test_classes_and_values():
    words = np.repeat(["b", "a"], 20)
    data = recording(targets=words)
    assert data.spec.classes == ("a", "b") and list(targets_of(data)) == [1] * 20 + [0] * 20
    assert recording(targets=np.repeat([10, 9], 20)).spec.classes == ("9", "10")
    values = recording(targets=np.arange(40.0), unit="s")
    assert values.spec.kind == "value" and values.spec.unit == "s" and targets_of(values).shape == (40, 1)
    assert values[3].target.tolist() == [3.0]
    assert recording(targets=np.arange(40), kind="value").spec.kind == "value"


def test_gaze_in_cm_and_directions_say_their_unit():
    assert recording(unit="cm").spec.targets == ["gaze_x_cm", "gaze_y_cm"] and recording(unit="cm").spec.scene is None
    angles = GAZE_PX / 1000
    data = recording(targets=angles, kind="angle", unit="rad")
    assert (data.spec.outputs, data.spec.measured, data.spec.scene) == (2, "degrees", None)
    np.testing.assert_allclose(targets_of(data), angles, rtol=1e-6)
    vectors = recording(targets=np.column_stack([angles, -np.ones(40)]), kind="angle")
    assert (vectors.spec.unit, vectors.spec.outputs) == ("vector", 3)
    with pytest.raises(InputError, match="2 numbers of a direction are in rad or degrees; say which"):
        recording(targets=angles, kind="angle")
    with pytest.raises(InputError, match="gaze points are in px, cm, mm, not in 'inch'"):
        recording(unit="inch")


def test_sequences_and_pictures_without_channels():
    data = recording({"left": PICTURES[:, 0], "path": np.ones((40, 5, 3))}, mean=1, std=2)
    assert [(one.shape, one.dtype) for one in data.spec.inputs] == [((1, 6, 8), "uint8"), ((5, 3), "float32")]
    assert collate([data[0]], data.spec).inputs[1].abs().max() == 0


def test_the_definition_is_a_hash_of_all_that_is_held():
    same = recording().definition
    assert recording().definition == same and same.source == "arrays" and len(same.content) == 16
    more = PICTURES.copy()
    more[0, 0, 0, 0] += 1
    others = [recording({"left": more}), recording(targets=GAZE_PX + 1), recording(seed=9), recording(std=2)]
    assert len({same.content, *(one.definition.content for one in others)}) == 5


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"inputs": {"left": PICTURES[:3]}}, "different lengths .left 3, targets 40, groups 40."),
        ({"groups": PEOPLE[:9]}, "different lengths"),
        ({"groups": ["p"] * 40}, "1 participant"),
        ({"targets": np.full((40, 2), np.nan)}, "not finite"),
        ({"targets": np.zeros((40, 3))}, r"targets are \(40, 3\) of float64; expected values"),
        ({"inputs": {"left": np.zeros((40, 6, 8, 3), np.uint8)}}, "channels come first"),
        ({"inputs": {"left": np.zeros(40)}}, r"input 'left' is \(40\)"),
        ({"inputs": {"left": np.full((40, 3), np.inf)}}, "120 of its numbers are not finite"),
        ({"splits": ["training"] * 40}, "'training' is none of"),
        ({"splits": ["train", "test"] * 20}, "in two splits"),
        ({"std": 0}, "above 0"),
    ],
)
def test_what_is_no_recording_is_told(given, message):
    with pytest.raises(InputError, match=message):
        recording(**given)


def test_no_inputs():
    with pytest.raises(InputError, match="there is none"):
        ArrayRecording({}, GAZE_PX, PEOPLE)


def test_conditions_are_kept_by_row_and_are_part_of_what_is_held():
    given = {"inputs": {"x": np.zeros((12, 3))}, "targets": np.zeros((12, 1)), "groups": np.repeat(list("abcdef"), 2)}
    plain = ArrayRecording(**given)
    known = ArrayRecording(**given, conditions={"device": np.repeat(["one", "two"], 6), "lux": np.arange(12)})
    assert plain.conditions(np.array([0])) == {}
    assert known.conditions(np.array([7, 0]))["device"].tolist() == ["two", "one"]
    assert known.conditions(np.array([7, 0]))["lux"].tolist() == [7, 0]
    assert known.definition != plain.definition
    with pytest.raises(InputError, match="device 3"):
        ArrayRecording(**given, conditions={"device": ["one"] * 3})
