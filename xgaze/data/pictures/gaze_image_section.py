"""The data section of a recipe: pictures of gaze with participant and class."""

import re
from pathlib import Path
from typing import Literal, Self

from pydantic import field_validator, model_validator
from pydantic_core import PydanticCustomError

from xgaze.recipe.data_sections import DataSection, Fractions, PictureSide, Seed
from xgaze.recipe.text_table import TextTable


class GazeImagesData(TextTable, DataSection):
    """Pictures of gaze (heatmaps, scanpaths) with participant and class.

    `path` is a folder laid out `class/participant/*.png`, or a folder (or .npz) with an `images` array and a CSV beside
    it whose rows are in the same order. `names`: a regular expression that file names must match as a whole, whose named
    groups say participant, class and, where there are several, kind of picture; then folders do not matter, and only
    pictures of `kind` are taken. `crop`: left, top, right, bottom in px of the picture, before resizing. `participants`: of one
    name in several classes, are they one person ("across-classes") or several ("per-class")?
    """

    source: Literal["gaze-images"]
    path: Path
    participant: str = "participant"
    label: str = "label"
    class_name: str | None = "class"
    names: str | None = None
    kind: str | None = None
    crop: tuple[int, int, int, int] | None = None
    height: PictureSide = 128
    width: PictureSide = 128
    channels: Literal[1, 3] = 3
    split: Fractions = Fractions()
    seed: Seed = 0
    participants: Literal["per-class", "across-classes"] | None = None

    @field_validator("names")
    @classmethod
    def _tells_participant_and_class(cls, names: str | None) -> str | None:
        try:
            groups = set(re.compile(names or "").groupindex)
        except re.error as error:
            raise PydanticCustomError("names", "not a regular expression: {why}", {"why": str(error)}) from None
        if names is not None and not {"participant", "class"} <= groups <= {"participant", "class", "kind"}:
            raise PydanticCustomError(
                "names", "needs the named groups (?P<participant>...) and (?P<class>...), and may have (?P<kind>...)"
            )
        return names

    @field_validator("crop")
    @classmethod
    def _is_a_box(cls, crop: tuple[int, int, int, int] | None) -> tuple[int, int, int, int] | None:
        if crop and not (0 <= crop[0] < crop[2] and 0 <= crop[1] < crop[3]):
            raise PydanticCustomError(
                "crop", "expected [left, top, right, bottom] in px, left < right and top < bottom"
            )
        return crop

    @model_validator(mode="after")
    def _kind_is_in_names(self) -> Self:
        if self.kind is not None and "(?P<kind>" not in (self.names or ""):
            raise PydanticCustomError("kind", "kind needs names with a group (?P<kind>...)")
        return self
