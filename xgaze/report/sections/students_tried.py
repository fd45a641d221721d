"""The search: every student tried, the one taken, and the surgeries that made it, with their proofs."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from xgaze.artifacts import STUDENT
from xgaze.report.drawing.forest import ends
from xgaze.report.drawing.format import (
    DASH,
    changed,
    count,
    number,
    percent,
    percent_interval,
    times,
    tiny,
    worse_unit,
)
from xgaze.report.drawing.svg import (
    BLUE,
    MARK,
    MUTED,
    ORANGE,
    OTHERS,
    WHOLE,
    Chart,
    Spot,
    chart,
    legend_above,
)
from xgaze.report.drawing.tables import Cell, Table, table, value
from xgaze.report.results import read_frontier
from xgaze.report.schemas import Interval
from xgaze.report.section import Report, Rows, Run, Section, rows_at
from xgaze.report.words import has_labels
from xgaze.stored import Stored
from xgaze.units import digits_of

CANDIDATE_COLUMNS = (
    "method",
    "stage",
    "against",
    "towers_share",
    "coarse_input",
    "parameters",
    "parameter_reduction",
    "fc_parameters",
    "fc_reduction",
    "latency_ms",
)
IN_WORDS = {"%": "percent", "points": "percentage points"}


class Candidate(Stored):
    """A row of budget.csv."""

    method: str
    stage: str
    rank: int | None
    terms: int | None
    towers_share: float
    coarse_input: bool
    parameters: float
    parameter_reduction: float | None
    fc_parameters: float
    fc_reduction: float | None
    error: float
    chosen: bool
    difference_percent: Interval


def candidates(student: Path) -> Rows:
    """Every student tried, as the search wrote them."""
    frontier = read_frontier(student)
    return [
        {key: None if pd.isna(row[key]) else int(row[key]) for key in ("rank", "terms")}
        | {key: None if pd.isna(row[key]) else row[key] for key in CANDIDATE_COLUMNS}
        | {"error": row["validation_score"], "chosen": bool(row["chosen"])}
        | {"difference_percent": {end: _told(row[f"worse_percent_{end}"]) for end in ("mean", "low", "high")}}
        for row in frontier.to_dict("records")
    ]


def _told(value: Any) -> float | None:
    """Of a table: an empty cell is an end that is not defined."""
    return None if pd.isna(value) else float(value)


def _gather(run: Run) -> Report:
    return {"candidates": candidates(run.folder / STUDENT) if run.student else []}


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
        spots=_spots(rows, size, unit),
    )


def _spots(rows: Rows, size: str, unit: str) -> list[Spot]:
    """One over each mark that is drawn."""
    shown = [row for _, _, own in _series(rows) for row in own]
    return [Spot(row[size], row["difference_percent"]["mean"], told_of(row, unit)) for row in shown]


def told_of(row: dict[str, Any], unit: str) -> str:
    """Which student a mark is, what it costs, and what it loses."""
    lost, fc = row["difference_percent"], count(round(row["fc_parameters"]))
    time = "" if row["latency_ms"] is None else f"; {number(row['latency_ms'], 2)} ms"
    return (
        f"{_which(row)}: {count(round(row['parameters']))} parameters ({_fewer(row['parameter_reduction'])}), {fc} in fully "
        f"connected layers{time}; worse by {percent(lost['mean'], unit)} ({percent_interval(lost, unit)})"
    )


def _which(row: dict[str, Any]) -> str:
    """As "rank 6, filters of 2 terms, 50 % of the towers, tuned end to end, chosen"."""
    told = [] if row["method"] == "xgaze" else [row["method"]]
    told.append("whole rank" if row["rank"] is None else f"rank {row['rank']}")
    if row["terms"] is not None:
        told.append(f"filters of {row['terms']} term{'s' * (row['terms'] > 1)}")
    if row["towers_share"] < 1:
        told.append(f"{100 * row['towers_share']:g} % of the towers")
    told += ["half size"] * bool(row["coarse_input"])
    return ", ".join([*told, row["stage"], *["chosen"] * bool(row["chosen"])])


def _fewer(ratio: float | None) -> str:
    """Than the teacher."""
    return DASH if ratio is None else changed(ratio, "fewer", "as many")


def _series(rows: list[dict[str, Any]]) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """(label, colour, rows) of what there is to show; separable filters before tuning are of no interest."""
    own = [row for row in rows if row["method"] == "xgaze"]

    def of(stage: str, separable: bool) -> list[dict[str, Any]]:
        return [row for row in own if row["stage"] == stage and (row["terms"] is not None) == separable]

    whole = [row for row in own if row["stage"] == "tuned end to end"]
    found = [
        ("low rank, untuned", MUTED, of("no training", False)),
        ("low rank, tuned", BLUE, of("head tuned", False)),
        ("low rank and separable, tuned", ORANGE, of("head tuned", True)),
        ("tuned end to end", WHOLE, whole),
        ("other ways", OTHERS, [row for row in rows if row["method"] != "xgaze"]),
    ]
    return [one for one in found if one[2]]


def _charts(report: Report) -> dict[str, Chart]:
    groups = report.get("groups", "participants")
    return {"frontier": candidates_figure(report["candidates"], report["budget_percent"], worse_unit(report), groups)}


def search_tables(report: Report) -> dict[str, Table]:
    tables = {"frontier": _candidates(report)}
    return tables | ({"surgeries": surgeries_table(report["surgeries"])} if report["surgeries"] else {})


def _candidates(report: dict[str, Any]) -> Table:
    rows, unit = report["candidates"], report["score"]["unit"]
    columns = (
        "rank",
        "stage",
        "filters",
        "method",
        "towers",
        "parameters",
        "FC parameters",
        f"validation {unit}" if has_labels(report) else f"from the teacher, {unit}",
        "worse by",
    )
    shown = [_candidate(row, digits_of(unit), worse_unit(report)) for row in rows]
    # A column that says the same in every row says nothing.
    told = [k for k in range(len(columns)) if k not in (2, 3, 4) or len({row[k].text for row in shown}) > 1]
    return table(
        "Students tried",
        [columns[k] for k in told],
        [[row[k] for k in told] for row in shown],
        [told.index(k) for k in range(5) if k in told],
        chosen=[k for k, row in enumerate(rows) if row["chosen"]],
    )


def _candidate(row: dict[str, Any], digits: int, in_unit: str) -> list[Cell]:
    rank = "all" if row["rank"] is None else str(row["rank"])
    worse = row["difference_percent"]
    towers = f"{100 * row['towers_share']:g} %{', half size' * bool(row['coarse_input'])}"
    return [
        Cell(f"{rank} (chosen)" if row["chosen"] else rank, 1e9 if row["rank"] is None else row["rank"]),
        Cell(row["stage"]),
        Cell(
            "whole" if row["terms"] is None else f"{row['terms']} term{'s' * (row['terms'] > 1)}",
            1e9 if row["terms"] is None else row["terms"],
        ),
        Cell(row["method"]),
        Cell(towers, row["towers_share"]),
        Cell(f"{count(row['parameters'])} ({_less(row['parameter_reduction'])})", row["parameters"]),
        Cell(f"{count(row['fc_parameters'])} ({_less(row['fc_reduction'])})", row["fc_parameters"]),
        value(row["error"], digits),
        Cell(f"{percent(worse['mean'], in_unit)} ({_bare(worse, in_unit)})", worse["mean"]),
    ]


def _less(ratio: float | None) -> str:
    """How many times fewer than the teacher, short; in words where there are more."""
    return DASH if ratio is None else times(ratio) if ratio >= 1 else changed(ratio, "", "as many")


def _bare(worse: dict[str, Any], unit: str) -> str:
    return percent_interval(worse, unit).replace(f" {unit}", "")


def surgeries_table(surgeries: list[dict[str, Any]]) -> Table:
    rows = [
        (
            surgery_in_words(one),
            Cell(where_in_words(one), look="code"),
            Cell(f"{one['proof']['kind']} ({one['proof']['unit']})", look="long"),
            *_proof(one),
        )
        for one in surgeries
    ]
    return table("Surgeries", ("surgery", "layer", "what was checked", "measured", "limit"), rows, (0, 1, 2))


def _proof(one: dict[str, Any]) -> tuple[Cell, Cell]:
    measured, limit = one["proof"]["value"], one["proof"]["limit"]
    return Cell(tiny(measured), measured), Cell(tiny(limit), limit)


def surgery_in_words(one: dict[str, Any]) -> str:
    """What was done, as the surgery's own words say it; of one that brings none, its kind."""
    return str(one.get("words") or str(one["kind"]).replace("_", " "))


def where_in_words(one: dict[str, Any]) -> str:
    """At which layers, as the surgery says it; of one that does not, all that is stored of it."""
    known = ("kind", "proof", "words", "where")
    own = (f"{key} {_plain(held)}" for key, held in one.items() if key not in known and held is not None)
    return str(one["where"]) if one.get("where") is not None else ", ".join(own)


def _plain(held: Any) -> str:
    return ", ".join(map(str, held)) if isinstance(held, list | dict) else str(held)


def _awaits(report: Report) -> list[tuple[str, str]]:
    return [] if report["student"] else [("the student and how it was found", "distill")]


SECTION = Section(
    name="search",
    place=50,
    label="The search",
    reads={"candidates": list[Candidate]},
    gather=_gather,
    charts=_charts,
    tables=search_tables,
    csv={"candidates": rows_at("candidates")},
    awaits=_awaits,
    template=Path(__file__).with_suffix(".html"),
)
