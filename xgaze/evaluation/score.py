"""The one score of a task, with its interval over participants: mean Euclidean px for gaze, mean absolute error for a value, AUC
or accuracy for classes."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.data.contract import Spec
from xgaze.evaluation import classification
from xgaze.evaluation.gaze import error_px
from xgaze.evaluation.participants import (
    Interval,
    difference_percent,
    mean_interval,
    participant_means,
    score_interval,
)
from xgaze.evaluation.value import absolute_error


@dataclass(frozen=True)
class Summary:
    """`mean` with its 95 % interval over participants. For gaze and values, `median` over samples; for classes, over
    participants' share of right answers."""

    unit: str
    mean: float
    median: float
    low: float
    high: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def score_unit(spec: Spec) -> str:
    """Name of the score's unit."""
    if spec.kind != "class":
        return spec.unit
    return "AUC" if len(spec.classes) == 2 else "accuracy"


def higher_is_better(spec: Spec) -> bool:
    return spec.kind == "class"


def summarise(spec: Spec, outputs: NDArray[Any], targets: NDArray[Any], participants: NDArray[Any]) -> Summary:
    """Score `outputs` (n, outputs) against `targets`."""
    if spec.kind != "class":
        errors = sample_errors(spec, outputs, targets)
        interval = mean_interval(errors, participants)
        return Summary(spec.unit, interval.mean, float(np.median(errors)), interval.low, interval.high)
    interval = score_interval(lambda rows: pooled_score(spec, outputs[rows], targets[rows]), participants, targets)
    right = participant_means(outputs.argmax(axis=1) == targets, participants)
    return Summary(score_unit(spec), interval.mean, float(np.median(right)), interval.low, interval.high)


def pooled_score(spec: Spec, outputs: NDArray[Any], targets: NDArray[Any]) -> float:
    """The score as one number over all samples given (for gaze and values: mean over samples, in their unit)."""
    if spec.kind != "class":
        return float(sample_errors(spec, outputs, targets).mean())
    measure = classification.auc if len(spec.classes) == 2 else classification.accuracy
    return measure(outputs, targets)


def compare(
    spec: Spec, student: NDArray[Any], reference: NDArray[Any], targets: NDArray[Any], participants: NDArray[Any]
) -> Interval:
    """How much worse the student is than the reference on the same samples, in percent; worse is positive."""
    if spec.kind != "class":
        ours, others = (sample_errors(spec, one, targets) for one in (student, reference))
        return difference_percent(ours, others, participants)

    def lost(rows: NDArray[np.int64]) -> float:
        theirs = pooled_score(spec, reference[rows], targets[rows])
        return 100 * (theirs - pooled_score(spec, student[rows], targets[rows])) / theirs

    return score_interval(lost, participants, targets)


def sample_errors(spec: Spec, outputs: NDArray[Any], targets: NDArray[Any]) -> NDArray[np.float64]:
    """One error per sample: px for gaze, the unit of a value; for classes, 1 - probability of the true class."""
    if spec.kind != "class":
        return (error_px if spec.kind == "gaze" else absolute_error)(outputs, targets)
    chosen: NDArray[np.float64] = classification.probabilities(outputs)[np.arange(len(targets)), targets]
    return 1 - chosen
