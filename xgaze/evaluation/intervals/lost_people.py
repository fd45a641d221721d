"""Who lost most by the student? Each test person's errors of both models, frame by frame, and their mean difference.

An interval is over the frames of one person. Neighbours in time resemble each other: where differences follow one another, so
many frames count as fewer (by their correlation from one frame to the next). Whoever looks at hundreds of people finds some by
chance: the p-values of "both err alike" are corrected for all of them (Benjamini & Hochberg 1995; people are independent).
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from xgaze.artifacts import STUDENT, TEACHER
from xgaze.evaluation.intervals.participants import TAILS, Interval

FEWEST_FRAMES = 3


def lost_people(errors: Mapping[str, NDArray[Any]], participants: NDArray[Any]) -> list[dict[str, Any]]:
    """Rows {group, samples, teacher, student, difference, p}, the largest loss first; mean errors, their difference with its
    interval, p corrected. errors: (n,) of the same frames by model, each person's in the order of time."""
    names, person = np.unique(np.asarray(participants, dtype=str), return_inverse=True)
    rows = [_row(str(name), {model: one[person == k] for model, one in errors.items()}) for k, name in enumerate(names)]
    corrected = stats.false_discovery_control([row["p"] for row in rows], method="bh")
    told = [{**row, "p": float(p)} for row, p in zip(rows, corrected, strict=True)]
    return sorted(told, key=lambda one: -one["difference"]["mean"])


def _row(name: str, errors: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    teacher, student = (np.asarray(errors[model], np.float64) for model in (TEACHER, STUDENT))
    difference, p = _difference(student - teacher)
    means = {TEACHER: float(teacher.mean()), STUDENT: float(student.mean())}
    return {"group": name, "samples": len(teacher), **means, "difference": asdict(difference), "p": p}


def _difference(each: NDArray[np.float64]) -> tuple[Interval, float]:
    """Mean of paired differences with its t-interval, and the two-sided p of none; without ends, and with p = 1, where frames are
    few or all differ by the same."""
    mean = float(each.mean())
    if len(each) < FEWEST_FRAMES or np.ptp(each) == 0:
        return Interval(mean), 1.0
    many = independent_frames(each)
    error = float(each.std(ddof=1)) / np.sqrt(many)
    half = error * float(stats.t.ppf(TAILS[1], many - 1))
    return Interval(mean, mean - half, mean + half), float(2 * stats.t.sf(abs(mean) / error, many - 1))


def independent_frames(each: NDArray[np.float64]) -> float:
    """As how many independent ones differences (n,) in the order of time count: n (1 - r) / (1 + r), two at least, where r is
    their correlation from one to the next, not below zero."""
    off = each - each.mean()
    alike = max(0.0, float((off[1:] * off[:-1]).sum() / (off**2).sum()))
    return max(2.0, len(each) * (1 - alike) / (1 + alike))
