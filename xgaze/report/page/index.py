"""reports/index.html: all runs in one table, and the comparisons made."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from xgaze.artifacts import write_text
from xgaze.errors import InputError
from xgaze.report.drawing.format import changed, percent, percent_interval, score, worse_unit
from xgaze.report.page.html import render
from xgaze.report.report_schema import read_report
from xgaze.report.words import has_labels

INDEX = "index.html"
REDUCTIONS = {"parameters": "parameter_reduction", "fc_parameters": "fc_reduction"}


def write_index(reports: Path) -> Path:
    """List every run that has a report in `reports`, by name. The same reports give the same bytes."""
    runs = [_run(one) for one in sorted(reports.glob("*/report.json"))]
    compared = [{"name": one.stem, "link": quote(one.name)} for one in sorted(reports.glob("compare-*.html"))]
    page = reports / INDEX
    write_text(page, render("index.html", runs=runs, compared=compared))
    return page


def _run(file: Path) -> dict[str, Any]:
    """One row. A report that cannot be read is listed as such: it must not hide the others."""
    name = file.parent.name
    try:
        return {
            "name": name,
            "link": f"{quote(name)}/index.html",
            **_figures(read_report(file)),
        }
    except (InputError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return {"name": name, "link": None}


def _figures(report: dict[str, Any]) -> dict[str, Any]:
    error, student, lost = report["teacher"]["error"], report["student"], report["difference_percent"]
    unit, off = worse_unit(report), "" if has_labels(report) else " from the teacher"
    return {
        "rendered": report["rendered"],
        "teacher": (score(error["mean"], error["unit"]), error["mean"]) if has_labels(report) else None,
        "student": (f"{score(student['error']['mean'], error['unit'])}{off}", student["error"]["mean"])
        if student
        else None,
        "lost": (f"{percent(lost['mean'], unit)} ({percent_interval(lost, unit)})", lost["mean"]) if lost else None,
        **{name: _changed(report[key]) if student else None for name, key in REDUCTIONS.items()},
        "worse_unit": unit,
        "budget_percent": report["budget_percent"],
        "budget_met": report["budget_met"],
    }


def _changed(ratio: float) -> tuple[str, float]:
    return changed(ratio, "fewer", "as many"), ratio
