"""What every data source yields and every model consumes: `Sample`, `Batch`, `Spec`, `Recording`. No file formats here."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

SPLITS = ("train", "validation", "test")
GAZE_COLUMNS = ["gaze_x_px", "gaze_y_px"]
LABEL_COLUMN = "label"


@dataclass(frozen=True)
class InputSpec:
    """One named input: 8-bit image of `shape` (channels, height, width), fed as (grey - mean) / std."""

    name: str
    shape: tuple[int, int, int]
    mean: float = 0.0
    std: float = 255.0


@dataclass(frozen=True)
class Spec:
    """What a model of this recording reads and predicts. JSON in and out.

    kind "gaze": the gaze point in px, origin top left, inside `scene` (width, height).
    kind "class": an index into `classes`.
    """

    inputs: tuple[InputSpec, ...]
    kind: Literal["gaze", "class"]
    unit: str = "px"
    scene: tuple[int, int] | None = None
    classes: tuple[str, ...] = ()
    rendered: bool = False

    @property
    def outputs(self) -> int:
        """Number of values a model predicts: x and y, or one logit per class."""
        return 2 if self.kind == "gaze" else len(self.classes)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Spec":
        inputs = tuple(InputSpec(**{**one, "shape": tuple(one["shape"])}) for one in stored["inputs"])
        scene = tuple(stored["scene"]) if stored.get("scene") else None
        return cls(**{**stored, "inputs": inputs, "scene": scene, "classes": tuple(stored.get("classes", ()))})


@dataclass(frozen=True)
class Sample:
    """One frame or picture.

    inputs: name -> uint8 (channels, height, width). target: float32 (2,) px, or int64 scalar class.
    groups: participant, session, stimulus (those that are known). aux: "regions" -> uint8 (inputs, height, width).
    """

    id: str
    groups: dict[str, str]
    inputs: dict[str, NDArray[np.uint8]]
    target: NDArray[Any]
    aux: dict[str, NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Batch:
    """Samples stacked and normalised: inputs float32 (batch, channels, height, width) in the order of `Spec.inputs`."""

    ids: list[str]
    participants: list[str]
    inputs: tuple[torch.Tensor, ...]
    target: torch.Tensor

    def to(self, device: torch.device | str, memory_format: torch.memory_format = torch.contiguous_format) -> "Batch":
        inputs = tuple(x.to(device, memory_format=memory_format) for x in self.inputs)
        return Batch(self.ids, self.participants, inputs, self.target.to(device))


class Recording(Protocol):
    """A data set as models see it.

    table: one row per sample, in order: `id`, `participant`, `session`, `split` ("train", "validation", "test"), and the
    target: `gaze_x_px`, `gaze_y_px`, or `label` (int). Sample i belongs to row i.
    """

    @property
    def spec(self) -> Spec: ...

    @property
    def table(self) -> pd.DataFrame: ...

    def __getitem__(self, row: int) -> Sample: ...


def normalise(images: NDArray[np.uint8], spec: InputSpec) -> torch.Tensor:
    """uint8 (..., channels, height, width) -> float32 tensor of the same shape, (grey - mean) / std."""
    return torch.from_numpy(np.ascontiguousarray(images)).float().sub_(spec.mean).div_(spec.std)


def collate(samples: Sequence[Sample], spec: Spec) -> Batch:
    """Stack samples into one batch."""
    inputs = tuple(normalise(np.stack([s.inputs[one.name] for s in samples]), one) for one in spec.inputs)
    target = torch.from_numpy(np.stack([s.target for s in samples]))
    return Batch([s.id for s in samples], [s.groups["participant"] for s in samples], inputs, target)


def rows_of(recording: Recording, split: str) -> NDArray[np.int64]:
    """Rows of one split, in order."""
    return np.flatnonzero(recording.table["split"].to_numpy() == split)


def targets_of(recording: Recording, rows: NDArray[np.int64] | None = None) -> NDArray[Any]:
    """Targets of `rows` (all when None): float32 (n, 2) px, or int64 (n,) classes."""
    table = recording.table if rows is None else recording.table.iloc[rows]
    if recording.spec.kind == "gaze":
        return table[GAZE_COLUMNS].to_numpy(np.float32)
    return table[LABEL_COLUMN].to_numpy(np.int64)
