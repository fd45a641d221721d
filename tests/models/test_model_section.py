"""The model section of a recipe: a registered name, or an import."""

import pytest
import yaml

from xgaze.data.contract import InputSpec, Spec
from xgaze.errors import InputError
from xgaze.models.registry import build_architecture
from xgaze.recipe import Recipe, load_recipe

LARGE = Spec((InputSpec("eye0", (1, 160, 160)),), "gaze", scene=(800, 600))


def test_a_recipe_holds_a_name_or_an_import_and_says_so(tmp_path):
    data = {"name": "t", "data": {"source": "rendered"}}
    path = tmp_path / "r.yaml"
    for model in ({}, {"name": "multi-eye", "import": "a:B"}):
        path.write_text(yaml.safe_dump({**data, "model": model}))
        with pytest.raises(InputError, match=r"key 'model': give either name .* or import .*package.module:Class"):
            load_recipe(str(path))
    path.write_text(yaml.safe_dump({**data, "model": {"import": "a:B", "args": {"depth": None}}}))
    recipe = load_recipe(str(path))
    assert recipe.model_dump(mode="json")["model"] == {"import": "a:B", "args": {"depth": None}}
    assert Recipe.model_validate(recipe.model_dump(mode="json")) == recipe


def test_how_a_class_is_called_is_said_of_classes_alone_and_stored_where_it_is_said():
    told = {"import": "a:B", "args": {}, "takes": "list", "output": "gaze"}
    stored = {"name": "t", "data": {"source": "rendered"}, "model": told}
    assert Recipe.model_validate(stored).model_dump(mode="json")["model"] == told
    for model in ({"name": "multi-eye", "takes": "list"}, {"name": "multi-eye", "output": 0}, {**told, "takes": "set"}):
        with pytest.raises(ValueError, match=r"takes and output are of a class|Input should be 'one-by-one'"):
            Recipe.model_validate({**stored, "model": model})


def test_a_registered_model_is_stored_as_it_always_was():
    recipe = load_recipe("multi-eye")
    args = {"first_stride": 2, "conv3_stride": 1, "conv3_padding": 2, "lrn": False}
    assert recipe.model_dump(mode="json")["model"] == {"name": "multi-eye", "args": args}
    assert type(build_architecture({"name": "multi-eye", "args": {"lrn": False}}, LARGE)).__name__ == "MultiEye"
