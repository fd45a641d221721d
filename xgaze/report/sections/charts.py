"""All charts of a report, by name; what is not in report.json has none."""

from typing import Any

from xgaze.report.drawing.format import worse_unit
from xgaze.report.drawing.images import SAMPLES_SHOWN, targets_of
from xgaze.report.drawing.svg import Chart
from xgaze.report.sections import (
    figures,
    figures_crossval,
    figures_human,
    figures_inside,
    figures_sample,
    figures_trust,
)
from xgaze.report.sections.drawn import drawn_of
from xgaze.report.sections.figures_scanpath import drawn_charts
from xgaze.report.words import groups_in_words


def report_charts(report: dict[str, Any]) -> dict[str, Chart]:
    """Charts of the run, of its samples and of its explanation."""
    return _run(report) | _crossvals(report) | _samples(report) | _trust(report) | _inside(report)


def _run(report: dict[str, Any]) -> dict[str, Chart]:
    charts = {}
    if report["per_participant"]:
        what = "right answers, %" if report["task"] == "class" else f"mean error, {report['score']['unit']}"
        charts["people"] = figures.participants_figure(report["per_participant"], what, who=groups_in_words(report))
    if report["candidates"]:
        charts["frontier"] = figures.candidates_figure(
            report["candidates"], report["budget_percent"], worse_unit(report), report.get("groups", "participants")
        )
    if report["capacity"]:
        charts["spectrum"] = figures.spectrum_figure(report["capacity"])
    return charts


def _crossvals(report: dict[str, Any]) -> dict[str, Chart]:
    charts: dict[str, Chart] = {}
    for name in ("crossval", "replay"):
        if report.get(name):
            charts |= figures_crossval.crossval_charts(name, report[name])
    return charts


def _samples(report: dict[str, Any]) -> dict[str, Chart]:
    charts = {}
    found = report["attribution"]
    if report["sweep"]:
        charts["sweep"] = figures_sample.sweep_figure(report["sweep"], report["scene"])
    if report["regions"] and found:
        charts["regions"] = figures_sample.regions_figure(report["regions"], found["targets"][-1])
    for k, sample in enumerate(found["samples"][:SAMPLES_SHOWN] if found else []):
        name, unit = f"sample-{k}", found["target_unit"]
        if sample.get("shapley"):
            charts[f"{name}-shapley"] = figures_sample.shapley_figure(f"{name}-shapley", sample, unit)
        if sample.get("conductance"):
            flow = figures_sample.conductance_figure(f"{name}-conductance", sample, targets_of(sample)[-1], unit)
            charts[f"{name}-conductance"] = flow
    return charts | drawn_charts(drawn_of(report))


def _trust(report: dict[str, Any]) -> dict[str, Chart]:
    charts = {}
    agreement, anatomy = report["agreement"], report["anatomy"]
    if agreement:
        if agreement["rows"]:  # a teacher alone is compared with nobody
            charts["agreement"] = figures_trust.agreement_figure(agreement)
        if agreement.get("curves"):
            charts["curves"] = figures_trust.curves_figure(agreement)
    if anatomy:
        charts["anatomy"] = figures_trust.anatomy_figure(anatomy)
        if anatomy.get("differences"):
            charts["differences"] = figures_trust.differences_figure(anatomy)
    if report["human"]:
        charts["human"] = figures_human.human_figure(report["human"])
    return charts


def _inside(report: dict[str, Any]) -> dict[str, Chart]:
    charts = {}
    for model in ("teacher", "student"):
        if any(row["model"] == model for row in report["layers"] or []):
            charts[f"layers-{model}"] = figures_inside.layers_figure(report["layers"], model)
    embedding = report["embedding"] or {}
    importance = embedding.get("importance") or {}
    if embedding.get("probes"):
        charts["probes"] = figures_inside.probes_figure(embedding["probes"], groups_in_words(report))
    if importance.get("agreement"):
        charts["rankings"] = figures_inside.rankings_figure(importance)
    if importance.get("refit"):
        charts["refit"] = figures_inside.refit_figure(
            importance["refit"], importance.get("refit_unit", report["score"]["unit"])
        )
    if report["sweep_mean"]:
        unit = report["sweep_mean"].get("unit", "px" if report["task"] == "gaze" else "logits")
        charts["sweep-mean"] = figures_inside.sweep_mean_figure(report["sweep_mean"], unit)
        if report["sweep_mean"].get("paths"):
            charts["sweep-paths"] = figures_sample.sweep_paths_figure(report["sweep_mean"])
    return charts
