"""Inside the embedding: what it holds, which of its variables matter, and where they pull the prediction."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from xgaze.report import schemas
from xgaze.report.drawing.forest import Series, forest, height, name_rows, shortened
from xgaze.report.drawing.format import count, general, number, spread
from xgaze.report.drawing.svg import (
    COLOURS,
    CYCLE,
    MUTED,
    SHAPES,
    Chart,
    chart,
    legend_above,
)
from xgaze.report.drawing.tables import Cell, Table, between, model, table, value
from xgaze.report.schemas import Interval
from xgaze.report.section import Report, Section, points_at, rows_at
from xgaze.report.sections.details.sweeps import MeanSweep, sweep_charts, sweep_tables
from xgaze.report.words import error_in_words, groups_in_words
from xgaze.stored import Stored
from xgaze.units import digits_of

WEAK, STRONG = np.array(to_rgb("#eef3f8")), np.array(to_rgb("#005f96"))


class Probe(Stored):
    """How well a straight line from the embedding tells a property."""

    model: str
    what: str
    unit: str
    score: Interval | None
    r2: float | None


class Importance(Stored):
    """Rankings of the embedding's variables, how far they agree, and what is left of the error when few variables are kept."""

    methods: list[str]
    rows: list[dict[str, float | None]]
    agreement: list[dict[str, Any]]


class Embedding(Stored):
    layer: str
    probes: list[Probe] | None = None
    importance: Importance | None = None


def _charts(report: Report) -> dict[str, Chart]:
    charts, embedding = {}, report["embedding"] or {}
    importance = embedding.get("importance") or {}
    if embedding.get("probes"):
        charts["probes"] = probes_figure(embedding["probes"], groups_in_words(report))
    if importance.get("agreement"):
        charts["rankings"] = rankings_figure(importance)
    if importance.get("refit"):
        charts["refit"] = refit_figure(importance["refit"], _refit_unit(report, importance), error_in_words(report))
    return charts | sweep_charts(report)


def _refit_unit(report: Report, importance: dict[str, Any]) -> str:
    return str(importance.get("refit_unit", report["score"]["unit"]))


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
    for (row, column), rho in np.ndenumerate(table):
        known = bool(np.isfinite(rho))  # a ranking that ties all variables agrees with none
        share = float(np.clip(rho, 0, 1)) if known else 0.0
        colour = tuple((1 - share) * WEAK + share * STRONG)
        axes.fill_between([column - 0.48, column + 0.48], row - 0.46, row + 0.46, color=colour, linewidth=0)
        ink = "#ffffff" if share > 0.55 else "#101418"
        axes.text(column, row, f"{rho:.2f}".replace("-", "−") if known else "–", color=ink, ha="center", va="center")


def refit_figure(refit: list[dict[str, Any]], unit: str, what: str = "error") -> Chart:
    """Error when only the first variables of an order are kept and the rest of the head is fitted again; what: it is called."""
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
        axes.set(xlabel="variables kept", ylabel=f"{what} after refit, {unit}")
        axes.set_xscale("log", base=2)
        axes.set_xticks(sorted({row["kept"] for row in refit}), [str(k) for k in sorted({r["kept"] for r in refit})])
        axes.xaxis.set_minor_locator(MaxNLocator(1))
        axes.tick_params(axis="x", which="minor", length=0)
        legend_above(axes, 3)

    return chart(
        "refit",
        "How few variables would do",
        f"The {what} when only so many embedding variables are kept and the output is fitted again, by the order in which they "
        "are kept. A ranking that is no better than a random choice is worth nothing.",
        draw,
        height=3.2,
    )


def embedding_tables(report: Report) -> dict[str, Table]:
    """Those whose part of the report is there, by name."""
    found = report["embedding"] or {}
    tables = {}
    if found.get("measures") or found.get("cka") is not None:
        tables["measures"] = _measures(found)
    if found.get("probes"):
        tables["probes"] = _probes(found["probes"])
    importance = found.get("importance") or {}
    if importance.get("rows"):
        tables["importance"] = _importance(importance)
    if importance.get("agreement"):
        tables["rankings"] = _rankings(importance)
    if importance.get("refit"):
        tables["refit"] = _refit(importance["refit"], _refit_unit(report, importance), error_in_words(report))
    return tables | sweep_tables(report)


def _measures(found: dict[str, Any]) -> Table:
    rows = [(name.replace("_", " "), general(one)) for name, one in (found.get("measures") or {}).items()]
    if found.get("cka") is not None:
        rows.append(("likeness of teacher's and student's embedding (unbiased CKA)", spread(found["cka"], 3)))
    return Table(
        "Measures of the embedding",
        ("measure", "value"),
        tuple(tuple(Cell(text) for text in row) for row in rows),
        frozenset({0}),
        sorts=False,
    )


def _probes(rows: list[dict[str, Any]]) -> Table:
    shown = [
        (row["what"], model(row["model"]), between(row["score"], 2), row["unit"], value(row["r2"], 3)) for row in rows
    ]
    return table("Probes", ("property", "model", "error of the probe", "unit", "R²"), shown, (0, 1, 3))


def _importance(found: dict[str, Any]) -> Table:
    methods = found["methods"]
    rows = [[Cell(str(row["variable"])), *(_figure(row.get(one)) for one in methods)] for row in found["rows"]]
    return table("Importance of the embedding's variables", ("variable", *methods), rows)


def _figure(one: float | None) -> Cell:
    return Cell(general(one), float("-inf") if one is None else float(one))


def _rankings(found: dict[str, Any]) -> Table:
    rows = [(row["a"], row["b"], value(row["spearman"], 2)) for row in found["agreement"]]
    tied = [f"{name} {number(ties, 0)}" for name, ties in (found.get("ties") or {}).items() if ties]
    caption = f"Variables that share their rank with another: {', '.join(tied)}." if tied else "No ranking has ties."
    return table("Agreement of rankings", ("ranking", "and", "rank correlation"), rows, (0, 1), caption)


def _refit(rows: list[dict[str, Any]], unit: str, what: str) -> Table:
    shown = [
        (row["order"], Cell(count(row["kept"]), row["kept"]), value(row["error"], digits_of(unit))) for row in rows
    ]
    return table("Refit", ("kept in the order of", "variables kept", f"{what} after refit, {unit}"), shown)


def _awaits(report: Report) -> list[tuple[str, str]]:
    return [] if report["sweep"] else [("the embedding sweep", "explain")]


SECTION = Section(
    name="embedding",
    place=90,
    label="Embedding",
    reads={"embedding": Embedding | None, "sweep": schemas.Sweep | None, "sweep_mean": MeanSweep | None},
    charts=_charts,
    tables=embedding_tables,
    csv={
        "probes": rows_at("embedding", "probes"),
        "importance": rows_at("embedding", "importance", "rows"),
        "importance_agreement": rows_at("embedding", "importance", "agreement"),
        "refit": rows_at("embedding", "importance", "refit"),
        "sweep_mean": rows_at("sweep_mean", "variables"),
        "sweep": points_at("sweep", "variables"),
        "sweep_mean_paths": points_at("sweep_mean", "paths"),
    },
    awaits=_awaits,
    template=Path(__file__).with_suffix(".html"),
)
