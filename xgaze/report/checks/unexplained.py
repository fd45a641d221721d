"""Do the attribution maps that are shown account for the output's change?"""

from typing import Any

from xgaze.report.check_kinds import Check
from xgaze.report.claims import MOST_UNEXPLAINED_PERCENT
from xgaze.report.words import worst_completeness


def most(report: dict[str, Any]) -> float | None:
    return worst_completeness(report["attribution"]) if report.get("attribution") else None


CHECK = Check(
    "completeness",
    "the most that an attribution leaves unexplained of the output's change",
    most,
    "%",
    "nothing is explained yet (`xgaze explain`)",
    default=f"<= {MOST_UNEXPLAINED_PERCENT:g}",
)
