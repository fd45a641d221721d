"""A recording of arrays in memory."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from xgaze.data.checks.mixed_units import mixed_units_of
from xgaze.data.contract import (
    BY_TEACHER,
    RECORDED,
    SPLITS,
    InputSpec,
    Recording,
    Sample,
    Spec,
    dimensions,
    targets_of,
)
from xgaze.data.fault_kinds import Checked, raise_faults
from xgaze.data.mirror_pairs import partners_by_name
from xgaze.data.source import Source
from xgaze.data.splits import assert_disjoint, assign_splits
from xgaze.errors import InputError
from xgaze.progress import Advance
from xgaze.recipe.data_sections import DataSection
from xgaze.units import LENGTHS

Kind = Literal["gaze", "angle", "class", "value"]
SESSION = "0"
ONLY_PYTHON = "arrays in memory: only Python can open them again; give the xgaze.ArrayRecording itself."


class ArraysData(DataSection):
    """Arrays that were in memory (`xgaze.ArrayRecording`). content: a hash of all that they hold, splits included."""

    source: Literal["arrays"]
    unlabelled: None = None
    content: str


class ArrayRecording(Recording):
    """A recording of arrays, one row per sample.

    inputs: by name, in the order in which the network takes them: pictures uint8 (n, channels, height, width) or (n, height,
    width), anything else float32 (n, ...). The network reads (stored - mean) / std: 0 and 255 for pictures, 0 and 1 for
    others, unless `mean` and `std` say otherwise.
    targets: gaze points (n, 2) in px, origin top left, or in `unit` "cm" or "mm", wherever their origin is; classes (n,), words
    or whole numbers; values (n,) in `unit`; or, with kind "angle", directions of gaze: (n, 2) pitch and yaw, `unit` "rad" or
    "degrees", or (n, 3) vectors. None where nobody knows them, with `kind` (and `unit` or `scene` as the network puts gaze out):
    an adopted teacher then says what is true. kind: which of "gaze", "angle", "class", "value", where the numbers alone would
    mislead.
    groups: whose each sample is (n,): no person is in two splits, and intervals are over people.
    splits: "train", "validation" or "test" for each sample (n,); None: drawn by person from `seed`, in the shares `validation`
    and `test`. conditions: what else is known of every sample, by name: numbers or words (n,), by which the report tells errors
    apart. mirror_images: pairs of inputs that are each other's mirror images, as {"left": "right"}; {}: each is its own.
    scene: (width, height) px of the picture that gaze points lie in; None: up to the outermost point, of gaze in px.

    Raises InputError for arrays that do not fit together, hold numbers that are none, or too few people, and where some people's
    targets are in another unit than those of most.
    """

    spec: Spec
    table: pd.DataFrame

    def __init__(
        self,
        inputs: Mapping[str, ArrayLike],
        targets: ArrayLike | None,
        groups: ArrayLike,
        *,
        kind: Kind | None = None,
        splits: ArrayLike | None = None,
        validation: float = 0.15,
        test: float = 0.25,
        seed: int = 0,
        conditions: Mapping[str, ArrayLike] | None = None,
        mirror_images: Mapping[str, str] | None = None,
        scene: tuple[int, int] | None = None,
        unit: str = "",
        mean: float | Sequence[float] | None = None,
        std: float | Sequence[float] | None = None,
    ) -> None:
        self.inputs = {str(name): _input(str(name), one) for name, one in inputs.items()}
        if not self.inputs:
            raise InputError("inputs: there is none; give at least one array by name.")
        people = np.asarray(groups).astype(str)
        known = _unknown(kind, unit, len(people)) if targets is None else np.asarray(targets)
        kind = kind or _kind(known)
        values, classes = (known, ()) if targets is None else _targets(known, kind)
        self.known = {str(name): np.asarray(one) for name, one in (conditions or {}).items()}
        _require_lengths({**self.inputs, "targets": values, "groups": people, **self.known})
        own = None if kind != "class" else [classes[label] for label in values]
        drawn = assign_splits(list(people), own, validation, test, seed) if splits is None else _splits(splits, people)
        ids = [f"{person}/{row}" for row, person in enumerate(people)]
        table = pd.DataFrame({"id": ids, "group": people, "session": SESSION, "split": drawn})
        specs = tuple(_spec_of(name, one, mean, std) for name, one in self.inputs.items())
        unit = _unit(kind, unit, values)
        scene = scene or (_reach(values, mirror_images is not None) if kind == "gaze" and unit == "px" else None)
        self.spec = Spec(specs, kind, unit, scene, classes, truth=BY_TEACHER if targets is None else RECORDED)
        self.pairs = partners_by_name(specs, mirror_images)
        self.table = table.assign(**dict(zip(self.spec.targets, values.reshape(len(values), -1).T, strict=True)))
        assert_disjoint(self.table)
        raise_faults(Path("targets"), mixed_units_of(self))

    @cached_property
    def definition(self) -> ArraysData:
        """What stands for the arrays in a recipe: the hash of all that they hold."""
        digest = hashlib.sha256(json.dumps(self.spec.to_json()).encode())
        digest.update(self.table.to_csv(index=False).encode())
        for one in self.inputs.values():
            digest.update(np.ascontiguousarray(one).data)
        for name, values in self.known.items():
            digest.update(json.dumps([name, values.tolist()]).encode())
        if self.pairs is not None:
            digest.update(json.dumps(self.pairs).encode())
        return ArraysData(source="arrays", content=digest.hexdigest()[:16], truth=self.spec.truth)

    @property
    def partners(self) -> tuple[int, ...] | None:
        return self.pairs

    def __len__(self) -> int:
        return len(self.table)

    def conditions(self, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        return {name: values[rows] for name, values in self.known.items()}

    def __getitem__(self, row: int) -> Sample:
        own = {"group": str(self.table["group"].iloc[row]), "session": SESSION}
        inputs = {name: one[row] for name, one in self.inputs.items()}
        return Sample(str(self.table["id"].iloc[row]), own, inputs, targets_of(self, np.array([row]))[0])


class Arrays(Source[ArraysData]):
    """Python opens them, and no file holds them."""

    section = ArraysData
    in_memory = True

    def open(self, data: ArraysData, progress: Advance | None = None) -> Recording:  # noqa: ARG002
        raise InputError(ONLY_PYTHON)

    def check(self, data: ArraysData, advance: Advance | None = None) -> Checked:  # noqa: ARG002
        raise InputError(ONLY_PYTHON)

    def files_for_prediction(self, path: Path, data: ArraysData, spec: Spec) -> Recording:  # noqa: ARG002
        raise InputError(
            f"{path}: this model was trained on arrays; predict with xgaze.load(FOLDER).predict(...) in Python."
        )


SOURCE = Arrays()


def stacked(specs: Sequence[InputSpec], inputs: Mapping[str, ArrayLike]) -> dict[str, NDArray[Any]]:
    """Arrays for a model that reads `specs`, (n, *shape) each. Raises InputError naming what is missing or does not fit."""
    missing = [one.name for one in specs if one.name not in inputs]
    if missing or len(inputs) != len(specs):
        raise InputError(
            f"the model reads {', '.join(one.name for one in specs)}; given: {', '.join(inputs) or 'nothing'}."
        )
    found = {one.name: _input(one.name, inputs[one.name]) for one in specs}
    for one in specs:
        shape, dtype = found[one.name].shape[1:], str(found[one.name].dtype)
        if (shape, dtype) != (one.shape, one.dtype):
            raise InputError(
                f"input '{one.name}' holds {dimensions(shape)} ({dtype}); the model reads {dimensions(one.shape)} ({one.dtype})."
            )
    _require_lengths(found)
    return found


def _input(name: str, given: ArrayLike) -> NDArray[Any]:
    """uint8 (n, channels, height, width), or float32 of finite numbers."""
    found = np.asarray(given)
    if found.dtype == np.uint8 and found.ndim == 3:
        found = found[:, None]
    if found.dtype == np.uint8 and found.ndim == 4:
        if found.shape[3] in (1, 3) and found.shape[1] not in (1, 3):
            raise InputError(f"input '{name}' is {_shape(found)}: channels come first; give X.transpose(0, 3, 1, 2).")
        return found
    if not 2 <= found.ndim <= 4 or found.dtype.kind not in "buif":
        raise InputError(
            f"input '{name}' is {_shape(found)} of {found.dtype}: give numbers, (samples, ...), one to three more axes."
        )
    numbers = found.astype(np.float32)
    if not np.isfinite(numbers).all():
        raise InputError(f"input '{name}': {int((~np.isfinite(numbers)).sum())} of its numbers are not finite.")
    return numbers


def _unknown(kind: Kind | None, unit: str, many: int) -> NDArray[np.float32]:
    """NaN for each number that a network of this kind puts out: (many, numbers). Raises InputError for classes."""
    numbers = {"gaze": 2, "angle": 2 if unit in ("rad", "degrees") else 3, "value": 1}.get(kind or "")
    if numbers is None:
        raise InputError("targets: without any, say what the network puts out: kind is gaze, angle or value.")
    return np.full((many, numbers), np.nan, np.float32)


def _kind(targets: NDArray[Any]) -> Kind:
    if targets.ndim == 2 and targets.shape[1] == 2:
        return "gaze"
    return "value" if targets.dtype.kind == "f" else "class"


def _unit(kind: Kind, given: str, values: NDArray[Any]) -> str:
    if kind == "angle":
        known = ("vector",) if values.shape[1] == 3 else ("rad", "degrees")
        if (given or known[0]) not in known or (not given and len(known) > 1):
            raise InputError(f"unit: {values.shape[1]} numbers of a direction are in {' or '.join(known)}; say which.")
        return given or known[0]
    if kind != "gaze":
        return "" if kind == "class" else given
    if given and given not in LENGTHS:
        raise InputError(f"unit: gaze points are in {', '.join(LENGTHS)}, not in '{given}'.")
    return given or "px"


def _targets(given: NDArray[Any], kind: Kind) -> tuple[NDArray[Any], tuple[str, ...]]:
    """float32 (n, 2) px or (n,) values, or int64 (n,) places among the classes, with their names."""
    if kind == "class":
        _require_shape(given, "classes (n,)", given.ndim == 1)
        numbers = given.dtype.kind in "bui"
        names, places = np.unique(given if numbers else given.astype(str), return_inverse=True)
        return places.astype(np.int64), tuple(map(str, names))
    wanted = {"gaze": "gaze points (n, 2)", "angle": "directions (n, 2) or (n, 3)"}.get(kind, "values (n,)")
    widths = {"gaze": (2,), "angle": (2, 3)}.get(kind, ())
    found = given.reshape(-1) if kind == "value" and given.ndim == 2 and given.shape[1] == 1 else given
    fits = found.ndim == 1 if kind == "value" else found.ndim == 2 and found.shape[1] in widths
    _require_shape(found, wanted, fits and found.dtype.kind in "buif")
    if not np.isfinite(found.astype(np.float64)).all():
        raise InputError("targets: some are not finite; leave out samples without one.")
    return found.astype(np.float32), ()


def _require_shape(given: NDArray[Any], wanted: str, fits: bool) -> None:
    if not fits or not len(given):
        raise InputError(f"targets are {_shape(given)} of {given.dtype}; expected {wanted}.")


def _splits(given: ArrayLike, people: NDArray[Any]) -> NDArray[Any]:
    found = np.asarray(given).astype(str)
    _require_lengths({"groups": people, "splits": found})
    if other := sorted(set(found) - set(SPLITS)):
        raise InputError(f"splits: '{other[0]}' is none of {', '.join(SPLITS)}.")
    return found


def _require_lengths(arrays: Mapping[str, NDArray[Any]]) -> None:
    if len({len(one) for one in arrays.values()}) > 1:
        told = ", ".join(f"{name} {len(one)}" for name, one in arrays.items())
        raise InputError(f"arrays of different lengths ({told}): one row of each is one sample.")


def _spec_of(
    name: str, stored: NDArray[Any], mean: float | Sequence[float] | None, std: float | Sequence[float] | None
) -> InputSpec:
    picture = stored.dtype == np.uint8
    shift = 0.0 if mean is None else _numbers(mean)
    scale = (255.0 if picture else 1.0) if std is None else _numbers(std)
    if not np.all(np.asarray(scale) > 0):
        raise InputError("std: must be above 0.")
    return InputSpec(name, stored.shape[1:], shift, scale, "uint8" if picture else "float32")


def _numbers(given: float | Sequence[float]) -> float | tuple[float, ...]:
    return float(given) if isinstance(given, int | float) else tuple(map(float, given))


def _reach(points_px: NDArray[Any], mirrored: bool) -> tuple[int, int] | None:
    """Up to the outermost point, None where none is known. Raises InputError where samples are mirrored: that is about the middle
    of the scene itself."""
    if mirrored:
        raise InputError(
            "mirror_images: gaze in px is mirrored about the middle of the scene: give scene=(width, height)."
        )
    if np.isnan(points_px).all():
        return None
    width, height = np.ceil(points_px.max(axis=0)).clip(1).astype(int)
    return int(width), int(height)


def _shape(found: NDArray[Any]) -> str:
    return f"({', '.join(map(str, found.shape))})"
