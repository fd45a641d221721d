"""What a report needs of every stored file: the keys that are read and their types. More keys may be there."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from xgaze.report.claimed import Claimed
from xgaze.stored import Stored
from xgaze.units import fits

Figures = dict[str, float]
ByTarget = dict[str, dict[str, float]]


class Interval(Stored):
    """Ends that do not exist are null."""

    mean: float
    low: float | None
    high: float | None


class Error(Interval):
    """degrees: the same as visual angles, of gaze points that are seen from a known place. over_samples: the mean over samples,
    where people gave unequally many."""

    unit: str
    median: float | None
    degrees: Interval | None = None
    over_samples: float | None = None


class Latency(Stored):
    median: float
    p95: float


class Input(Stored):
    name: str
    shape: list[int] = Field(min_length=1, max_length=3)


class Spec(Stored):
    inputs: list[Input] = Field(min_length=1)
    kind: Literal["gaze", "angle", "class", "value"]
    unit: str
    rendered: bool
    scene: list[int] | None
    classes: list[str]
    groups: str = "participants"
    truth: Literal["recorded", "teacher"] = "recorded"

    @model_validator(mode="after")
    def _unit_of_its_kind(self) -> Self:
        if not fits(self.kind, self.unit):
            raise PydanticCustomError("unit", "no unit of its kind")
        return self


class Settings(Stored):
    """Of the recipe, as a card holds it."""

    name: str
    seed: int
    data: dict[str, Any]
    model: dict[str, Any]
    training: dict[str, Any]
    distill: dict[str, Any]


class Sizes(Stored):
    parameters: int = Field(ge=1)
    fc_parameters: int = Field(ge=0)
    macs: int = Field(ge=0)
    bytes: int = Field(ge=1)
    error: Error


class Splits(Stored):
    train: int
    validation: int
    test: int


class TeacherMetrics(Sizes, Claimed):
    participants: Splits
    samples: Splits
    baselines: dict[str, Error]
    train_seconds: float
    train_cpu_seconds: float = 0.0
    notes: list[str] = Field(default_factory=list)
    file_hashes: dict[str, str] = Field(default_factory=dict)


class People(Stored):
    participants: list[str]


class DividedPeople(Stored):
    """splits.json: who is in which split."""

    train: People
    validation: People
    test: People


class TeacherCard(Stored):
    spec: Spec
    recipe: Settings
    metrics: TeacherMetrics


class Measured(Sizes):
    """Without ONNX there is no time, either."""

    latency_ms: Latency | None
    onnx_bytes: int | None
    onnx_parity: float | None


class Control(Stored):
    """fault: why the untuned teacher stands in for the teacher given the same extra tuning."""

    error: Error
    fault: str | None = None


class OverSeeds(Stored):
    """Students and references of several seeds, each against each."""

    students: int
    references: int
    difference_percent: Interval
    student_spread: float | None
    reference_spread: float | None
    held: bool


class StudentMetrics(Claimed):
    teacher: Measured
    student: Measured
    control: Control | None
    reference: Literal["teacher", "control"]
    difference_percent: Interval
    control_difference_from_teacher_percent: Interval | None
    budget_percent: float
    budget_met: bool
    held_on_validation: bool
    fc_reduction: float
    parameter_reduction: float
    latency_ratio: float | None
    int8_file_reduction: float | None
    reason: str = ""
    labels_only: dict[str, Any] | None = None
    over_seeds: OverSeeds | None = None
    macro_f1: dict[str, Any] | None = None
    file_hashes: dict[str, str] = Field(default_factory=dict)


class Proof(Stored):
    kind: str
    unit: str
    value: float
    limit: float


class Surgery(Stored):
    """words, where: what was done and at which layers, as the kind of surgery says it."""

    kind: str
    proof: Proof
    words: str | None = None
    where: str | None = None


class StudentCard(Stored):
    spec: Spec
    recipe: Settings
    metrics: StudentMetrics
    surgeries: list[Surgery]


class Components(Stored):
    weight: int
    output: int
    prediction: int
    active_subspace: int


class Capacity(Stored):
    """capacity.json"""

    out_features: int
    singular_share: list[float] = Field(min_length=1)
    output_share: list[float] = Field(min_length=1)
    active_share: list[float] = Field(min_length=1)
    components_99: Components
    effective_rank: float
    participation_ratio: float
    expected_rank: int
    chosen_rank: int | None
    chosen_terms: int | None


class Confusion(Stored):
    classes: list[str]
    sum: list[list[float]]
    participants: list[dict[str, Any]]


class Protocol(Stored):
    recipe_hash: str
    outer: int
    inner: int
    seeds: int
    protocol: str


class Crossval(Stored):
    """crossval.json"""

    recipe: str
    settings: Protocol
    clean: bool
    estimate: str
    folds: int
    participants_tested: int
    participants: int
    never_tested: list[str]
    samples: int
    rendered: bool
    groups: str
    score: dict[str, Any]
    baselines: dict[str, dict[str, Any]]
    measures: list[dict[str, Any]]
    scores_of_seeds: list[float | None]
    per_participant: list[dict[str, Any]]
    confusion: Confusion | None
    permutation: dict[str, Any] | None
    per_fold: list[dict[str, Any]]
    history: list[dict[str, Any]]
    seconds: float


class Sample(Stored):
    id: str
    completeness_percent: ByTarget
    share_percent: dict[str, ByTarget]


class Attribution(Stored):
    method: str
    steps: int
    targets: list[str]
    target_unit: str
    samples: list[Sample] = Field(min_length=1)


class Variable(Stored):
    variable: int
    values: list[float] = Field(min_length=1)


class Sweep(Stored):
    variables: list[Variable] = Field(min_length=1)


class Verdict(Stored):
    name: str
    role: str
    offered: bool
    reason: str | None


class Rows(Stored):
    rows: list[dict[str, Any]]


class Explanation(Stored):
    """explanation.json"""

    key: str
    attribution: Attribution
    methods: list[Verdict]
    regions: list[dict[str, Any]] | None
    sweep: Sweep
    layers: list[dict[str, Any]] | None
    embedding: dict[str, Any] | None
    sweep_mean: dict[str, Any] | None
    decision: str | None
    agreement: Rows | None
    anatomy: Rows | None
    human: Rows | None = None
