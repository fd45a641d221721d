import pytest
import torch
from safetensors.torch import save_file

from xgaze.data.contract import InputSpec, Spec
from xgaze.errors import InputError
from xgaze.models.registry import build, build_architecture
from xgaze.recipe import Recipe, load_recipe
from xgaze.training.start.start import starting_model

ARGS = {"depth": 18, "channels": 4}
SPEC = Spec((InputSpec("image", (3, 32, 32)),), "class", classes=("a", "b"))


def recipe(**model):
    return Recipe.model_validate({"name": "x", "data": {"source": "rendered"}, "model": {"args": ARGS, **model}})


def test_training_starts_from_the_weights_and_rebuilding_needs_none(tmp_path):
    stored = build("resnet", ARGS, SPEC)
    path = tmp_path / "weights.safetensors"
    save_file(stored.trunk.state_dict(), path)
    own = recipe(name="resnet", weights=path)
    model = starting_model(own, SPEC)
    assert all(torch.equal(a, b) for a, b in zip(stored.trunk.parameters(), model.trunk.parameters(), strict=True))
    path.unlink()
    build_architecture(own.model.model_dump(mode="json"), SPEC)
    with pytest.raises(InputError, match="no such file of weights"):
        starting_model(own, SPEC)


def test_weights_lie_beside_the_recipe_that_names_them(tmp_path):
    (tmp_path / "r.yaml").write_text(
        "name: x\ndata: {source: rendered}\nmodel: {name: resnet, weights: w.safetensors}\n"
    )
    assert load_recipe(str(tmp_path / "r.yaml")).model.weights == tmp_path / "w.safetensors"


def test_a_stored_recipe_is_read_as_it_was():
    whole = load_recipe("gat", ("data.path=x",))
    assert Recipe.model_validate(whole.model_dump(mode="json")) == whole


def test_momentum_without_sgd_is_refused():
    with pytest.raises(ValueError, match="momentum is for optimiser: sgd"):
        Recipe.model_validate({**recipe(name="resnet").model_dump(mode="json"), "training": {"momentum": 0.9}})
