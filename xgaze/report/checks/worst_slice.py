"""Whom did the compression cost most? The slice in which the student loses most against the teacher."""

from typing import Any

from xgaze.report.check_kinds import Check
from xgaze.report.section import rows_at
from xgaze.report.sections.where_errors_lie.error_by_condition import lost_in
from xgaze.report.words import has_labels

NO_SLICES = "needs a student (`xgaze distill`), and samples of which something is known"


def worst_slice(report: dict[str, Any]) -> float | None:
    """The largest loss in % of the teacher's error in a slice where it is more than chance explains, 0 where there is none; in
    reports of older versions, which know no slices, the largest among quarters of the test samples by eccentricity."""
    rows = rows_at("slices", "rows")(report)
    if any(one["worse_percent"] is not None for one in rows):
        return max((float(one["worse_percent"]["mean"]) for one in lost_in(rows)), default=0.0)
    rings = (report.get("eccentricity") or {}).get("rings") or []
    lost = [
        100 * (one["student"] / one["teacher"] - 1) for one in rings if one["student"] is not None and one["teacher"]
    ]
    return max(lost, default=None)


def _of_gaze(report: dict[str, Any]) -> bool:
    return bool(report["student"]) and has_labels(report) and bool(report.get("slices") or report["task"] == "gaze")


CHECK = Check(
    "slice.worst",
    "the student's largest loss against the teacher in a slice of the test samples",
    worst_slice,
    "%",
    NO_SLICES,
    default="<= 10",
    applies=_of_gaze,
)
