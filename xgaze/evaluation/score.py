"""The one score of a task, with its interval over participants: mean Euclidean distance for gaze, mean absolute error for a
value, AUC or accuracy for classes; and how much worse one model is than another.

Where the truth is what a teacher puts out (`Spec.truth`), every error is a disagreement with it. The teacher's own is 0, so that
nothing is a percentage of that: disagreement is told beside the spread of what the teacher says of one person, `own_spread`.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.data.contract import Spec
from xgaze.errors import InputError
from xgaze.evaluation.angle import angular_error
from xgaze.evaluation.classes import classification
from xgaze.evaluation.gaze import distance_of_points
from xgaze.evaluation.intervals.class_intervals import difference_interval, resampling_of, score_interval
from xgaze.evaluation.intervals.measures import measures_of, samples_of
from xgaze.evaluation.intervals.participants import (
    ERRORS,
    Interval,
    difference_percent,
    mean_interval,
    participant_means,
    share_percent,
)
from xgaze.evaluation.value import absolute_error
from xgaze.geometry.viewing import visual_angles
from xgaze.recorded_targets import BY_TEACHER
from xgaze.report.drawing.format import OF_SPREAD as OF_SPREAD
from xgaze.report.drawing.format import POINTS as POINTS

PERCENT = "%"


@dataclass(frozen=True)
class Summary:
    """`mean` with its 95 % interval over participants, None where it is not defined. For gaze and values, `median` over samples;
    for classes, over participants' share of right answers. degrees: the mean of gaze points' errors as visual angles, where it is
    known from where they are looked at. over_samples: the mean in which samples and not people count alike, as many published
    scripts print it, where the two differ because some people gave more than others."""

    unit: str
    mean: float
    median: float
    low: float | None
    high: float | None
    degrees: Interval | None = None
    over_samples: float | None = None

    def to_json(self) -> dict[str, Any]:
        told = asdict(self)
        return {key: one for key, one in told.items() if one is not None or key not in ("degrees", "over_samples")}


def score_unit(spec: Spec) -> str:
    """Name of the score's unit."""
    if spec.kind != "class":
        return spec.measured
    return "AUC" if len(spec.classes) == 2 else "accuracy"


def worse_unit(spec: Spec) -> str:
    """In what `compare` says how much worse a model is: "%" of the reference's error, "% of the spread" of what a teacher says of
    one person, or "points"."""
    if spec.truth == BY_TEACHER:
        return OF_SPREAD
    return POINTS if spec.kind == "class" else PERCENT


def higher_is_better(spec: Spec) -> bool:
    return spec.kind == "class"


def summarise(
    spec: Spec,
    outputs: NDArray[Any],
    targets: NDArray[Any],
    participants: NDArray[Any],
    distance_mm: NDArray[np.float64] | None = None,
) -> Summary:
    """Score `outputs` (n, outputs) against `targets`. distance_mm: from how far gaze was, (n,), where samples have distances of
    their own. Raises InputError for an AUC of samples of one class."""
    if spec.kind != "class":
        errors = sample_errors(spec, outputs, targets)
        interval = mean_interval(errors, participants, within=ERRORS)
        degrees = errors_in_degrees(spec, outputs, targets, distance_mm)
        told = None if degrees is None else mean_interval(degrees, participants, within=ERRORS)
        alike = len(set(np.unique(np.asarray(participants, dtype=str), return_counts=True)[1].tolist())) == 1
        whole = None if alike else float(errors.mean())
        return Summary(spec.measured, interval.mean, float(np.median(errors)), interval.low, interval.high, told, whole)
    _require_classes(spec, targets)
    samples, unit = samples_of(outputs, targets, participants), score_unit(spec)
    interval = score_interval(measures_of(spec, samples)[unit], resampling_of(samples, len(spec.classes)))
    right = participant_means(outputs.argmax(axis=1) == targets, participants)
    return Summary(unit, interval.mean, float(np.median(right)), interval.low, interval.high)


def pooled_score(spec: Spec, outputs: NDArray[Any], targets: NDArray[Any], participants: NDArray[Any]) -> float:
    """The score as one number, that of `summarise`: for gaze and values the mean over participants of each one's mean error, for
    classes over all samples."""
    if spec.kind != "class":
        return float(participant_means(sample_errors(spec, outputs, targets), participants).mean())
    _require_classes(spec, targets)
    measure = classification.auc if len(spec.classes) == 2 else classification.accuracy
    return measure(outputs, targets)


def compare(
    spec: Spec, student: NDArray[Any], reference: NDArray[Any], targets: NDArray[Any], participants: NDArray[Any]
) -> Interval:
    """How much worse the student is than the reference on the same samples, in `worse_unit(spec)`; worse is positive.

    Gaze and values: percent of the reference's error. Classes: percentage points of the score, 100 (reference - student). Not
    percent of it: an AUC of 0.5 is chance and not half of what there is, so that 2 % of 0.6 would be a fifth of all it tells.
    Where the teacher says what is true: how much further from it the student is than the reference, in percent of the mean
    distance of the teacher's outputs from their mean for the same person (`own_spread`).
    """
    if spec.kind != "class":
        ours, others = (sample_errors(spec, one, targets) for one in (student, reference))
        if spec.truth == BY_TEACHER:
            return share_percent(ours - others, own_spread(spec, targets, participants), participants)
        return difference_percent(ours, others, participants)
    _require_classes(spec, targets)
    with_reference, with_student = (samples_of(one, targets, participants) for one in (reference, student))
    best, own = (measures_of(spec, one)[score_unit(spec)] for one in (with_reference, with_student))
    among = resampling_of(with_student, len(spec.classes))
    return difference_interval(best, own, among, np.array_equal(student, reference)).times(100)


def sample_errors(spec: Spec, outputs: NDArray[Any], targets: NDArray[Any]) -> NDArray[np.float64]:
    """One error per sample, of the main target: in the unit of gaze, degrees, the unit of a value; for classes, 1 - probability
    of the true class."""
    if spec.kind != "class":
        outputs, targets = spec.own(outputs), spec.own(targets)
        if spec.kind == "angle":
            return angular_error(outputs, targets, spec.unit)
        return (distance_of_points if spec.kind == "gaze" else absolute_error)(outputs, targets)
    chosen: NDArray[np.float64] = classification.probabilities(outputs)[np.arange(len(targets)), targets]
    return 1 - chosen


def errors_in_degrees(
    spec: Spec, outputs: NDArray[Any], targets: NDArray[Any], distance_mm: NDArray[np.float64] | None = None
) -> NDArray[np.float64] | None:
    """Of gaze points, (n,), where it is known from where they are looked at."""
    if spec.kind != "gaze" or spec.viewing is None or (spec.viewing.distance_mm is None and distance_mm is None):
        return None
    return visual_angles(spec.viewing, spec.own(outputs), spec.own(targets), distance_mm)


def own_spread(spec: Spec, targets: NDArray[Any], participants: NDArray[Any]) -> NDArray[np.float64]:
    """How far each target lies from the mean of the same participant's, (n,), as `sample_errors` measures it."""
    names, place = np.unique(np.asarray(participants, dtype=str), return_inverse=True)
    sums = np.stack([np.bincount(place, one, len(names)) for one in targets.T.astype(np.float64)], axis=1)
    means = sums / np.bincount(place)[:, None]
    return sample_errors(spec, targets, means[place])


def _require_classes(spec: Spec, targets: NDArray[Any]) -> None:
    there = np.unique(targets)
    if len(spec.classes) == 2 and len(there) < 2:
        only = spec.classes[int(there[0])] if len(there) else "none"
        raise InputError(
            f"AUC: all {len(targets)} samples to be scored are of one class ('{only}'), so that there is nothing to tell apart. "
            f"Let {spec.groups} of both classes be in validation and test."
        )
