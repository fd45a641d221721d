"""What every data source yields and every model consumes: `Sample`, `Batch`, `Spec`, `Recording`. No file formats here."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from xgaze.errors import InputError
from xgaze.geometry.viewing import Viewing
from xgaze.recorded_targets import (
    DISTANCE_COLUMN,
    LABEL_COLUMN,
    RECORDED,
    VALUE_COLUMN,
    Beside,
    gaze_columns,
    require_beside,
    spreads_of,
)
from xgaze.units import fits, measured_in

if TYPE_CHECKING:
    import torch

    from xgaze.data.fixations.scanpaths import Scanpath
    from xgaze.data.looked_at import OnSquares, PicturesLookedAt

SPLITS = ("train", "validation", "test")
LEFT_OUT = ""
"""The split of participants who take no part."""


@dataclass(frozen=True)
class InputSpec:
    """One named input of `shape`, fed as (stored - mean) / std: a picture, uint8 (channels, height, width), or any other array,
    float32, such as a sequence (steps, features).

    mean and std: one number, or one per channel of a picture, in the order of its channels, and per entry of the last axis of
    anything else. Padding that a model shall read as zero is stored as the mean.
    may_be_missing: samples may lack it (an eye closed, a camera that dropped a frame). The model reads zeros in its place,
    which is its mean as it is stored: of a picture a whole number, so that 8 bits hold it.
    """

    name: str
    shape: tuple[int, ...]
    mean: float | tuple[float, ...] = 0.0
    std: float | tuple[float, ...] = 255.0
    dtype: Literal["uint8", "float32"] = "uint8"
    may_be_missing: bool = False

    @property
    def absent(self) -> NDArray[Any]:
        """What stands for it in a sample that lacks it, as it is stored."""
        return np.broadcast_to(self.shift.astype(self.dtype), self.shape)

    @property
    def shift(self) -> NDArray[np.float32]:
        """The mean, laid out so that it is subtracted from what is stored, (..., *shape)."""
        return self._laid_out(self.mean)

    @property
    def scale(self) -> NDArray[np.float32]:
        """The std, laid out likewise."""
        return self._laid_out(self.std)

    def _laid_out(self, numbers: float | tuple[float, ...]) -> NDArray[np.float32]:
        found = np.asarray(numbers, np.float32)
        return found.reshape(-1, 1, 1) if found.ndim and len(self.shape) == 3 else found

    @property
    def holds_pixels(self) -> bool:
        """Whether it is a picture and stored as one, in 8 bits."""
        return len(self.shape) == 3 and self.dtype == "uint8"

    @property
    def picture(self) -> tuple[int, int, int]:
        """(channels, height, width). Raises InputError for an input that is no picture."""
        if len(self.shape) != 3:
            raise InputError(
                f"input '{self.name}' is {dimensions(self.shape)}, not a picture (channels x height x width)."
            )
        channels, height, width = self.shape
        return channels, height, width


@dataclass(frozen=True)
class Spec:
    """What a model of this recording reads and predicts. JSON in and out.

    kind "gaze": the gaze point in `unit`: px, origin top left, inside `scene` (width, height); or cm or mm, wherever the
    recording's origin is.
    kind "angle": the direction of gaze: pitch and yaw in `unit` "rad" or "degrees", or with `unit` "vector" x, y, z. Errors are
    angles between directions, in degrees.
    kind "class": an index into `classes`.
    kind "value": one number in `unit`.
    groups: what the column `group` of the table holds, in the plural: no such group is in two splits, and intervals are
    over them. "participants", or where the same people are in all splits, "stimuli", for example.
    truth: what the targets are: "recorded", or what the "teacher" puts out, where nobody knows better; what is called an error
    elsewhere is then disagreement with it.
    beside: further targets, which a model puts out after the main one: that of `kind` and `unit`, by which it is chosen and
    judged. spread: of the main one then, as of those; 1 where it is alone.
    viewing: from where gaze points on a screen are looked at, where that is known: errors are then told in degrees, too.
    """

    inputs: tuple[InputSpec, ...]
    kind: Literal["gaze", "angle", "class", "value"]
    unit: str = "px"
    scene: tuple[int, int] | None = None
    classes: tuple[str, ...] = ()
    rendered: bool = False
    groups: str = "participants"
    truth: Literal["recorded", "teacher"] = RECORDED
    beside: tuple[Beside, ...] = ()
    spread: float = 1.0
    viewing: Viewing | None = None

    @property
    def outputs(self) -> int:
        """Number of values a model predicts: x and y, or of a direction, one logit per class, the one value; of all targets."""
        return len(self.classes) if self.kind == "class" else len(self.targets)

    @property
    def measured(self) -> str:
        """The unit of errors: degrees, of directions."""
        return measured_in(self.kind, self.unit)

    @property
    def targets(self) -> list[str]:
        """The columns of a recording's table that hold its targets, those of the main one first."""
        return [*self.own_columns, *(column for one in self.beside for column in one.columns)]

    @property
    def own_columns(self) -> list[str]:
        """Those of the main target."""
        if self.kind in ("gaze", "angle"):
            return gaze_columns(self.unit)
        return [VALUE_COLUMN if self.kind == "value" else LABEL_COLUMN]

    @property
    def main(self) -> "Spec":
        """The same with the main target alone."""
        return replace(self, beside=(), spread=1.0)

    def own(self, values: Any) -> Any:
        """Of outputs or targets (..., outputs), those of the main target; all of them where it is alone."""
        return values[..., : len(self.own_columns)] if self.beside else values

    def apart(self) -> "list[tuple[Beside, slice, Spec]]":
        """Each target beside the main one, where it lies among outputs, and what is said of it as if it were alone."""
        found, start = [], len(self.own_columns)
        for one in self.beside:
            alone = replace(self.main, kind=one.kind, unit=one.unit, scene=None, viewing=None)
            found.append((one, slice(start, start + len(one.columns)), alone))
            start += len(one.columns)
        return found

    def to_json(self) -> dict[str, Any]:
        """Recorded truth, that an input is never missing, a target alone and a viewing that nobody knows are not stored, so that
        hashes are what they were before there was anything else."""
        stored = asdict(self)
        if self.viewing is None:
            del stored["viewing"]
        if not self.beside:
            del stored["beside"], stored["spread"]
        for one in stored["inputs"]:
            if not one["may_be_missing"]:
                del one["may_be_missing"]
        return stored if self.truth != RECORDED else {key: one for key, one in stored.items() if key != "truth"}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Spec":
        """What `to_json` gave. Raises InputError for what is none."""
        try:
            spec = TypeAdapter(cls).validate_json(json.dumps(stored), strict=True)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            where = ".".join(map(str, ("spec", *fault["loc"])))
            raise InputError(f"key '{where}': {fault['msg']}") from None
        if not spec.inputs:
            raise InputError("key 'spec.inputs': there is none")
        if not fits(spec.kind, spec.unit):
            raise InputError(f"key 'spec.unit': '{spec.unit}' is no unit of {spec.kind}")
        require_beside(spec, "key 'spec.beside'")
        for one in spec.inputs:
            if not one.shape or min(one.shape) < 1 or len(one.shape) > 3 or not np.all(np.asarray(one.std) > 0):
                raise InputError(f"key 'spec.inputs': '{one.name}' has a shape or a std that cannot be")
            require_by_channel(one, "key 'spec.inputs'")
            require_absent(one, "key 'spec.inputs'")
        return spec


@dataclass(frozen=True)
class Sample:
    """One frame, picture or scanpath.

    inputs: name -> uint8 or float32, as `InputSpec` says. target: float32 (2,) px, float32 (1,) value, or int64 scalar class.
    groups: group, session, stimulus (those that are known). aux: "regions" -> uint8 (inputs, height, width);
    "attention" -> uint8 (1, height, width), where people looked. missing: inputs that it lacks, whatever is stored there.
    """

    id: str
    groups: dict[str, str]
    inputs: dict[str, NDArray[Any]]
    target: NDArray[Any]
    aux: dict[str, NDArray[Any]] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()

    def stored(self, one: InputSpec) -> NDArray[Any]:
        """An input as it is stored; the mean where the sample lacks it."""
        return one.absent if one.name in self.missing else self.inputs[one.name]


@dataclass(frozen=True)
class Batch:
    """Samples stacked and normalised: inputs float32 (batch, *shape) in the order of `Spec.inputs`.

    target: float32 (batch, 2) px, float32 (batch, 1) values (never (batch,), which would broadcast against predictions), or
    int64 (batch,) classes. attention: float32 (batch, 1, height, width) in 0..1, where every sample has a map; no input.
    """

    ids: list[str]
    participants: list[str]
    inputs: "tuple[torch.Tensor, ...]"
    target: "torch.Tensor"
    attention: "torch.Tensor | None" = None

    def to(self, device: "torch.device | str", memory_format: "torch.memory_format | None" = None) -> "Batch":
        """On `device`; the memory format (contiguous unless given) is that of pictures and leaves other inputs as they are."""
        import torch

        form = memory_format or torch.contiguous_format
        inputs = tuple(x.to(device, memory_format=form) if x.ndim == 4 else x.to(device) for x in self.inputs)
        attention = None if self.attention is None else self.attention.to(device)
        return Batch(self.ids, self.participants, inputs, self.target.to(device), attention)


class Recording:
    """A data set as models see it: `spec`, `table` and samples. What else it may know has an answer here for those that do not.

    table: one row per sample, in order: `id`, `group`, `session`, `split` ("train", "validation", "test"), and the
    target: `gaze_x_px`, `gaze_y_px` (or of another unit), or `label` (int), or `value` (float). Sample i belongs to row i. Where
    it is known of each sample, `viewing_distance_mm`, see `Viewing`.
    """

    if TYPE_CHECKING:  # a data class takes what it inherits for the default of its field

        @property
        def spec(self) -> Spec: ...

        @property
        def table(self) -> pd.DataFrame: ...

    def __getitem__(self, row: int) -> Sample:
        """The sample of a row. Raises InputError naming the file that cannot be used."""
        raise NotImplementedError

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out or assumed on the way to it, in words."""
        return ()

    @property
    def regions(self) -> tuple[str, ...]:
        """Names of the regions in `aux["regions"]` of its samples."""
        return ()

    @property
    def mirrored(self) -> tuple[bool, ...] | None:
        """Which of its inputs show a mirror image of what others show, as right eyes of left ones."""
        return None

    @property
    def partners(self) -> tuple[int, ...] | None:
        """For each input, the number of the one whose mirror image could stand in its place, as that of the same camera at the
        other eye: a sample in the mirror is then one that could be."""
        return None

    @property
    def in_time(self) -> bool:
        """Whether the rows of one session follow one another in time."""
        return True

    @property
    def scanpaths(self) -> "Sequence[Scanpath] | None":
        """The scanpath that each row is made of."""
        return None

    @property
    def looked_at(self) -> "PicturesLookedAt | None":
        """Its photographs with every viewer's fixations."""
        return None

    def fixations_on_squares(self, rows: Sequence[int]) -> "OnSquares | None":  # noqa: ARG002
        """Single viewers' fixations on the squares that models see, of those viewers whom attention maps are drawn from."""
        return None

    def whole(self, row: int) -> Sample | None:  # noqa: ARG002
        """A photograph and its map before a square is cut, where models see a square of more."""
        return None

    def states(self, rows: NDArray[np.int64]) -> dict[str, NDArray[np.float64]] | None:  # noqa: ARG002
        """What the renderer knows of these rows, as `xgaze.data.rendered.person_frames.STATE_SHAPES` names it."""
        return None

    def conditions(self, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:  # noqa: ARG002
        """What else is known of these rows, of one split: numbers by name and unit ("lid opening, mm"), or words ("device").
        NaN and "" where it is not known."""
        return {}

    def missing(self, rows: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:  # noqa: ARG002
        """Of every input that may be missing, which of these rows lack it."""
        return {}

    def with_spec(self, spec: Spec) -> "Recording":
        """The same samples as a model with these inputs reads them."""
        return RecordingView(spec, self.table, self)

    def resplit(self, split_of: Mapping[str, str]) -> "Recording":
        """The same samples, the split of each participant taken from `split_of`; who is not named there takes no part.

        A recording that fits its normalisation on training participants does so again.
        """
        table = split_by(self.table, split_of)
        return RecordingView(with_spreads(self.spec, table), table, self)


@dataclass(frozen=True, eq=False)
class RecordingView(Recording):
    """The samples of a recording in the same rows, under another spec or table. Reads nothing and copies no picture."""

    spec: Spec
    table: pd.DataFrame
    recording: Recording

    def __getitem__(self, row: int) -> Sample:
        return self.recording[row]

    @property
    def notes(self) -> tuple[str, ...]:
        return self.recording.notes

    @property
    def regions(self) -> tuple[str, ...]:
        return self.recording.regions

    @property
    def mirrored(self) -> tuple[bool, ...] | None:
        return self.recording.mirrored

    @property
    def partners(self) -> tuple[int, ...] | None:
        return self.recording.partners

    @property
    def in_time(self) -> bool:
        return self.recording.in_time

    @property
    def scanpaths(self) -> "Sequence[Scanpath] | None":
        return self.recording.scanpaths

    @property
    def looked_at(self) -> "PicturesLookedAt | None":
        return self.recording.looked_at

    def fixations_on_squares(self, rows: Sequence[int]) -> "OnSquares | None":
        return self.recording.fixations_on_squares(rows)

    def whole(self, row: int) -> Sample | None:
        return self.recording.whole(row)

    def states(self, rows: NDArray[np.int64]) -> dict[str, NDArray[np.float64]] | None:
        return self.recording.states(rows)

    def conditions(self, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        return self.recording.conditions(rows)

    def missing(self, rows: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
        return self.recording.missing(rows)


def with_spreads(spec: Spec, table: pd.DataFrame) -> Spec:
    """With the middles and spreads of the targets of training people, where there are several; where nobody trains, as it is."""
    train = table[table["split"] == "train"]
    if not spec.beside or not len(train):
        return spec
    beside, spread = spreads_of(spec.beside, spec.own_columns, train)
    return replace(spec, beside=beside, spread=spread)


def require_by_channel(one: InputSpec, where: str) -> None:
    """Raises InputError where there are not as many means or stds as there are channels, or entries of the last axis."""
    wanted, called = (one.shape[0], "channel") if len(one.shape) == 3 else (one.shape[-1], "number")
    for key, given in (("mean", one.mean), ("std", one.std)):
        if isinstance(given, tuple) and len(given) != wanted:
            raise InputError(
                f"{where}: {len(given)} numbers as {key} of '{one.name}', which is {dimensions(one.shape)}: give one, or one "
                f"per {called} ({wanted})."
            )


def require_absent(one: InputSpec, where: str) -> None:
    """Raises InputError for a picture that may be missing whose mean no byte holds: what stands for it would not be zero."""
    means = np.asarray(one.mean)
    whole = ((means >= 0) & (means <= 255) & (means == np.floor(means))).all()
    if one.may_be_missing and one.dtype == "uint8" and not whole:
        raise InputError(
            f"{where}: '{one.name}' may be missing, and is a picture then that is its mean everywhere, in 8 bits: give a mean "
            f"that is a whole number from 0 to 255, not {one.mean}."
        )


def split_by(table: pd.DataFrame, split_of: Mapping[str, str]) -> pd.DataFrame:
    """The table with each participant's split, "" for those not named."""
    return table.assign(split=[split_of.get(str(person), LEFT_OUT) for person in table["group"]])


def normalise(stored: NDArray[Any], spec: InputSpec) -> "torch.Tensor":
    """uint8 or float32 (..., *shape) -> float32 tensor of the same shape, (stored - mean) / std; `stored` is left as it is."""
    import torch

    values = torch.from_numpy(np.ascontiguousarray(stored))
    own = values.to(torch.float32, copy=True)
    return own.sub_(torch.tensor(spec.shift)).div_(torch.tensor(spec.scale))


def collate(samples: Sequence[Sample], spec: Spec) -> Batch:
    """Stack samples into one batch."""
    import torch

    inputs = tuple(normalise(np.stack([s.stored(one) for s in samples]), one) for one in spec.inputs)
    target = torch.from_numpy(np.stack([s.target for s in samples]))
    if spec.kind == "value":
        target = target.float().reshape(len(samples), -1)
    people = [s.groups["group"] for s in samples]
    return Batch([s.id for s in samples], people, inputs, target, _attention(samples))


def _attention(samples: Sequence[Sample]) -> "torch.Tensor | None":
    """The samples' attention maps in 0..1; None unless all have one."""
    import torch

    maps = [s.aux["attention"] for s in samples if "attention" in s.aux]
    return torch.from_numpy(np.stack(maps)).float().div_(255) if len(maps) == len(samples) else None


def spread_evenly(rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """At most `count` of the rows."""
    chosen: NDArray[np.int64] = rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int)]
    return chosen


def stored_inputs(recording: Recording, rows: NDArray[np.int64]) -> dict[str, NDArray[np.generic]]:
    """The inputs of these rows, in the types that the specification names."""
    samples = [recording[int(row)] for row in rows]
    return {
        one.name: np.stack([np.asarray(sample.stored(one), one.dtype) for sample in samples])
        for one in recording.spec.inputs
    }


def rows_of(recording: Recording, split: str) -> NDArray[np.int64]:
    """Rows of one split, in order."""
    # Compared as a column: `to_numpy` would make a Python string of every row.
    return np.flatnonzero((recording.table["split"] == split).to_numpy(bool))


def participants_of(recording: Recording, rows: NDArray[np.int64]) -> NDArray[Any]:
    """The participant of each of `rows`."""
    return recording.table["group"].iloc[rows].to_numpy()


def distances_of(recording: Recording, rows: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """From how far the screen was looked at in `rows`, mm; None where samples have no distances of their own."""
    if DISTANCE_COLUMN not in recording.table:
        return None
    return recording.table[DISTANCE_COLUMN].iloc[rows].to_numpy(np.float64)


def targets_of(recording: Recording, rows: NDArray[np.int64] | None = None) -> NDArray[Any]:
    """Targets of `rows` (all when None): float32 (n, 2) gaze, float32 (n, 1) values, with those beside after them, or int64 (n,)
    classes."""
    table = recording.table[recording.spec.targets]  # before any rows are taken, or their ids would be copied too
    table = table if rows is None else table.iloc[rows]
    if recording.spec.kind == "class":
        return table[LABEL_COLUMN].to_numpy(np.int64)
    return table.to_numpy(np.float32)


def dimensions(shape: Sequence[int]) -> str:
    """A shape in words: "3x128x128"."""
    return "x".join(map(str, shape))
