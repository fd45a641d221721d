"""The model that a training starts with, and where it is trained."""

import torch

from xgaze.data.contract import Spec
from xgaze.models.layers import FeatureHead
from xgaze.models.registry import build_architecture
from xgaze.models.starting_weights import start_from
from xgaze.recipe import Recipe, Training


def starting_model(recipe: Recipe, spec: Spec) -> FeatureHead:
    """The recipe's model with random weights, or with those of `model.weights`. Raises InputError.

    Only trainings read that file: a trained model is rebuilt without it.
    """
    model = build_architecture(recipe.model.model_dump(mode="json"), spec)
    if recipe.model.weights is not None:
        start_from(model, recipe.model.weights)
    return model


def device_of(settings: Training) -> str:
    """The kind of device that these settings train on here."""
    if settings.accelerator not in ("auto", "gpu"):
        return settings.accelerator
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
