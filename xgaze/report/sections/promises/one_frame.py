"""How sure is one frame? The radius around a prediction within which so many frames of a new person lie, and whether they do."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from xgaze.report.claimed import FrameRadii
from xgaze.report.claims import FRAME_RADII, frame_in_words
from xgaze.report.drawing.forest import ends
from xgaze.report.drawing.format import DASH
from xgaze.report.drawing.svg import COLOURS, MUTED, SHAPES, Chart, chart, legend_above
from xgaze.report.drawing.tables import Cell, Table, between, model, table, value
from xgaze.report.section import Report, Rows, Run, Section
from xgaze.report.words import groups_in_words

APART = 0.4  # points: marks of two models at one level must not hide each other


def _gather(run: Run) -> Report:
    cards = {"teacher": run.teacher, "student": run.student}
    stored = {name: card.metrics.get(FRAME_RADII) for name, card in cards.items() if card is not None}
    found = {name: one for name, one in stored.items() if one and any(row["radius"] is not None for row in one["rows"])}
    return {FRAME_RADII: found or None}


def _words(report: Report) -> list[str]:
    found, who = report[FRAME_RADII], groups_in_words(report)
    first = next(iter(found.values()))
    few = [one["level_percent"] for one in first["rows"] if one["radius"] is None]
    told = [
        f"The interval of a mean says nothing of one frame. A frame's own is a radius: each of the {first['validation']} "
        f"validation {who} counts the same, and one more, who is not there yet, counts as infinitely wrong (hierarchical "
        f"split-conformal prediction). Models were chosen on these {who}, so the promise is held against the test {who}.",
    ]
    if few:
        told.append(
            f"So few validation {who} promise nothing from {min(few):g} % on: {_needed(min(few))} are needed for that."
        )
    return told + [line for name, one in found.items() if (line := frame_in_words(one, who, f"the {name}'s"))]


def _needed(level_percent: float) -> int:
    """People for a radius at this level."""
    return int(np.ceil(round(level_percent / (100 - level_percent), 9)))


def coverage_figure(found: dict[str, Any], who: str) -> Chart:
    """Measured coverage over promised, a line per model."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.plot([45, 100], [45, 100], color=MUTED, linewidth=0.9, linestyle=":", label="as promised")
        for k, (name, one) in enumerate(found.items()):
            rows = [row for row in one["rows"] if row["radius"] is not None]
            means, lows, highs = np.array([ends(row["coverage_percent"]) for row in rows]).T
            places = [row["level_percent"] + APART * (2 * k - 1) for row in rows]
            look: dict[str, Any] = {"color": COLOURS[name], "markersize": 4, "capsize": 2, "label": name}
            axes.errorbar(places, means, (means - lows, highs - means), fmt=f"{SHAPES[name]}-", **look)
        axes.set(xlabel="promised, % of frames", ylabel="measured, % of frames", xlim=(45, 100), ylim=(None, 101))
        legend_above(axes)

    return chart(
        "frames",
        "Frames within their radius: promised and measured",
        f"Mean share of a test person's frames, with 95 % intervals over {who}. Below the dotted line it promises too much.",
        draw,
        height=3.0,
    )


def _table(report: Report) -> Table:
    found = report[FRAME_RADII]
    unit = next(iter(found.values()))["unit"]
    rows = [
        (
            model(name),
            Cell(f"{row['level_percent']:g} %", row["level_percent"]),
            value(row["radius"]),
            Cell(DASH, -1) if row["coverage_percent"] is None else between(row["coverage_percent"]),
            value(row["least_percent"]),
        )
        for name, one in found.items()
        for row in one["rows"]
    ]
    columns = ("model", "promised", f"radius, {unit}", "measured, % of frames", "fewest of one, %")
    return table("One frame", columns, rows)


def flat_radii(report: Report) -> Rows:
    """A row for each model and level."""
    return [{"model": name, **row} for name, one in (report.get(FRAME_RADII) or {}).items() for row in one["rows"]]


def _answers(report: Report) -> list[tuple[str, str]]:
    found, who = report.get(FRAME_RADII) or {}, groups_in_words(report)
    name = "student" if "student" in found else "teacher"
    told = frame_in_words(found.get(name), who, f"the {name}'s")
    return [("How sure is one frame?", told)] if told else []


SECTION = Section(
    name="frame",
    place=42,
    label="One frame",
    reads={FRAME_RADII: dict[str, FrameRadii] | None},
    gather=_gather,
    words=_words,
    charts=lambda report: {"frames": coverage_figure(report[FRAME_RADII], groups_in_words(report))},
    tables=lambda report: {"frames": _table(report)},
    csv={"frame_radii": flat_radii},
    answers=_answers,
)
