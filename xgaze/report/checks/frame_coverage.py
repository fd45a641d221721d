"""Does the radius around a frame keep its promise on unseen people?"""

from typing import Any

from xgaze.report.check_kinds import SCORE, Check
from xgaze.report.claims import FRAME_RADII, PROMISED_PERCENT, promised_row
from xgaze.report.words import has_labels

MISSING = "no radius: for classes, with fewer than 9 validation people, or in runs of older versions"


def promised(report: dict[str, Any]) -> dict[str, Any] | None:
    """The row of PROMISED_PERCENT, of the student or, where there is none, the teacher."""
    radii = report.get(FRAME_RADII) or {}
    return promised_row(radii.get("student" if report["student"] else "teacher"))


def shortfall(report: dict[str, Any]) -> float | None:
    """By how many points the upper end of the measured coverage stays below the promise; without ends, its mean."""
    row = promised(report)
    if row is None:
        return None
    measured = row["coverage_percent"]
    reached = measured["mean"] if measured["high"] is None else measured["high"]
    return max(0.0, PROMISED_PERCENT - float(reached))


def radius(report: dict[str, Any]) -> float | None:
    row = promised(report)
    return None if row is None else float(row["radius"])


def _measures(report: dict[str, Any]) -> bool:
    return report["task"] != "class" and has_labels(report)


CHECK = (
    Check(
        "calibration",
        f"how many fewer frames than {PROMISED_PERCENT:g} % lie within the radius for so many, by the upper end of the interval",
        shortfall,
        "points",
        MISSING,
        default="<= 5",
        applies=_measures,
    ),
    Check(
        "frame.radius",
        f"the radius within which {PROMISED_PERCENT:g} % of a new person's frames lie",
        radius,
        SCORE,
        MISSING,
    ),
)
