"""The recipe: one short YAML that is the whole experiment."""

from xgaze.recipe.array_section import ArraysData
from xgaze.recipe.crop_sections import CropListsData, FixationCropsData, SampledPlaces
from xgaze.recipe.data_sections import (
    EyeFoldersData,
    Fractions,
    GazeImagesData,
    GazeLabels,
    RenderedData,
    Scene,
)
from xgaze.recipe.fixation_sections import (
    FixationInput,
    FixationTableData,
    FixationTarget,
    GraphInput,
    GroupedSplit,
    PicturesInput,
    SequenceInput,
)
from xgaze.recipe.loading import builtin_recipes, load_data, load_recipe, read_yaml
from xgaze.recipe.photograph_sections import AttentionPicturesData, PhotographSection, ViewerAgreementData
from xgaze.recipe.schema import (
    Augment,
    Data,
    GazeAugmentation,
    ModelSection,
    Recipe,
    Training,
    fingerprint,
)
from xgaze.recipe.student_sections import Distill, Explain

__all__ = [
    "ArraysData",
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
