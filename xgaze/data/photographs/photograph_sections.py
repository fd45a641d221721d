"""The data section of a recipe: photographs, and beside each a map of where people looked on it."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from xgaze.data.fixations.fixation_format import FixationFormat
from xgaze.recipe.data_sections import DataSection, Fractions, Section, Seed
from xgaze.recipe.text_table import TextTable


class PhotographSection(DataSection):
    """What all sources of photographs share.

    attention: what a model gets of the map. "none": nothing; "training": nothing at test, but training may use it (gaze
    augmentation); "input": the map is an input, at test too. resize: length of the shorter side, px; of that a square of `side`
    px is seen, at random places in training where `training.augment` says so, else the middle one.
    """

    attention: Literal["none", "training", "input"] = "training"
    side: int = Field(112, ge=16, le=4096)
    resize: int | None = Field(None, ge=16, le=16_384)
    seed: Seed = 0

    @property
    def shorter_side(self) -> int:
        """Length of a photograph's shorter side before a square is cut, px."""
        return self.resize or self.side

    @model_validator(mode="after")
    def _side_fits(self) -> Self:
        if self.shorter_side < self.side:
            raise PydanticCustomError("choice", "resize must not be less than side, the square that is cut from it")
        return self


class PictureColumns(TextTable, Section):
    """Columns of a table of photographs. group: what no two splits share (null: each picture is its own). split: a column that
    tells train, validation and test."""

    picture: str = "picture"
    map: str = "map"
    label: str = "label"
    group: str | None = "group"
    split: str | None = None


class AttentionPicturesData(PhotographSection):
    """Photographs with classes and attention maps.

    layout "cub": `path` holds images.txt, image_class_labels.txt, train_test_split.txt, images/ and {maps}/{id}.jpg; "cxr-eye":
    master_sheet.csv, and {maps}/{dicom_id}/heatmap.png; "table": `path` is a CSV of `columns`, whose files start at its folder.
    threshold: maps become 1 where, stretched to 0..1, they are above it, else 0. No group (patient) is in two splits;
    validation is drawn from training.
    """

    source: Literal["attention-pictures"]
    path: Path
    layout: Literal["cub", "cxr-eye", "table"] = "table"
    columns: PictureColumns = PictureColumns()
    maps: str | None = None
    threshold: Annotated[float, Field(ge=0, lt=1)] | None = None
    split: Fractions = Fractions()

    @property
    def maps_folder(self) -> str:
        """Where the maps of a fixed layout lie, below `path`."""
        return self.maps if self.maps is not None else {"cub": "CUB_GHA", "cxr-eye": "", "table": ""}[self.layout]

    @property
    def kept_above(self) -> float | None:
        """The threshold, of CXR-Eye 0.3 unless another is given."""
        return 0.3 if self.threshold is None and self.layout == "cxr-eye" else self.threshold


class ViewerAgreementData(PhotographSection):
    """Do viewers agree on where to look in this picture? Photographs in `path`/`pictures`, fixations in `path`/`table`.

    Of `labelling_viewers` drawn by `seed`, each one's map is compared with the others': pictures in the top `share` of the mean
    are "agree", in the bottom "differ", the rest is left out. The attention map is drawn from all other viewers.
    sigma_px: width of a fixation in px of the picture.
    """

    source: Literal["viewer-agreement"]
    path: Path
    pictures: str = "stimuli"
    table: str = "fixations.csv"
    fixations: FixationFormat = FixationFormat()
    measure: Literal["correlation", "auc"] = "correlation"
    labelling_viewers: int = Field(8, ge=2, le=1_000_000)
    share: float = Field(1 / 3, gt=0, le=0.5)
    sigma_px: float = Field(24.0, gt=0, le=1e5)
    split: Fractions = Fractions()
