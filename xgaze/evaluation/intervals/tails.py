"""The worst frames: the error that 95 % of frames keep below, and the mean of the worst 5 %, of student and teacher.

People count the same, however many frames they gave: a frame weighs 1 / (frames of its person). Each model has its own worst
frames. Intervals draw people anew, both models together; of few people, who know their own spread badly, they are as wide as
those of Student's t with the bootstrap's standard error.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from xgaze.artifacts import STUDENT, TEACHER
from xgaze.evaluation.intervals.participants import TAILS, Interval, percentiles
from xgaze.evaluation.intervals.resampling import Weights, draw_participants

TAIL = 0.05
P95, WORST = "p95", "worst"
DRAWS, BLOCK_OF_NUMBERS = 2000, 4_000_000
ROUNDING = 1e-9


def tails_of(
    errors: Mapping[str, NDArray[Any]], participants: NDArray[Any], draws: int = DRAWS, seed: int = 0
) -> list[dict[str, Any]]:
    """Rows {figure, teacher, student, worse_percent} of P95 and WORST, intervals over people. worse_percent: how much larger the
    student's is; None where the teacher's is zero. errors: (n,) of the same frames by model."""
    names, person = np.unique(np.asarray(participants, dtype=str), return_inverse=True)
    whole = np.ones((1, len(names)))
    drawn = draw_participants([0] * len(names), draws, seed) if len(names) > 1 else np.zeros((0, len(names)))
    weights = np.concatenate([whole, drawn])
    found = {model: _figures(np.asarray(errors[model], np.float64), person, weights) for model in (TEACHER, STUDENT)}
    return [_row(figure, found[TEACHER][k], found[STUDENT][k], len(names)) for k, figure in enumerate((P95, WORST))]


def _row(figure: str, teacher: NDArray[np.float64], student: NDArray[np.float64], people: int) -> dict[str, Any]:
    """Of values (1 + draws,), the first of the people as they are."""
    with np.errstate(invalid="ignore", divide="ignore"):
        worse = 100 * (student / teacher - 1)
    both = {TEACHER: asdict(_interval(teacher, people, 0.0)), STUDENT: asdict(_interval(student, people, 0.0))}
    loss = asdict(_interval(worse, people, -100.0)) if teacher[0] > 0 else None
    return {"figure": figure, **both, "worse_percent": loss}


def _figures(errors: NDArray[np.float64], person: NDArray[np.int64], weights: Weights) -> NDArray[np.float64]:
    """(2, draws): P95 and WORST for every line of weights."""
    order = np.argsort(-errors, kind="stable")
    falling, owner = errors[order], person[order]
    share = 1 / np.bincount(person)[owner]
    many = max(1, BLOCK_OF_NUMBERS // len(errors))
    blocks = [_of_block(falling, weights[k : k + many][:, owner] * share) for k in range(0, len(weights), many)]
    return np.concatenate(blocks, axis=1)


def _of_block(falling: NDArray[np.float64], weights: Weights) -> NDArray[np.float64]:
    """falling: errors (n,), the largest first. weights: (draws, n). P95 is the largest error with more than 5 % of the weight at
    or above it."""
    upto = np.cumsum(weights, axis=1)
    ends = TAIL * upto[:, -1:]
    first = np.argmax(upto > ends * (1 + ROUNDING), axis=1)
    inside = np.clip(ends - (upto - weights), 0.0, weights)
    return np.stack([falling[first], (inside @ falling) / ends[:, 0]])


def _interval(values: NDArray[np.float64], people: int, least: float) -> Interval:
    """values: (1 + draws,), the estimate first; no end lies below `least`."""
    estimate, drawn = float(values[0]), values[1:]
    ends = percentiles(drawn) if people > 1 else None
    if ends is None:
        return Interval(estimate)
    spread = float(np.std(drawn[np.isfinite(drawn)])) * np.sqrt(people / (people - 1))
    half = float(stats.t.ppf(TAILS[1], people - 1)) * spread
    return Interval(estimate, max(least, min(ends[0], estimate - half)), max(ends[1], estimate + half))
