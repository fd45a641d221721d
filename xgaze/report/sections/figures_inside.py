"""Charts of what is inside: cost per layer, the embedding's probes, its variables' importance, the averaged sweep."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from xgaze.report.drawing.forest import Series, forest, height, name_rows, shortened
from xgaze.report.drawing.svg import (
    COLOURS,
    CYCLE,
    INK,
    MARK,
    MUTED,
    SHAPES,
    STUDENT,
    TEACHER,
    Chart,
    chart,
    legend_above,
)

LAYERS_SHOWN, VARIABLES_SHOWN = 12, 24
COSTS = (
    ("parameters", "parameters", TEACHER, "o"),
    ("macs", "calculations (MACs)", STUDENT, "s"),
    ("latency_percent", "time", MARK, "^"),
)
WEAK, STRONG = np.array(to_rgb("#eef3f8")), np.array(to_rgb("#005f96"))


def layers_figure(rows: list[dict[str, Any]], model: str) -> Chart:
    """Every layer's share of its model's parameters, multiply-accumulates and time; the costliest layers only."""
    own = [row for row in rows if row["model"] == model]
    shares = {key: _shares(own, key) for key, *_ in COSTS}
    weight = np.max([np.nan_to_num(one) for one in shares.values()], axis=0)
    shown = sorted(np.argsort(-weight, kind="stable")[:LAYERS_SHOWN])
    names = [own[k]["layer"] for k in shown]
    most = max(10.0, 10 * np.ceil(weight.max() / 10))

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        series = [
            Series(label, colour, shape, [None if np.isnan(shares[key][k]) else shares[key][k] for k in shown])
            for key, label, colour, shape in COSTS
        ]
        forest(axes, series)
        axes.set(xlabel=f"share of the {model}, %", xlim=(-0.02 * most, 1.02 * most))
        name_rows(axes, names)
        legend_above(axes)

    more = "" if len(own) == len(names) else f" The {len(names)} costliest of {len(own)} layers."
    return chart(
        f"layers-{model}",
        f"Where the {model}'s parameters and time go",
        f"Storage and time go into different layers: a layer may hold most parameters and cost little time.{more}",
        draw,
        height=height(len(names)),
    )


def _shares(rows: list[dict[str, Any]], key: str) -> np.ndarray:
    values = np.array([np.nan if row[key] is None else row[key] for row in rows], float)
    return values if key.endswith("percent") else 100 * values / max(np.nansum(values), 1e-12)


def probes_figure(probes: list[dict[str, Any]], who: str = "people") -> Chart:
    """How well a straight line from the embedding tells each property, teacher and student."""
    names = list(dict.fromkeys(row["what"] for row in probes))
    found = {(row["model"], row["what"]): row["r2"] for row in probes}
    series = [
        Series(model, colour, SHAPES[model], [found.get((model, name)) for name in names])
        for model, colour in COLOURS.items()
        if any(row["model"] == model for row in probes)
    ]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        forest(axes, series)
        axes.set(xlabel=f"share of the variance told on test {who} (R²)")
        axes.set_xlim(min(-0.03, axes.get_xlim()[0]), 1.03)
        name_rows(axes, names)
        legend_above(axes)

    return chart(
        "probes",
        "What can be read off the embedding",
        "A linear probe per property: 1 means that a straight line from the embedding tells it exactly, 0 that it tells nothing.",
        draw,
        height=height(len(names)),
    )


def rankings_figure(importance: dict[str, Any]) -> Chart:
    """Rank correlation of every two ways to rank the embedding's variables, written into the cells."""
    methods = importance["methods"]
    table = np.eye(len(methods))
    for row in importance["agreement"]:
        if row["a"] in methods and row["b"] in methods:
            a, b = methods.index(row["a"]), methods.index(row["b"])
            table[a, b] = table[b, a] = row["spearman"]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        _cells(axes, table)
        axes.set_xticks(np.arange(len(methods)), [_broken(one) for one in methods])
        axes.set_yticks(np.arange(len(methods)), [shortened(one) for one in methods])
        axes.tick_params(length=0)
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.set(xlim=(-0.5, len(methods) - 0.5), ylim=(len(methods) - 0.5, -0.5))

    return chart(
        "rankings",
        "Do the ways to rank variables agree?",
        "Spearman's rank correlation of every two rankings: 1 is the same order, 0 none in common.",
        draw,
        height=0.7 + 0.42 * len(methods),
    )


def _broken(name: str) -> str:
    return name.replace(" ", "\n")


def _cells(axes: Axes, table: np.ndarray) -> None:
    for (row, column), value in np.ndenumerate(table):
        known = bool(np.isfinite(value))  # a ranking that ties all variables agrees with none
        share = float(np.clip(value, 0, 1)) if known else 0.0
        colour = tuple((1 - share) * WEAK + share * STRONG)
        axes.fill_between([column - 0.48, column + 0.48], row - 0.46, row + 0.46, color=colour, linewidth=0)
        ink = "#ffffff" if share > 0.55 else "#101418"
        axes.text(column, row, f"{value:.2f}".replace("-", "−") if known else "–", color=ink, ha="center", va="center")


def refit_figure(refit: list[dict[str, Any]], unit: str) -> Chart:
    """Error when only the first variables of an order are kept and the rest of the head is fitted again."""
    orders = list(dict.fromkeys(row["order"] for row in refit))

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        colours = iter(CYCLE * len(orders))
        for k, order in enumerate(orders):
            own = sorted((row["kept"], row["error"]) for row in refit if row["order"] == order)
            random = order.split()[0] == "random" and "forest" not in order
            colour, dash = (MUTED, "--") if random else (next(colours), "-")
            kept, error = np.array(own).T
            shape = "osD^vP"[k % 6]
            axes.plot(kept, error, shape, linestyle=dash, color=colour, markersize=4, linewidth=1.5, label=order)
        axes.set(xlabel="variables kept", ylabel=f"error after refit, {unit}")
        axes.set_xscale("log", base=2)
        axes.set_xticks(sorted({row["kept"] for row in refit}), [str(k) for k in sorted({r["kept"] for r in refit})])
        axes.xaxis.set_minor_locator(MaxNLocator(1))
        axes.tick_params(axis="x", which="minor", length=0)
        legend_above(axes, 3)

    return chart(
        "refit",
        "How few variables would do",
        "The error when only so many embedding variables are kept and the output is fitted again, by the order in which they are "
        "kept. A ranking that is no better than a random choice is worth nothing.",
        draw,
        height=3.2,
    )


def sweep_mean_figure(sweep: dict[str, Any], unit: str) -> Chart:
    """Mean reach of the embedding's variables over many samples, strongest first."""
    ranked = sorted(sweep["variables"], key=lambda one: -reach(one))[:VARIABLES_SHOWN]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.bar(np.arange(len(ranked)), [reach(one) for one in ranked], 0.8, color=TEACHER)
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
    """Reach in px, or in logits for classes."""
    return float(variable["reach_px"] if "reach_px" in variable else variable["reach"])
