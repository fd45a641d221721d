"""Fixation tables as recordings: targets, splits by group, what models are shown, and what they must not be shown."""

import numpy as np
import pandas as pd
import pytest

from xgaze.data.checks.soundness import check
from xgaze.data.contract import Spec, collate, rows_of, targets_of
from xgaze.data.fixations.fixation_sections import FixationTableData
from xgaze.data.open import open_for_prediction, open_recording
from xgaze.data.source import source_of
from xgaze.errors import InputError

COLUMNS = {"participant": "who", "stimulus": "picture", "order": "nr", "x": "x", "y": "y", "duration": "ms"}
ALL_INPUTS = [
    {"kind": "pictures", "stack": ["density", "drawing"], "side": 20},
    {"kind": "sequence", "steps": 9},
    {"kind": "graph"},
]
FIRST = {"target": {"column": None, "value": "rest-mean-duration-ms", "first": 4}}


def fixations(people=6, pictures=5, count=6, seed=0):
    """`people` x `pictures` scanpaths of `count` fixations; people of odd number are patients."""
    rng = np.random.default_rng(seed)
    rows = [
        (f"p{who}", f"{picture}.jpg", nr, *rng.uniform(1, 399, 2).round(1), float(rng.integers(80, 500)))
        for who in range(people)
        for picture in range(pictures)
        for nr in range(count)
    ]
    table = pd.DataFrame(rows, columns=["who", "picture", "nr", "x", "y", "ms"])
    return table.assign(group=["patient" if int(who[1:]) % 2 else "control" for who in table["who"]])


@pytest.fixture
def make(tmp_path):
    """make(table, **settings): the data section of a table written to disk."""

    def made(table, **settings):
        path = tmp_path / f"table{len(list(tmp_path.iterdir()))}.csv"
        table.to_csv(path, index=False)
        usual = {"inputs": ALL_INPUTS, "target": {"column": "group"}, "split": {"validation": 0.2, "test": 0.2}}
        fixed = {"source": "fixation-table", "path": path, "format": "table", "columns": COLUMNS, "size": (400, 400)}
        return FixationTableData.model_validate({**fixed, **usual, **settings})

    return made


def who_is_looking(**more):
    return {"target": {"column": "participant"}, "split": {"by": "stimulus", "validation": 0.2, "test": 0.2}, **more}


def test_one_sample_per_scanpath_with_class_and_participant(make):
    recording = open_recording(make(fixations()))
    assert recording.spec.classes == ("control", "patient") and recording.spec.groups == "participants"
    assert len(recording.table) == 30 and recording.table["id"].iloc[7] == "p1/2.jpg"
    assert recording.table["group"].equals(recording.table["viewer"])
    assert recording.table["label"].tolist() == [int(who[1:]) % 2 for who in recording.table["viewer"]]
    sample = recording[7]
    assert sample.target == 1 and sample.groups["stimulus"] == "2.jpg"
    assert recording.table.groupby("group")["split"].nunique().eq(1).all()
    assert set(recording.table["split"]) == {"train", "validation", "test"}


def test_inputs_have_the_shapes_and_values_of_the_table(make):
    table = fixations()
    recording = open_recording(make(table))
    shapes = {one.name: one.shape for one in recording.spec.inputs}
    assert shapes == {
        "image": (4, 20, 20),
        "sequence": (9, 3),
        "length": (1,),
        "nodes": (100, 5),
        "edges": (100, 100),
        "visited": (100,),
    }
    sample = recording[0]
    assert {name: array.shape for name, array in sample.inputs.items()} == shapes
    assert sample.inputs["image"].dtype == np.uint8 and sample.inputs["image"][0].max() == 255
    own = table.iloc[:6]
    expected = np.column_stack([own["x"] / 400, own["y"] / 400, own["ms"]])
    np.testing.assert_allclose(sample.inputs["sequence"][:6], expected, rtol=1e-6)
    assert sample.inputs["length"] == 6
    cells = set((own["y"] // 40 * 10 + own["x"] // 40).astype(int))
    assert set(np.flatnonzero(sample.inputs["visited"])) == cells


def test_padding_is_zero_after_normalisation_and_fixations_are_standardised(make):
    recording = open_recording(make(fixations()))
    train = rows_of(recording, "train")
    batch = collate([recording[int(row)] for row in train], recording.spec)
    sequence = batch.inputs[1].numpy()
    assert (sequence[:, 6:] == 0).all()
    np.testing.assert_allclose(sequence[:, :6].reshape(-1, 3).mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(sequence[:, :6].reshape(-1, 3).std(axis=0), 1, atol=1e-5)


def test_normalisation_is_fitted_on_training_groups_alone(make):
    table = fixations()
    recording = open_recording(make(table))
    held_out = set(recording.table["group"][recording.table["split"] != "train"])
    moved = table.assign(ms=np.where(table["who"].isin(held_out), table["ms"] * 10, table["ms"]))
    again = open_recording(make(moved))
    assert again.table["split"].equals(recording.table["split"]) and again.spec == recording.spec
    own = table[~table["who"].isin(held_out)]["ms"]
    assert recording.spec.inputs[1].mean[2] == pytest.approx(own.mean())
    assert recording.spec.inputs[1].std[2] == pytest.approx(own.std(ddof=0))


def test_other_splits_are_normalised_anew_on_their_own_training_groups(make):
    table = fixations()
    recording = open_recording(make(table))
    other = recording.resplit({"p0": "train", "p1": "train", "p2": "validation", "p3": "test"})
    assert other.table["split"].value_counts().to_dict() == {"train": 10, "": 10, "validation": 5, "test": 5}
    assert other.spec.inputs[1].mean[2] == pytest.approx(table[table["who"].isin(["p0", "p1"])]["ms"].mean())
    assert (collate([other[0]], other.spec).inputs[1].numpy()[:, 6:] == 0).all()


def test_who_is_looking_keeps_pictures_apart_and_counts_them_as_evidence(make):
    recording = open_recording(make(fixations(), **who_is_looking()))
    assert recording.spec.classes == tuple(f"p{k}" for k in range(6)) and recording.spec.groups == "stimuli"
    table = recording.table
    assert table["group"].equals(table["stimulus"])
    assert table.groupby("stimulus")["split"].nunique().eq(1).all()
    assert table.groupby(["viewer", "split"]).ngroups == 18
    assert recording[3].groups["group"] == table["stimulus"][3]


def test_ten_viewers_are_classes_in_natural_order(make):
    recording = open_recording(make(fixations(people=12), **who_is_looking()))
    assert recording.spec.classes[-2:] == ("p10", "p11")


def test_splits_by_scanpath_are_stamped(make):
    data = make(fixations(), split={"by": "sample"})
    recording = open_recording(data)
    assert recording.spec.groups == "scanpaths" and recording.table["group"].is_unique
    assert source_of(data).remarks(data) == ["Splits and intervals are over scanpaths, not over people."]
    assert Spec.from_json(recording.spec.to_json()) == recording.spec


def test_splits_by_a_column_of_the_table(make):
    table = fixations()
    table["clinic"] = [f"c{int(who[1:]) // 2}" for who in table["who"]]
    recording = open_recording(make(table, split={"by": "clinic"}))
    assert set(recording.table["group"]) == {"c0", "c1", "c2"}
    assert recording.spec.groups == "groups of 'clinic'"


def test_a_table_without_participants_may_be_split_by_scanpath_only(make):
    table = fixations()
    table["picture"] = table["who"] + table["picture"]
    columns = {key: name for key, name in COLUMNS.items() if key != "participant"}
    (fault,) = check(make(table, columns=columns))
    assert fault.message.startswith("cannot show that splits are by person: set groups, or split.by: sample")
    with pytest.raises(InputError, match="cannot show that splits are by person"):
        open_recording(make(table, columns=columns))
    assert len(open_recording(make(table, columns=columns, split={"by": "sample"})).table) == 30


def test_short_scanpaths_are_left_out_and_counted_and_never_invented(make):
    table = fixations()
    data = make(table[~((table["who"] == "p3") & (table["picture"] == "1.jpg") & (table["nr"] >= 2))])
    recording = open_recording(data)
    assert len(recording.table) == 29 and "p3/1.jpg" not in set(recording.table["id"])
    assert recording.notes == (
        "1 of 30 scanpaths have fewer than 3 fixations: left out (participant p3: 1 of 5; group patient: 1 of 15).",
    )
    assert check(data) == [] and source_of(data).remarks(data) == list(recording.notes)


def test_the_value_is_the_mean_duration_of_the_rest(make):
    table = fixations()
    recording = open_recording(make(table, **FIRST))
    assert (recording.spec.kind, recording.spec.unit, recording.spec.outputs) == ("value", "ms", 1)
    expected = table[table["nr"] >= 4].groupby(["who", "picture"])["ms"].mean().to_numpy()
    np.testing.assert_allclose(targets_of(recording)[:, 0], expected, rtol=1e-6)
    assert recording[0].inputs["length"] == 4


@pytest.mark.parametrize("fit", ["fixed", "zoomed"])
def test_nothing_of_the_rest_is_in_what_models_see(make, fit):
    inputs = [{**ALL_INPUTS[0], "stack": ["density", "drawing", "gaf", "mtf"], "fit": fit}, *ALL_INPUTS[1:]]
    table, other = fixations(), fixations(seed=1)
    rest = table["nr"] >= 4
    changed = table.assign(**{name: table[name].where(~rest, other[name]) for name in ("x", "y", "ms")})
    longer = pd.concat([changed, other[other["nr"] == 5].assign(nr=6)])
    first, second = (open_recording(make(one, inputs=inputs, **FIRST)) for one in (table, longer))
    assert first.spec == second.spec and not np.allclose(targets_of(first), targets_of(second))
    for row in range(30):
        for name, array in first[row].inputs.items():
            np.testing.assert_array_equal(array, second[row].inputs[name], err_msg=name)


def test_scanpaths_without_a_rest_are_left_out_and_counted(make):
    table = fixations()
    few = table[(table["who"] != "p0") | (table["nr"] < 4)]
    recording = open_recording(make(few, **FIRST))
    assert len(recording.table) == 25
    assert recording.notes == ("5 of 30 scanpaths have fewer than 5 fixations, so none after the first 4: left out.",)
    none = make(table[table["nr"] < 4], **FIRST)
    assert [fault.kind for fault in check(none)] == ["too few fixations"]
    with pytest.raises(InputError, match=r"Set target\.first to less than 4"):
        open_recording(none)


def test_all_faults_of_a_table_are_told_at_once(make):
    table = fixations()
    table.loc[0, "x"], table.loc[9, "ms"], table.loc[40, "y"] = 500, 0, np.nan
    kinds = {fault.kind for fault in check(make(pd.concat([table, table.iloc[[50]]])))}
    assert kinds == {
        "missing fixation",
        "fixation outside the stimulus",
        "duration not above zero",
        "duplicated fixations",
    }


def test_a_label_that_changes_within_a_scanpath_or_is_missing(make):
    table = fixations()
    table.loc[1, "group"], table.loc[6:11, "group"] = "patient", ""
    messages = {fault.message for fault in check(make(table))}
    assert messages == {
        "column 'group' names nothing for 1 of 30 scanpaths (empty 1), first p0/1.jpg; participant p0: 1 of 5.",
        "column 'group' has several values within 1 of 30 scanpaths, first p0/0.jpg.",
    }
    (fault,) = check(make(fixations(), target={"column": "grop"}))
    assert fault.message == "column 'grop' is missing; did you mean 'group'?"


def test_one_class_and_too_few_groups_are_refused(make):
    (fault,) = check(make(fixations().assign(group="control")))
    assert "only one class (control)" in fault.message
    (fault,) = check(make(fixations(pictures=2), **who_is_looking()))
    assert fault.message.startswith("2 stimuli found (0.jpg, 1.jpg)")


def test_a_model_reads_new_tables_as_it_was_trained(make):
    data = make(fixations())
    trained = open_recording(data)
    new = make(fixations(people=2, seed=7).drop(columns="group"))
    recording = open_for_prediction(new.path, trained.spec, data)
    assert recording.spec.inputs == trained.spec.inputs and recording.spec.classes == trained.spec.classes
    assert set(recording.table["split"]) == {"test"} and set(recording.table["label"]) == {-1}
    assert (collate([recording[0]], recording.spec).inputs[1].numpy()[:, 6:] == 0).all()
    values = make(fixations(), **FIRST)
    short = make(fixations(people=2, count=4))
    unknown = open_for_prediction(short.path, open_recording(values).spec, values)
    assert len(unknown.table) == 10 and unknown.table["value"].isna().all()
    with pytest.raises(InputError, match="inputs"):
        open_for_prediction(new.path, trained.spec, make(fixations(), inputs=[{"kind": "graph"}]))
