"""The table of all reference systems: every recipe has its row, and the small runs are valid."""

import runpy
from pathlib import Path

import pandas as pd
import pytest

from xgaze.recipe import load_recipe
from xgaze.recipe.loading import builtin_recipes

FILE = Path(__file__).parents[1] / "benchmarks" / "five_systems.py"
FIVE = runpy.run_path(str(FILE))
ROWS = FIVE["ROWS"]


def test_every_recipe_has_exactly_one_row():
    assert sorted(row.recipe for row in ROWS) == sorted(builtin_recipes())


def test_five_systems_are_run_unless_all_recipes_or_one_are_asked_for():
    chosen = FIVE["chosen"]
    names = [row.recipe for row in ROWS if chosen(row, False, None)]
    assert names == ["multi-eye", "heatmap-cnn", "scanpath-vitnet", "mrcnn", "gat"]
    assert all(chosen(row, True, None) for row in ROWS)
    assert [row.recipe for row in ROWS if chosen(row, False, "kfn")] == ["kfn"]
    assert len({row.system for row in ROWS}) == 5 == len({row.system for row in ROWS if not row.variant})


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.recipe)
def test_the_small_run_of_a_recipe_is_valid_and_smaller(row, tmp_path):
    settings = FIVE["overrides_of"](row, tmp_path / "data", tmp_path)
    small = load_recipe(row.recipe, tuple(settings))
    whole = load_recipe(row.recipe, tuple(one for one in settings if one.startswith("data.path")))
    assert looks_at(small) < looks_at(whole)
    assert small.name == whole.name and small.model == whole.model


def looks_at(recipe):
    """How often a training looks at a frame, of a recording whose size the recipe tells; else its epochs."""
    people = getattr(recipe.data, "train_participants", 1)
    return recipe.training.epochs * people * (getattr(recipe.data, "train_frames_per_participant", None) or 1)


def test_a_row_holds_what_distill_printed():
    figures = {
        "teacher": {"parameters": 1000, "fc_parameters": 750},
        "worse_unit": "%",
        "difference_percent": {"mean": 1.0, "low": -1.0, "high": 3.0},
        "fc_reduction": 30.0,
        "parameter_reduction": 4.0,
        "latency_ratio": 1.5,
    }
    found = FIVE["row_of"](ROWS[0], figures, 61.2)
    assert tuple(found) == FIVE["COLUMNS"] and found["fc_share"] == 0.75
    told = FIVE["in_words"]([found])
    assert "| 1,000 | 75 % | 30.0x | 4.0x | +1.0 % [-1.0, +3.0] | 1.5x | 61 s |" in told
    assert "failed: why" in FIVE["in_words"]([{"system": "a", "recipe": "b", "failed": "why"}])


def test_the_first_pictures_are_cut_from_the_table_and_the_same_again(tmp_path):
    source, target = tmp_path / "whole", tmp_path / "small"
    (source / "stimuli").mkdir(parents=True)
    table = pd.DataFrame({"image": ["c.jpg", "a.jpg", "b.jpg", "a.jpg"], "x": range(4)})
    table.to_csv(source / "fixations.csv.gz", index=False)
    FIVE["small_osie"](source, target, 2)
    first = (target / "fixations.csv.gz").read_bytes()
    assert list(pd.read_csv(target / "fixations.csv.gz")["image"]) == ["a.jpg", "b.jpg", "a.jpg"]
    FIVE["small_osie"](source, target, 2)
    assert (target / "fixations.csv.gz").read_bytes() == first and (target / "stimuli").is_dir()
