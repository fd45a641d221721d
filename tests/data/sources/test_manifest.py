"""A manifest: one table, whose columns a definition names."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from xgaze.data.checks.soundness import checked, summarise
from xgaze.data.contract import collate
from xgaze.data.open import open_for_prediction, open_recording
from xgaze.data.source import same_data
from xgaze.errors import InputError
from xgaze.recipe import load_data


def faults(data):
    """{kind: [messages]}"""
    return {one["kind"]: one["first"] for one in summarise(checked(data).faults)}


def test_a_row_is_a_sample(manifest):
    data = manifest(columns={"session": "s1"}, session="session")
    recording = open_recording(data)
    table, written = recording.table, pd.read_csv(data.path)
    assert len(table) == len(written) == 14 * 5
    assert table["id"].tolist()[:6] == [*(f"tr0/s1/{k}" for k in range(5)), "tr1/s1/5"]
    assert table.groupby("split")["group"].nunique().to_dict() == {"train": 6, "validation": 4, "test": 4}
    sample = recording[7]
    assert sample.groups == {"group": "tr1", "session": "s1"} and sample.target.dtype == np.float32
    np.testing.assert_allclose(sample.target, written.loc[7, ["x_px", "y_px"]].astype(float), rtol=1e-6)
    for view in ("left", "right"):
        stored = np.asarray(Image.open(data.path.parent / written[view][7]))
        np.testing.assert_array_equal(sample.inputs[view], stored[None])
    spec = recording.spec
    assert [(one.name, one.shape, one.mean, one.std) for one in spec.inputs] == [
        (view, (1, 16, 16), 40, 60) for view in ("left", "right")
    ]
    assert (spec.kind, spec.unit, spec.scene, spec.outputs) == ("gaze", "px", (800, 600), 2)
    assert not faults(data)


def test_classes_are_words_or_numbers_in_their_order_or_in_the_one_that_is_said(manifest):
    words = open_recording(manifest(target={"kind": "class", "column": "side"}))
    assert words.spec.classes == ("left", "right") and words[0].target.dtype == np.int64
    told = {"kind": "class", "column": "side", "classes": ["right", "left"]}
    turned = open_recording(manifest(target=told))
    assert turned.spec.classes == ("right", "left")
    np.testing.assert_array_equal(turned.table["label"], 1 - words.table["label"])
    numbers = {"level": lambda table: np.where(table["side"] == "left", 10, 9)}
    assert open_recording(manifest(numbers, target={"kind": "class", "column": "level"})).spec.classes == ("9", "10")


IMAGENET = {"mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375]}
FACE = {"picture": "left", "channels": 3, "height": 16, "width": 16, **IMAGENET}


def test_pictures_in_colour_and_columns_have_means_of_their_own(manifest):
    head = {"columns": ["head_pitch", "head_yaw"], "mean": [1, 2], "std": [2, 4]}
    data = manifest(inputs={"face": FACE, "head": head})
    recording = open_recording(data)
    sample, (face, head) = recording[7], collate([recording[7]], recording.spec).inputs
    stored = sample.inputs["face"].astype(float)
    for channel in range(3):
        expected = (stored[channel] - IMAGENET["mean"][channel]) / IMAGENET["std"][channel]
        np.testing.assert_allclose(face[0, channel], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(head[0], (sample.inputs["head"] - [1, 2]) / [2, 4], rtol=1e-5)
    turned = data.model_copy(update={"path": data.path, "inputs": data.inputs})
    assert same_data(data, turned) and data.model_dump()["inputs"]["face"]["mean"] == IMAGENET["mean"]


def test_a_value_has_its_unit_and_a_vector_its_numbers(manifest):
    inputs = {"head": {"columns": ["head_pitch", "head_yaw"], "mean": 1}}
    data = manifest(target={"kind": "value", "column": "depth", "unit": "mm"}, inputs=inputs)
    recording = open_recording(data)
    assert (recording.spec.kind, recording.spec.unit, recording[0].target.shape) == ("value", "mm", (1,))
    one = recording.spec.inputs[0]
    assert (one.shape, one.dtype, one.mean, one.std) == ((2,), "float32", 1, 1)
    written = pd.read_csv(data.path)[["head_pitch", "head_yaw"]].to_numpy(np.float32)
    np.testing.assert_array_equal(np.stack([recording[k].inputs["head"] for k in range(70)]), written)
    assert not faults(data)


def test_gaze_in_cm_has_its_unit_wherever_its_origin_is(manifest):
    centred = {"x_cm": lambda table: table["x_px"] / 38 - 10, "y_cm": lambda table: -table["y_px"] / 38}
    target = {"kind": "gaze", "columns": ["x_cm", "y_cm"], "unit": "cm"}
    data = manifest(centred, target=target, scene=None)
    recording = open_recording(data)
    assert (recording.spec.unit, recording.spec.scene, recording.spec.outputs) == ("cm", None, 2)
    assert list(recording.table)[-2:] == ["gaze_x_cm", "gaze_y_cm"] and (recording.table["gaze_y_cm"] < 0).all()
    assert not faults(data)
    with pytest.raises(InputError, match="a scene is of gaze points in px"):
        manifest(centred, target=target)
    in_mm = manifest(centred, target={**target, "unit": "mm"}, scene=None)
    with pytest.raises(InputError, match="target gaze in mm, but the model was trained with target gaze in cm"):
        open_for_prediction(in_mm.path.with_suffix(".yaml"), recording.spec, data)


ANGLES = {
    "pitch": lambda table: (table["y_px"] - 300) / 1000,
    "yaw": lambda table: (table["x_px"] - 400) / 1000,
    "gx": lambda table: table["yaw"],
    "gy": lambda table: table["pitch"],
    "gz": -1.0,
}


def test_directions_are_angles_or_vectors(manifest):
    radians = manifest(ANGLES, target={"kind": "angle", "columns": ["pitch", "yaw"], "unit": "rad"}, scene=None)
    spec = open_recording(radians).spec
    assert (spec.unit, spec.outputs, spec.measured) == ("rad", 2, "degrees") and not faults(radians)
    told = {"kind": "angle", "columns": ["gx", "gy", "gz"]}
    vectors = manifest(ANGLES, target=told, scene=None)
    assert open_recording(vectors).spec.targets == ["gaze_x", "gaze_y", "gaze_z"] and not faults(vectors)
    zero = {name: lambda table, name=name: ANGLES[name](table).where(table.index != 3, 0) for name in ("gx", "gy")}
    zero["gz"] = lambda table: np.where(table.index == 3, 0, -1)
    found = faults(manifest({**ANGLES, **zero}, target=told, scene=None))
    assert found == {"label outside the scene": ["tr0/0/3: the direction is a vector of length 0."]}
    degrees = {**ANGLES, "pitch": lambda table: np.degrees((table["y_px"] - 300) / 100)}
    in_rad = manifest(degrees, target={"kind": "angle", "columns": ["pitch", "yaw"], "unit": "rad"}, scene=None)
    assert "beyond straight up or down" in faults(in_rad)["label outside the scene"][0]
    with pytest.raises(InputError, match="or two, pitch and yaw, in rad or deg"):
        manifest(ANGLES, target={"kind": "angle", "columns": ["pitch", "yaw"]}, scene=None)


def test_splits_are_drawn_by_participant(manifest):
    rule = {"by": "participant", "validation": 0.2, "test": 0.3}
    table = open_recording(manifest(split=rule)).table
    assert table.groupby("split")["group"].nunique().to_dict() == {"train": 7, "validation": 3, "test": 4}
    assert (table.groupby("group")["split"].nunique() == 1).all()
    other = open_recording(manifest(split=rule, seed=1)).table
    assert (other["split"] != table["split"]).any()


def test_words_of_splits_are_the_definitions(manifest):
    words = {"split": lambda table: table["split"].map({"train": "0", "validation": "1", "test": "2"})}
    renamed = manifest(words, splits={"train": "0", "validation": "1", "test": "2"})
    assert (open_recording(renamed).table["split"] == open_recording(manifest()).table["split"]).all()
    found = faults(manifest(words, splits={"train": "0", "validation": "1", "test": "3"}))
    assert found["label table"] == [
        "row 51: split is '2', none of 0, 1, 3; 20 of 70 rows. Say in `splits` which word means which."
    ]


def test_parquet_says_the_same_as_csv(manifest):
    pytest.importorskip("pyarrow")
    data = manifest()
    pd.read_csv(data.path).to_parquet(data.path.with_suffix(".parquet"))
    stored = data.model_copy(update={"path": data.path.with_suffix(".parquet")})
    pd.testing.assert_frame_equal(open_recording(stored).table, open_recording(data).table)


def test_pictures_are_made_of_the_size_and_channels_that_are_asked(manifest):
    asked = {"picture": "left", "height": 8, "width": 12, "channels": 3, "resize": True, "colour": "bgr"}
    data = manifest(inputs={"face": asked})
    pixels = np.zeros((16, 24, 3), np.uint8)
    pixels[..., 0], pixels[..., 2] = 200, 10
    Image.fromarray(pixels).save(data.path.parent / "eyes/tr0_0_left.png")
    sample = open_recording(data)[0].inputs["face"]
    assert sample.shape == (3, 8, 12)
    assert [int(channel.max()) for channel in sample] == [10, 0, 200]  # blue first


def test_all_faults_are_told_at_once(manifest):
    def with_word(table, row, word, name):
        return table[name].astype(object).where(table.index != row, word)

    data = manifest(
        {
            "x_px": lambda table: with_word(table, 2, "left", "x_px"),
            "y_px": lambda table: with_word(table, 3, 900, "y_px"),
            "participant": lambda table: with_word(table, 4, "va0", "participant").where(table.index != 9, ""),
            "left": lambda table: with_word(table, 5, "eyes/none.png", "left"),
            "right": lambda table: with_word(table, 6, "", "right"),
            "head_yaw": lambda table: with_word(table, 8, "nan", "head_yaw"),
        },
        inputs={
            **{name: {"picture": name, "height": 16, "width": 16} for name in ("left", "right")},
            "head": {"columns": ["head_pitch", "head_yaw"]},
        },
    )
    Image.new("L", (20, 16)).save(data.path.parent / "eyes/tr2_1_left.png")
    (data.path.parent / "eyes/tr2_2_left.png").write_text("no picture")
    assert faults(data) == {
        "missing view": ["row 6: left: no such file (eyes/none.png).", "row 7: right: column 'right' is empty."],
        "undecodable image": ["row 13: left cannot be decoded (not a picture) (eyes/tr2_2_left.png)."],
        "wrong image size": [
            "row 12: left is 20x16 px, expected 16x16 px (width x height); state it as height and width, or set "
            "resize: true (eyes/tr2_1_left.png)."
        ],
        "missing label": ["row 3: x_px is 'left', not a number; 1 of 70 rows."],
        "missing number": ["head: row 9: head_yaw is 'nan', not a number; 1 of 70 rows."],
        "label outside the scene": [
            f"tr0/0/3: gaze ({pd.read_csv(data.path)['x_px'].astype(object)[3]}, 900) px lies outside the scene 800x600; "
            "1 of 70 rows."
        ],
        "participant in two splits": ["participant va0 is in train and validation."],
        "no participants": ["row 10: participant names nobody; 1 of 70 rows."],
    }
    with pytest.raises(InputError, match=r"samples\.csv: 7 faults:"):  # all but those that show in decoded pictures
        open_recording(data)


def test_missing_columns_are_named_together(manifest):
    data = manifest(target={"kind": "gaze", "columns": ["x_pixel", "y_px"]}, participant="participants")
    assert faults(data)["label table"] == [
        "samples.csv: column 'x_pixel' is missing; did you mean 'x_px'? "
        "column 'participants' is missing; did you mean 'participant'?"
    ]


def test_a_person_in_another_unit_stands_out(manifest):
    def some_in_cm(table):
        return table["x_px"].where(table["participant"] != "tr3", table["x_px"] / 38)

    def scaled(table):
        return table["y_px"].where(table["participant"] != "tr3", table["y_px"] / 38)

    found = faults(manifest({"x_px": some_in_cm, "y_px": scaled}))
    assert list(found) == ["mixed units"] and len(found["mixed units"]) == 1
    assert found["mixed units"][0].startswith("participant tr3: the 5 labels reach ")


def test_copies_across_splits_are_found(manifest):
    data = manifest()
    folder = data.path.parent / "eyes"
    for view in ("left", "right"):
        (folder / f"te0_0_{view}.png").write_bytes((folder / f"tr0_0_{view}.png").read_bytes())
    assert faults(data) == {"identical images across splits": ["row 1 (train) and row 51 (test) have the same pixels."]}


def test_new_samples_need_no_label_and_nobody(manifest, tmp_path):
    data = manifest()
    spec = open_recording(data).spec
    new = tmp_path / "new.csv"
    pd.read_csv(data.path)[["left", "right"]].head(3).to_csv(new, index=False)
    found = open_for_prediction(new, spec, data)
    assert found.table["group"].tolist() == ["unknown"] * 3 and set(found.table["split"]) == {"test"}
    assert np.isnan(found[0].target).all()
    same = open_for_prediction(tmp_path / "samples.yaml", spec, data)
    assert set(same.table["split"]) == {"train", "validation", "test"}  # the model's own keeps its splits


def test_people_whose_labels_are_found_later_keep_their_splits(manifest, tmp_path):
    bare = manifest(target={"kind": "gaze", "unit": "px"}, truth="teacher")
    hidden = open_recording(bare)
    manifest(target={"kind": "gaze", "columns": ["x_px", "y_px"]})
    found = open_for_prediction(tmp_path / "samples.yaml", hidden.spec, bare)
    assert found.table["split"].tolist() == hidden.table["split"].tolist()
    assert found.table["split"].value_counts().to_dict() == {"train": 30, "validation": 20, "test": 20}
    assert found.spec.truth == "recorded" and not np.isnan(found[0].target).any()


def test_another_column_of_classes_draws_other_splits(manifest):
    data, other = (manifest(target={"kind": "class", "column": column}) for column in ("side", "participant"))
    assert same_data(data, data) and not same_data(data, other)
    depth, head = (manifest(target={"kind": "value", "column": one}) for one in ("depth", "head_yaw"))
    assert same_data(depth, head) and not same_data(depth, data)


@pytest.mark.parametrize(
    "keys, told",
    [
        ({"target": {"kind": "gaze", "columns": ["x_px"]}}, "a target of this kind takes two columns, x and y"),
        ({"target": {"kind": "class", "columns": ["side"]}}, "a target of this kind takes one column"),
        ({"inputs": {"left": {"picture": "left"}}}, "a picture needs its height and width in px"),
        (
            {"inputs": {"face": {**FACE, "std": [1, 2, 0]}}},
            r"key 'data\.inputs\.face\.std\.2': Input should be greater than or equal to 0\.000001 \(found 0\)\.$",
        ),
        ({"inputs": {"face": {**FACE, "std": -1}}}, r"^[^\n]*key 'data\.inputs\.face\.std': [^\n]* \(found -1\)\.$"),
        (
            {"inputs": {"face": {**FACE, "std": [1, 2]}}},
            r"std: 2 numbers; give one, or one per channel or column \(3\)",
        ),
        ({"inputs": {"face": {**FACE, "mean": [1, 2, 3.5], "may_be_missing": True}}}, "give mean as a whole number"),
        ({"inputs": {"left": {"picture": "left", "columns": ["a"]}}}, "give either picture"),
        (
            {"inputs": {"left": {"pictures": "left"}}},
            r"unknown key 'data\.inputs\.left\.pictures'; did you mean 'picture'",
        ),
        ({"inputs": {"left eye": {"picture": "left", "height": 8, "width": 8}}}, "'left eye' is no word"),
    ],
)
def test_a_definition_that_cannot_be_is_refused_at_once(manifest, keys, told):
    with pytest.raises(InputError, match=told):
        manifest(**keys)


def test_a_recipe_names_the_definition(manifest, tmp_path):
    data = manifest()
    (tmp_path / "recipe.yaml").write_text("name: own\ndata: samples.yaml\nmodel: {name: multi-eye}\n")
    assert load_data(tmp_path / "recipe.yaml") == data


def test_conditions_are_numbers_or_words_and_known_of_every_row(manifest):
    columns = {
        "glasses": lambda table: ["yes" if k % 2 else "" for k in range(len(table))],
        "lux": lambda table: [str(k / 2) if k % 5 else "" for k in range(len(table))],
        "mixed": lambda table: ["3" if k % 2 else "bright" for k in range(len(table))],
    }
    recording = open_recording(manifest(columns, conditions=list(columns)))
    rows = np.arange(len(recording.table))[::-1]
    known = recording.conditions(rows)
    assert known["glasses"].tolist() == ["yes" if k % 2 else "" for k in rows]
    np.testing.assert_array_equal(known["lux"], [k / 2 if k % 5 else np.nan for k in rows])
    assert set(known["mixed"]) == {"3", "bright"}


def test_a_condition_that_is_no_column_is_named(manifest):
    with pytest.raises(InputError, match="weather"):
        open_recording(manifest(conditions=["weather"]))


def test_definitions_without_conditions_are_what_they_were(manifest):
    assert "conditions" not in manifest().model_dump()
    assert manifest({"glasses": "no"}, conditions=["glasses"]).model_dump()["conditions"] == ["glasses"]
