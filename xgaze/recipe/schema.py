"""The schema of a recipe: what may be said, and the hash of what was said."""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A part of a recipe: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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


Data = Annotated[RenderedData | EyeFoldersData | GazeImagesData, Field(discriminator="source")]
SOURCES = ("rendered", "eye-folders", "gaze-images")


class ModelSection(Section):
    """A registered architecture and its arguments."""

    name: str
    args: dict[str, Any] = {}


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


class Distill(Section):
    """How the student is found: budget, ranks to try (None: from the layer's capacity), terms of
    separable filters to try, tuning.

    Heads are tuned on cached features (`tuning_epochs`), labels and the teacher's outputs mixed by `teacher_weight`.
    With `end_to_end_epochs`, the finalist and the teacher as its control are then tuned end to end on labels.
    """

    max_worse_percent: float = 2.0
    ranks: list[int] | None = None
    separable_terms: list[int] = [1, 2, 3]
    tuning_epochs: int = Field(20, ge=1)
    learning_rate: float = Field(1e-3, gt=0)
    batch_size: int = Field(64, ge=1)
    end_to_end_epochs: int = Field(0, ge=0)
    end_to_end_learning_rate: float = Field(5e-4, gt=0)
    teacher_weight: float = Field(0.5, ge=0, le=1)
    calibration_samples: int = Field(2048, ge=8)


class Explain(Section):
    """Attribution settings: integration steps, and points of the embedding sweep."""

    steps: int = Field(50, ge=8)
    internal_batch_size: int = Field(16, ge=1)
    sweep_points: int = Field(21, ge=3)


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
        """Hash of all that the teacher depends on: changing only distill or explain keeps the teacher."""
        return fingerprint(self.model_dump(mode="json", include={"name", "seed", "data", "model", "training"}))

    def student_hash(self) -> str:
        """Hash of all that the student depends on."""
        return fingerprint(self.model_dump(mode="json", exclude={"explain"}))


def fingerprint(stored: dict[str, Any]) -> str:
    """First 12 hexadecimal digits of the SHA-256 of the canonical JSON."""
    return hashlib.sha256(json.dumps(stored, sort_keys=True).encode()).hexdigest()[:12]
