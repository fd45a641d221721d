"""The schema of a recipe: what may be said, and the hash of what was said."""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator
from pydantic_core import PydanticCustomError

from xgaze.recipe.crops import CropListsData, FixationCropsData
from xgaze.recipe.data import EyeFoldersData, GazeImagesData, RenderedData, Section
from xgaze.recipe.fixations import FixationTableData
from xgaze.recipe.photographs import AttentionPicturesData, ViewerAgreementData

Data = Annotated[
    RenderedData
    | EyeFoldersData
    | GazeImagesData
    | FixationTableData
    | AttentionPicturesData
    | ViewerAgreementData
    | FixationCropsData
    | CropListsData,
    Field(discriminator="source"),
]


class ModelSection(Section):
    """A registered architecture (`name`), or a class of your own (`import: "package.module:Class"`), and its arguments.

    weights: a local file that training starts from (safetensors, or .pth of tensors alone).
    """

    model_config = ConfigDict(serialize_by_alias=True)
    name: str | None = None
    import_: str | None = Field(None, alias="import")
    args: dict[str, Any] = {}
    weights: Path | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.name is None) == (self.import_ is None):
            raise PydanticCustomError("choice", "give either name (registered) or import (package.module:Class)")
        return self

    @model_serializer(mode="wrap")
    def _without_the_other(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in plain(self).items() if value is not None}


class Augment(Section):
    """Photographs varied anew in every epoch: a square cut at a random place and, with `flip`, mirrored half of the time, both
    alike for photograph and map; brightness, contrast and saturation of the photograph changed by up to `jitter`."""

    flip: bool = True
    jitter: float = Field(0.2, ge=0, lt=1)


class GazeAugmentation(Section):
    """After `image_only_epochs`, training also sees the nine windows that people looked at most, `weight` times as much.

    stride: step of the windows tried, px (None: 8 px of 448, in proportion). At test there is no gaze.
    """

    image_only_epochs: int = Field(1, ge=0)
    weight: float = Field(1.0, gt=0)
    stride: int | None = Field(None, ge=1)


LATER_KEYS = ("momentum", "momentum_end", "augment", "gaze_augmentation", "tensorboard")


class Training(Section):
    """How a model is trained. Selection and early stopping look at validation participants only.

    schedule: one-cycle; step (x 0.1 every `step_epochs`); plateau (x 0.5 once the training loss has not fallen for more than 3
    epochs, to 1e-6 at least); constant. momentum_end: momentum goes there on a line, from `momentum` at the first step.

    tensorboard: writes what history.csv holds for TensorBoard too, beside the model; needs the package tensorboard.
    """

    epochs: int = Field(20, ge=1)
    batch_size: int = Field(24, ge=1)
    optimiser: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: float = Field(1.5e-3, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    schedule: Literal["one-cycle", "step", "plateau", "constant"] = "one-cycle"
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
    momentum: float = Field(0.0, ge=0, lt=1)
    momentum_end: float | None = Field(None, ge=0, lt=1)
    augment: Augment | None = None
    gaze_augmentation: GazeAugmentation | None = None
    tensorboard: bool = False

    @model_serializer(mode="wrap")
    def _without_unused_keys(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Keys that were added later are told only where they are used, so that older recipes keep their hash."""
        return {key: value for key, value in plain(self).items() if key not in LATER_KEYS or value}

    @model_validator(mode="after")
    def _momentum_is_used(self) -> Self:
        if (self.momentum or self.momentum_end is not None) and self.optimiser != "sgd":
            raise PydanticCustomError("choice", "momentum is for optimiser: sgd")
        return self


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

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100
    )  # of folders, and two of them of a comparison
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
