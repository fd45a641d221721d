"""Charts of single samples: embedding sweep, regions, exact Shapley values per camera, conductance."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from xgaze.report.drawing.forest import height, name_rows
from xgaze.report.drawing.svg import COLOURS, CYCLE, INK, MUTED, Chart, chart, legend_above, legend_over

STRONGEST = 10
DASHES = ("-", "--", ":")
PERCENTILE = "from the low to the high end of the variable's range, %"


def sweep_figure(sweep: dict[str, Any], scene: list[int] | None) -> Chart:
    """Where the prediction goes when one embedding variable moves over its observed range."""
    gaze = "x_px" in sweep["variables"][0]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        _paths(axes, sweep["variables"])
        if gaze:
            _window(axes, _cloud(sweep["variables"], sweep["prediction"], sweep["truth"]), 0.05 * (scene or [1, 1])[1])
            axes.set(xlabel="x in the scene, px", ylabel="y in the scene, px")
            axes.plot(*sweep["prediction"], "o", color=INK, markersize=7, label="prediction")
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
    gaze = "x_px" in sweep["paths"][0]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        _paths(axes, sweep["paths"])
        if gaze:
            _window(axes, _cloud(sweep["paths"], [0, 0]), 1)
            axes.plot(0, 0, "o", color=INK, markersize=7, label="prediction")
            axes.set(xlabel="moved to the right, px", ylabel="moved down, px")
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


def _scored(sweep: dict[str, Any], logits: str, other: str) -> str:
    unit = sweep.get("unit", "logits")
    return logits if unit == "logits" else f"{other}, {unit}"


def _paths(axes: Axes, variables: list[dict[str, Any]]) -> None:
    for k, one in enumerate(variables):
        x, y = (one["x_px"], one["y_px"]) if "x_px" in one else (np.linspace(0, 100, len(one["score"])), one["score"])
        colour, dash = CYCLE[k % len(CYCLE)], DASHES[k // len(CYCLE) % len(DASHES)]
        axes.plot(x, y, dash, color=colour, linewidth=1.8, label=f"{one['variable']}")


def _legend_beside(axes: Axes) -> None:
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, title="variable", fontsize=9)


def _cloud(variables: list[dict[str, Any]], *points: list[float]) -> np.ndarray:
    """All points (n, 2) to be seen."""
    return np.concatenate([*(np.column_stack((one["x_px"], one["y_px"])) for one in variables), points])


def _window(axes: Axes, cloud: np.ndarray, least: float) -> None:
    """The part of the scene that the paths cross, 4:3, y downwards: the whole scene would shrink them to a blot."""
    low, high = cloud.min(axis=0), cloud.max(axis=0)
    half = 0.6 * max((high[0] - low[0]) * 0.75, high[1] - low[1], least)
    x, y = (low + high) / 2
    axes.set(xlim=(x - half / 0.75, x + half / 0.75), ylim=(y + half, y - half), aspect="equal")


def regions_figure(rows: list[dict[str, Any]], target: str) -> Chart:
    """Share of attribution per anatomical region, teacher and student, beside the region's share of the picture."""
    own = [row for row in rows if row["target"] == target]
    names = list(dict.fromkeys(row["region"] for row in own))
    models = [model for model in COLOURS if any(row["model"] == model for row in own)]
    areas = {row["region"]: row["area_percent"] for row in own}

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        place, bar = np.arange(len(names)), 0.8 / (len(models) + 1)
        for k, model in enumerate(models):
            shares = {row["region"]: row["share_percent"] for row in own if row["model"] == model}
            values = [shares.get(name, 0) for name in names]
            axes.bar(place + k * bar, values, bar * 0.92, color=COLOURS[model], label=f"attribution, {model}")
        beside = [areas[name] for name in names]
        axes.bar(place + len(models) * bar, beside, bar * 0.92, color=MUTED, label="area of the picture")
        axes.set_xticks(place + bar * len(models) / 2, names)
        axes.tick_params(axis="x", length=0)
        axes.set(ylabel="share, %")
        legend_above(axes)

    return chart(
        "regions",
        f"Where on the eye the attribution of these samples lies ({target})",
        "A region whose attribution stands above its area gets more than an even share.",
        draw,
        height=2.9,
    )


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


def bars(axes: Axes, values: list[tuple[str, list[float]]]) -> None:
    """Horizontal bars from zero, in rows, one colour per model."""
    bar = 0.76 / len(values)
    for k, (model, own) in enumerate(values):
        place = np.arange(len(own)) + (k - (len(values) - 1) / 2) * bar
        axes.barh(place, own, bar * 0.9, color=COLOURS[model], label=model)
    axes.axvline(0, color=INK, linewidth=0.7)


def conductance_figure(name: str, sample: dict[str, Any], target: str, unit: str) -> Chart:
    """The embedding variables through which most of the output flows; one panel per model."""
    models = [model for model in COLOURS if model in sample["conductance"]]
    apart = "; the two models number theirs separately" * (len(models) > 1)

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(models), sharey=True, squeeze=False)[0]
        for axes, model in zip(panels, models, strict=True):
            flow = np.asarray(sample["conductance"][model], float)
            order = np.argsort(-np.abs(flow), kind="stable")[:STRONGEST]
            axes.bar(np.arange(len(order)), flow[order], 0.8, color=COLOURS[model])
            axes.axhline(0, color=INK, linewidth=0.7)
            axes.set_xticks(np.arange(len(order)), [str(k) for k in order], fontsize=8)
            axes.tick_params(axis="x", length=0)
            axes.set(xlabel=f"embedding variable of the {model}")
        panels[0].set_ylabel(f"{target}, {unit}")

    return chart(
        name,
        "Through which embedding variables it flows (conductance)",
        f"The {STRONGEST} variables that carry most of the {target}, strongest first{apart}.",
        draw,
        height=2.6,
    )
