"""Faults of a recipe that show before anything is rendered or trained."""

from xgaze.data.open import open_recording
from xgaze.data.sources.rendered import rendered_spec
from xgaze.recipe import Recipe, RenderedData
from xgaze.training.start import starting_model
from xgaze.training.teacher import check_loss


def check_recipe(recipe: Recipe) -> None:
    """Raises InputError for data that cannot be opened, a model that cannot be built, a loss that does not fit."""
    data = recipe.data
    spec = rendered_spec(data) if isinstance(data, RenderedData) else open_recording(data).spec
    starting_model(recipe, spec)
    check_loss(recipe, spec)
