"""Faults of a recipe that show before anything is rendered or trained."""

import torch

from xgaze.data.contract import Recording
from xgaze.data.open import open_recording
from xgaze.data.source import source_of
from xgaze.data.splits import require_enough
from xgaze.recipe import Recipe
from xgaze.training.start.shared_start import tied_towers
from xgaze.training.start.start import starting_model
from xgaze.training.teacher import check_loss


def check_recipe(recipe: Recipe, divided: bool = True, recording: Recording | None = None) -> None:
    """Raises InputError for data that cannot be opened or, where they stay `divided` as they are, hold too few to say anything,
    a model that cannot be built, a loss that does not fit. recording: where it is open already."""
    data = recipe.data
    spec = None if recording is not None else source_of(data).spec(data)
    if spec is None or not spec.rendered:  # their schema asks for enough
        recording = recording or open_recording(data)
        spec = recording.spec
        if divided:
            require_enough(recording.table, spec.groups)
    model = starting_model(recipe, spec)
    if recipe.training.shared_start:
        tied_towers(model, [torch.zeros(1, *one.shape) for one in spec.inputs], None, recipe.training.shared_start)
    check_loss(recipe, spec)
