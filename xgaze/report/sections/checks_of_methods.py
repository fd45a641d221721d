"""Which attribution methods can be trusted on these models: every check and its verdict."""

from pathlib import Path
from typing import Any

from xgaze.report import schemas
from xgaze.report.claims import MOST_UNEXPLAINED_PERCENT
from xgaze.report.drawing.format import DASH
from xgaze.report.drawing.tables import Cell, Table, model, table, value
from xgaze.report.section import Section, rows_at


def _methods(rows: list[dict[str, Any]]) -> Table:
    shown = [
        (
            row["name"],
            model(row["role"]),
            row.get("target") or DASH,
            Cell("passed", look="met") if row["offered"] else Cell("refused", look="missed"),
            value(row["completeness_percent"], 2),
            value(row["randomised_similarity"], 2),
            value(row["milliseconds"], 0),
            Cell(row["reason"] or "", look="long"),
        )
        for row in rows
    ]
    columns = (
        "method",
        "model",
        "asked about",
        "check",
        "unexplained, %",
        "likeness after randomising",
        "ms per sample",
        "why refused",
    )
    # A column that says the same in every row says nothing.
    told = [k for k in range(len(columns)) if k != 2 or len({row[2] for row in shown}) > 1]
    words = [told.index(k) for k in (0, 1, 2, 3, 7) if k in told]
    return table("Checks of the methods", [columns[k] for k in told], [[row[k] for k in told] for row in shown], words)


SECTION = Section(
    name="methods",
    place=140,
    label="Checks of methods",
    reads={"methods": list[schemas.Verdict] | None},
    tables=lambda report: {"methods": _methods(report["methods"])},
    csv={"methods": rows_at("methods")},
    shows=lambda _report, _maps: {"most_unexplained": MOST_UNEXPLAINED_PERCENT},
    template=Path(__file__).with_suffix(".html"),
)
