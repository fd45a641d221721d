"""The sections of a recipe after training: how the student is found, and how both are explained."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from xgaze.recipe.data_sections import Section
from xgaze.recipe.varied_sections import VariedPictures

MOST_AT_ONCE, MOST_EPOCHS, MOST_WEIGHT = 1_000_000, 100_000, 1e6
MOST_MINUTES = 1e6
MOST_POINTS = 1000
MOST_SEEDS = 100
MOST_WORSE_PERCENT, MOST_PARAMETERS, MOST_BYTES, MOST_LATENCY_MS = 1e6, 10**12, 10**15, 1e9
"""Far above what anybody needs: a slip of the hand is told at once, not by memory or the clock."""
Count = Annotated[int, Field(ge=1, le=MOST_AT_ONCE)]


class Hint(Section):
    """Two module paths: what `student` puts out shall resemble what `teacher` puts out, through a projection if widths differ."""

    teacher: str
    student: str


class Distill(Section):
    """How the student is found.

    Budgets: `max_worse_percent` against the teacher given the same tuning, of its error (of classes: percentage points of the
    score); or the best student within `max_parameters`, `max_bytes` (of its weights file) and `max_latency_ms` (onnxruntime, one
    thread). `after_calibration`: errors count once what is said of each person was calibrated by so many target points, on frames
    at others. Without `towers` only fully connected layers shrink. `effort: full` tunes whole students end to end; `quick` tunes
    heads on cached embeddings only.
    Head: `ranks` to try (None: from the layer's capacity) and `separable_terms` (None: one to three where they save something;
    []: whole filters only). Towers: `shares` of channels to try; `coarse_input` halves the pictures before the first
    convolutions; `wiring`: towers that are alike become one, and maps coarser, before any channel is cut.
    `widths`: every layer loses the same share of its channels, or, at the same cost of all in weights and multiply-accumulates,
    those lose most that matter least for what they cost.
    `importance`: by which channels go: how far the outputs move without one, the squares of the weights that go with it, or
    |weight x gradient of the loss| over them. `calibration_samples`: training samples that surgeries are computed on, at most.
    `head_samples`: training samples whose embeddings are cached and on which heads are tuned, at most (None: all).
    `cut_in_steps`: in the end the next smaller student than the smallest that holds is cut of that one, tuned, and so on while
    they hold; their control is tuned as long as all steps together.
    `minutes`: about how long the search may take on this machine, instead of `end_to_end_epochs`: students and their control are
    tuned for as many epochs as fit, at most four times as many.
    `mirror_images`: whole students and their control are tuned on mirror images too, as `training.mirror_images` says, which they
    are in any case where the teacher was trained so.
    `varied_pictures`, `weight_averaging`: the same of those of `training`.
    `seeds`: with so many the chosen student and its control are tuned; the interval over people and seeds stands beside that over
    people alone.
    `keep`: modules, by their paths, that are left as they are, with what is coupled to them; the rest is searched.
    `eight_bit_epochs`: where no form of the 8-bit file that is faster is good enough, the student is tuned for so many epochs as
    that file computes it; 0: never, nor in a quick search.
    Teaching: labels and the teacher's outputs mixed by `teacher_weight` (of whole students by `end_to_end_teacher_weight`, where
    that is given), extra `data.unlabelled` people, `hints`.
    """

    later = (
        "head_samples",
        "end_to_end_teacher_weight",
        "mirror_images",
        "after_calibration",
        "varied_pictures",
        "weight_averaging",
        "cut_in_steps",
        "widths",
        "seeds",
        "eight_bit_epochs",
    )
    max_worse_percent: float = Field(2.0, ge=0, le=MOST_WORSE_PERCENT)
    max_parameters: int | None = Field(None, ge=1, le=MOST_PARAMETERS)
    max_bytes: int | None = Field(None, ge=1, le=MOST_BYTES)
    max_latency_ms: float | None = Field(None, gt=0, le=MOST_LATENCY_MS)
    after_calibration: int | None = Field(None, ge=1, le=MOST_POINTS)
    towers: bool = True
    effort: Literal["quick", "full"] = "full"
    ranks: list[Count] | None = Field(None, min_length=1)
    separable_terms: list[Count] | None = None
    shares: list[Annotated[float, Field(gt=0, lt=1)]] = Field([0.75, 0.5, 0.375, 0.25], min_length=1)
    coarse_input: bool = True
    wiring: bool = True
    importance: Literal["outputs", "magnitude", "taylor"] = "outputs"
    keep: list[str] = []
    tuning_epochs: int = Field(20, ge=1, le=MOST_EPOCHS)
    learning_rate: float = Field(1e-3, gt=0, le=1e12)
    batch_size: int = Field(64, ge=1, le=MOST_AT_ONCE)
    end_to_end_epochs: int = Field(10, ge=1, le=MOST_EPOCHS)
    minutes: float | None = Field(None, gt=0, le=MOST_MINUTES)
    end_to_end_learning_rate: float = Field(1.5e-3, gt=0, le=1e12)
    teacher_weight: float = Field(0.5, ge=0, le=1)
    end_to_end_teacher_weight: float | None = Field(None, ge=0, le=1)
    unlabelled_weight: float = Field(1.0, ge=0, le=MOST_WEIGHT)
    hints: list[Hint] = []
    hint_weight: float = Field(0.1, ge=0, le=MOST_WEIGHT)
    calibration_samples: int = Field(2048, ge=8, le=MOST_AT_ONCE)
    head_samples: int | None = Field(None, ge=8, le=10**12)
    mirror_images: bool = False
    varied_pictures: VariedPictures | None = None
    weight_averaging: float = Field(0.0, ge=0, le=1)
    cut_in_steps: bool = False
    widths: Literal["even", "by-cost"] = "even"
    seeds: int = Field(1, ge=1, le=MOST_SEEDS)
    eight_bit_epochs: int = Field(3, ge=0, le=MOST_EPOCHS)

    @property
    def whole_teacher_weight(self) -> float:
        """How much the teacher's outputs count where a whole student is tuned."""
        own = self.end_to_end_teacher_weight
        return self.teacher_weight if own is None else own

    @property
    def cuts_towers(self) -> bool:
        """Whether anything but the head is searched."""
        return self.towers and self.effort == "full"

    @field_validator("ranks", "separable_terms", "shares", "keep", "hints")
    @classmethod
    def _each_once(cls, asked: list[Any] | None) -> list[Any] | None:
        for place, one in enumerate(asked or []):
            if one in asked[:place]:  # type: ignore[index]
                raise PydanticCustomError("once", "{one} stands there twice; name each once", {"one": str(one)})
        return asked


SEARCH_KEYS = (
    "max_worse_percent",
    "max_parameters",
    "max_bytes",
    "max_latency_ms",
    "minutes",
    "cut_in_steps",
    "after_calibration",
    "towers",
    "effort",
    "ranks",
    "separable_terms",
    "shares",
    "coarse_input",
    "wiring",
    "seeds",
    "eight_bit_epochs",
)


class Explain(Section):
    """Attribution settings: integration steps (more where these do not add up; half as many over the test set), and points of the
    embedding sweep.

    `over_people`: agreement and anatomy are measured on one frame of each of at most so many test participants; 0: not at all.
    `pictures_in_page`: the page runs the student on pictures of test participants who are not rendered, too.
    """

    # The places of n steps follow from an n x n matrix, and eight times as many are tried where they do not add up.
    steps: int = Field(50, ge=8, le=1000)
    internal_batch_size: int = Field(10, ge=1, le=10_000)
    sweep_points: int = Field(21, ge=3, le=10_000)
    over_people: int = Field(40, ge=0, le=MOST_AT_ONCE)
    pictures_in_page: bool = False

    @field_validator("over_people")
    @classmethod
    def _gives_an_interval(cls, people: int) -> int:
        if people == 1:
            raise PydanticCustomError("people", "one person gives no interval: 0 (none), or 2 and more")
        return people
