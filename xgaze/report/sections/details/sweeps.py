"""Embedding sweeps: of the chosen sample, and averaged over many; charts and tables."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from xgaze.report.drawing.svg import (
    BLUE,
    CYCLE,
    INK,
    Chart,
    chart,
)
from xgaze.report.drawing.tables import Cell, Table, table, value
from xgaze.report.section import Report
from xgaze.report.words import has_labels
from xgaze.stored import Stored
from xgaze.units import digits_of

DASHES = ("-", "--", ":")
PERCENTILE = "from the low to the high end of the variable's range, %"

VARIABLES_SHOWN = 24


class MeanSweep(Stored):
    """Over many samples: how far each variable carries the prediction (`reach`, or of gaze `reach_px`, `reach_cm`, ...), and the
    strongest ones' paths."""

    samples: int
    variables: list[dict[str, float]]
    paths: list[dict[str, Any]] | None = None


def sweep_charts(report: Report) -> dict[str, Chart]:
    """Those whose part of the report is there, by name."""
    charts, mean = {}, report["sweep_mean"]
    if report["sweep"]:
        charts["sweep"] = sweep_figure(report["sweep"], report["scene"], has_labels(report))
    if mean:
        charts["sweep-mean"] = sweep_mean_figure(mean, _unit(report, "sweep_mean"))
        if mean.get("paths"):
            charts["sweep-paths"] = sweep_paths_figure(mean)
    return charts


def _unit(report: Report, key: str) -> str:
    return str(report[key].get("unit", "px" if report["task"] == "gaze" else "logits"))


def sweep_figure(sweep: dict[str, Any], scene: list[int] | None, labels: bool = True) -> Chart:
    """Where the prediction goes when one embedding variable moves over its observed range."""
    gaze = unit_of(sweep["variables"][0])

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        _paths(axes, sweep["variables"])
        if gaze:
            cloud = _cloud(sweep["variables"], sweep["prediction"], sweep["truth"])
            _window(axes, cloud, 0.05 * (scene or [1, 1])[1])
            axes.set(**_axes_of(gaze, "x in the scene", "y in the scene"))
            axes.plot(*sweep["prediction"], "o", color=INK, markersize=7, label="prediction")
            if labels:
                axes.plot(*sweep["truth"], "x", color=INK, markersize=9, markeredgewidth=2, label="truth")
        else:
            axes.set(xlabel=PERCENTILE, ylabel=_scored(sweep, "logit difference of the classes", "prediction"))
        _legend_beside(axes)

    return chart(
        "sweep",
        "Where single embedding variables pull this sample's prediction",
        "Each line: the predicted point while one embedding variable moves over its observed 1 to 99 percent range."
        if gaze
        else "Each line: the score while one embedding variable moves over its observed 1 to 99 percent range.",
        draw,
        height=4.2,
    )


def sweep_paths_figure(sweep: dict[str, Any]) -> Chart:
    """The same averaged over many samples: how far the prediction is carried from where it was."""
    gaze = unit_of(sweep["paths"][0])

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        _paths(axes, sweep["paths"])
        if gaze:
            _window(axes, _cloud(sweep["paths"], [0, 0]), 1)
            axes.plot(0, 0, "o", color=INK, markersize=7, label="prediction")
            axes.set(**_axes_of(gaze, "moved to the right", "moved down"))
        else:
            axes.set(
                xlabel=PERCENTILE, ylabel=_scored(sweep, "change of the logit difference", "change of the prediction")
            )
        _legend_beside(axes)

    return chart(
        "sweep-paths",
        f"Where the strongest variables pull the prediction, averaged over {sweep['samples']} samples",
        "Each line: how far the predicted point moves, on average, while one embedding variable goes over its observed 1 to 99 "
        "percent range; the dot is where each prediction was."
        if gaze
        else "Each line: how far the score moves, on average, while one embedding variable goes over its observed 1 to 99 "
        "percent range.",
        draw,
        height=4.2,
    )


def _axes_of(unit: str, x: str, y: str) -> dict[str, str]:
    """Labels of a plane; which way directions are counted is the recording's own affair."""
    if unit == "degrees":
        x, y = "along x", "along y"
    return {"xlabel": f"{x}, {unit}", "ylabel": f"{y}, {unit}"}


def _scored(sweep: dict[str, Any], logits: str, other: str) -> str:
    unit = sweep.get("unit", "logits")
    return logits if unit == "logits" else f"{other}, {unit}"


def _paths(axes: Axes, variables: list[dict[str, Any]]) -> None:
    for k, one in enumerate(variables):
        gaze = unit_of(one)
        x, y = _point_path(one) if gaze else (np.linspace(0, 100, len(one["score"])), one["score"])
        colour, dash = CYCLE[k % len(CYCLE)], DASHES[k // len(CYCLE) % len(DASHES)]
        axes.plot(x, y, dash, color=colour, linewidth=1.8, label=f"{one['variable']}")


def _legend_beside(axes: Axes) -> None:
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, title="variable", fontsize=9)


def _cloud(variables: list[dict[str, Any]], *points: list[float]) -> np.ndarray:
    """All points (n, 2) to be seen."""
    return np.concatenate([*(np.column_stack(_point_path(one)) for one in variables), points])


def unit_of(variable: dict[str, Any]) -> str:
    """The unit of a path of gaze points, as its keys say it ("x_px"); "" of another path."""
    return next((key.removeprefix("x_") for key in variable if key.startswith("x_")), "")


def _point_path(variable: dict[str, Any]) -> tuple[list[float], list[float]]:
    unit = unit_of(variable)
    return variable[f"x_{unit}"], variable[f"y_{unit}"]


def _window(axes: Axes, cloud: np.ndarray, least: float) -> None:
    """The part of the scene that the paths cross, 4:3, y downwards: the whole scene would shrink them to a blot."""
    low, high = cloud.min(axis=0), cloud.max(axis=0)
    half = 0.6 * max((high[0] - low[0]) * 0.75, high[1] - low[1], least)
    x, y = (low + high) / 2
    axes.set(xlim=(x - half / 0.75, x + half / 0.75), ylim=(y + half, y - half), aspect="equal")


def sweep_mean_figure(sweep: dict[str, Any], unit: str) -> Chart:
    """Mean reach of the embedding's variables over many samples, strongest first."""
    ranked = sorted(sweep["variables"], key=lambda one: -reach(one))[:VARIABLES_SHOWN]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.bar(np.arange(len(ranked)), [reach(one) for one in ranked], 0.8, color=BLUE)
        axes.set_xticks(np.arange(len(ranked)), [str(one["variable"]) for one in ranked], fontsize=8)
        axes.tick_params(axis="x", length=0)
        axes.axhline(0, color=INK, linewidth=0.7)
        axes.set(xlabel="embedding variable", ylabel=f"mean reach, {unit}")

    return chart(
        "sweep-mean",
        f"How far each variable moves the prediction, over {sweep['samples']} samples",
        "Mean reach of the prediction while one variable moves over its observed 1 to 99 percent range; strongest first.",
        draw,
        height=2.6,
    )


def reach(variable: dict[str, Any]) -> float:
    """Reach in the unit of gaze or of a value, or in logits for classes."""
    return float(next(far for key, far in variable.items() if key.startswith("reach")))


def sweep_tables(report: dict[str, Any]) -> dict[str, Table]:
    """Those whose part of the report is there, by name."""
    tables = {}
    if report["sweep"]:
        tables["sweep"] = _sweep(report)
    if report["sweep_mean"]:
        tables["sweep-mean"] = _sweep_mean(report)
        if report["sweep_mean"].get("paths"):
            tables["sweep-paths"] = _sweep_paths(report["sweep_mean"]["paths"])
    return tables


def _sweep(report: dict[str, Any]) -> Table:
    rows = [
        (
            str(one["variable"]),
            value(reach(one), digits_of(_unit(report, "sweep"))),
            value(one["values"][0], 3),
            value(one["values"][-1], 3),
        )
        for one in report["sweep"]["variables"]
    ]
    columns = ("variable", f"reach, {_unit(report, 'sweep')}", "from", "to")
    return table("Sweep", columns, rows, caption="All points of the lines: sweep.csv beside this page.")


def _sweep_mean(report: dict[str, Any]) -> Table:
    unit = _unit(report, "sweep_mean")
    rows = [(str(one["variable"]), value(reach(one), digits_of(unit))) for one in report["sweep_mean"]["variables"]]
    return table("Averaged sweep", ("variable", f"mean reach, {unit}"), rows)


def _sweep_paths(paths: list[dict[str, Any]]) -> Table:
    """Both ends; the points between them lie in sweep_mean_paths.csv."""
    unit = unit_of(paths[0])
    keys = {f"{axis}_{unit}": f"{axis}, {unit}" for axis in "xy"} if unit else {"score": "score"}
    digits = digits_of(unit)
    ends = [(key, end) for end in (0, -1) for key in keys]
    rows = [(Cell(str(one["variable"])), *(value(one[key][end], digits) for key, end in ends)) for one in paths]
    columns = [f"{word}, at the {end} end" for end in ("low", "high") for word in keys.values()]
    caption = "All points of the lines: sweep_mean_paths.csv beside this page."
    return table("Paths of the averaged sweep", ("variable", *columns), rows, caption=caption)
