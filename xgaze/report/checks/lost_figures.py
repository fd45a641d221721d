"""What a mean hides: the worst frames, of the student and against the teacher, and how many people lost by the student."""

from collections.abc import Callable
from typing import Any

from xgaze.report.check_kinds import SCORE, Check
from xgaze.report.section import rows_at
from xgaze.report.sections.where_errors_lie.lost_most import beyond_chance

NO_TAILS = "needs a student that this version scored, of everything but classes (`xgaze distill`)"
TOLD = {
    "p95": "the error that 95 % of the test frames keep below",
    "worst": "the mean error of the worst 5 % of frames",
}


def tail(figure: str, model: str, end: str) -> Callable[[dict[str, Any]], float | None]:
    """An end ("mean", "low" or "high") of a figure of `tails.csv`; model: "student", or "worse_percent" against the teacher."""

    def measure(report: dict[str, Any]) -> float | None:
        found = next((one[model] for one in rows_at("lost", "tails")(report) if one["figure"] == figure), None)
        return None if not found or found[end] is None else float(found[end])

    return measure


def people_lost(report: dict[str, Any]) -> float | None:
    people = rows_at("lost", "people")(report)
    return float(len(beyond_chance(people))) if people else None


def _checks(figure: str) -> tuple[Check, ...]:
    name, told = f"frames.{figure}", TOLD[figure]
    return (
        Check(name, f"{told}, of the student", tail(figure, "student", "mean"), SCORE, NO_TAILS),
        Check(f"{name}.worse", f"the student's loss in {told}", tail(figure, "worse_percent", "mean"), "%", NO_TAILS),
        Check(
            f"{name}.worse.high",
            f"upper end of the 95 % interval of the student's loss in {told}",
            tail(figure, "worse_percent", "high"),
            "%",
            f"{NO_TAILS}, and people enough for an interval",
        ),
    )


CHECK = (
    *(one for figure in TOLD for one in _checks(figure)),
    Check("people.lost", "how many test people lost by the student, beyond chance", people_lost, "", NO_TAILS),
)
