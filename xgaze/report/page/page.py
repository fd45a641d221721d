"""report.json -> one HTML page: charts, tables, pictures and words put into the template."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from xgaze.report import words
from xgaze.report.drawing.images import SAMPLES_SHOWN, sample_views
from xgaze.report.drawing.tables import Table
from xgaze.report.page.html import embedded, render
from xgaze.report.sections.charts import report_charts
from xgaze.report.sections.drawn import drawn_of
from xgaze.report.sections.tables_crossval import crossval_tables, crossval_words
from xgaze.report.sections.tables_explanation import explanation_tables, sample_tables
from xgaze.report.sections.tables_human import looked_views
from xgaze.report.sections.tables_run import run_tables
from xgaze.report.sections.tables_scanpath import drawn_tables

OPTIONAL = (
    "methods",
    "agreement",
    "anatomy",
    "human",
    "layers",
    "embedding",
    "sweep_mean",
    "decision",
)
CROSSVAL_LABELS = {"crossval": "Cross validation", "replay": "Cross validation by a published protocol"}


def render_page(report: dict[str, Any], maps: Mapping[str, NDArray[Any]]) -> str:
    """The whole page. The same report gives the same bytes; it loads nothing. Reports of older versions lack keys."""
    shown = {**dict.fromkeys((*OPTIONAL, *CROSSVAL_LABELS)), **report}
    return render(
        "page.html",
        report=shown,
        words=words.summary(shown),
        most_unexplained=words.COMPLETENESS_LIMIT_PERCENT,
        still_to_come=words.still_to_come(shown),
        sections=sections(shown),
        charts=report_charts(shown),
        tables=_tables(shown),
        samples=_samples(shown, maps),
        looked=looked_views(shown, maps) if shown["human"] else [],
        crossvals=_crossvals(shown),
        groups=words.groups_in_words(shown),
        not_shown=max(0, len(shown["attribution"]["samples"]) - SAMPLES_SHOWN) if shown["attribution"] else 0,
        embedded=embedded(report),
    )


def sections(report: dict[str, Any]) -> list[tuple[str, str]]:
    """(id, short name) of the sections there are, in their order, for the navigation."""
    inside = report["embedding"] or report["sweep"] or report["sweep_mean"]
    compared = report["agreement"] and report["agreement"]["rows"]
    there = (
        ("summary", "At a glance", True),
        ("models", "Teacher and student", True),
        ("people", "People", report["per_participant"]),
        ("crossval", "Cross validation", report.get("crossval")),
        ("replay", "Published protocol", report.get("replay")),
        ("search", "The search", report["candidates"]),
        ("capacity", "Capacity", report["capacity"]),
        ("layers", "Layers", report["layers"]),
        ("embedding", "Embedding", inside),
        ("attribution", "What they look at", report["attribution"]),
        ("looks", "Where people look", report["human"]),
        ("anatomy", "Parts of the eye", report["anatomy"] or report["regions"]),
        ("agreement", "Same reasons?" if compared else "Do the maps tell?", report["agreement"]),
        ("methods", "Checks of methods", report["methods"]),
        ("provenance", "Provenance", True),
    )
    return [(name, label) for name, label, found in there if found]


def _tables(report: dict[str, Any]) -> dict[str, Table]:
    tables = run_tables(report) | explanation_tables(report)
    for name in CROSSVAL_LABELS:
        tables |= crossval_tables(name, report[name]) if report.get(name) else {}
    found = report["attribution"]
    for k, sample in enumerate(found["samples"][:SAMPLES_SHOWN] if found else []):
        tables |= sample_tables(f"sample-{k}", sample, found["target_unit"])
    return tables | drawn_tables(drawn_of(report))


def _crossvals(report: dict[str, Any]) -> list[dict[str, Any]]:
    """What the sections of cross validation say besides charts and tables."""
    return [
        {"name": name, "label": label, "words": crossval_words(found), **{k: found[k] for k in ("clean", "estimate")}}
        for name, label in CROSSVAL_LABELS.items()
        if (found := report.get(name))
    ]


def _samples(report: dict[str, Any], maps: Mapping[str, NDArray[Any]]) -> list[dict[str, Any]]:
    if not report["attribution"]:
        return []
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
