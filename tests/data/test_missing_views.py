"""Views that samples lack: declared, told by person, given to networks as exact zeros, and refused where nothing is left."""

import numpy as np
import pytest
import torch

from xgaze.data.checks.soundness import checked, summarise
from xgaze.data.contract import InputSpec, Spec, collate, rows_of, stored_inputs
from xgaze.data.missing_views import missing_told, seen_nothing
from xgaze.data.open import as_trained, open_for_prediction, open_recording
from xgaze.data.sources.arrays import ArrayRecording, stacked
from xgaze.errors import InputError
from xgaze.evaluation.slices import known_of
from xgaze.models.layers import FeatureHead
from xgaze.recipe import VariedPictures
from xgaze.training.seen.seen_pictures import squares, what_was_seen
from xgaze.training.varied.mirror_images import turned
from xgaze.training.varied.varied_pictures import varied

INPUTS = {
    "left": {"picture": "left", "height": 16, "width": 16, "mean": 40, "std": 60, "may_be_missing": True},
    "right": {"picture": "right", "height": 16, "width": 16, "mean": 7, "std": 60, "may_be_missing": True},
    "head": {"columns": ["head_pitch", "head_yaw"], "mean": 0.3, "may_be_missing": True},
}
COLUMNS = {
    "left": lambda table: table["left"].mask(table.index.isin([0, 1, 7]), "NA"),
    "right": lambda table: table["right"].mask(table.index == 2, ""),
    "head_yaw": lambda table: table["head_yaw"].mask(table.index == 5),
}


def faults(data):
    return {one["kind"]: one["first"] for one in summarise(checked(data).faults)}


def test_a_view_that_a_row_lacks_is_zero_to_the_bit_and_told_by_person(manifest):
    data = manifest(COLUMNS, inputs=INPUTS)
    found = checked(data)
    assert not found.faults
    assert [one for one in found.remarks if "missing" in one] == [
        "head: missing in 1 of 70 samples, where models read its mean (tr1 1 of 5).",
        "left: missing in 3 of 70 samples, where models read its mean (tr0 2 of 5, tr1 1 of 5).",
        "right: missing in 1 of 70 samples, where models read its mean (tr0 1 of 5).",
    ]
    recording = open_recording(data)
    samples = [recording[row] for row in range(8)]
    assert [sorted(one.missing) for one in samples] == [["left"], ["left"], ["right"], [], [], ["head"], [], ["left"]]
    head, left, right = collate(samples, recording.spec).inputs  # a definition is written in the alphabet's order
    for values, lacking in ((left, [0, 1, 7]), (right, [2]), (head, [5])):
        assert torch.equal(values.flatten(1).any(dim=1), ~torch.isin(torch.arange(8), torch.tensor(lacking)))
    stored = stored_inputs(recording, np.arange(8))
    assert stored["left"].dtype == np.uint8 and (stored["left"][7] == 40).all() and (stored["right"][2] == 7).all()
    known = known_of(recording, np.arange(8))
    assert known["left missing"].tolist() == [True, True, *[False] * 5, True] and known["head missing"].sum() == 1


def test_an_undeclared_one_is_the_fault_that_it_was_with_what_to_say(manifest):
    plain = {name: {key: own for key, own in one.items() if key != "may_be_missing"} for name, one in INPUTS.items()}
    data = manifest(COLUMNS, inputs=plain)
    found = faults(data)
    assert len(found["missing view"]) == 4 and "row 3: right: column 'right' is empty." in found["missing view"]
    assert found["missing number"] == ["head: row 6: head_yaw is empty; 1 of 70 rows."]
    with pytest.raises(InputError, match="may_be_missing: true"):
        open_recording(data)


def test_what_names_something_is_still_a_fault(manifest):
    """A file that is not there, and a word for a number, are no missing views."""
    wrong = {
        "left": lambda table: table["left"].mask(table.index == 4, "gone.png"),
        "head_yaw": lambda table: table["head_yaw"].astype(object).mask(table.index == 5, "up"),
    }
    found = faults(manifest(wrong, inputs=INPUTS))
    assert found["missing view"] == ["row 5: left: no such file (gone.png)."]
    assert found["missing number"] == ["head: row 6: head_yaw is 'up', not a number; 1 of 70 rows."]


def test_a_row_of_which_nothing_is_seen_is_refused(manifest):
    both = {name: lambda table, name=name: table[name].mask(table.index == 66) for name in ("left", "right")}
    data = manifest(both, inputs=INPUTS)
    assert faults(data) == {"all views missing": ["row 67 (te3): no view is there; 1 of 70 rows."]}
    with pytest.raises(InputError, match="nothing to tell a gaze by"):
        open_recording(data)
    specs = [one.spec(name) for name, one in data.inputs.items()]
    lacking = {"left": np.array([True, True]), "head": np.array([True, True])}
    assert not len(seen_nothing(specs, lacking))  # the right eye is never missing
    assert seen_nothing(specs[:1], {"head": np.array([False, True])}).tolist() == [1]


def test_a_mean_that_no_byte_holds_is_refused(manifest):
    with pytest.raises(InputError, match="give mean as a whole number from 0 to 255"):
        manifest(inputs={**INPUTS, "left": {**INPUTS["left"], "mean": 98.5}})
    pictures = {"eye": np.zeros((20, 8, 8), np.uint8), "head": np.ones((20, 2))}
    people, values = np.repeat(list("abcdefghij"), 2), np.linspace(0, 1, 20)
    with pytest.raises(InputError, match=r"'eye' may be missing.*not 0\.5"):
        ArrayRecording(pictures, values, people, mean=0.5, missing={"eye": np.zeros(20, bool)})
    ArrayRecording(pictures, values, people, mean=0.5, missing={"head": np.zeros(20, bool)})


def test_a_model_that_never_met_a_missing_view_refuses_it(manifest):
    plain = {name: {key: own for key, own in one.items() if key != "may_be_missing"} for name, one in INPUTS.items()}
    trained = open_recording(manifest(inputs=plain))
    told = manifest(COLUMNS, inputs=INPUTS)
    with pytest.raises(InputError, match=r"left: missing in 3 of 70 samples.*\(tr0 2 of 5.*never met"):
        as_trained(open_recording(told), trained.spec, "samples.yaml")
    assert as_trained(trained, open_recording(told).spec, "samples.yaml").spec.inputs[1].may_be_missing
    own = open_recording(told).spec
    assert Spec.from_json(own.to_json()) == own and "may_be_missing" not in str(trained.spec.to_json())
    other = manifest({**COLUMNS, "split": "?"}, inputs={**INPUTS, "left": {**INPUTS["left"], "mean": 0}})
    read = open_for_prediction(other.path.with_suffix(".yaml"), own, told)
    assert not collate([read[0]], read.spec).inputs[1].any()  # with the model's mean, whatever the definition's is


def arrays(**more):
    rng = np.random.default_rng(0)
    people = np.repeat(list("abcdefghij"), 4)
    left, right = (rng.integers(0, 256, (40, 1, 8, 8), np.uint8) for _ in range(2))
    head = rng.normal(size=(40, 2))
    head[5] = np.nan
    lacking = {"left": people == "a", "head": np.isnan(head).any(axis=1)}
    inputs = {"left": left, "right": right, "head": head}
    points, splits = rng.uniform(0, 100, (40, 2)), np.repeat(["train", "validation", "test"], [20, 8, 12])
    return ArrayRecording(inputs, points, people, splits=splits, missing={**lacking, **more}, scene=(100, 100))


def test_arrays_say_which_samples_lack_what():
    recording = arrays()
    assert recording.notes[0] == "left: missing in 4 of 40 samples, where models read its mean (a 4 of 4)."
    left, _, head = collate([recording[2], recording[5]], recording.spec).inputs
    assert not left[0].any() and left[1].any() and not head[1].any()
    assert arrays().definition == recording.definition != arrays(left=recording.lacking["left"] ^ True).definition
    specs, given = recording.spec.inputs, {name: one.copy() for name, one in recording.inputs.items()}
    given["head"][1] = np.nan
    found = stacked(specs, given, {"head": np.arange(40) == 1, "left": np.arange(40) == 2})
    assert not found["left"][2].any() and found["left"][1].any() and not found["head"][1].any()
    for missing, words in (
        ({"right": np.arange(40) == 1, "head": np.arange(40) == 1}, "samples that all have 'right'"),
        ({"lft": np.arange(40) == 1}, "no input 'lft'; did you mean 'left'"),
        ({"left": np.arange(40)}, "give true or false for each sample"),
        ({"left": np.ones(3, bool), "head": np.arange(40) == 1}, "different lengths"),
        ({}, r"say which do: missing=\{'head'"),
    ):
        with pytest.raises(InputError, match=words):
            stacked(specs, given, missing)
    everywhere = np.zeros(40, bool)
    everywhere[[3, 9]] = True
    with pytest.raises(InputError, match=r"2 of 40 samples have no view left, the first of them sample 3 \(a\)"):
        arrays(left=everywhere, right=everywhere)


def test_what_varies_pictures_leaves_a_missing_one_and_a_mirror_takes_it_along():
    recording = arrays()
    spec = Spec(recording.spec.inputs[:2], "gaze", scene=(100, 100))
    batch = collate([recording[0], recording[20]], spec)
    settings = VariedPictures(shift_px=2, scale=0.1, brightness=0.3, noise=0.1)
    bright = tuple(InputSpec(one.name, one.shape, 100, 50, may_be_missing=one.name == "left") for one in spec.inputs)
    made = varied(bright, settings, batch, np.random.default_rng(0))
    assert not made.inputs[0][0].any() and not torch.equal(made.inputs[0][1], batch.inputs[0][1])
    mirrored = turned(spec, (1, 0), batch, torch.tensor([True, True]))
    assert not mirrored.inputs[1][0].any() and mirrored.inputs[0][0].any()


def test_nobody_is_named_where_nothing_is_missing():
    assert missing_told({"left": np.zeros(3, bool)}, ["a", "a", "b"]) == []
    told = missing_told({"left": np.array([True, False, True])}, ["b", "a", "b"])
    assert told == ["left: missing in 2 of 3 samples, where models read its mean (b 2 of 2)."]


class Seeing(FeatureHead):
    """Whose embedding is what its left picture holds."""

    def __init__(self):
        super().__init__()
        self.head = torch.nn.Linear(64, 2)

    def features(self, left, _right, _head):
        return left.flatten(1)


def test_what_a_model_saw_is_of_the_pictures_that_were_there():
    recording = arrays()
    seen = what_was_seen(Seeing(), recording)
    train = rows_of(recording, "train")
    there = train[~recording.lacking["left"][train]]
    assert 0 < len(there) < len(train)
    shown = recording.inputs["left"][there]
    np.testing.assert_allclose(seen["0"].spread.middle, squares(shown).mean(axis=0), rtol=1e-4)
    assert (seen["0"].numbers.low, seen["0"].numbers.high) == (shown.min(), shown.max())
