"""What one sample's attribution is made of: exact Shapley values per input, conductance per embedding variable."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from xgaze.report.drawing.bars import bars
from xgaze.report.drawing.forest import height, name_rows
from xgaze.report.drawing.images import targets_of
from xgaze.report.drawing.svg import COLOURS, INK, Chart, chart, legend_over
from xgaze.report.drawing.tables import Cell, Table, model, table, value
from xgaze.units import digits_of

STRONGEST = 10

FLOWS_SHOWN = 30


def sample_charts(name: str, sample: dict[str, Any], unit: str) -> dict[str, Chart]:
    """Those whose part of the sample is there; names begin with `name`."""
    charts = {}
    if sample.get("shapley"):
        charts[f"{name}-shapley"] = shapley_figure(f"{name}-shapley", sample, unit)
    if sample.get("conductance"):
        flow = conductance_figure(f"{name}-conductance", sample, targets_of(sample)[-1], unit)
        charts[f"{name}-conductance"] = flow
    return charts


def shapley_figure(name: str, sample: dict[str, Any], unit: str) -> Chart:
    """What every camera adds to the outputs of one sample, exactly; one panel per target, one scale for all."""
    models = [model for model in COLOURS if model in sample["shapley"]]
    by_target = sample["shapley"][models[0]]
    targets, inputs = list(by_target), list(next(iter(by_target.values())))

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(targets), sharex=True, sharey=True, squeeze=False)[0]
        for axes, target in zip(panels, targets, strict=True):
            bars(axes, [(m, [sample["shapley"][m][target][one] for one in inputs]) for m in models])
            axes.set(xlabel=f"{target}, {unit}")
            name_rows(axes, inputs)
        legend_over(figure, panels[0])

    return chart(
        name,
        f"What each {'input' if 'sequence' in inputs else 'camera'} adds (exact Shapley values)",
        f"Bars to the right raise the figure, bars to the left lower it, in {unit}. Together with the figure for the average "
        f"{'input' if 'sequence' in inputs else 'picture'} they add up to the model's own.",
        draw,
        height=height(len(inputs)) + 0.15 * len(models),
    )


def conductance_figure(name: str, sample: dict[str, Any], target: str, unit: str) -> Chart:
    """The embedding variables through which most of the output flows; one panel per model."""
    models = [model for model in COLOURS if model in sample["conductance"]]
    apart = "; the two models number theirs separately" * (len(models) > 1)

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(models), sharey=True, squeeze=False)[0]
        for axes, role in zip(panels, models, strict=True):
            flow = np.asarray(sample["conductance"][role], float)
            order = np.argsort(-np.abs(flow), kind="stable")[:STRONGEST]
            axes.bar(np.arange(len(order)), flow[order], 0.8, color=COLOURS[role])
            axes.axhline(0, color=INK, linewidth=0.7)
            axes.set_xticks(np.arange(len(order)), [str(k) for k in order], fontsize=8)
            axes.tick_params(axis="x", length=0)
            axes.set(xlabel=f"embedding variable of the {role}")
        panels[0].set_ylabel(f"{target}, {unit}")

    return chart(
        name,
        "Through which embedding variables it flows (conductance)",
        f"The {STRONGEST} variables that carry most of the {target}, strongest first{apart}.",
        draw,
        height=2.6,
    )


def strongest(flows: list[float]) -> list[tuple[int, float]]:
    """(variable, flow) of the variables that carry most, in their order; all lie in report.json."""
    kept = sorted(range(len(flows)), key=lambda k: -abs(flows[k]))[:FLOWS_SHOWN]
    return [(k, flows[k]) for k in sorted(kept)]


def sample_tables(name: str, sample: dict[str, Any], unit: str) -> dict[str, Table]:
    """Shapley values and conductance of one sample, by the names of their charts."""
    tables = {}
    if sample.get("shapley"):
        rows = [
            (model(role), target, one, value(worth, digits_of(unit)))
            for role, by_target in sample["shapley"].items()
            for target, by_input in by_target.items()
            for one, worth in by_input.items()
        ]
        tables[f"{name}-shapley"] = table("Shapley values", ("model", "target", "input", unit), rows, (0, 1, 2))
    if sample.get("conductance"):
        flows_of = [
            (model(role), Cell(str(k), k), value(flow, digits_of(unit) + 1))
            for role, flows in sample["conductance"].items()
            for k, flow in strongest(flows)
        ]
        tables[f"{name}-conductance"] = table("Conductance", ("model", "variable", unit), flows_of, (0,))
    return tables
