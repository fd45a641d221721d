"""What pages claim of a model besides its figures, as its card stores it: did it learn, and which budgets were asked for. Cards
of older versions hold none of it."""

from typing import Any, Literal

from pydantic import Field, PositiveInt

from xgaze.stored import Stored


class Worse(Stored):
    mean: float
    low: float | None
    high: float | None


class Guessing(Stored):
    """A model beside its trivial baseline, see `Learned`."""

    learned: bool
    against: Literal["mean gaze", "mean direction", "mean value", "majority class"]
    unit: str
    score: float
    baseline: float
    worse: Worse | None
    worse_unit: str


class RadiusRow(Stored):
    """Coverage and radius are null where so few people validate that none can be promised."""

    level_percent: float
    radius: float | None
    coverage_percent: Worse | None
    least_percent: float | None


class FrameRadii(Stored):
    """Of one frame, see `radii_of`. validation, test: how many people."""

    unit: str
    validation: int
    test: int
    rows: list[RadiusRow]


class ConfidenceBin(Stored):
    """Test samples of about one probability."""

    from_percent: float
    to_percent: float
    samples: PositiveInt
    sure_percent: float
    right_percent: float


class ClassCalibration(Stored):
    """Of the probabilities of classes, see `calibration_of`."""

    ece_percent: float
    bins: list[ConfidenceBin] = Field(min_length=1)


class AfterCalibration(Stored):
    """Where the budget is about people who are calibrated by so many points. error: by model, once they are;
    uncalibrated_percent: the student's loss as long as they are not."""

    points: PositiveInt
    error: dict[str, Any]
    uncalibrated_percent: Worse


class Spread(Worse):
    """Of what the teacher says of one person, where it says what is true."""

    unit: str


class Claimed(Stored):
    spread: Spread | None = None
    learned: bool | None = None
    against_guessing: dict[str, Guessing] | None = None
    frame_radii: FrameRadii | None = None
    class_calibration: ClassCalibration | None = None
    after_calibration: AfterCalibration | None = None
    limits: dict[Literal["max_parameters", "max_bytes", "max_latency_ms"], float] | None = None
