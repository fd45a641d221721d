"""Macro F1 of two classifiers on the same samples, and how much of it the second loses, with its interval over participants."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.artifacts import STUDENT
from xgaze.data.contract import Spec
from xgaze.evaluation.intervals.class_intervals import difference_interval, resampling_of
from xgaze.evaluation.intervals.measures import measures_of, samples_of

MEASURE = "macro F1"


def macro_f1_lost(
    spec: Spec,
    student: NDArray[Any],
    reference: NDArray[Any],
    targets: NDArray[Any],
    participants: NDArray[Any],
    seed: int = 0,
) -> dict[str, Any] | None:
    """{"student", "reference", "worse_points": Interval of 100 (reference - student)}; worse is positive. None for other tasks
    than classes.

    student and reference: logits (n, classes); targets and participants: (n,). Participants are drawn whole, the same for both.
    """
    if spec.kind != "class":
        return None
    ours, theirs = (samples_of(outputs, targets, participants) for outputs in (student, reference))
    score, reference_score = (measures_of(spec, one)[MEASURE] for one in (ours, theirs))
    among = resampling_of(ours, len(spec.classes), seed)
    lost = difference_interval(reference_score, score, among, np.array_equal(student, reference))
    return {
        STUDENT: float(score(among.once)[0]),
        "reference": float(reference_score(among.once)[0]),
        "worse_points": lost.times(100),
    }
