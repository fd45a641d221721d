import re
from pathlib import Path

import pytest
import yaml

from xgaze.errors import InputError
from xgaze.recipe import builtin_recipes, load_data, load_recipe

TINY = {"name": "tiny", "data": {"source": "rendered"}, "model": {"name": "multi-eye"}}


@pytest.fixture
def write(tmp_path):
    def write(stored, name="recipe.yaml"):
        path = tmp_path / name
        path.write_text(yaml.safe_dump(stored))
        return str(path)

    return write


def test_the_builtin_recipes_are_short_and_valid():
    scanpaths = {"scanpath-cnn", "scanpath-lstm", "scanpath-vitnet", "scanpath-gnn", "scanpath-duration"}
    assert set(builtin_recipes()) >= {"multi-eye", "multi-eye-reference", "heatmap-cnn", "gat", "kfn", *scanpaths}
    for name, path in builtin_recipes().items():
        overrides = ("data.path=x",) if not name.startswith("multi-eye") else ()
        assert load_recipe(name, overrides).name == name
        assert len(path.read_text().splitlines()) < 40


def test_a_misspelt_key_is_named_with_file_and_nearest_key(write):
    path = write({**TINY, "training": {"epoch": 3}})
    with pytest.raises(InputError) as error:
        load_recipe(path)
    assert str(error.value) == f"{path}: unknown key 'training.epoch'; did you mean 'epochs'?"


def test_a_misspelt_key_inside_a_data_source_is_named_without_the_tag(write):
    path = write({**TINY, "data": {"source": "rendered", "heigth": 99}})
    with pytest.raises(InputError, match=r"unknown key 'data\.heigth'; did you mean 'height'\?"):
        load_recipe(path)


def test_all_faults_of_a_recipe_are_told_at_once(write):
    path = write({"name": "a b", "data": {"source": "rendered"}, "training": {"epochs": 0}})
    with pytest.raises(InputError) as error:
        load_recipe(path)
    assert len(str(error.value).splitlines()) == 3
    assert "key 'model' is missing" in str(error.value)


@pytest.mark.parametrize("number", [".nan", ".inf", "-.inf"])
@pytest.mark.parametrize(
    "key",
    [
        "distill.max_worse_percent",
        "distill.max_latency_ms",
        "distill.learning_rate",
        "distill.teacher_weight",
        "distill.hint_weight",
        "distill.tuning_epochs",
        "training.learning_rate",
        "training.min_delta",
    ],
)
def test_what_is_no_number_is_refused_wherever_one_belongs(write, key, number):
    with pytest.raises(InputError, match=rf"key '{key}': Input should be a finite number"):
        load_recipe(write(TINY), (f"{key}={number}",))


@pytest.mark.parametrize("text", ["a: [", "- a\n- b", "!!python/object/apply:os.system ['true']"])
def test_what_is_not_a_plain_mapping_is_refused(tmp_path, text):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"bad\.yaml"):
        load_recipe(str(path))


def test_an_unknown_recipe_names_the_nearest():
    with pytest.raises(InputError, match="did you mean 'multi-eye'"):
        load_recipe("multi-eyes")


def test_overrides_replace_values_and_refuse_what_is_no_assignment(write):
    path = write(TINY)
    assert load_recipe(path, ("training.epochs=7", "model.args.lrn=false")).training.epochs == 7
    for wrong in ("training.epochs", "name.x=1"):
        with pytest.raises(InputError, match="--set"):
            load_recipe(path, (wrong,))


def test_relative_paths_start_at_the_file_that_states_them_and_overrides_at_the_working_folder(write, tmp_path):
    definition = {"source": "eye-folders", "path": "frames"}
    write(definition, "recording.yaml")
    path = write({**TINY, "data": "recording.yaml"})
    assert load_recipe(path).data.path == tmp_path / "frames"
    assert load_recipe(path, ("data.path=elsewhere",)).data.path == Path("elsewhere")
    assert load_data(tmp_path / "recording.yaml").path == tmp_path / "frames"


def test_the_teacher_hash_depends_on_what_the_teacher_depends_on():
    def hashes(*overrides):
        recipe = load_recipe("multi-eye", overrides)
        return recipe.teacher_hash(), recipe.student_hash()

    plain, other = hashes(), hashes("distill.max_worse_percent=5")
    assert plain[0] == other[0] and plain[1] != other[1]
    assert hashes("explain.steps=99") == plain
    assert hashes("seed=1")[0] != plain[0]


@pytest.mark.parametrize("override", ["workers=4", "devices=2", "accelerator=cpu", "strategy=ddp", "tensorboard=true"])
def test_where_and_how_fast_a_model_is_trained_changes_no_hash_but_is_stored(override):
    plain, other = load_recipe("multi-eye"), load_recipe("multi-eye", (f"training.{override}",))
    key, _, value = override.partition("=")
    assert str(other.model_dump(mode="json")["training"][key]).lower() == value
    for one in ("teacher_hash", "trial_hash", "student_hash"):
        ours, theirs = (getattr(recipe, one) for recipe in (plain, other))
        assert ours() == theirs()
    assert load_recipe("multi-eye", ("training.precision=32-true",)).teacher_hash() != plain.teacher_hash()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("distill.max_worse_percent=-50", "greater than or equal to 0"),
        ("distill.ranks=[0]", "distill.ranks.0': Input should be greater than or equal to 1"),
        ("distill.ranks=[-1]", "greater than or equal to 1"),
        ("distill.ranks=[]", "at least 1 item"),
        ("distill.ranks=[4, 2, 4]", "4 stands there twice"),
        ("distill.ranks=[2.5]", "distill.ranks.0"),
        ("distill.shares=[]", "at least 1 item"),
        ("distill.shares=[0.5, 0.5]", "0.5 stands there twice"),
        ("distill.shares=[1]", "less than 1"),
        ("distill.separable_terms=[0]", "greater than or equal to 1"),
        ("distill.separable_terms=[2, 2]", "2 stands there twice"),
        ("distill.batch_size=100000000000000000000", "less than or equal to 1000000"),
        ("distill.tuning_epochs=1000000000", "less than or equal to 1000"),
        ("distill.end_to_end_epochs=1000000000", "less than or equal to 1000"),
        ("distill.hints=[{teacher: a, student: b}, {teacher: a, student: b}]", "stands there twice"),
        ("explain.steps=1000000000", "less than or equal to 1000"),
        ("explain.internal_batch_size=1000000000", "less than or equal to 10000"),
        ("explain.sweep_points=1000000000", "less than or equal to 10000"),
        ("distill.max_worse_percent=1.0e+300", "less than or equal to 1000000"),
        ("distill.max_worse_percent=.inf", "finite"),
        ("distill.max_latency_ms=1.0e+300", "less than or equal to 1000000000"),
        ("distill.max_latency_ms=.nan", "finite"),
        ("distill.max_latency_ms=0", "greater than 0"),
        (f"distill.max_parameters={10**30}", "less than or equal to 1000000000000"),
        (f"distill.max_bytes={10**30}", "less than or equal to 1000000000000000"),
        (f"distill.calibration_samples={10**30}", "less than or equal to 1000000"),
        (f"distill.ranks=[{10**30}]", "less than or equal to 1000000"),
        (f"distill.separable_terms=[{10**30}]", "less than or equal to 1000000"),
        (f"explain.over_people={10**30}", "less than or equal to 1000000"),
        ("explain.over_people=1", "one person gives no interval"),
    ],
)
def test_options_that_cannot_be_honoured_are_refused(override, message):
    with pytest.raises(InputError, match=re.escape(message)):
        load_recipe("multi-eye", (override,))


def test_no_separable_terms_may_be_asked_for_and_zero_is_a_budget():
    recipe = load_recipe("multi-eye", ("distill.separable_terms=[]", "distill.max_worse_percent=0"))
    assert recipe.distill.separable_terms == [] and recipe.distill.max_worse_percent == 0


def test_a_misspelt_key_inside_a_list_of_inputs_is_named(write):
    inputs = [{"kind": "sequence"}, {"kind": "pictures", "sides": 9}]
    section = {"source": "fixation-table", "path": "x", "target": {"column": "group"}, "inputs": inputs}
    with pytest.raises(InputError, match=r"unknown key 'data\.inputs\.1\.sides'; did you mean 'side'\?"):
        load_recipe(write({**TINY, "data": section}))


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"target": {"column": "a", "value": "rest-mean-duration-ms"}}, "give either column"),
        ({"target": {}}, "give either column"),
        ({"target": {"column": "participant"}}, "split.by and target.column are both 'participant'"),
        ({"target": {"column": "a"}, "inputs": [{"kind": "graph"}, {"kind": "graph"}]}, "'graph' occurs twice"),
        ({"target": {"column": "a"}, "inputs": [{"kind": "pictures", "stack": ["gaf", "gaf"]}]}, "once"),
    ],
)
def test_fixation_tables_that_cannot_be_learnt_from_are_refused(write, section, message):
    with pytest.raises(InputError, match=message):
        load_recipe(write({**TINY, "data": {"source": "fixation-table", "path": "x", **section}}))


def test_data_of_a_builtin_recipe_take_overrides():
    data = load_data(Path("scanpath-lstm"), ("data.path=mine.csv", "data.columns.x=X"))
    assert data.path == Path("mine.csv") and data.columns.x == "X" and data.columns.y == "y"


HASHES = {
    "multi-eye": "cba1dd3baa9a",
    "multi-eye-reference": "db62d65a60dc",
    "gat": "05f87efb2aed",
    "heatmap-cnn": "43ffd84b5cc4",
    "heatmap-cnn-small": "38c6cd51d061",
    "kfn": "4ecfbd9a5d4b",
    "mrcnn": "7ecfff35cde2",
    "scanpath-cnn": "8c56864ef3fd",
    "scanpath-duration": "4b481a10b1d9",
    "scanpath-gnn": "8d82a721cd49",
    "scanpath-lstm": "c59d8abe1064",
    "scanpath-vitnet": "c79fd4383cff",
}
"""Of the recipes that come with xgaze, their data at `recording`: a change of the schema shall not make finished runs others."""


@pytest.mark.parametrize("name", sorted(HASHES))
def test_the_builtin_recipes_keep_their_hashes(name):
    overrides = () if name.startswith("multi-eye") else ("data.path=recording",)
    assert load_recipe(name, overrides).teacher_hash() == HASHES[name]


def test_faults_of_the_data_section_are_told_with_all_others(write):
    path = write({**TINY, "data": {"source": "rendered", "height": 1, "width": "wide"}, "training": {"epochs": 0}})
    with pytest.raises(InputError) as error:
        load_recipe(path)
    told = [line.removeprefix(f"{path}: ").split(":")[0] for line in str(error.value).splitlines()]
    assert told == ["key 'data.height'", "key 'data.width'", "key 'training.epochs'"]


def test_a_fault_deep_in_a_data_section_is_named_as_it_is_written(write):
    inputs = [
        {"kind": "sequence"},
        {"kind": "pictures", "stack": ["density", "density"]},
        {"kind": "graph", "cells": 3},
    ]
    data = {"source": "fixation-table", "path": "x.csv", "inputs": inputs, "target": {"column": "who"}}
    with pytest.raises(InputError) as error:
        load_recipe(write({**TINY, "data": data}))
    assert "key 'data.inputs.1.stack': name each representation once" in str(error.value)
    assert "unknown key 'data.inputs.2.cells'" in str(error.value)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"path": "x"}, "key 'data': Unable to extract tag using discriminator 'source'"),
        ({"source": 5}, "key 'data': Input tag '5' found using 'source' does not match any of the expected tags: "),
        (["rendered"], "key 'data': Input should be a valid dictionary or object to extract fields from"),
    ],
)
def test_a_data_section_without_a_known_source_is_refused(write, data, told):
    with pytest.raises(InputError, match=told):
        load_recipe(write({**TINY, "data": data}))


def test_the_licence_of_the_data_changes_no_hash():
    plain, told = load_recipe("multi-eye"), load_recipe("multi-eye", ("data.licence=CC BY 4.0",))
    assert told.data.licence == "CC BY 4.0" and told.model_dump(mode="json")["data"]["licence"] == "CC BY 4.0"
    for one in ("teacher_hash", "trial_hash", "student_hash"):
        assert getattr(told, one)() == getattr(plain, one)()
