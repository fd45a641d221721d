"""The recipe: one short YAML that is the whole experiment."""

from xgaze.recipe.data_sections import DataSection, Fractions
from xgaze.recipe.loading import builtin_recipes, load_data, load_recipe, read_yaml
from xgaze.recipe.schema import ModelSection, Recipe, Training, fingerprint
from xgaze.recipe.sources import Data
from xgaze.recipe.student_sections import Distill, Explain
from xgaze.recipe.varied_sections import Augment, GazeAugmentation, VariedPictures

__all__ = [
    "Augment",
    "Data",
    "DataSection",
    "Distill",
    "Explain",
    "Fractions",
    "GazeAugmentation",
    "ModelSection",
    "Recipe",
    "Training",
    "VariedPictures",
    "builtin_recipes",
    "fingerprint",
    "load_data",
    "load_recipe",
    "read_yaml",
]
