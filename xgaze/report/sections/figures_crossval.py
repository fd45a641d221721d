"""Charts of a cross validation: scores beside baselines, confusion matrices, participants, history."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from xgaze.report.drawing.forest import Series, forest, height, name_rows
from xgaze.report.drawing.svg import CYCLE, MUTED, TEACHER, Chart, chart, legend_above, legend_over
from xgaze.report.sections.figures import participants_figure
from xgaze.report.words import groups_in_words

GRID_COLUMNS, GRID_SHOWN = 9, 63
CLASSES_WRITTEN = 12
MEASURES_SHOWN = 10
SHAPES = ("o", "s", "D", "^", "v", "P")


def crossval_charts(name: str, found: dict[str, Any]) -> dict[str, Chart]:
    """All charts of one cross validation; names begin with `name`."""
    charts = {f"{name}-score": score_figure(f"{name}-score", found)}
    if found["confusion"]:
        charts[f"{name}-sum"] = sum_figure(f"{name}-sum", found["confusion"], found["groups"])
        if found["confusion"]["participants"]:
            charts[f"{name}-people"] = people_figure(f"{name}-people", found["confusion"], found["groups"])
    else:
        rows = [{"teacher": one["error"], "student": None} for one in found["per_participant"]]
        what = f"mean error, {found['score']['unit']}"
        charts[f"{name}-people"] = participants_figure(rows, what, f"{name}-people", groups_in_words(found))
    if found["history"]:
        charts[f"{name}-history"] = history_figure(f"{name}-history", found["history"], found["groups"])
    return charts


def score_figure(name: str, found: dict[str, Any]) -> Chart:
    """Every measure of the model and of its baselines, with intervals over participants."""
    names = ["teacher", *found["baselines"]]
    rows = found["measures"]
    if len(rows) > MEASURES_SHOWN:  # many classes: theirs stand in the table
        rows = [row for row in rows if not row["measure"].startswith("F1 of ")]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        series = [
            Series(one, CYCLE[k % len(CYCLE)], SHAPES[k % len(SHAPES)], [row[one] for row in rows])
            for k, one in enumerate(names)
        ]
        forest(axes, series)
        name_rows(axes, [row["measure"] for row in rows])
        legend_above(axes, columns=3)

    return chart(
        name,
        "Scores of the cross validation",
        f"Over all folds, with 95 % intervals over {found['groups']}; baselines were fitted and tested on the same ones.",
        draw,
        height=height(2 * len(rows)),
    )


def sum_figure(name: str, confusion: dict[str, Any], who: str) -> Chart:
    """The sum of all participants' confusion matrices; colours are shares of the true class."""
    classes = confusion["classes"]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        _matrix(axes, confusion["sum"], size=10, written=len(classes) <= CLASSES_WRITTEN)
        axes.set_xticks(range(len(classes)), classes, rotation=90 if len(classes) > 4 else 0)
        axes.set_yticks(range(len(classes)), classes)
        axes.set(xlabel="told by the model", ylabel="truth")

    side = min(6.0, 2.2 + 0.35 * len(classes))
    return chart(
        name,
        f"Confusion matrix, all {who}",
        "Numbers of samples; each row is a true class, and the darker a cell, the larger its share of the row.",
        draw,
        height=side,
    )


def people_figure(name: str, confusion: dict[str, Any], who: str) -> Chart:
    """A small confusion matrix for every participant."""
    people = confusion["participants"][:GRID_SHOWN]
    lines = -(-len(people) // GRID_COLUMNS)

    def draw(figure: Figure) -> None:
        grid = np.atleast_2d(figure.subplots(lines, GRID_COLUMNS)).ravel()
        for axes, one in zip(grid, people, strict=False):
            _matrix(axes, one["matrix"], size=6, written=len(confusion["classes"]) <= 3)
            axes.set_title(one["participant"][:12], fontsize=6, pad=2)
        for axes in grid:
            axes.set_xticks([])
            axes.set_yticks([])
        for axes in grid[len(people) :]:
            axes.set_visible(False)

    order = ", ".join(confusion["classes"])
    more = len(confusion["participants"]) - len(people)
    left = f" {more} more {who} stand in the table." if more else ""
    return chart(
        name,
        f"Confusion matrices of the {who}",
        f"Rows are the true classes, columns what the model told, both in the order {order}.{left}",
        draw,
        height=0.4 + 0.95 * lines,
    )


def history_figure(name: str, history: Sequence[dict[str, Any]], who: str) -> Chart:
    """One line per outer fold: what validation participants said after each epoch, and the training loss."""
    figures = list(dict.fromkeys(key for row in history for key in row if key not in ("seed", "fold", "epoch")))
    folds = sorted({(row["seed"], row["fold"]) for row in history})

    def draw(figure: Figure) -> None:
        panels = np.atleast_1d(figure.subplots(1, len(figures)))
        for axes, key in zip(panels, figures, strict=True):
            for place in folds:
                own = [row for row in history if (row["seed"], row["fold"]) == place and key in row]
                colour = CYCLE[(place[1] - 1) % len(CYCLE)] if len(folds) <= len(CYCLE) else MUTED
                label = f"fold {place[1]}" if place[0] == 0 else None
                axes.plot([row["epoch"] for row in own], [row[key] for row in own], color=colour, lw=1, label=label)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.set(xlabel="epoch", title=key.replace("_", " "))
        if len(folds) <= len(CYCLE):
            legend_over(figure, panels[0], columns=6)

    return chart(
        name,
        "History of the trainings",
        f"One line per outer fold, the mean over its inner trainings; the test {who} have no part in it.",
        draw,
    )


def _matrix(axes: Axes, counts: list[list[int]], size: float, written: bool) -> None:
    """Cells as squares whose opacity is the share of the row: no bitmap, so that both colour schemes can be read."""
    matrix = np.array(counts)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            place = (column - 0.5, row - 0.5)
            axes.add_patch(Rectangle(place, 1, 1, facecolor=TEACHER, alpha=0.1 + 0.5 * float(shares[row, column])))
        if written and (count or size > 6):
            axes.text(column, row, str(count), ha="center", va="center", fontsize=size)
    axes.set(xlim=(-0.5, len(matrix) - 0.5), ylim=(len(matrix) - 0.5, -0.5), aspect="equal")
