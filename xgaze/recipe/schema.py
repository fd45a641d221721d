"""The schema of a recipe: what may be said, and the hash of what was said."""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """A part of a recipe: unknown keys and numbers that are none (nan, inf) are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class UnlabelledPeople(Section):
    """More rendered participants, whose gaze only the teacher tells; they are in no split."""

    participants: int = Field(ge=1)


class UnlabelledFiles(Section):
    """More recordings, whose labels only the teacher tells: files in the format of the recording, or a definition (YAML)."""

    path: Path


class RenderedData(Section):
    """The embedded rendered recording: a head-mounted tracker with four eye cameras and an 800x600 scene camera."""

    source: Literal["rendered"]
    height: int = Field(128, ge=32)
    width: int = Field(160, ge=32)
    train_participants: int = Field(600, ge=2)
    validation_participants: int = Field(60, ge=2)
    test_participants: int = Field(160, ge=2)
    frames_per_participant: int = Field(12, ge=1)
    seed: int = 0
    unlabelled: UnlabelledPeople | None = None


class Scene(Section):
    """Size of the scene image in px; gaze labels lie inside it, origin top left."""

    width: int = Field(ge=1)
    height: int = Field(ge=1)


class GazeLabels(Section):
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
    height: int = Field(576, ge=8)
    width: int = Field(720, ge=8)
    resize_height: int | None = Field(None, ge=8)
    resize_width: int | None = Field(None, ge=8)
    mean: float = 98.54010552
    std: float = Field(41.5086445, gt=0)
    unlabelled: UnlabelledFiles | None = None


class Fractions(Section):
    """Shares of participants; what is left goes to training."""

    validation: float = Field(0.15, gt=0, lt=1)
    test: float = Field(0.25, gt=0, lt=1)


class GazeImagesData(Section):
    """Pictures of gaze (heatmaps, scanpaths) with participant and class.

    `path` is a folder laid out `class/participant/*.png`, or a folder (or .npz) with an `images` array and a CSV beside
    it whose rows are in the same order.
    """

    source: Literal["gaze-images"]
    path: Path
    participant: str = "participant"
    label: str = "label"
    class_name: str | None = "class"
    height: int = Field(128, ge=8)
    width: int = Field(128, ge=8)
    channels: Literal[1, 3] = 3
    split: Fractions = Fractions()
    seed: int = 0
    unlabelled: UnlabelledFiles | None = None


Data = Annotated[RenderedData | EyeFoldersData | GazeImagesData, Field(discriminator="source")]
SOURCES = ("rendered", "eye-folders", "gaze-images")


class ModelSection(Section):
    """A registered architecture (`name`), or a class of your own (`import: "package.module:Class"`), and its arguments."""

    model_config = ConfigDict(serialize_by_alias=True)
    name: str | None = None
    import_: str | None = Field(None, alias="import")
    args: dict[str, Any] = {}

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.name is None) == (self.import_ is None):
            raise PydanticCustomError("choice", "give either name (registered) or import (package.module:Class)")
        return self

    @model_serializer(mode="wrap")
    def _without_the_other(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in plain(self).items() if value is not None}


class Training(Section):
    """How a model is trained. Selection and early stopping look at validation participants only."""

    epochs: int = Field(20, ge=1)
    batch_size: int = Field(24, ge=1)
    optimiser: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: float = Field(1.5e-3, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    schedule: Literal["one-cycle", "step", "constant"] = "one-cycle"
    step_epochs: int = Field(60, ge=1)
    loss: Literal["smooth-l1", "euclidean", "root-mse", "cross-entropy"] = "smooth-l1"
    patience: int = Field(10, ge=1)
    min_delta: float = Field(0.0, ge=0)
    precision: Literal["auto", "32-true", "bf16-mixed", "16-mixed"] = "auto"
    channels_last: bool = True
    accelerator: str = "auto"
    devices: int | str = 1
    strategy: str = "auto"
    workers: int = Field(0, ge=0)


class Hint(Section):
    """Two module paths: what `student` puts out shall resemble what `teacher` puts out, through a projection if widths differ."""

    teacher: str
    student: str


class Distill(Section):
    """How the student is found.

    Budgets: `max_worse_percent` against the teacher given the same tuning; or the best student within `max_parameters`,
    `max_bytes` (of its weights file) and `max_latency_ms` (onnxruntime, one thread). Without `towers` only fully connected
    layers shrink. `effort: full` tunes whole students end to end; `quick` tunes heads on cached embeddings only.
    Head: `ranks` (None: from the layer's capacity) and `separable_terms` to try. Towers: `shares` of channels to try;
    `coarse_input` halves the pictures before the first convolutions.
    Teaching: labels and the teacher's outputs mixed by `teacher_weight`, extra `data.unlabelled` people, `hints`.
    """

    max_worse_percent: float = 2.0
    max_parameters: int | None = Field(None, ge=1)
    max_bytes: int | None = Field(None, ge=1)
    max_latency_ms: float | None = Field(None, gt=0)
    towers: bool = True
    effort: Literal["quick", "full"] = "full"
    ranks: list[int] | None = None
    separable_terms: list[int] = [1, 2, 3]
    shares: list[Annotated[float, Field(gt=0, lt=1)]] = [0.75, 0.5, 0.375, 0.25]
    coarse_input: bool = True
    tuning_epochs: int = Field(20, ge=1)
    learning_rate: float = Field(1e-3, gt=0)
    batch_size: int = Field(64, ge=1)
    end_to_end_epochs: int = Field(10, ge=1)
    end_to_end_learning_rate: float = Field(1.5e-3, gt=0)
    teacher_weight: float = Field(0.5, ge=0, le=1)
    unlabelled_weight: float = Field(1.0, ge=0)
    hints: list[Hint] = []
    hint_weight: float = Field(0.1, ge=0)
    calibration_samples: int = Field(2048, ge=8)


SEARCH_KEYS = (
    "max_worse_percent",
    "max_parameters",
    "max_bytes",
    "max_latency_ms",
    "towers",
    "effort",
    "ranks",
    "separable_terms",
    "shares",
    "coarse_input",
)


class Explain(Section):
    """Attribution settings: integration steps, and points of the embedding sweep.

    `over_people`: agreement and anatomy are measured on one frame of each of at most so many test participants.
    """

    steps: int = Field(50, ge=8)
    internal_batch_size: int = Field(10, ge=1)
    sweep_points: int = Field(21, ge=3)
    over_people: int = Field(40, ge=0)


class Recipe(Section):
    """The whole experiment. `hash` identifies it; every artefact carries it."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    seed: int = 0
    data: Data
    model: ModelSection
    training: Training = Training()
    distill: Distill = Distill()
    explain: Explain = Explain()

    @property
    def hash(self) -> str:
        return fingerprint(self.model_dump(mode="json"))

    def teacher_hash(self) -> str:
        """Hash of all that the teacher depends on: changing only distill, explain or unlabelled data keeps the teacher."""
        stored = self.model_dump(mode="json", include={"name", "seed", "data", "model", "training"})
        del stored["data"]["unlabelled"]
        return fingerprint(stored)

    def trial_hash(self) -> str:
        """Hash of all that a single trial depends on: budgets and the space searched may change, trials done stay."""
        stored = self.model_dump(mode="json", exclude={"explain"})
        stored["distill"] = {key: value for key, value in stored["distill"].items() if key not in SEARCH_KEYS}
        return fingerprint(stored)

    def student_hash(self) -> str:
        """Hash of all that the student depends on."""
        return fingerprint(self.model_dump(mode="json", exclude={"explain"}))


def fingerprint(stored: dict[str, Any]) -> str:
    """First 12 hexadecimal digits of the SHA-256 of the canonical JSON."""
    return hashlib.sha256(json.dumps(stored, sort_keys=True).encode()).hexdigest()[:12]
