"""A run's folder -> everything there is to read about it: report, list of all reports, model card."""

from collections.abc import Sequence
from pathlib import Path

from xgaze.artifacts import write_text
from xgaze.report.conditions import Condition
from xgaze.report.page.folder import write_report
from xgaze.report.page.index import write_index
from xgaze.report.page.model_card import model_card
from xgaze.report.results import gather
from xgaze.stored import understood
from xgaze.sums import refresh_sum

CARD = "model_card.md"
AGAIN = "Make what was edited again: `xgaze explain --force`, `xgaze crossval --force` or `xgaze distill --force`."


def publish(run: Path, folder: Path, asked: Sequence[Condition] = ()) -> Path:
    """Write the report of `checkpoints/<recipe>` into `reports/<recipe>`, refresh `reports/index.html`, write the student's
    model card into its folder, and return the page's path. Computes nothing; holds the run against the conditions `asked`."""
    with understood(run, AGAIN):
        report, maps = gather(run, asked)
        page = write_report(folder, report, maps)
    write_index(folder.parent)
    if report["student"]:
        write_text(run / "student" / CARD, model_card(report))
        refresh_sum(run / "student", CARD)
    return page
