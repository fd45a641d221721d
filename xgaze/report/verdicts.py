"""A run held against conditions: passed, failed, or not run, which is no pass."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal
from xml.etree import ElementTree

from xgaze.report.check_kinds import Report
from xgaze.report.conditions import Condition, defaults, parsed
from xgaze.report.drawing.format import DASH, general, size
from xgaze.stored import Stored

PASSED, FAILED, NOT_RUN = "passed", "failed", "not run"


class Judged(Stored):
    """One condition. measured: in `unit`, null where it was not. asked: somebody typed it, and it fails the command."""

    name: str
    words: str
    condition: str
    measured: float | None
    unit: str
    verdict: Literal["passed", "failed", "not run"]
    told: str
    asked: bool


def judged(report: Report, asked: Sequence[Condition] = ()) -> list[dict[str, Any]]:
    """A row for each condition asked, then for those that every run is held against and nobody asked about. The report has every
    key. Raises InputError for a unit that does not fit this run."""
    held = [one for one in asked if one.by_name or one.check.applies(report)]
    names = {one.check.name for one in held}
    others = [parsed(text, asked=False) for text in defaults()]
    own = [one for one in others if one.check.name not in names and one.check.applies(report)]
    return [_row(one, report) for one in (*held, *own)]


def _row(one: Condition, report: Report) -> dict[str, Any]:
    limit = one.limit(report)  # a unit that does not fit is a fault of whoever typed it, measured or not
    measured, unit = one.check.measure(report), one.check.unit_of(report)
    known = {"name": one.check.name, "words": one.check.words, "condition": one.text, "asked": one.asked, "unit": unit}
    if measured is None:
        return {**known, "measured": None, "verdict": NOT_RUN, "told": one.check.missing}
    verdict = PASSED if one.holds(measured, report) else FAILED
    told = in_unit(measured, unit)
    if verdict == FAILED and told == in_unit(limit, unit):
        told = f"{measured:.15g} {unit}".rstrip()
    return {**known, "measured": measured, "verdict": verdict, "told": told}


def in_unit(measured: float, unit: str) -> str:
    """A figure for a person: "1.38 MB", "1.23 %", "1.1e-07"."""
    if unit == "bytes":
        return size(int(measured))
    shown = f"{measured:.1e}" if 0 < abs(measured) < 1e-3 else general(measured)
    return shown if not unit else f"{shown}\u00d7" if unit == "x" else f"{shown} {unit}"


def unmet(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those asked for that did not pass: what was not run is no pass."""
    return [one for one in rows if one["asked"] and one["verdict"] != PASSED]


def counted(rows: Sequence[dict[str, Any]]) -> str:
    """As "4 passed, 1 failed, 1 not run"."""
    counts = {verdict: sum(one["verdict"] == verdict for one in rows) for verdict in (PASSED, FAILED, NOT_RUN)}
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items())


def checks_json(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """checks.json. ok: whether every condition passed; asked_ok: every one that was asked for."""
    ok = all(one["verdict"] == PASSED for one in rows)
    return {"schema": 1, "ok": ok, "asked_ok": not unmet(rows), "checks": list(rows)}


def junit_xml(rows: Iterable[dict[str, Any]], recipe: str) -> str:
    """Conditions that were asked for as JUnit writes them, for build servers; one that was not run is an error."""
    asked = [one for one in rows if one["asked"]]
    suite = ElementTree.Element("testsuite", name=f"xgaze {recipe}", tests=str(len(asked)))
    for counter, verdict in (("failures", FAILED), ("errors", NOT_RUN)):
        suite.set(counter, str(sum(one["verdict"] == verdict for one in asked)))
    for one in asked:
        case = ElementTree.SubElement(suite, "testcase", classname=f"xgaze.{recipe}", name=one["condition"])
        if one["verdict"] != PASSED:
            tag = "failure" if one["verdict"] == FAILED else "error"
            ElementTree.SubElement(case, tag, message=f"{one['verdict']}: {one['told']}")
    ElementTree.indent(suite)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ElementTree.tostring(suite, encoding="unicode")}\n'


def shown(one: dict[str, Any]) -> str:
    """The cell of what was measured."""
    return DASH if one["measured"] is None else str(one["told"])
