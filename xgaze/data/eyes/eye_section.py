"""The data section of a recipe: eye-camera frames in folders."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from xgaze.recipe.data_sections import EYE_MEAN, EYE_STD, Count, DataSection, PictureSide, Section
from xgaze.recipe.text_table import NumberTable


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


class EyeFoldersData(DataSection):
    """Eye-camera frames in folders: `path/layout/<view file>` with one label table per session folder.

    `layout` names the folder levels with {split}, {participant}, {session}. `views` gives each camera's file name with
    {frame}. `splits` says which folder is which split. `unit` is the unit of the labels. `mirror_images`: pairs of cameras that
    lie symmetrically, for `training.mirror_images`.
    """

    later = ("mirror_images",)
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
    mean: float = Field(EYE_MEAN, ge=-1e6, le=1e6)
    std: float = Field(EYE_STD, ge=1e-6, le=1e6)
    mirror_images: dict[str, str] | None = None
