"""The model that a training starts with."""

from xgaze.data.contract import Spec
from xgaze.models.layers import FeatureHead
from xgaze.models.registry import build_architecture
from xgaze.models.starting_weights import start_from
from xgaze.recipe import Recipe


def starting_model(recipe: Recipe, spec: Spec) -> FeatureHead:
    """The recipe's model with random weights, or with those of `model.weights`. Raises InputError.

    Only trainings read that file: a trained model is rebuilt without it.
    """
    model = build_architecture(recipe.model.model_dump(mode="json"), spec)
    if recipe.model.weights is not None:
        start_from(model, recipe.model.weights)
    return model
