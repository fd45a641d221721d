"""Macro F1 of two classifiers on the same samples, and how much of it the second loses, with its interval over participants."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xgaze.data.contract import Spec
from xgaze.evaluation.measures import Samples, measures_of, strata_of
from xgaze.evaluation.participants import Interval
from xgaze.evaluation.resampling import draw_participants, interval_of

MEASURE, DRAWS = "macro F1", 2000


def macro_f1_lost(
    spec: Spec,
    student: NDArray[Any],
    reference: NDArray[Any],
    targets: NDArray[Any],
    participants: NDArray[Any],
    seed: int = 0,
) -> dict[str, Any] | None:
    """{"student", "reference", "worse_percent": Interval}; worse is positive. None for other tasks than classes.

    student and reference: logits (n, classes); targets and participants: (n,). Participants are drawn whole, the same for both.
    """
    if spec.kind != "class":
        return None
    one_seed = np.zeros(len(targets), np.int64)
    both = [Samples(outputs, targets, participants, one_seed) for outputs in (student, reference)]
    score, reference_score = (measures_of(spec, one)[MEASURE] for one in both)
    strata = strata_of(both[0])
    once, draws = np.ones((1, len(strata))), draw_participants(strata, DRAWS, seed)

    def worse(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        theirs = reference_score(weights)
        with np.errstate(invalid="ignore", divide="ignore"):
            lost: NDArray[np.float64] = 100 * (theirs - score(weights)) / theirs
        return lost

    interval: Interval = interval_of(float(worse(once)[0]), worse(draws))
    return {"student": float(score(once)[0]), "reference": float(reference_score(once)[0]), "worse_percent": interval}
