"""What can be asked of a run, by name: each measure lies in a file of `checks`, or is registered from elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from xgaze.catalogue import Catalogue
from xgaze.report.drawing.format import worse_unit

Report = dict[str, Any]
SCORE, WORSE = "the score's", "the loss's"
"""Units that the run says: px, ms or the name of a score of classes; % or points."""


def always(_report: Report) -> bool:
    return True


@dataclass(frozen=True)
class Check:
    """A figure of a run's report that a condition can be put to.

    name: as conditions write it, such as "worse.high". words: what it is. measure: a report with every key -> the figure in its
    unit, None where it was not measured; then `missing` says why and what to do. unit: such as "px", a key of
    `conditions.SCALES`, SCORE or WORSE.
    default: the condition without its name that every run is held against, such as "<= 5"; "" for none. applies: to which runs
    the default.
    """

    name: str
    words: str
    measure: Callable[[Report], float | None]
    unit: str = ""
    missing: str = "not in this report"
    default: str = ""
    applies: Callable[[Report], bool] = always

    def unit_of(self, report: Report) -> str:
        """Of this run's figure."""
        if self.unit == SCORE:
            return str(report["score"]["unit"])
        return worse_unit(report) if self.unit == WORSE else self.unit


CHECKS: Catalogue[Check] = Catalogue("check", "xgaze.report.checks", "CHECK")


def at(*path: str) -> Callable[[Report], float | None]:
    """The number that lies under these keys of a report; None where a key is not there, or holds nothing."""

    def figure(report: Report) -> float | None:
        found: Any = report
        for key in path:
            found = (found or {}).get(key)
        return None if found is None else float(found)

    return figure
