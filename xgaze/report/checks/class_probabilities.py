"""Do classes come true as often as their probabilities say?"""

from typing import Any

from xgaze.report.check_kinds import Check
from xgaze.report.claims import CLASS_CALIBRATION

MISSING = "only classes have probabilities, and runs of older versions did not hold them against the truth"


def error(report: dict[str, Any]) -> float | None:
    """Of the student or, where there is none, the teacher, in %."""
    own = (report.get(CLASS_CALIBRATION) or {}).get("student" if report["student"] else "teacher")
    return None if own is None else float(own["ece_percent"])


def _of_classes(report: dict[str, Any]) -> bool:
    return bool(report["task"] == "class")


CHECK = Check(
    "ece",
    "expected calibration error: how far the share of right answers lies from the probability of the class, over test samples",
    error,
    "%",
    MISSING,
    default="<= 10",
    applies=_of_classes,
)
