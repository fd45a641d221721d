"""Charts of a run: its people, the students tried, the directions in use. Each takes a part of report.json."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from xgaze.report.drawing.forest import ends
from xgaze.report.drawing.format import number
from xgaze.report.drawing.svg import MARK, MUTED, OTHERS, STUDENT, TEACHER, WHOLE, Chart, chart, legend_above

SPECTRUM_SHOWN = 32
IN_WORDS = {"%": "percent", "points": "percentage points"}
SPECTRA = (
    ("singular_share", "weight", MUTED),
    ("output_share", "layer's output", TEACHER),
    ("active_share", "what the prediction needs", STUDENT),
)


def participants_figure(rows: list[dict[str, Any]], what: str, name: str = "people", who: str = "people") -> Chart:
    """Every test participant: teacher and student, joined, in the order of the teacher."""
    rows = sorted(rows, key=lambda row: row["teacher"])
    place = np.arange(len(rows))
    teacher = np.array([row["teacher"] for row in rows])
    student = np.array([row["student"] for row in rows], float) if rows[0]["student"] is not None else None

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        if student is not None:
            # One broken line, not one per person: a third of the figure's bytes.
            joins = np.column_stack((teacher, student, np.full(len(rows), np.nan))).ravel()
            axes.plot(np.repeat(place, 3), joins, color=MUTED, linewidth=1, alpha=0.6)
            axes.plot(place, student, "s", color=STUDENT, markersize=3.2, label="student")
        axes.plot(place, teacher, "o", color=TEACHER, markersize=3.5, label="teacher")
        axes.set(xlabel=f"{who}, sorted by the teacher's figure", ylabel=what, xlim=(-1, len(rows)))
        axes.set_ylim(bottom=0)
        legend_above(axes)

    spread = f"Teacher from {number(teacher.min())} to {number(teacher.max())}."
    return chart(name, f"{what[0].upper()}{what[1:]}, of all test {who}", spread, draw)


def candidates_figure(
    rows: list[dict[str, Any]], budget_percent: float, unit: str = "%", groups: str = "participants"
) -> Chart:
    """Students tried: size against the loss on validation participants; all parameters, or those of FC layers where the towers
    stay. unit: of the loss."""
    whole = any(row["towers_share"] < 1 for row in rows)
    size, words = ("parameters", "parameters") if whole else ("fc_parameters", "parameters in fully connected layers")

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for label, colour, own in _series(rows):
            own = sorted(own, key=lambda row: row[size])
            x = np.array([row[size] for row in own])
            y, low, high = np.array([ends(row["difference_percent"]) for row in own]).T
            axes.errorbar(x, y, (y - low, high - y), fmt="o", color=colour, markersize=5, capsize=3, label=label)
        chosen = [row for row in rows if row["chosen"]]  # none where a later search found nothing within its budgets
        for row in chosen:
            spot = (row[size], row["difference_percent"]["mean"])
            axes.plot(*spot, "o", markersize=14, fillstyle="none", color=MARK, markeredgewidth=2, label="chosen")
        axes.axhline(budget_percent, color=MARK, linestyle="--", linewidth=1, label=f"budget {budget_percent:g} {unit}")
        axes.set_xscale("log")
        axes.set(xlabel=f"{words} (log scale)", ylabel=f"worse by, {unit}")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        # One student that lost everything must not flatten the curve of all others.
        top = 1.3 * max(ends(row["difference_percent"])[2] for row in rows if row["stage"] != "no training")
        axes.set_ylim(bottom=1.2 * min(0, *(ends(row["difference_percent"])[1] for row in rows)))
        least = [1.2 * ends(row["difference_percent"])[2] for row in chosen]
        axes.set_ylim(top=max(min(top, 30), 2 * budget_percent, *least))
        legend_above(axes, columns=3)

    return chart(
        "frontier",
        f"Students tried on validation {groups}",
        f"Loss against the reference in {IN_WORDS.get(unit, unit)} with 95 % intervals, by number of {words}.",
        draw,
    )


def _series(rows: list[dict[str, Any]]) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """(label, colour, rows) of what there is to show; separable filters before tuning are of no interest."""
    own = [row for row in rows if row["method"] == "xgaze"]

    def of(stage: str, separable: bool) -> list[dict[str, Any]]:
        return [row for row in own if row["stage"] == stage and (row["terms"] is not None) == separable]

    whole = [row for row in own if row["stage"] == "tuned end to end"]
    found = [
        ("low rank, untuned", MUTED, of("no training", False)),
        ("low rank, tuned", TEACHER, of("head tuned", False)),
        ("low rank and separable, tuned", STUDENT, of("head tuned", True)),
        ("tuned end to end", WHOLE, whole),
        ("other ways", OTHERS, [row for row in rows if row["method"] != "xgaze"]),
    ]
    return [one for one in found if one[2]]


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
