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
    SPLITS,
    InputSpec,
    Recording,
    Sample,
    Spec,
    dimensions,
    require_absent,
    require_by_channel,
    targets_of,
    with_spreads,
)
from xgaze.data.fault_kinds import Checked, raise_faults
from xgaze.data.mirror_pairs import partners_by_name
from xgaze.data.missing_views import missing_told, seen_nothing
from xgaze.data.source import Source
from xgaze.data.splits import assert_disjoint, assign_splits
from xgaze.errors import InputError, nearest
from xgaze.geometry.viewing import Viewing, viewed
from xgaze.progress import Advance
from xgaze.recipe.data_sections import DataSection
from xgaze.recorded_targets import BY_TEACHER, DISTANCE_COLUMN, RECORDED, Beside, require_beside
from xgaze.units import DIRECTIONS, LENGTHS, VECTOR

Kind = Literal["gaze", "angle", "class", "value"]
Numbers = float | Sequence[float]
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
    others, unless `mean` and `std` say otherwise: a number each, or one per channel (per entry of the last axis of others), or
    these by name of input.
    targets: gaze points (n, 2) in px, origin top left, or in `unit` "cm" or "mm", wherever their origin is; classes (n,), words
    or whole numbers; values (n,) in `unit`; or, with kind "angle", directions of gaze: (n, 2) pitch and yaw, `unit` "rad" or
    "degrees", or (n, 3) vectors. None where nobody knows them, with `kind` (and `unit` or `scene` as the network puts gaze out):
    an adopted teacher then says what is true. kind: which of "gaze", "angle", "class", "value", where the numbers alone would
    mislead.
    groups: whose each sample is (n,): no person is in two splits, and intervals are over people.
    splits: "train", "validation" or "test" for each sample (n,); None: drawn by person from `seed`, in the shares `validation`
    and `test`. conditions: what else is known of every sample, by name: numbers or words (n,), by which the report tells errors
    apart. mirror_images: pairs of inputs that are each other's mirror images, as {"left": "right"}; {}: each is its own.
    targets_beside: further targets, which the network puts out after the main one, each an array with its unit, by name: points
    (n, 2) in "px", "cm" or "mm", as {"pupil": (centres, "px")}; directions (n, 2) in "rad" or "degrees", or (n, 3), "vector";
    values (n,) in any unit.
    missing: of inputs that samples may lack, which do, by name: (n,) true or false; what lies there is never read, and the
    network reads the input's mean.
    scene: (width, height) px of the picture that gaze points lie in; None: up to the outermost point, of gaze in px.
    viewing: from where gaze points on a screen are looked at, to tell errors in degrees too: {"distance_mm": 600,
    "mm_per_px": 0.27, "ahead": (960, 540)}, the latter two as `viewed` has them; distance_mm may be an array, (n,).

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
        mean: Numbers | Mapping[str, Numbers] | None = None,
        std: Numbers | Mapping[str, Numbers] | None = None,
        missing: Mapping[str, ArrayLike] | None = None,
        targets_beside: Mapping[str, tuple[ArrayLike, str]] | None = None,
        viewing: Mapping[str, Any] | None = None,
    ) -> None:
        self.lacking = _lacking(missing, inputs)
        self.inputs = _inputs(inputs, self.lacking)
        people = np.asarray(groups).astype(str)
        kind, values, classes = _told(targets, kind, unit, len(people))
        self.known = {str(name): np.asarray(one) for name, one in (conditions or {}).items()}
        others = [_beside(str(name), *one) for name, one in (targets_beside or {}).items()]
        further = {one.name: found for one, found in others}
        _require_lengths({**self.inputs, "targets": values, "groups": people, **self.known, **self.lacking, **further})
        drawn = _drawn(people, values, classes, validation, test, seed) if splits is None else _splits(splits, people)
        unit = _unit(kind, unit, values)
        scene = scene or _reach(kind, unit, values, mirror_images is not None)
        specs = _specs(self.inputs, mean, std, self.lacking, people)
        truth, beside = BY_TEACHER if targets is None else RECORDED, tuple(one for one, _ in others)
        seen = _viewing(kind, unit, scene, viewing)
        spec = Spec(specs, kind, unit, scene, classes, truth=truth, beside=beside, viewing=seen)
        self.pairs = partners_by_name(spec.inputs, mirror_images)
        self.table = _table(spec, people, drawn, [values, *further.values()]).assign(**_distances(viewing, people))
        self.spec = with_spreads(spec, self.table)
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
        for name, lacking in self.lacking.items():
            digest.update(json.dumps([name, np.flatnonzero(lacking).tolist()]).encode())
        return ArraysData(source="arrays", content=digest.hexdigest()[:16], truth=self.spec.truth)

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(missing_told(self.lacking, self.table["group"].to_list()))

    @property
    def partners(self) -> tuple[int, ...] | None:
        return self.pairs

    def __len__(self) -> int:
        return len(self.table)

    def conditions(self, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        return {name: values[rows] for name, values in self.known.items()}

    def missing(self, rows: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
        return {name: lacking[rows] for name, lacking in self.lacking.items()}

    def __getitem__(self, row: int) -> Sample:
        own = {"group": str(self.table["group"].iloc[row]), "session": SESSION}
        inputs = {name: one[row] for name, one in self.inputs.items()}
        lacking = frozenset(name for name, missing in self.lacking.items() if missing[row])
        target = targets_of(self, np.array([row]))[0]
        return Sample(str(self.table["id"].iloc[row]), own, inputs, target, missing=lacking)


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


def stacked(
    specs: Sequence[InputSpec], inputs: Mapping[str, ArrayLike], missing: Mapping[str, ArrayLike] | None = None
) -> dict[str, NDArray[Any]]:
    """Arrays for a model that reads `specs`, (n, *shape) each; missing: which samples lack an input, whose mean stands there.
    Raises InputError naming what is not given or does not fit."""
    unknown = [one.name for one in specs if one.name not in inputs]
    if unknown or len(inputs) != len(specs):
        raise InputError(
            f"the model reads {', '.join(one.name for one in specs)}; given: {', '.join(inputs) or 'nothing'}."
        )
    lacking = _lacking(missing, inputs)
    found = {one.name: _input(one.name, inputs[one.name], lacking) for one in specs}
    _require_lengths({**found, **lacking})
    for one in specs:
        shape, dtype = found[one.name].shape[1:], str(found[one.name].dtype)
        if (shape, dtype) != (one.shape, one.dtype):
            raise InputError(
                f"input '{one.name}' holds {dimensions(shape)} ({dtype}); the model reads {dimensions(one.shape)} ({one.dtype})."
            )
    return {one.name: _filled(found[one.name], one, lacking) for one in specs}


def _filled(stored: NDArray[Any], one: InputSpec, lacking: Mapping[str, NDArray[np.bool_]]) -> NDArray[Any]:
    """What the model reads where samples lack an input. Raises InputError where it never met one without."""
    if one.name not in lacking:
        return stored
    if not one.may_be_missing:
        raise InputError(f"missing: the model was trained on samples that all have '{one.name}'.")
    return np.where(lacking[one.name].reshape(-1, *[1] * len(one.shape)), one.absent, stored)


def _inputs(given: Mapping[str, ArrayLike], lacking: Mapping[str, NDArray[np.bool_]]) -> dict[str, NDArray[Any]]:
    if not given:
        raise InputError("inputs: there is none; give at least one array by name.")
    return {str(name): _input(str(name), one, lacking) for name, one in given.items()}


def _drawn(people: NDArray[Any], values: NDArray[Any], classes: Sequence[str], *shares: Any) -> Any:
    """Who is in which split; shares: of validation, of test, and the seed."""
    return assign_splits(list(people), [classes[label] for label in values] if classes else None, *shares)


def _viewing(kind: Kind, unit: str, scene: tuple[int, int] | None, given: Mapping[str, Any] | None) -> Viewing | None:
    """Raises InputError for what is no viewing of gaze points."""
    if given is None:
        return None
    if kind != "gaze" or set(given) - {"distance_mm", "mm_per_px", "ahead"} or "distance_mm" not in given:
        raise InputError(
            "viewing: is of gaze points, and gives `distance_mm`, and if need be `mm_per_px` and `ahead`; found "
            f"{', '.join(given) or 'nothing'} of {kind}."
        )
    alike = np.ndim(given["distance_mm"]) == 0
    return viewed(unit, scene=scene, **given if alike else {**given, "distance_mm": None})


def _distances(given: Mapping[str, Any] | None, people: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
    """Those of each sample, as a column of the table. Raises InputError for what is no distance."""
    if given is None or np.ndim(given["distance_mm"]) == 0:
        return {}
    found = np.asarray(given["distance_mm"], np.float64)
    if found.shape != (len(people),) or not (np.isfinite(found) & (found > 0)).all():
        raise InputError(
            f"viewing: distance_mm is {_shape(found)}: give one number, or one for each of {len(people)} samples, all above 0."
        )
    return {DISTANCE_COLUMN: found}


def _table(spec: Spec, people: NDArray[Any], splits: Any, targets: Sequence[NDArray[Any]]) -> pd.DataFrame:
    """A recording's; targets: arrays (n, ...), the main one's first. Raises InputError for targets that cannot stand beside one
    another, and people in two splits."""
    require_beside(spec, "targets_beside")
    ids = [f"{person}/{row}" for row, person in enumerate(people)]
    columns = [column for found in targets for column in found.reshape(len(people), -1).T]
    known = {"id": ids, "group": people, "session": SESSION, "split": splits}
    table = pd.DataFrame({**known, **dict(zip(spec.targets, columns, strict=True))})
    assert_disjoint(table)
    return table


def _lacking(missing: Mapping[str, ArrayLike] | None, inputs: Mapping[str, ArrayLike]) -> dict[str, NDArray[np.bool_]]:
    """Raises InputError for names that are no inputs, and for what is not true or false of every sample."""
    found = {str(name): np.asarray(one) for name, one in (missing or {}).items()}
    for name, one in found.items():
        if name not in inputs:
            raise InputError(f"missing: there is no input '{name}'; {nearest(name, inputs)}")
        if one.ndim != 1 or one.dtype != np.bool_:
            raise InputError(
                f"missing: '{name}' is {_shape(one)} of {one.dtype}: give true or false for each sample, (n,)."
            )
    return found


def _specs(
    inputs: Mapping[str, NDArray[Any]],
    mean: Numbers | Mapping[str, Numbers] | None,
    std: Numbers | Mapping[str, Numbers] | None,
    lacking: Mapping[str, NDArray[np.bool_]],
    people: NDArray[Any],
) -> tuple[InputSpec, ...]:
    """Raises InputError where samples lack every view, and for a mean or std that cannot be one."""
    means, stds = _by_input("mean", mean, inputs), _by_input("std", std, inputs)
    specs = tuple(_spec_of(name, one, means[name], stds[name], name in lacking) for name, one in inputs.items())
    for one in specs:
        require_by_channel(one, "ArrayRecording")
        require_absent(one, "mean")
    rows = seen_nothing(specs, lacking)
    if len(rows):
        raise InputError(
            f"missing: {len(rows)} of {len(people)} samples have no view left, the first of them sample {rows[0]} "
            f"({people[rows[0]]}): leave them out."
        )
    return specs


def _input(name: str, given: ArrayLike, lacking: Mapping[str, NDArray[np.bool_]]) -> NDArray[Any]:
    """uint8 (n, channels, height, width), or float32 of numbers that are finite where no sample lacks them."""
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
    if len(lacking.get(name, [])) == len(numbers):
        numbers[lacking[name]] = 0
    if not np.isfinite(numbers).all():
        raise InputError(
            f"input '{name}': {int((~np.isfinite(numbers)).sum())} of its numbers are not finite. Where samples may lack it, say "
            f"which do: missing={{'{name}': (n,) true or false}}."
        )
    return numbers


def _told(
    targets: ArrayLike | None, kind: Kind | None, unit: str, many: int
) -> tuple[Kind, NDArray[Any], tuple[str, ...]]:
    """Of what kind the targets of so many samples are, themselves as numbers, and classes. Raises InputError where they are
    none."""
    if targets is None:
        unknown = _unknown(kind, unit, many)
        return kind or _kind(unknown), unknown, ()
    known = np.asarray(targets)
    kind = kind or _kind(known)
    return kind, *_targets(known, kind)


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


def _beside(name: str, given: ArrayLike, unit: str) -> tuple[Beside, NDArray[np.float32]]:
    """A target beside the main one: what it is goes by its unit."""
    found = np.asarray(given)
    kind: Literal["gaze", "angle", "value"] = "gaze" if unit in LENGTHS and found.ndim == 2 else "value"
    if unit in DIRECTIONS:
        kind = "angle"
        if found.ndim == 2 and found.shape[1] != (3 if unit == VECTOR else 2):
            raise InputError(f"targets_beside: {found.shape[1]} numbers of '{name}' are no direction in {unit}.")
    try:
        return Beside(name, kind, unit), _targets(found, kind)[0]
    except InputError as error:
        raise InputError(f"targets_beside: '{name}': {error}") from None


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


def _by_input(
    key: str, given: Numbers | Mapping[str, Numbers] | None, inputs: Mapping[str, NDArray[Any]]
) -> dict[str, Numbers | None]:
    """What is said of each input. Raises InputError for a name that is none of theirs."""
    if not isinstance(given, Mapping):
        return dict.fromkeys(inputs, given)
    for name in given:
        if name not in inputs:
            raise InputError(f"{key}: there is no input '{name}'; {nearest(name, inputs)}")
    return {name: given.get(name) for name in inputs}


def _spec_of(
    name: str,
    stored: NDArray[Any],
    mean: Numbers | None,
    std: Numbers | None,
    may_be_missing: bool,
) -> InputSpec:
    picture = stored.dtype == np.uint8
    shift = 0.0 if mean is None else _numbers(mean)
    scale = (255.0 if picture else 1.0) if std is None else _numbers(std)
    if not np.all(np.asarray(scale) > 0):
        raise InputError("std: must be above 0.")
    return InputSpec(name, stored.shape[1:], shift, scale, "uint8" if picture else "float32", may_be_missing)


def _numbers(given: Numbers) -> float | tuple[float, ...]:
    return float(given) if isinstance(given, int | float) else tuple(map(float, given))


def _reach(kind: Kind, unit: str, points: NDArray[Any], mirrored: bool) -> tuple[int, int] | None:
    """Up to the outermost point of gaze in px, None where none is known. Raises InputError where samples are mirrored: that is
    about the middle of the scene itself."""
    if kind != "gaze" or unit != "px":
        return None
    if mirrored:
        raise InputError(
            "mirror_images: gaze in px is mirrored about the middle of the scene: give scene=(width, height)."
        )
    if np.isnan(points).all():
        return None
    width, height = np.ceil(points.max(axis=0)).clip(1).astype(int)
    return int(width), int(height)


def _shape(found: NDArray[Any]) -> str:
    return f"({', '.join(map(str, found.shape))})"
