"""What the run was held against: every condition with what was measured and its verdict, before all else."""

from typing import Any

from xgaze.report.drawing.tables import Cell, Table
from xgaze.report.section import Report, Section, rows_at
from xgaze.report.verdicts import FAILED, NOT_RUN, PASSED, Judged, counted, shown

SIGNS = {"<=": "\u2264", ">=": "\u2265", "==": "="}
LOOKS = {PASSED: "met", FAILED: "missed", NOT_RUN: "unknown"}


def checks_table(rows: list[dict[str, Any]]) -> Table:
    """What was asked for first; the others are what every run is held against."""
    cells = tuple(
        (
            Cell(one["name"]),
            Cell(_condition(one)),
            Cell(shown(one)),
            Cell(one["verdict"], look=LOOKS[one["verdict"]]),
            Cell(one["words"] if one["measured"] is not None else f"{one['words']}: {one['told']}", look="long"),
        )
        for one in rows
    )
    asked = frozenset(k for k, one in enumerate(rows) if one["asked"])
    return Table(
        "Checks",
        ("check", "condition", "measured", "verdict", "what"),
        cells,
        frozenset({0, 3, 4}),
        chosen=asked,
        sorts=False,
    )


def _condition(one: dict[str, Any]) -> str:
    """Without its name, as printers write it."""
    told = str(one["condition"]).removeprefix(one["name"]).strip()
    for typed, printed in SIGNS.items():
        told = told.replace(typed, printed)
    return told


def _words(report: Report) -> list[str]:
    rows = report["checks"]
    asked = [one for one in rows if one["asked"]]
    told = f"Held against {len(rows)} conditions: {counted(rows)}."
    if asked:
        told += f" Set off: the {len(asked)} asked for with --assert ({counted(asked)}); the others ship with xgaze."
    return [told]


SECTION = Section(
    name="checks",
    place=5,
    label="Checks",
    reads={"checks": list[Judged] | None},
    gather=lambda _run: {},  # the whole report is held against them, when it is there
    words=_words,
    tables=lambda report: {"checks": checks_table(report["checks"])},
    csv={"checks": rows_at("checks")},
)
