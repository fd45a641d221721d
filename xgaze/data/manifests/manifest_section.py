"""The data section of a recipe: a manifest, and what each of its columns is."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from xgaze.data.eyes.eye_section import Scene
from xgaze.errors import InputError
from xgaze.recipe.data_sections import (
    DataSection,
    Distance,
    Fractions,
    Means,
    PictureSide,
    Section,
    Seed,
    Stds,
    as_stored,
    require_as_many,
)
from xgaze.recipe.text_table import NumberTable
from xgaze.units import LENGTHS

if TYPE_CHECKING:
    from xgaze.data.contract import InputSpec
    from xgaze.recorded_targets import Beside


class ManifestInput(Section):
    """One input: the column `picture` of paths, read as `channels` of `height` x `width` px; or the column `video` of paths with
    the column `frame` of numbers, counted from 0; or `columns` of numbers, a vector.

    The network reads (stored - mean) / std: 0 and 255 for pictures, 0 and 1 for vectors, unless said otherwise: a number each,
    or one per channel, in the order in which the network reads these, or per column. Pictures of
    another size are refused, unless `resize`. colour: the order in which the network reads the channels of a picture in colour.
    may_be_missing: cells may be empty, as of an eye that is closed; the network reads zeros then, which is the input's mean.
    """

    later = ("video", "frame", "may_be_missing")
    picture: str | None = None
    video: str | None = None
    frame: str | None = None
    columns: list[str] | None = Field(None, min_length=1, max_length=10_000)
    channels: Literal[1, 3] = 1
    height: PictureSide | None = None
    width: PictureSide | None = None
    resize: bool = False
    colour: Literal["rgb", "bgr"] = "rgb"
    mean: Means = 0.0
    std: Stds | None = None
    may_be_missing: bool = False

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if sum(one is not None for one in (self.picture, self.video, self.columns)) != 1:
            raise PydanticCustomError(
                "choice", "give either picture or video (a column of paths), or columns (of numbers)"
            )
        if (self.video is None) != (self.frame is None):
            raise PydanticCustomError("choice", "video and frame (the column of its frames' numbers) go together")
        if self.columns is None and (self.height is None or self.width is None):
            raise PydanticCustomError("choice", "a picture needs its height and width in px")
        if len(set(self.columns or [])) < len(self.columns or []):
            raise PydanticCustomError("choice", "columns: name each once")
        require_as_many(self.mean, self.std, len(self.columns or []) or self.channels)
        if self.may_be_missing and self.columns is None and not _are_bytes(self.mean):
            told = (
                "a picture that may be missing is its mean then, in 8 bits: give mean as a whole number from 0 to 255"
            )
            raise PydanticCustomError("choice", told)
        return self

    @property
    def read(self) -> list[str]:
        """The columns that hold it."""
        if self.video is not None:
            return [self.video, str(self.frame)]
        return self.columns or [str(self.picture)]

    @property
    def paths(self) -> str | None:
        """The column of paths; none of a vector."""
        return self.picture or self.video

    def spec(self, name: str) -> "InputSpec":
        """As a specification of this input says it."""
        from xgaze.data.contract import InputSpec

        mean = as_stored(self.mean)
        if self.columns is not None:
            std = as_stored(self.std or 1.0)
            return InputSpec(name, (len(self.columns),), mean, std, "float32", self.may_be_missing)
        assert self.height is not None and self.width is not None
        shape = (self.channels, self.height, self.width)
        return InputSpec(name, shape, mean, as_stored(self.std or 255.0), may_be_missing=self.may_be_missing)


def _are_bytes(mean: float | list[float]) -> bool:
    return all(0 <= one <= 255 and one == int(one) for one in (mean if isinstance(mean, list) else [mean]))


TWO_COLUMNS, ONE_COLUMN = "two columns, x and y", "one column"
A_DIRECTION = "three columns (a vector, no unit), or two, pitch and yaw, in rad or deg"


class ManifestTarget(Section):
    """What a model shall tell: `gaze`, two columns x and y in px, cm or mm; `angle`, the direction of gaze, two columns pitch and
    yaw in rad or deg, or three of a vector x, y, z; `class`, a column of names or whole numbers, in the order of `classes` where
    it is given; `value`, a column of numbers in `unit`. With `truth: teacher` the columns may be left out."""

    kind: Literal["gaze", "angle", "class", "value"]
    columns: list[str] | None = None
    column: str | None = None
    unit: str | None = Field(None, max_length=20)
    classes: list[str] | None = Field(None, min_length=2)

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind == "gaze":
            _require(self.column is None and len(self.columns or "xy") == 2, TWO_COLUMNS)
            _require(self.unit in (None, *LENGTHS), f"unit {', '.join(LENGTHS)}")
        elif self.kind == "angle":
            many = (3 if self.unit is None else 2) if self.columns is None else len(self.columns)
            known = {2: ("rad", "deg"), 3: (None,)}.get(many, ())
            _require(self.column is None and self.unit in known, A_DIRECTION)
        else:
            _require(self.columns is None, ONE_COLUMN)
        if self.classes is not None:
            _require(self.kind == "class" and len(set(self.classes)) == len(self.classes), "classes only once each")
        return self

    @property
    def read(self) -> list[str]:
        """The columns that hold it; none where they are left out."""
        return self.columns or ([] if self.column is None else [self.column])

    @property
    def takes(self) -> str:
        """Which columns hold one of this kind, in words."""
        return {"gaze": TWO_COLUMNS, "angle": A_DIRECTION}.get(self.kind, ONE_COLUMN)

    @property
    def measured(self) -> str:
        """Its unit as a specification names it; none of classes, and of values where none is said."""
        if self.kind == "angle":
            return {"rad": "rad", "deg": "degrees"}.get(self.unit or "", "vector")
        return self.unit or ("px" if self.kind == "gaze" else "")


class ManifestViewing(Section):
    """From where a screen is looked at, to tell errors in degrees too: `distance_mm` (or `distance_cm`) before the point `ahead`
    of it (in the unit of gaze; the middle of `scene`, or the origin of cm and mm), `mm_per_px` the side of a px. A distance is a
    number, or the name of the column that holds each sample's."""

    later = ("distance_mm", "distance_cm")
    distance_mm: Distance | None = None
    distance_cm: Distance | None = None
    mm_per_px: float | None = Field(None, gt=0, le=1e3)
    ahead: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _has_one_distance(self) -> Self:
        if (self.distance_mm is None) == (self.distance_cm is None):
            raise PydanticCustomError("viewing", "give distance_mm or distance_cm, a number or the name of a column")
        return self

    @property
    def column(self) -> str | None:
        """Of distances, where samples have their own."""
        return next((one for one in (self.distance_mm, self.distance_cm) if isinstance(one, str)), None)

    @property
    def unit_mm(self) -> float:
        """What distances are told in."""
        return 1.0 if self.distance_cm is None else 10.0

    @property
    def of_all_mm(self) -> float | None:
        """The one distance of all samples."""
        known = self.distance_mm if self.distance_cm is None else self.distance_cm
        return None if known is None or isinstance(known, str) else known * self.unit_mm


class ManifestBeside(ManifestTarget):
    """A target beside the main one: a `point` in px, cm or mm, whatever it is of (a pupil's centre), an `angle` or a `value`."""

    kind: Literal["gaze", "angle", "value"]

    @model_validator(mode="before")
    @classmethod
    def _is_no_class(cls, stored: Any) -> Any:
        kind = stored.get("kind") if isinstance(stored, dict) else None
        if kind not in ("point", "gaze", "angle", "value"):
            told = "a target beside the main one is a point, an angle or a value, not '{kind}'"
            raise PydanticCustomError("target", told, {"kind": str(kind)[:40]})
        return {**stored, "kind": "gaze" if kind == "point" else kind}

    def spec(self, name: str) -> "Beside":
        """As a specification says it, its spread not yet known."""
        from xgaze.recorded_targets import Beside

        return Beside(name, self.kind, self.measured)


class ManifestShares(Fractions):
    """Shares of participants, drawn by `seed`."""

    by: Literal["participant"] = "participant"


class ManifestData(NumberTable, DataSection):
    """A table (CSV or parquet) with one row per sample; pictures lie at paths relative to it.

    participant, session: columns; no participant is in two splits. split: the column that says train, validation or test, in the
    words of `splits`; or shares. scene: size of what gaze points in px lie in, origin top left. conditions: further columns, of
    words or numbers (glasses, device, lighting), by which the report tells errors apart. mirror_images: pairs of pictures that
    are each other's mirror images, for `training.mirror_images`; {} where each is its own. targets_beside: further targets by
    name, which the network tells too; the main one decides what is chosen. viewing: of gaze points on a screen.
    """

    later = ("conditions", "mirror_images", "targets_beside", "viewing")
    source: Literal["manifest"]
    path: Path
    inputs: dict[str, ManifestInput] = Field(min_length=1)
    target: ManifestTarget
    targets_beside: dict[str, ManifestBeside] = {}
    scene: Scene | None = None
    viewing: ManifestViewing | None = None
    conditions: list[str] = Field([], max_length=100)
    mirror_images: dict[str, str] | None = None
    participant: str = "participant"
    session: str | None = None
    split: str | ManifestShares = "split"
    splits: dict[Literal["train", "validation", "test"], str] = {
        "train": "train",
        "validation": "validation",
        "test": "test",
    }
    seed: Seed = 0

    @field_validator("inputs")
    @classmethod
    def _names_are_words(cls, inputs: dict[str, ManifestInput]) -> dict[str, ManifestInput]:
        for name in inputs:
            if not name.isidentifier():
                raise PydanticCustomError("name", "'{name}' is no word of letters and digits", {"name": name[:60]})
        return inputs

    @field_validator("scene")
    @classmethod
    def _scene_is_in_px(cls, scene: Scene | None, known: ValidationInfo) -> Scene | None:
        target = known.data.get("target")
        if scene is not None and target is not None and (target.kind, target.measured) != ("gaze", "px"):
            raise PydanticCustomError("scene", "a scene is of gaze points in px; leave it out")
        return scene

    @field_validator("viewing")
    @classmethod
    def _a_screen_is_viewed(cls, viewing: ManifestViewing | None, known: ValidationInfo) -> ManifestViewing | None:
        target = known.data.get("target")
        if viewing is not None and target is not None:
            if target.kind != "gaze":
                raise PydanticCustomError("viewing", "viewing is of gaze points; leave it out")
            if (target.measured == "px") != (viewing.mm_per_px is not None):
                told = (
                    "gaze in px needs mm_per_px, the side of a px"
                    if target.measured == "px"
                    else "mm_per_px is of gaze in px"
                )
                raise PydanticCustomError("viewing", "{told}", {"told": told})
            if target.measured == "px" and viewing.ahead is None and known.data.get("scene") is None:
                raise PydanticCustomError(
                    "viewing", "say what lies straight ahead (ahead: [x, y], in px), or give the scene"
                )
        return viewing

    @model_validator(mode="after")
    def _somebody_tells_the_target(self) -> Self:
        by_teacher = self.truth != "recorded"
        _require(not by_teacher or self.target.kind != "class", "labels, so leave truth: teacher out")
        _require(bool(self.target.read) or by_teacher, f"{self.target.takes}; without labels, say truth: teacher")
        for one in self.targets_beside.values():
            _require(bool(one.read), one.takes)
        if self.targets_beside:
            _require_beside(self)
        return self

    def without_labels(self) -> Self:
        """Splits are drawn by class, so that the column of classes is kept."""
        plain = super().without_labels().model_copy(update={"targets_beside": {}})
        if self.target.kind == "class":
            return plain
        bare = {"columns": None, "column": None, "unit": self.target.measured}
        return plain.model_copy(update={"target": self.target.model_copy(update=bare)})

    @property
    def columns(self) -> list[str]:
        """All columns that training reads, each once."""
        named = [column for one in self.inputs.values() for column in one.read]
        split = [self.split] if isinstance(self.split, str) else []
        session = [self.session] if self.session else []
        target = self.target.read if self.truth == "recorded" else []
        beside = [column for one in self.targets_beside.values() for column in one.read]
        told = [
            *session,
            *split,
            *self.conditions,
            *([self.viewing.column] if self.viewing and self.viewing.column else []),
        ]
        return list(dict.fromkeys([*named, *target, *beside, self.participant, *told]))


def _require_beside(data: ManifestData) -> None:
    from xgaze.data.contract import InputSpec, Spec
    from xgaze.recorded_targets import require_beside

    beside = tuple(one.spec(name) for name, one in data.targets_beside.items())
    spec = Spec((InputSpec("any", (1,)),), data.target.kind, data.target.measured, truth=data.truth, beside=beside)
    try:
        require_beside(spec, "targets_beside")
    except InputError as error:
        raise PydanticCustomError("target", "{told}", {"told": str(error)}) from None


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise PydanticCustomError("target", "a target of this kind takes {what}", {"what": what})
