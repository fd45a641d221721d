"""The recipe: one short YAML that is the whole experiment."""

from xgaze.recipe.crops import CropListsData, FixationCropsData, SampledPlaces
from xgaze.recipe.data import (
    EyeFoldersData,
    Fractions,
    GazeImagesData,
    GazeLabels,
    RenderedData,
    Scene,
)
from xgaze.recipe.distill import Distill, Explain
from xgaze.recipe.files import builtin_recipes, load_data, load_recipe, read_yaml
from xgaze.recipe.fixations import (
    FixationInput,
    FixationTableData,
    FixationTarget,
    GraphInput,
    GroupedSplit,
    PicturesInput,
    SequenceInput,
)
from xgaze.recipe.photographs import AttentionPicturesData, PhotographSection, ViewerAgreementData
from xgaze.recipe.schema import (
    Augment,
    Data,
    GazeAugmentation,
    ModelSection,
    Recipe,
    Training,
    fingerprint,
)

__all__ = [
    "AttentionPicturesData",
    "Augment",
    "CropListsData",
    "Data",
    "Distill",
    "Explain",
    "EyeFoldersData",
    "FixationCropsData",
    "FixationInput",
    "FixationTableData",
    "FixationTarget",
    "Fractions",
    "GazeAugmentation",
    "GazeImagesData",
    "GazeLabels",
    "GraphInput",
    "GroupedSplit",
    "ModelSection",
    "PhotographSection",
    "PicturesInput",
    "Recipe",
    "RenderedData",
    "SampledPlaces",
    "Scene",
    "SequenceInput",
    "Training",
    "ViewerAgreementData",
    "builtin_recipes",
    "fingerprint",
    "load_data",
    "load_recipe",
    "read_yaml",
]
