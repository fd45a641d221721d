"""Do classes come true as often as their probabilities say?"""

from typing import Any

from xgaze.report.check_kinds import Check
from xgaze.report.claims import CLASS_CALIBRATION

FEWEST = 400
"""Samples: of fewer, a model whose probabilities are right fails every third time."""
MISSING = "only classes have probabilities, and runs of older versions did not hold them against the truth"


def error(report: dict[str, Any]) -> float | None:
    """Of the student or, where there is none, the teacher, in %."""
    own = (report.get(CLASS_CALIBRATION) or {}).get("student" if report["student"] else "teacher")
    return None if own is None else float(own["ece_percent"])


def _told_by_enough(report: dict[str, Any]) -> bool:
    """Whether classes are predicted, of so many test samples that the error is not theirs."""
    own = (report.get(CLASS_CALIBRATION) or {}).get("student" if report["student"] else "teacher")
    few = own is not None and sum(one["samples"] for one in own["bins"]) < FEWEST
    return bool(report["task"] == "class" and not few)


CHECK = Check(
    "ece",
    "expected calibration error: how far the share of right answers lies from the probability of the class, over test samples",
    error,
    "%",
    MISSING,
    default="<= 10",
    applies=_told_by_enough,
)
