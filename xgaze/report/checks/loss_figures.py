"""How much worse the student is than its reference, and how wide the interval of that is."""

from typing import Any

from xgaze.report.check_kinds import WORSE, Check, at

NO_STUDENT = "there is no student yet (`xgaze distill`)"
NO_ENDS = f"{NO_STUDENT}, or too few people for an interval"


def width(report: dict[str, Any]) -> float | None:
    """Of the interval, from end to end."""
    ends = report.get("difference_percent") or {}
    low, high = ends.get("low"), ends.get("high")
    return None if low is None or high is None else float(high - low)


def _has_student(report: dict[str, Any]) -> bool:
    return bool(report["student"])


CHECK = (
    Check(
        "worse.mean", "the student's loss against its reference", at("difference_percent", "mean"), WORSE, NO_STUDENT
    ),
    Check(
        "worse.high",
        "upper end of the 95 % interval of the student's loss against its reference",
        at("difference_percent", "high"),
        WORSE,
        NO_ENDS,
    ),
    Check(
        "seeds.high",
        "upper end of the same over people and seeds",
        at("over_seeds", "difference_percent", "high"),
        WORSE,
        "the student was tuned with one seed only (`xgaze distill --seeds 3`)",
    ),
    Check(
        "worse.width",
        "how wide the 95 % interval of the student's loss is",
        width,
        WORSE,
        NO_ENDS,
        default="<= 10",
        applies=_has_student,
    ),
)
