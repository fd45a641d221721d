"""The data section of a recipe: recordings of eyes and pictures of gaze."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from xgaze.recipe.text_table import NumberTable, TextTable

Seed = Annotated[int, Field(ge=0, lt=2**31)]
"""Small enough for torch, numpy and scikit-learn alike, with room for the seeds that are counted on from it."""

PictureSide = Annotated[int, Field(ge=8, le=16_384)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]


class Section(BaseModel):
    """A part of a recipe: unknown keys and numbers that are none (nan, inf, true) are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _true_is_no_number(cls, stored: Any) -> Any:
        """YAML reads `yes` as true, which Python takes for 1."""
        for key, value in stored.items() if isinstance(stored, dict) else ():
            known = cls.model_fields.get(key)
            listed = value if isinstance(value, list | tuple) else [value]
            if (
                known
                and any(isinstance(one, bool) for one in listed)
                and not {bool, Any} & set(_kinds(known.annotation))
            ):
                raise PydanticCustomError("boolean", "Input should not be true or false", {"key": key})
        return stored


def _kinds(annotation: Any) -> Iterator[Any]:
    """The types that an annotation is made of."""
    inner = get_args(annotation)
    yield from (kind for one in inner for kind in _kinds(one)) if inner else (annotation,)


class UnlabelledPeople(Section):
    """More rendered participants, whose gaze only the teacher tells; they are in no split."""

    participants: int = Field(ge=1, le=100_000)


class UnlabelledFiles(Section):
    """More recordings, whose labels only the teacher tells: files in the format of the recording, or a definition (YAML)."""

    path: Path


class RenderedData(Section):
    """The embedded rendered recording: a head-mounted tracker with four eye cameras and an 800x600 scene camera."""

    source: Literal["rendered"]
    height: int = Field(128, ge=32, le=4096)
    width: int = Field(160, ge=32, le=4096)
    train_participants: int = Field(600, ge=2, le=100_000)
    validation_participants: int = Field(60, ge=2, le=100_000)
    test_participants: int = Field(160, ge=2, le=100_000)
    frames_per_participant: int = Field(12, ge=1, le=100_000)
    seed: Seed = 0
    unlabelled: UnlabelledPeople | None = None


class Scene(Section):
    """Size of the scene image in px; gaze labels lie inside it, origin top left."""

    width: Count
    height: Count


class GazeLabels(NumberTable, Section):
    """The label table of a session folder. Row i belongs to frame i (1-based) unless a `frame` column is named."""

    file: str = "Learn.csv"
    x: str = "cornerxy[0]"
    y: str = "cornerxy[1]"
    frame: str | None = None


class EyeFoldersData(Section):
    """Eye-camera frames in folders: `path/layout/<view file>` with one label table per session folder.

    `layout` names the folder levels with {split}, {participant}, {session}. `views` gives each camera's file name with
    {frame}. `splits` says which folder is which split. `unit` is the unit of the labels.
    """

    source: Literal["eye-folders"]
    path: Path
    layout: str = "{split}/{participant}/{session}"
    views: dict[str, str] = {f"eye{cam}": f"{{frame}}_{cam}.png" for cam in (0, 1, 3, 4)}
    labels: GazeLabels | None = GazeLabels()
    splits: dict[Literal["train", "validation", "test"], str] = {
        "train": "train",
        "validation": "val",
        "test": "test",
    }
    unit: Literal["px"] = "px"
    scene: Scene = Scene(width=960, height=540)
    height: PictureSide = 576
    width: PictureSide = 720
    resize_height: PictureSide | None = None
    resize_width: PictureSide | None = None
    mean: float = Field(98.54010552, ge=-1e6, le=1e6)
    std: float = Field(41.5086445, ge=1e-6, le=1e6)
    unlabelled: UnlabelledFiles | None = None


class Fractions(Section):
    """Shares of participants; what is left goes to training."""

    validation: float = Field(0.15, gt=0, lt=1)
    test: float = Field(0.25, gt=0, lt=1)


class GazeImagesData(TextTable, Section):
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
    unlabelled: UnlabelledFiles | None = None
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
