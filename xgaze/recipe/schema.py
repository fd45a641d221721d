"""The schema of a recipe: what may be said, and the hash of what was said."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Literal, Self, get_args

from pydantic import (
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from xgaze.recipe.data_sections import Section, Seed
from xgaze.recipe.sources import Data
from xgaze.recipe.student_sections import SEARCH_KEYS, Distill, Explain
from xgaze.recipe.varied_sections import Augment, GazeAugmentation, VariedPictures

Form = Literal["one-by-one", "keywords", "list", "dict", "stacked", "joined"]
FORMS: tuple[str, ...] = get_args(Form)
"""How a forward takes several inputs."""


class ModelSection(Section):
    """A registered architecture (`name`), or a class of your own (`import: "package.module:Class"`), and its arguments.

    takes: how the class's forward takes several inputs, where it works in several ways: one by one, by keywords, as a list, as a
    dict by their names, as one tensor stacked on a new axis after the batch's, or as one whose channels are joined.
    output: of what forward returns, the part that is the output (key, or place from 0), where several parts have its shape.
    graph: of a network that was at hand in Python, under the `name` of its class; see `xgaze.train_teacher`.
    weights: a local file that training starts from (safetensors, or .pth of tensors alone).
    adopted: hash of weights that were trained elsewhere (`xgaze adopt`); nothing trains this model's teacher.
    """

    model_config = ConfigDict(serialize_by_alias=True)
    name: str | None = None
    import_: str | None = Field(None, alias="import")
    args: dict[str, Any] = {}
    takes: Form | None = None
    output: str | int | None = None
    graph: dict[str, Any] | None = None
    weights: Path | None = None
    adopted: str | None = Field(None, pattern=r"^[0-9a-f]{12}$")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.name is None) == (self.import_ is None):
            raise PydanticCustomError("choice", "give either name (registered) or import (package.module:Class)")
        if self.graph is not None and (self.name is None or self.args):
            raise PydanticCustomError("choice", "a graph has a name, and no arguments")
        if self.import_ is None and not (self.takes is None and self.output is None):
            raise PydanticCustomError("choice", "takes and output are of a class of your own (import)")
        if self.adopted is not None and self.weights is not None:
            raise PydanticCustomError(
                "choice", "give either weights (training starts from) or adopted (nothing is trained)"
            )
        return self

    @model_serializer(mode="wrap")
    def _as_stored(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in plain(self).items() if value is not None}


WHERE_AND_HOW_FAST = ("workers", "devices", "accelerator", "strategy", "tensorboard")
"""Keys of training that do not change what is trained: results are known without them."""
MOST_DEVICES = 1024
FOR_RANDOM_WEIGHTS = ("scaled_start", "shared_start", "batch_norm")
"""Keys of training that make no sense for weights that mean something."""


class Training(Section):
    """How a model is trained. Selection and early stopping look at validation participants only.

    schedule: one-cycle; step (x 0.1 every `step_epochs`); plateau (x 0.5 once the training loss has not fallen for more than 3
    epochs, to 1e-6 at least); constant. momentum_end: momentum goes there on a line, from `momentum` at the first step.

    optimiser: muon steps kernels of convolutions by Muon, in steps as large as AdamW's, and all else by AdamW;
    kernel_learning_rate: of kernels, where it is not `learning_rate`.

    gradient_clip: the largest norm of all gradients together (not with sgd). One that every batch exceeds makes batches equal,
    however far off a few frames with closed eyes are.

    scaled_start: random weights are scaled before the first step, so that what each layer puts out of the first training samples
    deviates by 1 (Mishkin & Matas 2016); biases begin at zero.

    shared_start: for this share of the steps, towers that are alike hold equal weights, mirrored for mirrored cameras, and every
    camera teaches all of them; then each goes its own way.

    batch_norm: batches are normalised after each convolution while it trains, and that is folded into it afterwards.

    mirror_images: half of the samples of each batch are seen in a mirror, each camera's picture that of its partner at the other
    eye, gaze on the other side.

    varied_pictures: pictures differ a little anew in every batch, as between people and mountings.

    weight_averaging: the weights that are judged and kept are their mean over about this share of all steps, the latest most.

    head_epochs: afterwards the head alone is trained for so many epochs, on what the towers then make of the training samples,
    by AdamW in batches of 256. Towers cost most of an epoch; a head that has seen few epochs is soon better.

    tensorboard: writes what history.csv holds for TensorBoard too, beside the model; needs the package tensorboard.
    """

    later = (
        *FOR_RANDOM_WEIGHTS,
        "gradient_clip",
        "kernel_learning_rate",
        "head_epochs",
        "mirror_images",
        "varied_pictures",
        "weight_averaging",
    )
    epochs: int = Field(20, ge=1, le=100_000)
    batch_size: int = Field(24, ge=1, le=1_000_000)
    optimiser: Literal["adamw", "adam", "sgd", "muon"] = "adamw"
    learning_rate: float = Field(1.5e-3, gt=0, le=1e12)  # what is too high for the model, its loss shows
    weight_decay: float = Field(0.01, ge=0, le=1e6)
    schedule: Literal["one-cycle", "step", "plateau", "constant"] = "one-cycle"
    step_epochs: int = Field(60, ge=1, le=100_000)
    loss: Literal["smooth-l1", "euclidean", "root-mse", "cross-entropy"] = "smooth-l1"
    patience: int = Field(10, ge=1, le=100_000)
    min_delta: float = Field(0.0, ge=0, le=1e9)
    precision: Literal["auto", "32-true", "bf16-mixed", "16-mixed"] = "auto"
    channels_last: bool = True
    accelerator: str = "auto"
    devices: int | str = 1
    strategy: str = "auto"
    workers: int = Field(0, ge=0, le=1024)
    momentum: float = Field(0.0, ge=0, lt=1)
    momentum_end: float | None = Field(None, ge=0, lt=1)
    kernel_learning_rate: float | None = Field(None, gt=0, le=1e12)
    gradient_clip: float = Field(1.0, gt=0, le=1e12)
    scaled_start: bool = False
    shared_start: float = Field(0.0, ge=0, le=1)
    batch_norm: bool = False
    head_epochs: int = Field(0, ge=0, le=100_000)
    mirror_images: bool = False
    varied_pictures: VariedPictures | None = None
    weight_averaging: float = Field(0.0, ge=0, le=1)
    augment: Augment | None = None
    gaze_augmentation: GazeAugmentation | None = None
    tensorboard: bool = False

    @field_validator("devices")
    @classmethod
    def _devices_can_be_counted(cls, devices: int | str) -> int | str:
        listed = isinstance(devices, str) and re.fullmatch(r"auto|\d{1,4}(,\d{1,4})+", devices)
        if not listed and not (isinstance(devices, int) and 1 <= devices <= MOST_DEVICES):
            raise PydanticCustomError("devices", 'give a number from 1 on, auto, or GPUs by number as "0,2"')
        return devices

    @property
    def for_random_weights(self) -> list[str]:
        """Keys in use that are for random weights alone."""
        return [key for key in FOR_RANDOM_WEIGHTS if getattr(self, key)]

    def for_known_weights(self) -> Self:
        """These settings without what is for random weights alone."""
        return self.model_copy(update={key: type(self).model_fields[key].default for key in FOR_RANDOM_WEIGHTS})

    @model_validator(mode="after")
    def _what_is_given_is_used(self) -> Self:
        if (self.momentum or self.momentum_end is not None) and self.optimiser != "sgd":
            raise PydanticCustomError("choice", "momentum is for optimiser: sgd")
        if self.kernel_learning_rate is not None and self.optimiser != "muon":
            raise PydanticCustomError("choice", "kernel_learning_rate is for optimiser: muon")
        if self.optimiser == "sgd" and self.gradient_clip != type(self).model_fields["gradient_clip"].default:
            raise PydanticCustomError("choice", "gradient_clip is not for optimiser: sgd")
        return self


class Recipe(Section):
    """The whole experiment. Its hashes identify what it results in, wherever it is computed; every artefact carries one."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)
    seed: Seed = 0
    data: Data
    model: ModelSection
    training: Training = Training()
    distill: Distill = Distill()
    explain: Explain = Explain()

    @model_validator(mode="after")
    def _maps_lie_where_pictures_do(self) -> Self:
        for section in (self.training, self.distill):
            if section.varied_pictures is not None and self.training.gaze_augmentation is not None:
                raise PydanticCustomError(
                    "choice", "varied_pictures moves pictures and not the attention maps of training.gaze_augmentation"
                )
        return self

    @model_validator(mode="after")
    def _start_is_random(self) -> Self:
        used = self.training.for_random_weights
        if used and self.model.weights is not None:
            raise PydanticCustomError(
                "choice", f"training.{used[0]} is for random weights, and model.weights gives others"
            )
        return self

    def teacher_hash(self) -> str:
        """Hash of all that the teacher depends on: changing only distill, explain or unlabelled data keeps the teacher."""
        stored = self.that_matters("name", "seed", "data", "model", "training")
        del stored["data"]["unlabelled"]
        return fingerprint(stored)

    def trial_hash(self) -> str:
        """Hash of all that a single trial depends on: budgets and the space searched may change, trials done stay."""
        stored = self.that_matters("name", "seed", "data", "model", "training", "distill")
        stored["distill"] = {key: value for key, value in stored["distill"].items() if key not in SEARCH_KEYS}
        return fingerprint(stored)

    def student_hash(self) -> str:
        """Hash of all that the student depends on."""
        return fingerprint(self.that_matters("name", "seed", "data", "model", "training", "distill"))

    def that_matters(self, *sections: str) -> dict[str, Any]:
        """These sections (all, when none is named) as JSON, without the keys that say where and how fast."""
        stored = self.model_dump(mode="json", include=set(sections) or None)
        stored["training"] = {k: one for k, one in stored["training"].items() if k not in WHERE_AND_HOW_FAST}
        stored["data"].pop("licence", None)
        return stored


def fingerprint(stored: dict[str, Any]) -> str:
    """First 12 hexadecimal digits of the SHA-256 of the canonical JSON."""
    return hashlib.sha256(json.dumps(stored, sort_keys=True).encode()).hexdigest()[:12]
