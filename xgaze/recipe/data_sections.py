"""What the data sections of recipes are made of; each format has its own, beside its reader."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

Seed = Annotated[int, Field(ge=0, lt=2**31)]
"""Small enough for torch, numpy and scikit-learn alike, with room for the seeds that are counted on from it."""

PictureSide = Annotated[int, Field(ge=8, le=16_384)]
Mean = Annotated[float, Field(ge=-1e6, le=1e6)]
Std = Annotated[float, Field(ge=1e-6, le=1e6)]
Several = Field(min_length=1, max_length=10_000)


def _list_or_number(given: Any) -> str:
    """By which a value is judged alone, so that what is wrong is told once."""
    return "list" if isinstance(given, list | tuple) else "number"


def _word_or_number(given: Any) -> str:
    return "word" if isinstance(given, str) else "number"


Means = Annotated[
    Annotated[Mean, Tag("number")] | Annotated[list[Mean], Several, Tag("list")], Discriminator(_list_or_number)
]
Stds = Annotated[
    Annotated[Std, Tag("number")] | Annotated[list[Std], Several, Tag("list")], Discriminator(_list_or_number)
]
"""Of an input: a number, or one per channel of a picture, or per number of a vector."""
Distance = Annotated[
    Annotated[float, Field(gt=0, le=1e6), Tag("number")] | Annotated[str, Field(min_length=1), Tag("word")],
    Discriminator(_word_or_number),
]
"""The same for all samples, or the name of the column that holds each one's."""
Count = Annotated[int, Field(ge=1, le=1_000_000)]
EYE_MEAN, EYE_STD = 98.54010552, 41.5086445
"""Of grey values of eye cameras, in the published recording; rendered eyes are normalised alike."""


def as_stored(numbers: float | list[float]) -> float | tuple[float, ...]:
    """Means or stds as a specification holds them."""
    return tuple(numbers) if isinstance(numbers, list) else numbers


def require_as_many(mean: float | list[float], std: float | list[float] | None, wanted: int) -> None:
    """Raises PydanticCustomError for lists of means or stds of another length."""
    for key, given in (("mean", mean), ("std", std)):
        if isinstance(given, list) and len(given) != wanted:
            told = "{key}: {many} numbers; give one, or one per channel or column ({wanted})"
            raise PydanticCustomError("choice", told, {"key": key, "many": len(given), "wanted": wanted})


class Section(BaseModel):
    """A part of a recipe: unknown keys and numbers that are none (nan, inf, true) are refused, values never change.

    later: keys that there were not always; where one has its default it is not stored, so that recipes without it, and their
    hashes, are what they were before.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    later: ClassVar[tuple[str, ...]] = ()

    @model_serializer(mode="wrap")
    def _as_stored(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        own = type(self).model_fields
        stored: dict[str, Any] = plain(self)
        later = {key for one in type(self).__mro__ for key in getattr(one, "later", ())}
        return {key: value for key, value in stored.items() if key not in later or value != own[key].default}

    @model_validator(mode="before")
    @classmethod
    def _true_is_no_number(cls, stored: Any) -> Any:
        """YAML reads `yes` as true, which Python takes for 1."""
        for key, value in stored.items() if isinstance(stored, dict) else ():
            known = cls.model_fields.get(key)
            listed = value if isinstance(value, list | tuple) else [value]
            if (
                known
                and any(isinstance(one, bool) for one in listed)
                and not {bool, Any} & set(_kinds(known.annotation))
            ):
                raise PydanticCustomError("boolean", "Input should not be true or false", {"key": key})
        return stored


def _kinds(annotation: Any) -> Iterator[Any]:
    """The types that an annotation is made of."""
    inner = get_args(annotation)
    yield from (kind for one in inner for kind in _kinds(one)) if inner else (annotation,)


class UnlabelledFiles(Section):
    """More recordings, whose labels only the teacher tells: files in the format of the recording, or a definition (YAML)."""

    path: Path


class DataSection(Section):
    """What every format's section says: `source`, its tag, and recordings whose labels only the teacher tells.

    truth: "teacher" where the recording has no labels, or none that shall be read: what an adopted teacher puts out is then what
    students are tuned to and measured against, and no figure says how right anybody is. licence: of the data, in words for the
    model card; nothing is computed with it.
    """

    later: ClassVar[tuple[str, ...]] = ("truth", "licence")
    source: str
    unlabelled: UnlabelledFiles | None = None
    truth: Literal["recorded", "teacher"] = "recorded"
    licence: str | None = Field(None, min_length=1, max_length=200)

    def without_labels(self) -> Self:
        """The same samples and people, whatever is said of what is true of them, and without further ones."""
        return self.model_copy(update={"unlabelled": None, "truth": "recorded"})


class Fractions(Section):
    """Shares of participants; what is left goes to training."""

    validation: float = Field(0.15, gt=0, lt=1)
    test: float = Field(0.25, gt=0, lt=1)
