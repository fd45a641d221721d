"""The data section of a recipe: recordings of Pupil Core or Neon with their eye videos."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from xgaze.data.eyes.eye_section import Scene
from xgaze.recipe.data_sections import DataSection, Fractions, PictureSide, Seed

NEON_SCENE = Scene(width=1600, height=1200)


class PupilRecordingsData(DataSection):
    """Folders of recordings below `path`: of Pupil Core (eye0.mp4, eye0_timestamps.npy and an export of Pupil Player), or native
    ones of Neon ("Neon Sensor Module v1 ps1.mp4"), with gaze.csv of Pupil Cloud where there is one.

    participant: the first folder below `path`, or the wearer that info.json of Neon names. eyes: whose pictures the network
    reads, in its order, grey, as `height` x `width` px. scene: size of the scene camera's picture in px, which Core does not
    tell; Neon's is 1600 x 1200. A sample is a gaze sample with the nearest frame of every eye, at most `tolerance_ms` away.
    confidence: of Core, below which gaze is left out. every: one of so many samples of a recording is read.
    """

    source: Literal["pupil-recordings"]
    path: Path
    device: Literal["core", "neon"]
    participant: Literal["folder", "wearer"] = "folder"
    eyes: list[Literal["right", "left"]] = ["right", "left"]
    scene: Scene | None = None
    height: PictureSide = 192
    width: PictureSide = 192
    confidence: float = Field(0.8, ge=0, le=1)
    tolerance_ms: float = Field(10.0, gt=0, le=1000)
    every: int = Field(1, ge=1, le=10_000)
    split: Fractions = Fractions()
    seed: Seed = 0

    @field_validator("eyes")
    @classmethod
    def _each_eye_once(cls, eyes: list[str]) -> list[str]:
        if not eyes or len(set(eyes)) < len(eyes):
            raise PydanticCustomError("eyes", "name right, left or both, each once")
        return eyes

    @model_validator(mode="after")
    def _fits_the_device(self) -> Self:
        if self.device == "core" and self.scene is None:
            raise PydanticCustomError(
                "scene", "Core's gaze is in shares of the scene camera's picture: say scene, its size"
            )
        if self.device == "core" and self.participant == "wearer":
            raise PydanticCustomError("participant", "only Neon names wearers; use the folders of people")
        return self

    @property
    def picture(self) -> Scene:
        """What gaze lies in."""
        return self.scene or NEON_SCENE
