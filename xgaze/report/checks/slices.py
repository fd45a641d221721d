"""Whom did the compression cost most? The slice in which the student loses most against the teacher."""

from typing import Any

from xgaze.report.check_kinds import Check

NO_SLICES = "needs a student (`xgaze distill`), and frames spread over the scene"


def worst_slice(report: dict[str, Any]) -> float | None:
    """The largest loss in % of the teacher's error among quarters of the test samples by eccentricity."""
    rings = (report.get("eccentricity") or {}).get("rings") or []
    lost = [
        100 * (one["student"] / one["teacher"] - 1) for one in rings if one["student"] is not None and one["teacher"]
    ]
    return max(lost, default=None)


def _of_gaze(report: dict[str, Any]) -> bool:
    return bool(report["student"]) and report["task"] == "gaze"


CHECK = Check(
    "slice.worst",
    "the student's largest loss against the teacher in a quarter of the scene by eccentricity",
    worst_slice,
    "%",
    NO_SLICES,
    default="<= 10",
    applies=_of_gaze,
)
