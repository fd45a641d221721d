"""The data section of a recipe: places in photographs, looked at or not, seen in crops at several scales."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from xgaze.data.fixations.fixation_format import FixationFormat
from xgaze.recipe.data_sections import Count, DataSection, Fractions, Section, Seed

NO_FILES = "this model judges crops; give a definition (YAML), or see `xgaze saliency` for maps."


class SampledPlaces(Section):
    """Which places of a photograph are samples: `positives` where its blurred fixation map is above `above` of its maximum, and
    `negatives` where it is below `below` of it; fewer where there are no more such places."""

    positives: Count = 10
    negatives: Count = 20
    above: float = Field(0.9, ge=0, lt=1)
    below: float = Field(0.1, gt=0, le=1)

    @model_validator(mode="after")
    def _do_not_meet(self) -> Self:
        if self.below > self.above:
            raise PydanticCustomError("choice", "below must not exceed above: a place would be looked at and not")
        return self


class FixationCropsData(DataSection):
    """Will people look here? Photographs in `path`/`pictures`, fixations of all viewers in `path`/`table`.

    sigma_px: width of a fixation in px of the stimulus, about one degree. most_pictures: only so many, drawn by `seed`. No
    picture is in two splits.
    """

    source: Literal["fixation-crops"]
    path: Path
    pictures: str = "stimuli"
    table: str = "fixations.csv"
    fixations: FixationFormat = FixationFormat()
    sigma_px: float = Field(24.0, gt=0, le=1e5)
    places: SampledPlaces = SampledPlaces()
    most_pictures: int | None = Field(None, ge=3, le=1_000_000)
    split: Fractions = Fractions()
    seed: Seed = 0


class CropListsData(DataSection):
    """The lists of Mr-CNN's authors: {train,val,test}_data.pth.tar in `path`, read as tensors alone, no code of theirs run.

    Training crops are taken as stored. Those of validation and test photographs, which the lists do not label, are cut at
    `places` of the maps `path`/`maps`/{stem}_fixMap.jpg.
    """

    source: Literal["crop-lists"]
    path: Path
    maps: str = "ALLFIXATIONMAPS"
    places: SampledPlaces = SampledPlaces()
    seed: Seed = 0
