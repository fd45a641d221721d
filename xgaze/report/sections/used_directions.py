"""Capacity of the first fully connected layer: how many of its directions the prediction needs."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from xgaze.artifacts import STUDENT
from xgaze.report import schemas
from xgaze.report.drawing.format import (
    count,
    number,
)
from xgaze.report.drawing.svg import (
    BLUE,
    MARK,
    MUTED,
    ORANGE,
    Chart,
    chart,
    legend_above,
)
from xgaze.report.drawing.tables import Cell, Table, table, value
from xgaze.report.results import read_capacity
from xgaze.report.section import Report, Run, Section

SPECTRUM_SHOWN = 32
SPECTRA = (
    ("singular_share", "weight", MUTED),
    ("output_share", "layer's output", BLUE),
    ("active_share", "what the prediction needs", ORANGE),
)

COMPONENTS_SHOWN = 32


def _gather(run: Run) -> Report:
    return {"capacity": read_capacity(run.folder / STUDENT) if run.student else None}


def spectrum_figure(capacity: dict[str, Any]) -> Chart:
    """Cumulative share of variance over components, three spectra; the 99 % line and the chosen rank."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for key, label, colour in SPECTRA:
            lost = 100 * np.clip(1 - np.cumsum(capacity[key])[:SPECTRUM_SHOWN], 1e-7, None)
            axes.plot(np.arange(1, len(lost) + 1), lost, "o-", color=colour, markersize=3, label=label)
        axes.axhline(1, color=MUTED, linestyle=":", linewidth=1)
        rank = capacity["chosen_rank"]
        if rank is not None:
            axes.axvline(rank, color=MARK, linestyle="--", linewidth=1.2, label=f"chosen rank {rank}")
        axes.set_yscale("log")
        axes.set_ylim(1e-4, 120)
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlabel="components kept", ylabel="variance not covered, %")
        legend_above(axes)

    return chart(
        "spectrum",
        "How many directions the first fully connected layer uses",
        "Percent of variance not covered after keeping so many components; the dotted line marks 1 %.",
        draw,
    )


def _capacity(found: dict[str, Any]) -> Table:
    needed = found["components_99"]
    terms = found["chosen_terms"]
    rows = [
        ("components for 99 % of the weight", count(needed["weight"])),
        ("components for 99 % of the layer's output", count(needed["output"])),
        ("components of the output for 99 % of the prediction", count(needed["prediction"])),
        ("active subspace (expected rank)", count(needed["active_subspace"])),
        ("effective rank of the output", number(found["effective_rank"])),
        ("participation ratio of the output", number(found["participation_ratio"])),
        (
            "rank chosen" + (f", with {terms} outer product{'s' * (terms > 1)} per filter" if terms else ""),
            "all" if found["chosen_rank"] is None else count(found["chosen_rank"]),
        ),
    ]
    return Table(
        "Measures of used width",
        ("measure", "value"),
        tuple(tuple(Cell(text) for text in row) for row in rows),
        frozenset({0}),
        "Percentages are of variance.",
        frozenset({len(rows) - 1}),
        sorts=False,
    )


def _spectrum(found: dict[str, Any]) -> Table:
    """A layer of fewer inputs than outputs has fewer weights' directions than directions of its output."""
    shares = [found[key] for key in ("singular_share", "output_share", "active_share")]
    shown = range(min(COMPONENTS_SHOWN, max(map(len, shares))))
    rows = [[Cell(str(k + 1)), *(value(100 * one[k] if k < len(one) else None, 4) for one in shares)] for k in shown]
    return table("Spectra", ("component", "weight, %", "output, %", "needed, %"), rows, ())


def _answers(report: Report) -> list[tuple[str, str]]:
    return [("Why so small?", _why(report["capacity"]))] if report.get("capacity") else []


def _why(capacity: dict[str, Any]) -> str:
    separable = ", each seen through separable filters" if capacity["chosen_terms"] else ""
    kept = "all of them" if capacity["chosen_rank"] is None else capacity["chosen_rank"]
    return (
        f"Of the {count(capacity['out_features'])} directions that the first fully connected layer can use, the prediction "
        f"needs about {capacity['expected_rank']} (99 % of the variance that reaches the output); the student keeps "
        f"{kept}{separable}."
    )


def _awaits(report: Report) -> list[tuple[str, str]]:
    return [] if report["capacity"] else [("the capacity of the first fully connected layer", "distill")]


SECTION = Section(
    name="capacity",
    place=70,
    label="Capacity",
    reads={"capacity": schemas.Capacity | None},
    gather=_gather,
    charts=lambda report: {"spectrum": spectrum_figure(report["capacity"])},
    tables=lambda report: {"capacity": _capacity(report["capacity"]), "spectrum": _spectrum(report["capacity"])},
    answers=_answers,
    awaits=_awaits,
    template=Path(__file__).with_suffix(".html"),
)
