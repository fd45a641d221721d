"""The recipe: one short YAML that is the whole experiment."""

from xgaze.recipe.files import builtin_recipes, load_data, load_recipe, read_yaml
from xgaze.recipe.schema import (
    Data,
    Distill,
    Explain,
    EyeFoldersData,
    Fractions,
    GazeImagesData,
    GazeLabels,
    ModelSection,
    Recipe,
    RenderedData,
    Scene,
    Training,
    fingerprint,
)

__all__ = [
    "Data",
    "Distill",
    "Explain",
    "EyeFoldersData",
    "Fractions",
    "GazeImagesData",
    "GazeLabels",
    "ModelSection",
    "Recipe",
    "RenderedData",
    "Scene",
    "Training",
    "builtin_recipes",
    "fingerprint",
    "load_data",
    "load_recipe",
    "read_yaml",
]
