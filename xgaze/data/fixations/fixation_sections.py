"""The data section of a recipe: fixation tables, what models are shown of them, and what they shall tell."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from xgaze.data.fixations.fixation_format import FixationFormat
from xgaze.recipe.data_sections import DataSection, Fractions, Section, Seed


class PicturesInput(Section):
    """A picture of each scanpath: `stack` laid on channels, `side` x `side` pixels, stored in 8 bits.

    fit: axes are the whole stimulus ("fixed") or the scanpath's own bounding box ("zoomed").
    sigma_px: width of the density's Gaussian, px of the stimulus.
    """

    kind: Literal["pictures"]
    name: str = Field("image", pattern=r"^[A-Za-z]\w*$")
    stack: list[Literal["density", "drawing", "gaf", "mtf"]] = Field(["density"], min_length=1)
    side: int = Field(100, ge=8, le=4096)
    fit: Literal["fixed", "zoomed"] = "fixed"
    sigma_px: float | None = Field(None, gt=0, le=1e5)

    @field_validator("stack")
    @classmethod
    def _each_once(cls, stack: list[str]) -> list[str]:
        if len(set(stack)) < len(stack):
            raise PydanticCustomError("stack", "name each representation once")
        return stack


class SequenceInput(Section):
    """Inputs "sequence" (x, y, duration of at most `steps` fixations) and "length".

    saccades: beside them the duration's logarithm and how each fixation was reached.
    """

    kind: Literal["sequence"]
    steps: int = Field(300, ge=3, le=100_000)
    saccades: bool = False


class GraphInput(Section):
    """Inputs "nodes", "edges" and "visited": transitions between the cells of a 10x10 grid."""

    kind: Literal["graph"]


FixationInput = Annotated[PicturesInput | SequenceInput | GraphInput, Field(discriminator="kind")]


class FixationTarget(Section):
    """What a model shall tell: the class in `column` ("participant", or a label column), or a `value`.

    rest-mean-duration-ms: mean duration of the fixations after the first `first`; inputs then hold only the first.
    """

    column: str | None = None
    value: Literal["rest-mean-duration-ms"] | None = None
    first: int = Field(10, ge=3, le=100_000)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.column is None) == (self.value is None):
            raise PydanticCustomError("choice", "give either column (classes) or value (a number to predict)")
        return self


class GroupedSplit(Fractions):
    """Shares of groups. `by`: participant, stimulus, a column of the table, or sample (each scanpath its own group)."""

    by: str = "participant"


class FixationTableData(FixationFormat, DataSection):
    """A table of fixations, read as `FixationFormat` says; one sample per scanpath (a participant's viewing of a stimulus).

    No group of `split.by` is in two splits, and intervals are over these groups.
    """

    source: Literal["fixation-table"]
    path: Path
    inputs: list[FixationInput] = Field([PicturesInput(kind="pictures")], min_length=1)
    target: FixationTarget
    split: GroupedSplit = GroupedSplit()
    seed: Seed = 0

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [one.name if isinstance(one, PicturesInput) else one.kind for one in self.inputs]
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise PydanticCustomError("choice", "inputs: '{name}' occurs twice", {"name": twice[0]})
        return self

    @model_validator(mode="after")
    def _target_can_be_learnt(self) -> Self:
        if self.target.column is not None and self.target.column == self.split.by:
            raise PydanticCustomError(
                "choice",
                "split.by and target.column are both '{column}': what is tested would never have been trained on; "
                "to tell participants apart, set split.by: stimulus",
                {"column": self.split.by},
            )
        return self
