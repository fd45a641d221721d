"""What report.json holds: what every page needs, and the keys that sections read, each with its type."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, create_model

from xgaze.report.claimed import Claimed
from xgaze.report.schemas import Error, Input, Interval, Measured, OverSeeds, Splits, Surgery
from xgaze.report.section import in_reading_order
from xgaze.stored import Stored, read_mapping

AGAIN = "Write it again: `xgaze report RECIPE`."


class RecipeUsed(Stored):
    name: str
    hash: str
    seed: int
    settings: dict[str, Any]


class Score(Stored):
    """unit: of errors, or the name of a score of classes. name: in words."""

    unit: str
    name: str
    higher_is_better: bool


class Beside(Stored):
    """A control or a simple method."""

    name: str
    error: Error


class LabelsOnly(Stored):
    """The student taught by labels alone."""

    error: Error
    worse_than_student_percent: Interval


class MacroF1(Stored):
    student: float
    reference: float
    worse_points: Interval


class Provenance(Stored):
    created_with: dict[str, str]
    seed: int
    recipe_hash: str
    split: str
    device: str
    disjoint: bool | None = None
    in_two_splits: int | None = None
    notes: list[str] = Field(default_factory=list)


class Told(Claimed):
    """What every report holds. Figures of a student are null where there is none."""

    version: Literal[1] = Field(alias="schema")
    recipe: RecipeUsed
    task: Literal["gaze", "angle", "class", "value"]
    rendered: bool
    scene: list[int] | None
    classes: list[str]
    groups: str = "participants"
    truth: Literal["recorded", "teacher"] = "recorded"
    inputs: list[Input]
    score: Score
    participants: Splits
    samples: Splits
    teacher: Measured
    student: Measured | None
    control: Beside | None
    baselines: list[Beside]
    reference: Literal["teacher", "control"] | None
    difference_percent: Interval | None
    teacher_tuning_gain_percent: float | None
    budget_percent: float | None
    budget_met: bool | None
    worse_unit: str | None = None
    reason: str | None = None
    fc_reduction: float | None
    parameter_reduction: float | None
    latency_ratio: float | None
    int8_file_reduction: float | None
    labels_only: LabelsOnly | None = None
    over_seeds: OverSeeds | None = None
    macro_f1: MacroF1 | None = None
    surgeries: list[Surgery]
    provenance: Provenance
    scorings: list[dict[str, str]] | None = None
    commands: list[str]
    next: dict[str, str] = Field(default_factory=dict)


def report_schema() -> type[BaseModel]:
    """The model of a whole report.json, with all sections that there are."""
    keys: dict[str, Any] = {key: (kind, None) for one in in_reading_order() for key, kind in one.reads.items()}
    return create_model(
        "Report", __base__=Told, __doc__="A run's report: all that its page shows but the maps.", **keys
    )


def read_report(file: Path) -> dict[str, Any]:
    """report.json as it is stored. Raises InputError where it is not what its schema says."""
    return read_mapping(file, report_schema(), AGAIN)
