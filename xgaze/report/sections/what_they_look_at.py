"""What the models look at: attribution maps sample by sample, scanpaths and graphs, Shapley values, conductance."""

from pathlib import Path
from typing import Any

from xgaze.report import schemas
from xgaze.report.claims import MOST_UNEXPLAINED_PERCENT
from xgaze.report.drawing.images import SAMPLES_SHOWN, sample_views
from xgaze.report.drawing.svg import Chart
from xgaze.report.drawing.tables import Table
from xgaze.report.section import Maps, Report, Section
from xgaze.report.sections.details.one_sample import sample_charts, sample_tables
from xgaze.report.sections.details.scanpath_attribution import drawn_of
from xgaze.report.sections.details.scanpath_charts import drawn_charts
from xgaze.report.sections.details.scanpath_tables import drawn_tables


def _samples(report: Report) -> list[tuple[str, dict[str, Any]]]:
    """(name of its charts, sample) of those shown."""
    return [(f"sample-{k}", one) for k, one in enumerate(report["attribution"]["samples"][:SAMPLES_SHOWN])]


def _charts(report: Report) -> dict[str, Chart]:
    unit = report["attribution"]["target_unit"]
    charts: dict[str, Chart] = {}
    for name, sample in _samples(report):
        charts |= sample_charts(name, sample, unit)
    return charts | drawn_charts(drawn_of(report))


def _tables(report: Report) -> dict[str, Table]:
    unit = report["attribution"]["target_unit"]
    tables: dict[str, Table] = {}
    for name, sample in _samples(report):
        tables |= sample_tables(name, sample, unit)
    return tables | drawn_tables(drawn_of(report))


def _shows(report: Report, maps: Maps) -> dict[str, Any]:
    return {
        "samples": _views(report, maps),
        "not_shown": max(0, len(report["attribution"]["samples"]) - SAMPLES_SHOWN),
        "most_unexplained": MOST_UNEXPLAINED_PERCENT,
    }


def _views(report: Report, maps: Maps) -> list[dict[str, Any]]:
    """Of every sample its pictures, its grids of maps, and what is drawn of scanpaths and graphs."""
    found, pictures = report["attribution"], [one["name"] for one in report["inputs"] if len(one["shape"]) == 3]
    refused = refusals(report["methods"] or [], found["method"], found["targets"])
    drawn, views = drawn_of(report), sample_views(found, pictures, maps, refused)
    return [{**view, "drawn": [one for one in drawn if one.sample is view["sample"]]} for view in views]


def refusals(verdicts: list[dict[str, Any]], method: str, targets: list[str]) -> dict[tuple[str, str], str]:
    """(model, target) -> why the maps of `method` are not shown. A refusal holds for the target it was judged on, and for all
    those that were not judged."""
    own = [one for one in verdicts if one["name"] == method]
    judged = {(one["role"], one.get("target")) for one in own}
    return {
        (one["role"], target): one["reason"]
        for one in own
        if not one["offered"]
        for target in targets
        if target == one.get("target") or (one["role"], target) not in judged
    }


def _awaits(report: Report) -> list[tuple[str, str]]:
    return [] if report["attribution"] else [("maps of what the models look at", "explain")]


SECTION = Section(
    name="attribution",
    place=100,
    label="What they look at",
    reads={"attribution": schemas.Attribution | None},
    charts=_charts,
    tables=_tables,
    awaits=_awaits,
    shows=_shows,
    template=Path(__file__).with_suffix(".html"),
)
