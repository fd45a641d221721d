"""A run's folder -> everything there is to read about it: report, list of all reports, model card."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xgaze.artifacts import STUDENT, write_text
from xgaze.report.conditions import Condition
from xgaze.report.page.folder import write_report
from xgaze.report.page.index import write_index
from xgaze.report.page.model_card import model_card
from xgaze.report.results import gather
from xgaze.stored import understood
from xgaze.sums import refresh_sum

CARD = "model_card.md"
AGAIN = "Make what was edited again: `xgaze explain --force`, `xgaze crossval --force` or `xgaze distill --force`."


def publish(run: Path, folder: Path) -> Path:
    """Write the report of `checkpoints/<recipe>` into `reports/<recipe>`, refresh `reports/index.html`, write the student's
    model card into its folder, and return the page's path. Computes nothing."""
    return publish_held(run, folder, ())[0]


def publish_held(run: Path, folder: Path, asked: Sequence[Condition]) -> tuple[Path, list[dict[str, Any]]]:
    """As `publish`, the run held against the conditions `asked`; returns their verdicts too, see `judged`."""
    with understood(run, AGAIN):
        report, maps = gather(run, asked)
        page = write_report(folder, report, maps)
    write_index(folder.parent)
    _write_card(run, report)
    return page, report["checks"]


def write_model_card(run: Path) -> None:
    """The student's model card alone, into its folder; nothing where there is no student."""
    with understood(run, AGAIN):
        report, _ = gather(run)
    _write_card(run, report)


def _write_card(run: Path, report: dict[str, Any]) -> None:
    if report["student"]:
        write_text(run / STUDENT / CARD, model_card(report))
        refresh_sum(run / STUDENT, CARD)
