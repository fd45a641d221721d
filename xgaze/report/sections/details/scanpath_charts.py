"""Charts of attributions that are no maps: a scanpath's fixations, a graph's cells, and the features of both."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from xgaze.report.drawing.bars import bars
from xgaze.report.drawing.forest import height, name_rows
from xgaze.report.drawing.format import general
from xgaze.report.drawing.svg import INK, MINUS, MUTED, PLUS, Chart, chart, legend_above
from xgaze.report.sections.details.scanpath_attribution import Drawn

LARGEST = 340.0
"""Area of the largest circle, square points."""
FAINTEST, MARGIN = 0.06, 0.05


def drawn_charts(drawn: list[Drawn]) -> dict[str, Chart]:
    """A figure of fixations or cells, and one of features, for each."""
    charts = {}
    for one in drawn:
        if one.values:
            charts[one.name] = scanpath_figure(one) if one.kind == "scanpath" else graph_figure(one)
            charts[f"{one.name}-features"] = features_figure(one)
    return charts


def scanpath_figure(one: Drawn) -> Chart:
    """The fixations of one sample on its stimulus: area by duration, colour by attribution, numbered in order."""
    found = one.found
    x, y, duration = (np.asarray(found[key], float) for key in ("x_px", "y_px", "duration_ms"))
    area = LARGEST * duration / duration.max()

    def panel(axes: Axes, values: np.ndarray) -> None:
        axes.plot(x, y, color=MUTED, linewidth=0.9, zorder=1)
        axes.scatter(x, y, area, _colours(values, one.scale), edgecolors=INK, linewidths=0.6, zorder=2)
        for k, spot in enumerate(zip(x, y, strict=True), start=1):
            away = 0.36 * np.sqrt(area[k - 1]) + 0.5
            axes.annotate(str(k), spot, (away, away), textcoords="offset points", fontsize=7.5, color=INK, zorder=3)

    return chart(
        one.name,
        f"Which fixations count ({one.target})",
        f"The scanpath on its stimulus, fixations numbered in order. The larger a circle, the longer the fixation (longest: "
        f"{duration.max():.0f} ms). {_colour_words(one)}",
        lambda figure: _panels(figure, one, panel),
        height=_height(one),
    )


def graph_figure(one: Drawn) -> Chart:
    """The visited cells of one sample on the grid of its stimulus, with the transitions between them."""
    found = one.found
    x, y, share = (np.asarray(found[key], float) for key in ("x_px", "y_px", "time_share"))
    place, radius = {cell: k for k, cell in enumerate(found["cells"])}, np.sqrt(LARGEST * share / np.pi)

    def panel(axes: Axes, values: np.ndarray) -> None:
        _grid(axes, found)
        for edge in found["edges"]:
            tip, start = ((x[place[edge[key]]], y[place[edge[key]]]) for key in ("to", "from"))
            look = {"arrowstyle": "-|>,head_width=0.2,head_length=0.4", "connectionstyle": "arc3,rad=0.14"}
            near, far = (float(radius[place[edge[key]]]) for key in ("from", "to"))
            wide = 0.5 + 1.3 * edge["length"]
            shrink = {"shrinkA": near, "shrinkB": far + 1}
            axes.annotate("", tip, start, arrowprops={**look, **shrink, "color": MUTED, "linewidth": wide})
        axes.scatter(x, y, LARGEST * share, _colours(values, one.scale), edgecolors=INK, linewidths=0.6, zorder=3)

    return chart(
        one.name,
        f"Which cells count ({one.target})",
        "The cells of the grid that the eye visited, joined in the direction of its saccades (the thicker, the longer). The "
        f"larger a circle, the longer the eye stayed. {_colour_words(one)}",
        lambda figure: _panels(figure, one, panel),
        height=_height(one),
    )


def features_figure(one: Drawn) -> Chart:
    """The same sums by feature, teacher beside student."""
    by_model = one.by_feature()
    features = list(next(iter(by_model.values())))
    parts = {"scanpath": "fixations", "graph": "cells"}[one.kind]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        bars(axes, [(model, list(values.values())) for model, values in by_model.items()])
        name_rows(axes, features)
        axes.set(xlabel=f"{one.target}, {one.unit}")
        legend_above(axes)

    return chart(
        f"{one.name}-features",
        f"Which features count ({one.target})",
        f"The attribution of each feature, summed over all {parts}: to the right it raises the figure, to the left it lowers it.",
        draw,
        height=height(len(features)) + 0.12 * len(by_model),
    )


def _panels(figure: Figure, one: Drawn, panel: Any) -> None:
    panels = figure.subplots(1, len(one.values), sharex=True, sharey=True, squeeze=False)[0]
    width, tall = one.found["size_px"]
    for axes, (model, values) in zip(panels, one.values.items(), strict=True):
        panel(axes, np.asarray(values, float))
        axes.plot([0, width, width, 0, 0], [0, 0, tall, tall, 0], color=MUTED, linewidth=0.7, zorder=0)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        axes.set_title(one.complete(model), loc="left", fontsize=8.5)
        axes.set(xlim=_around(width), ylim=_around(tall)[::-1], aspect="equal", xlabel="x on the stimulus, px")
    panels[0].set_ylabel("y on the stimulus, px")


def _around(side: float) -> tuple[float, float]:
    """Room for circles at the edge."""
    return -MARGIN * side, (1 + MARGIN) * side


def _height(one: Drawn) -> float:
    """Inches, so that the stimulus fills its panel."""
    width, tall = one.found["size_px"]
    inches = (7.2 - 0.7) / max(len(one.values), 1.5) * tall / width + 0.75
    return float(np.clip(inches, 1.8, 6.0))


def _grid(axes: Axes, found: dict[str, Any]) -> None:
    width, tall = found["size_px"]
    for k in range(1, found["grid"]):
        axes.vlines(k * width / found["grid"], 0, tall, color=MUTED, linewidth=0.4, alpha=0.35, zorder=0)
        axes.hlines(k * tall / found["grid"], 0, width, color=MUTED, linewidth=0.4, alpha=0.35, zorder=0)


def _colours(values: np.ndarray, scale: float) -> list[tuple[float, ...]]:
    """The paper shows through where there is little attribution, in light and in dark."""
    strength = np.clip(np.abs(values) / scale, FAINTEST, 1)
    return [to_rgba(PLUS if one >= 0 else MINUS, float(s)) for one, s in zip(values, strength, strict=True)]


def _colour_words(one: Drawn) -> str:
    both = "; both models share this scale" if len(one.values) > 1 else ""
    return (
        f"Orange raises the figure, purple lowers it, full colour at {general(one.scale)} {one.unit} {one.per}{both}."
    )
